"""CodeBuild's projects and report groups."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.handler import EXECUTED, Handler
from mlops.sandbox.provider.properties import Properties


class Project(Handler):
    type_, service, level, tagged = "aws:codebuild/project:Project", "codebuild", EXECUTED, True
    name_property, name_length = "name", 150
    _NAMES = {"buildTimeout": "timeoutInMinutes", "queuedTimeout": "queuedTimeoutInMinutes"}

    def create(self, call: Call, p: Properties) -> str:
        return call("create_project", **self._parameters(call, p), tags=call.tag_list("key", "value") or None)["project"]["arn"]

    def _parameters(self, call: Call, p: Properties) -> dict[str, Any]:
        p.only("projectVisibility", "PRIVATE", because="nobody outside looks into it")
        p.only("resourceAccessRole", because="its projects are private")
        p.expect("name", "artifacts", "environment", "serviceRole", "source")
        return call.parameters("create_project", p, self._NAMES)

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        call("batch_get_projects", names=[id_.rsplit("/", 1)[1]])
        return {"arn": id_, "projectVisibility": "PRIVATE"}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        # What is no longer declared goes back to its default.
        defaults: dict[str, Any] = {"description": "", "secondarySources": [], "secondaryArtifacts": [], "cache": {"type": "NO_CACHE"}}
        call("update_project", **{**defaults, **self._parameters(call, p)})

    def retag(self, call: Call, id_: str, arn: str, add: dict[str, str], remove: list[str]) -> None:
        call("update_project", name=id_.rsplit("/", 1)[1], tags=call.tag_list("key", "value"))

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_project", name=id_.rsplit("/", 1)[1])


class ReportGroup(Handler):
    type_, service, level, tagged = "aws:codebuild/reportGroup:ReportGroup", "codebuild", EXECUTED, True
    name_property, name_length = "name", 128

    def create(self, call: Call, p: Properties) -> str:
        p.boolean("deleteReports")
        return call(
            "create_report_group",
            name=p.require("name"),
            type=p.require("type"),
            exportConfig=self._export(call, p),
            tags=call.tag_list("key", "value") or None,
        )["reportGroup"]["arn"]

    @staticmethod
    def _export(call: Call, p: Properties) -> dict[str, Any]:
        p.expect("exportConfig")
        block = p.block("exportConfig")
        if block is None:
            return {}
        return call.parameters("create_report_group", block, {"type": "exportConfigType"}, member="exportConfig")

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found = call("batch_get_report_groups", reportGroupArns=[id_])["reportGroups"]
        return {"arn": id_, "created": str(found[0]["created"]) if found else None}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        call("update_report_group", arn=id_, exportConfig=self._export(call, p))

    def retag(self, call: Call, id_: str, arn: str, add: dict[str, str], remove: list[str]) -> None:
        call("update_report_group", arn=id_, tags=call.tag_list("key", "value"))

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_report_group", arn=id_, deleteReports=bool(state.get("deleteReports")))
