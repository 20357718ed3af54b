"""Who has to be locked up after a finding or a change of rights, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal

from platform_common.response import Action, Plan

CASE = "rights abused or changed"


@dataclass(frozen=True)
class Subject:
    """A role or a user by name; `access_key` is a key of the user that was made just now, or found in public."""

    kind: Literal["role", "user"]
    name: str
    access_key: str | None = None


def exposed_keys(event: Mapping[str, Any]) -> list[str]:
    """The ids of the access keys that AWS Health names; whose they are it does not say."""
    if event["source"] != "aws.health":
        return []
    return [entity["entityValue"] for entity in event["detail"].get("affectedEntities") or [] if entity.get("entityValue")]


def subject_of(event: Mapping[str, Any]) -> Subject | None:
    """Whom the event is about; None where it names nobody whose rights could be taken."""
    detail = event["detail"]
    if event["source"] == "aws.guardduty":
        resource = detail.get("resource") or {}
        # A function that does what it should not: its role.
        if role := (resource.get("lambdaDetails") or {}).get("role"):
            return Subject("role", str(role).rsplit("/", 1)[-1])
        found = resource.get("accessKeyDetails") or {}
        kind = {"IAMUser": "user", "AssumedRole": "role", "Role": "role"}.get(found.get("userType", ""))
        return Subject(kind, found["userName"]) if kind and found.get("userName") else None  # type: ignore[arg-type]
    asked = detail.get("requestParameters") or {}
    if asked.get("roleName"):
        return Subject("role", asked["roleName"])
    # Who makes a key for himself names nobody; the answer does.
    made = (detail.get("responseElements") or {}).get("accessKey") or {}
    user = asked.get("userName") or made.get("userName")
    return Subject("user", user, made.get("accessKeyId")) if user else None


def may_be_quarantined(subject: Subject, prefix: str, spared: Sequence[str]) -> bool:
    """Only what carries the stack's prefix; never who deploys or responds (`spared` are names or patterns)."""
    return subject.name.startswith(f"{prefix}-") and not any(fnmatchcase(subject.name, pattern) for pattern in spared)


def together(plans: Sequence[Plan]) -> Plan | None:
    """One answer to an event that names several."""
    if len(plans) < 2:
        return plans[0] if plans else None
    actions = [action for each in plans for action in each.actions]
    return Plan(CASE, ", ".join(each.resource for each in plans), actions, {each.resource: each.before for each in plans})


def plan(arn: str, subject: Subject, quarantine: str, attached: Sequence[str], key_is_active: bool) -> Plan:
    """`quarantine` is the ARN of the policy that denies everything; `attached` are those of the subject's managed policies."""
    actions = []
    if quarantine not in attached:
        kind, name = subject.kind, subject.name
        undo = f"aws iam detach-{kind}-policy --{kind}-name {name} --policy-arn {quarantine}   (docs/runbooks/quarantined-role.md)"
        parameters = {f"{kind.capitalize()}Name": name, "PolicyArn": quarantine}
        actions.append(Action(f"the {kind} {name} may do nothing any more", "iam", f"attach_{kind}_policy", parameters, undo))
    if subject.access_key and key_is_active:
        undo = f"aws iam update-access-key --user-name {subject.name} --access-key-id {subject.access_key} --status Active"
        parameters = {"UserName": subject.name, "AccessKeyId": subject.access_key, "Status": "Inactive"}
        actions.append(
            Action(f"the access key {subject.access_key} of {subject.name} is inactive", "iam", "update_access_key", parameters, undo)
        )
    return Plan(CASE, arn, actions, {"attached_policies": list(attached)})
