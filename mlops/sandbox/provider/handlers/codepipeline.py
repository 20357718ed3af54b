"""CodePipeline's pipelines, CodeCommit's repositories, connections and notification rules."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.handler import EXECUTED, KEPT, Handler
from mlops.sandbox.provider.properties import Properties

_TYPE_ID = ("category", "owner", "provider", "version")


class Pipeline(Handler):
    type_, service, level, tagged = "aws:codepipeline/pipeline:Pipeline", "codepipeline", EXECUTED, True
    name_property, name_length = "name", 100

    def create(self, call: Call, p: Properties) -> str:
        return call("create_pipeline", pipeline=self._pipeline(call, p), tags=call.tag_list("key", "value") or None)["pipeline"]["name"]

    def _pipeline(self, call: Call, p: Properties) -> dict[str, Any]:
        p.expect("name", "roleArn", "stages", "artifactStores")
        stores = [self._store(call, block) for block in p.blocks("artifactStores")]
        stages = [self._stage(call, block) for block in p.blocks("stages")]
        found = call.parameters("create_pipeline", p, {"pushes": "push"}, member="pipeline")
        found |= {"stages": stages, "pipelineType": found.get("pipelineType", "V1")}
        if len(stores) == 1 and stores[0][0] is None:
            return {**found, "artifactStore": stores[0][1]}
        return {**found, "artifactStores": {region or "": store for region, store in stores}}

    @staticmethod
    def _store(call: Call, block: Properties) -> tuple[str | None, dict[str, Any]]:
        region = block.take("region")
        return region, call.parameters("create_pipeline", block, member="pipeline.artifactStore")

    def _stage(self, call: Call, block: Properties) -> dict[str, Any]:
        actions = [self._action(call, action) for action in block.blocks("actions")]
        return {**call.parameters("create_pipeline", block, member="pipeline.stages"), "actions": actions}

    @staticmethod
    def _action(call: Call, block: Properties) -> dict[str, Any]:
        type_id = {key: block.require(key) for key in _TYPE_ID}
        artifacts = {key: [{"name": name} for name in block.take(key) or ()] for key in ("inputArtifacts", "outputArtifacts")}
        more = call.parameters("create_pipeline", block, member="pipeline.stages.actions")
        return {**more, "actionTypeId": type_id, **{key: value for key, value in artifacts.items() if value}}

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        call("get_pipeline", name=id_)
        return {"arn": call.arn(id_)}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        call("update_pipeline", pipeline=self._pipeline(call, p))

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_pipeline", name=id_)


class Repository(Handler):
    type_, service, level, tagged = "aws:codecommit/repository:Repository", "codecommit", EXECUTED, True
    replaced_here = ("repositoryName",)

    def create(self, call: Call, p: Properties) -> str:
        p.only("defaultBranch", "main", because="a new repository has no branches yet")
        name = p.require("repositoryName")
        call(
            "create_repository",
            repositoryName=name,
            repositoryDescription=p.take("description"),
            kmsKeyId=p.take("kmsKeyId"),
            tags=call.tags or None,
        )
        return name

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found = call("get_repository", repositoryName=id_)["repositoryMetadata"]
        outputs = {key: found[key] for key in ("cloneUrlHttp", "cloneUrlSsh", "repositoryId")}
        return {**outputs, "arn": found["Arn"], "kmsKeyId": found.get("kmsKeyId")}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        if "description" in changed:
            call("update_repository_description", repositoryName=id_, repositoryDescription=p.values.get("description", ""))
        if "kmsKeyId" in changed:
            call("update_repository_encryption_key", repositoryName=id_, kmsKeyId=p.values.get("kmsKeyId", "alias/aws/codecommit"))

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_repository", repositoryName=id_)


class Connection(Handler):
    # Kept: the handshake with the git host is somebody's work in the console; a folder of this machine stands for the host.
    type_, service, level, tagged = "aws:codeconnections/connection:Connection", "codeconnections", KEPT, True
    name_property, name_length, own_id = "name", 32, True

    def create(self, call: Call, p: Properties) -> str:
        return call(
            "create_connection",
            ConnectionName=p.require("name"),
            ProviderType=p.take("providerType"),
            HostArn=p.take("hostArn"),
            Tags=call.tag_list() or None,
        )["ConnectionArn"]

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found = call("get_connection", ConnectionArn=id_)["Connection"]
        return {
            "arn": id_,
            "connectionStatus": found["ConnectionStatus"],
            "providerType": found["ProviderType"],
            "ownerAccountId": found["OwnerAccountId"],
        }

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_connection", ConnectionArn=id_)


class NotificationRule(Handler):
    type_, service, level, tagged = "aws:codestarnotifications/notificationRule:NotificationRule", "codestar-notifications", EXECUTED, True
    name_property, name_length = "name", 64

    def create(self, call: Call, p: Properties) -> str:
        return call("create_notification_rule", **self._parameters(call, p), Resource=p.values.get("resource"), Tags=call.tags or None)[
            "Arn"
        ]

    @staticmethod
    def _parameters(call: Call, p: Properties) -> dict[str, Any]:
        p.expect("name", "detailType", "eventTypeIds", "resource")
        p.take("resource")
        targets = []
        for block in p.blocks("targets"):
            block.take("status")
            targets.append({"TargetType": block.take("type", "SNS"), "TargetAddress": block.require("address")})
        return {**call.parameters("create_notification_rule", p), "Targets": targets}

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        call("describe_notification_rule", Arn=id_)
        return {"arn": id_}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        call("update_notification_rule", Arn=id_, **self._parameters(call, p))

    def retag(self, call: Call, id_: str, arn: str, add: dict[str, str], remove: list[str]) -> None:
        if add:
            call("tag_resource", Arn=id_, Tags=add)
        for key in remove:
            call("untag_resource", Arn=id_, TagKeys=[key])

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_notification_rule", Arn=id_)
