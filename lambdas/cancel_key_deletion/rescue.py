"""Which requests bring a key back into service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from platform_common.response import Action, Plan

CASE = "key disabled or to be deleted"
UNDO = "remove the key from the program and run `pulumi up`; data encrypted with it is lost with it"


def key_of(event: Mapping[str, Any]) -> str:
    """ARN, id or alias as the caller named the key; the answer's ARN where there is one."""
    detail = event["detail"]
    named = (detail.get("responseElements") or {}).get("keyId") or (detail.get("requestParameters") or {}).get("keyId") or ""
    return str(named)


def is_ours(named: str, keys: list[str]) -> str | None:
    """The ARN of the stack's key that is named, by ARN or id."""
    return next((arn for arn in keys if named and (named == arn or arn.endswith(f":key/{named}"))), None)


def plan(arn: str, state: str, rotates: bool | None, rotation_days: int) -> Plan:
    """`state` is KMS's KeyState; `rotates` is None where it cannot be told (a key that is pending deletion)."""
    actions = []
    if state == "PendingDeletion":
        actions.append(Action("the deletion of the key is cancelled", "kms", "cancel_key_deletion", {"KeyId": arn}, UNDO))
    if state in ("PendingDeletion", "Disabled"):
        actions.append(Action("the key is enabled again", "kms", "enable_key", {"KeyId": arn}, UNDO))
    # Without the period KMS takes a year, whatever it was before.
    rotation = {"KeyId": arn, "RotationPeriodInDays": rotation_days}
    if rotates is False:
        actions.append(Action("the key rotates again", "kms", "enable_key_rotation", rotation, UNDO))
    return Plan(CASE, arn, actions, {"state": state, "rotates": rotates})
