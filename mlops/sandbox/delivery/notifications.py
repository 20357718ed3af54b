"""Notification rules: state changes of pipelines, builds and repositories, published to topics.

Source: "Events for notification rules on pipelines / build projects / repositories" in the Developer Tools console's user guide.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from botocore.exceptions import ClientError
from moto.events.models import Rule

from mlops.sandbox.compute.delivery import Parcel, Sender, deliver
from mlops.sandbox.compute.events import normalised
from mlops.sandbox.delivery.dispatcher import Operation, page
from mlops.sandbox.http import ServiceError

if TYPE_CHECKING:
    from mlops.sandbox.context import Sandbox

log = logging.getLogger(__name__)

SERVICE = "codestar-notifications.amazonaws.com"
_PIPELINE = {"failed": "FAILED", "canceled": "CANCELED", "started": "STARTED", "resumed": "RESUMED", "succeeded": "SUCCEEDED"}
_APPROVAL = {"failed": "FAILED", "needed": "STARTED", "succeeded": "SUCCEEDED"}
_BUILD = {"failed": "FAILED", "succeeded": "SUCCEEDED", "in-progress": "IN_PROGRESS", "stopped": "STOPPED"}

# Event type → (source, detail type, what must be in the detail).
TYPES: dict[str, tuple[str, str, dict[str, Any]]] = {
    **{
        f"codepipeline-pipeline-{what}-execution-{name}": (
            "aws.codepipeline",
            f"CodePipeline {what.capitalize()} Execution State Change",
            {"state": state},
        )
        for what in ("pipeline", "stage", "action")
        for name, state in {**_PIPELINE, **({"superseded": "SUPERSEDED"} if what == "pipeline" else {})}.items()
    },
    **{
        f"codepipeline-pipeline-manual-approval-{name}": (
            "aws.codepipeline",
            "CodePipeline Action Execution State Change",
            {"state": state, "type": {"category": "Approval"}},
        )
        for name, state in _APPROVAL.items()
    },
    **{
        f"codebuild-project-build-state-{name}": ("aws.codebuild", "CodeBuild Build State Change", {"build-status": status})
        for name, status in _BUILD.items()
    },
    "codebuild-project-build-phase-failure": ("aws.codebuild", "CodeBuild Build Phase Change", {"completed-phase-status": "FAILED"}),
    "codebuild-project-build-phase-success": ("aws.codebuild", "CodeBuild Build Phase Change", {"completed-phase-status": "SUCCEEDED"}),
    **{
        f"codecommit-repository-branches-and-tags-{name}": ("aws.codecommit", "CodeCommit Repository State Change", {"event": event})
        for name, event in (("created", "referenceCreated"), ("updated", "referenceUpdated"), ("deleted", "referenceDeleted"))
    },
}


def of(sandbox: Sandbox) -> Notifications:
    """The notification rules of a sandbox."""
    if "notifications" not in sandbox.services:
        sandbox.services["notifications"] = Notifications(sandbox)
    return sandbox.services["notifications"]


def operations(sandbox: Sandbox) -> Mapping[str, Operation]:
    """The API."""
    service = of(sandbox)
    return {
        "CreateNotificationRule": service.create_notification_rule,
        "DescribeNotificationRule": service.describe_notification_rule,
        "UpdateNotificationRule": service.update_notification_rule,
        "DeleteNotificationRule": service.delete_notification_rule,
        "ListNotificationRules": service.list_notification_rules,
        "ListTagsForResource": service.list_tags_for_resource,
        "TagResource": service.tag_resource,
        "UntagResource": service.untag_resource,
    }


class Notifications:
    """All rules of the account; events of the services reach them on their way to the default bus."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.rules: dict[str, dict[str, Any]] = {}

    def create_notification_rule(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        if any(rule["Name"] == request["Name"] for rule in self.rules.values()):
            raise ServiceError("ResourceAlreadyExistsException", f"a notification rule {request['Name']} exists already", 409)
        self._check(request)
        now = datetime.now(UTC)
        arn = f"arn:aws:codestar-notifications:{self.sandbox.region}:{self.sandbox.account}:notificationrule/{uuid4().hex}"
        rule = {
            "Arn": arn,
            "Name": request["Name"],
            "Resource": request["Resource"],
            "DetailType": request["DetailType"],
            "Status": request.get("Status", "ENABLED"),
            "EventTypeIds": list(request["EventTypeIds"]),
            "Targets": list(request["Targets"]),
            "Tags": dict(request.get("Tags") or {}),
            "CreatedBy": caller,
            "CreatedTimestamp": now,
            "LastModifiedTimestamp": now,
        }
        self.rules[arn] = rule
        self._attach(rule)
        return {"Arn": arn}

    @staticmethod
    def _check(request: Mapping[str, Any]) -> None:
        unknown = [each for each in request.get("EventTypeIds") or () if each not in TYPES]
        if unknown:
            raise ServiceError("ValidationException", f"EventTypeIds: the sandbox has no {', '.join(unknown)}; it has {', '.join(TYPES)}")
        for target in request.get("Targets") or ():
            if target.get("TargetType", "SNS") != "SNS":
                raise ServiceError("ValidationException", f"Targets: the sandbox notifies topics, not {target['TargetType']}")

    def describe_notification_rule(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        rule = self.rule(request["Arn"])
        kinds = [{"EventTypeId": each, "ServiceName": TYPES[each][0].split(".")[1], "EventTypeName": each} for each in rule["EventTypeIds"]]
        targets = [{**each, "TargetStatus": "ACTIVE"} for each in rule["Targets"]]
        shown = {name: value for name, value in rule.items() if name != "EventTypeIds"}
        return {**shown, "EventTypes": kinds, "Targets": targets}

    def update_notification_rule(self, request: dict[str, Any], caller: str) -> None:
        rule = self.rule(request["Arn"])
        self._check(request)
        rule.update({name: value for name, value in request.items() if name != "Arn"}, LastModifiedTimestamp=datetime.now(UTC))
        self._detach(rule["Arn"])
        self._attach(rule)

    def delete_notification_rule(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        self.rules.pop(request["Arn"], None)
        self._detach(request["Arn"])
        return {"Arn": request["Arn"]}

    def list_notification_rules(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        found, token = page([{"Id": rule["Arn"].rsplit("/", 1)[1], "Arn": rule["Arn"]} for rule in self.rules.values()], request)
        return {"NotificationRules": found, "NextToken": token}

    def list_tags_for_resource(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        return {"Tags": self.rule(request["Arn"])["Tags"]}

    def tag_resource(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        rule = self.rule(request["Arn"])
        rule["Tags"].update(request["Tags"])
        return {"Tags": rule["Tags"]}

    def untag_resource(self, request: dict[str, Any], caller: str) -> dict[str, Any]:
        for name in request["TagKeys"]:
            self.rule(request["Arn"])["Tags"].pop(name, None)
        return {}

    def rule(self, arn: str) -> dict[str, Any]:
        found = self.rules.get(arn)
        if found is None:
            raise ServiceError("ResourceNotFoundException", f"there is no notification rule {arn}", 404)
        return found

    # Events. On AWS, too, a notification rule is a managed rule on the default bus.

    def _attach(self, rule: Mapping[str, Any]) -> None:
        bus = self.sandbox.backend("events").event_buses["default"]
        bus.rules[_name(rule["Arn"])] = _ManagedRule(self, rule)

    def _detach(self, arn: str) -> None:
        self.sandbox.backend("events").event_buses["default"].rules.pop(_name(arn), None)

    def notify(self, rule: Mapping[str, Any], event: dict[str, Any]) -> None:
        """Publish an event to the rule's topics, when it is one of its types and of its resource."""
        if rule["Status"] != "ENABLED" or not of_resource(event, rule["Resource"]):
            return
        if not any(is_of_type(event, each) for each in rule["EventTypeIds"]):
            return
        shown = {"account": event["account"], "detailType": event["detail-type"], "notificationRuleArn": rule["Arn"]}
        body = {**shown, **{name: event[name] for name in ("region", "source", "time", "detail", "resources")}}
        if rule["DetailType"] == "BASIC":
            body["detail"] = {name: value for name, value in event["detail"].items() if not isinstance(value, dict)}
        for target in rule["Targets"]:
            self.sandbox.submit(self._publish, rule["Arn"], target["TargetAddress"], json.dumps({**body, "additionalAttributes": {}}))

    def _publish(self, rule_arn: str, topic: str, body: str) -> None:
        try:
            deliver(self.sandbox, Sender(SERVICE, rule_arn), topic, Parcel(body))
        except (ClientError, ServiceError) as error:
            log.warning("notification rule %s cannot publish to %s: %s", rule_arn, topic, error)


class _ManagedRule(Rule):
    """Takes the events of the bus for one notification rule; as on AWS it is listed among the rules, as managed by the service."""

    def __init__(self, service: Notifications, rule: Mapping[str, Any]) -> None:
        sandbox = service.sandbox
        super().__init__(
            name=_name(rule["Arn"]),
            account_id=sandbox.account,
            region_name=sandbox.region,
            description=None,
            event_pattern='{"source": ["aws.codepipeline", "aws.codebuild", "aws.codecommit"]}',
            schedule_exp=None,
            role_arn=None,
            event_bus_name="default",
            state="ENABLED",
            managed_by=SERVICE,
        )
        self._service, self._rule = service, rule

    def send_to_targets(self, original_event: Any, transform_input: bool = True) -> None:
        event = normalised(original_event)
        if event["source"] in ("aws.codepipeline", "aws.codebuild", "aws.codecommit"):
            self._service.notify(self._rule, event)


def _name(arn: str) -> str:
    return f"awscodestarnotifications-{arn.rsplit('/', 1)[1]}"


def is_of_type(event: Mapping[str, Any], kind: str) -> bool:
    """Whether the event is of the type."""
    source, detail_type, wanted = TYPES[kind]
    return event["source"] == source and event["detail-type"] == detail_type and _holds(event["detail"], wanted)


def _holds(detail: Any, wanted: Mapping[str, Any]) -> bool:
    return all(
        _holds(detail.get(name, {}), value) if isinstance(value, Mapping) else detail.get(name) == value for name, value in wanted.items()
    )


def of_resource(event: Mapping[str, Any], resource: str) -> bool:
    """Whether the event is of the resource: a build's event is of its project."""
    if event["source"] == "aws.codebuild":
        return resource.endswith(f":project/{event['detail'].get('project-name')}")
    return resource in event.get("resources", [])
