"""Route 53 health checks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.handler import EXECUTED, Handler
from mlops.sandbox.provider.properties import Properties

_NAMES = {"fqdn": "FullyQualifiedDomainName", "invertHealthcheck": "Inverted", "enableSni": "EnableSNI", "ipAddress": "IPAddress"}


class HealthCheck(Handler):
    type_, service, level, tagged = "aws:route53/healthCheck:HealthCheck", "route53", EXECUTED, True
    own_id = True

    def create(self, call: Call, p: Properties) -> str:
        reference = p.take("referenceName", call.name)
        configuration = self._configuration(call, p)
        # The reference must be new each time, or AWS answers with the health check that was made with it before.
        found = call("create_health_check", CallerReference=f"{reference}-{call.stamp()}"[:64], HealthCheckConfig=configuration)
        id_ = call.id = found["HealthCheck"]["Id"]
        if call.tags:
            call("change_tags_for_resource", ResourceType="healthcheck", ResourceId=id_, AddTags=call.tag_list())
        return id_

    @staticmethod
    def _configuration(call: Call, p: Properties) -> dict[str, Any]:
        p.expect("type")
        p.only("childHealthchecks", because="it has no calculated health checks")
        p.only("cloudwatchAlarmName", because="it has no health checks of alarms")
        return call.parameters("create_health_check", p, _NAMES, member="HealthCheckConfig")

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        call("get_health_check", HealthCheckId=id_)
        return {"arn": f"arn:{call.partition}:route53:::healthcheck/{id_}"}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        p.take("referenceName")
        configuration = self._configuration(call, p)
        for fixed in ("Type", "RequestInterval", "MeasureLatency"):
            configuration.pop(fixed, None)
        call("update_health_check", HealthCheckId=id_, **configuration)

    def retag(self, call: Call, id_: str, arn: str, add: dict[str, str], remove: list[str]) -> None:
        added = [{"Key": key, "Value": value} for key, value in add.items()]
        call("change_tags_for_resource", ResourceType="healthcheck", ResourceId=id_, AddTags=added or None, RemoveTagKeys=remove or None)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_health_check", HealthCheckId=id_)
