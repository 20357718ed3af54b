"""Application Auto Scaling's targets and policies, kept: nothing that a program declares scales here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.errors import AwsError
from mlops.sandbox.provider.handler import Handler, Put
from mlops.sandbox.provider.properties import Properties

_WHERE = {"serviceNamespace": "ServiceNamespace", "resourceId": "ResourceId", "scalableDimension": "ScalableDimension"}


def _delete(call: Call, operation: str, **where: Any) -> None:
    """AWS answers ObjectNotFoundException to the deletion of what is not there, moto a validation error."""
    try:
        call(operation, **where)
    except AwsError as error:
        code = (
            "ObjectNotFoundException"
            if error.code == "ValidationException" and " found for service namespace" in str(error)
            else error.code
        )
        raise AwsError(str(error), code) from error


class Target(Handler):
    type_, service, tagged = "aws:appautoscaling/target:Target", "application-autoscaling", True

    def create(self, call: Call, p: Properties) -> str:
        parameters = self._parameters(call, p)
        call("register_scalable_target", **parameters, Tags=call.tags or None)
        return str(parameters["ResourceId"])

    @staticmethod
    def _parameters(call: Call, p: Properties) -> dict[str, Any]:
        p.expect(*_WHERE, "minCapacity", "maxCapacity")
        return call.parameters("register_scalable_target", p, {"roleArn": "RoleARN"})

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        where = {"ServiceNamespace": inputs["serviceNamespace"], "ScalableDimension": inputs["scalableDimension"]}
        found = call("describe_scalable_targets", ResourceIds=[id_], **where)["ScalableTargets"]
        if not found:
            raise AwsError(f"{self.type_} {call.name!r}: there is no scalable target {id_}", "ObjectNotFoundException")
        return {"arn": found[0].get("ScalableTargetARN", ""), "roleArn": found[0].get("RoleARN", "")}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        call("register_scalable_target", **self._parameters(call, p))

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        _delete(call, "deregister_scalable_target", **{name: state[key] for key, name in _WHERE.items()})


class Policy(Put):
    type_, service, name_property, name_length = "aws:appautoscaling/policy:Policy", "application-autoscaling", "name", 255

    def create(self, call: Call, p: Properties) -> str:
        p.expect("name", *_WHERE)
        p.only("predictiveScalingPolicyConfiguration", because="nothing scales here")
        p.only("stepScalingPolicyConfiguration", because="nothing scales here, and the platform tracks targets")
        parameters = call.parameters("put_scaling_policy", p, {"name": "PolicyName"})
        call("put_scaling_policy", **parameters)
        return str(parameters["PolicyName"])

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        where = {name: inputs[key] for key, name in _WHERE.items()}
        pages = call("describe_scaling_policies", **where)["ScalingPolicies"]
        found = next((each for each in pages if each["PolicyName"] == id_), None)
        if found is None:
            raise AwsError(f"{self.type_} {call.name!r}: there is no scaling policy {id_}", "ObjectNotFoundException")
        return {"arn": found["PolicyARN"], "alarmArns": [alarm["AlarmARN"] for alarm in found.get("Alarms", [])]}

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        _delete(call, "delete_scaling_policy", PolicyName=id_, **{name: state[key] for key, name in _WHERE.items()})
