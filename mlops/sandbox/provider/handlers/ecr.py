"""ECR repositories and the account's registry: kept, for there is no container engine here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.handler import KEPT, Handler, Put
from mlops.sandbox.provider.properties import Properties


class Repository(Handler):
    type_, service, level, tagged = "aws:ecr/repository:Repository", "ecr", KEPT, True
    name_property, name_length = "name", 256
    _NAMES = {"encryptionConfigurations": "encryptionConfiguration", "kmsKey": "kmsKey"}

    def automatic_name(self, stem: str, suffix: str, inputs: Mapping[str, Any]) -> str:
        return super().automatic_name(stem, suffix, inputs).lower()

    def create(self, call: Call, p: Properties) -> str:
        name = p.require("name")
        p.boolean("forceDelete")
        parameters = call.parameters("create_repository", p, self._NAMES)
        call("create_repository", repositoryName=name, **parameters, tags=call.tag_list() or None)
        return name

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found = call("describe_repositories", repositoryNames=[id_])["repositories"][0]
        return {"arn": found["repositoryArn"], "registryId": found["registryId"], "repositoryUrl": found["repositoryUri"]}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        if "imageTagMutability" in changed:
            call("put_image_tag_mutability", repositoryName=id_, imageTagMutability=p.take("imageTagMutability", "MUTABLE"))
        if "imageScanningConfiguration" in changed:
            block = p.block("imageScanningConfiguration")
            scan = {"scanOnPush": bool(block and block.boolean("scanOnPush"))}
            call("put_image_scanning_configuration", repositoryName=id_, imageScanningConfiguration=scan)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_repository", repositoryName=id_, force=bool(state.get("forceDelete")))


class _OnRepository(Put):
    service = "ecr"

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"registryId": call.account}


class LifecyclePolicy(_OnRepository):
    type_, level = "aws:ecr/lifecyclePolicy:LifecyclePolicy", KEPT

    def create(self, call: Call, p: Properties) -> str:
        repository = p.require("repository")
        call("put_lifecycle_policy", repositoryName=repository, lifecyclePolicyText=p.require("policy"))
        return repository

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_lifecycle_policy", repositoryName=id_)


class RepositoryPolicy(_OnRepository):
    type_, level = "aws:ecr/repositoryPolicy:RepositoryPolicy", KEPT

    def create(self, call: Call, p: Properties) -> str:
        repository = p.require("repository")
        call("set_repository_policy", repositoryName=repository, policyText=p.require("policy"))
        return repository

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_repository_policy", repositoryName=id_)


class RegistryPolicy(Put):
    type_, service, level = "aws:ecr/registryPolicy:RegistryPolicy", "ecr", KEPT

    def create(self, call: Call, p: Properties) -> str:
        return call("put_registry_policy", policyText=p.require("policy"))["registryId"]

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"registryId": call("get_registry_policy")["registryId"]}

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_registry_policy")


class RegistryScanningConfiguration(Put):
    type_, service, level = "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration", "ecr", KEPT

    def create(self, call: Call, p: Properties) -> str:
        operation = "put_registry_scanning_configuration"
        call(operation, **call.parameters(operation, p))
        return call.account

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"registryId": call("get_registry_scanning_configuration")["registryId"]}

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        # There is always one; without rules nothing is scanned.
        call("put_registry_scanning_configuration", scanType="BASIC", rules=[])
