"""Which requests bring the audit trail back to what the stack declared for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from platform_common.response import Action, Plan

CASE = "trail tampered with"
UNDO = "a trail is changed by `pulumi up` only; to stop it on purpose set mlops:audit in the stack's settings"
# Settings of CreateTrail and UpdateTrail → what DescribeTrails calls them.
DESCRIBED = {
    "S3BucketName": "S3BucketName",
    "S3KeyPrefix": "S3KeyPrefix",
    "KmsKeyId": "KmsKeyId",
    "CloudWatchLogsLogGroupArn": "CloudWatchLogsLogGroupArn",
    "CloudWatchLogsRoleArn": "CloudWatchLogsRoleArn",
    "IsMultiRegionTrail": "IsMultiRegionTrail",
    "IncludeGlobalServiceEvents": "IncludeGlobalServiceEvents",
    "EnableLogFileValidation": "LogFileValidationEnabled",
}


def plan(
    arn: str,
    declared: Mapping[str, Any],
    selectors: Sequence[Mapping[str, Any]],
    found: Mapping[str, Any] | None,
    found_selectors: Sequence[Mapping[str, Any]],
    is_logging: bool,
) -> Plan:
    """`declared` are CreateTrail's parameters; `found` is the trail as DescribeTrails has it, None when it was deleted."""
    name, actions = str(declared["Name"]), []
    if found is None:
        actions.append(Action("the deleted trail is there again", "cloudtrail", "create_trail", dict(declared), UNDO))
    elif any(found.get(theirs) != declared[ours] for ours, theirs in DESCRIBED.items() if ours in declared):
        actions.append(Action("the trail's settings are the declared ones again", "cloudtrail", "update_trail", dict(declared), UNDO))
    if found is None or not _same(selectors, found_selectors):
        parameters = {"TrailName": name, "AdvancedEventSelectors": list(selectors)}
        actions.append(
            Action("the trail's event selectors are the declared ones again", "cloudtrail", "put_event_selectors", parameters, UNDO)
        )
    if found is None or not is_logging:
        actions.append(Action("the trail is logging again", "cloudtrail", "start_logging", {"Name": name}, UNDO))
    return Plan(CASE, arn, actions, {"trail": found, "selectors": list(found_selectors), "is_logging": is_logging})


def _same(declared: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]) -> bool:
    def plain(selectors: Sequence[Mapping[str, Any]]) -> list[Any]:
        return sorted((each.get("Name", ""), sorted(repr(sorted(field.items())) for field in each["FieldSelectors"])) for each in selectors)

    return plain(declared) == plain(found)
