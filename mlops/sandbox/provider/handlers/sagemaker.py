"""SageMaker's model package groups (what else there is of SageMaker is created by state machines)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.handler import EXECUTED, Handler
from mlops.sandbox.provider.properties import Properties


class ModelPackageGroup(Handler):
    type_, service, level, tagged = "aws:sagemaker/modelPackageGroup:ModelPackageGroup", "sagemaker", EXECUTED, True

    def create(self, call: Call, p: Properties) -> str:
        name = p.require("modelPackageGroupName")
        description = p.take("modelPackageGroupDescription")
        call(
            "create_model_package_group",
            ModelPackageGroupName=name,
            ModelPackageGroupDescription=description,
            Tags=call.tag_list() or None,
        )
        return name

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"arn": call("describe_model_package_group", ModelPackageGroupName=id_)["ModelPackageGroupArn"]}

    def retag(self, call: Call, id_: str, arn: str, add: dict[str, str], remove: list[str]) -> None:
        if add:
            call("add_tags", ResourceArn=arn, Tags=[{"Key": key, "Value": value} for key, value in add.items()])
        if remove:
            call("delete_tags", ResourceArn=arn, TagKeys=remove)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        # AWS refuses to delete a group with versions; the real provider leaves that error to the user, and so does this one.
        call("delete_model_package_group", ModelPackageGroupName=id_)
