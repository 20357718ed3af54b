"""Least privilege, judged from the sandbox's record of calls: what was denied, granted, used, and granted for a written reason only.

A grant is one action on one resource pattern (under its conditions) that a role's policies allow. It counts as used when it is what allowed a
call: another action, another resource or another role's call does not count. Every unused grant needs a reason in `privileges.yaml`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

import yaml
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mlops.errors import UserError
from mlops.operations.target import Target

REASONS_FILE = "privileges.yaml"
SANDBOX_ROLES = ("sandbox-deployer",)
MINIMUM_REASON = 15


class Reason(BaseModel):
    """Why a grant that the sandbox's runs do not use stays.

    `aws`: a call that only AWS itself makes or checks. `occasion`: a call for when something happens that a run need not contain.
    Without `actions` it stands for all grants of a role that made no call at all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    roles: list[str] = Field(min_length=1, description="Patterns of role names.")
    actions: list[str] | None = Field(default=None, min_length=1, description="Exact actions, or patterns of them.")
    resource: str = Field(default="*", description="Pattern of the resource pattern that is granted.")
    needed: Literal["aws", "occasion"]
    reason: str = Field(min_length=MINIMUM_REASON)
    owner: str = Field(min_length=1)

    def covers(self, grant: Grant) -> bool:
        """Whether it speaks of this grant."""
        if not any(fnmatchcase(grant.role, role) for role in self.roles):
            return False
        if self.actions is None:
            return not grant.acted
        named = any(fnmatchcase(grant.action.lower(), action.lower()) for action in self.actions)
        return named and fnmatchcase(grant.resource, self.resource)


class Reasons(BaseModel):
    """The file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unused_grants: list[Reason] = []


@dataclass(frozen=True)
class Grant:
    """One action on one resource pattern of one role; `acted` says whether the role made any call."""

    role: str
    action: str
    resource: str
    calls: int
    acted: bool


def read_reasons(folder: Path) -> list[Reason]:
    """The reasons of a project; none where it has no such file. UserError for a file that cannot be used."""
    path = folder / REASONS_FILE
    if not path.is_file():
        return []
    try:
        document = yaml.safe_load(path.read_text()) or {}
        return Reasons.model_validate(document).unused_grants
    except yaml.YAMLError as error:
        raise UserError("bad-reasons", f"expected YAML, got {error}", REASONS_FILE, "correct the file") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError("bad-reasons", f"{where}: {first['msg']}", REASONS_FILE, "correct the file") from None


def record(target: Target, view: str) -> dict[str, Any]:
    """A view of the sandbox's record of calls."""
    if target.endpoint is None:
        raise UserError(
            "no-record",
            f"privileges are judged from the sandbox's record of every call, stack {target.stack} is on AWS",
            f"stack {target.stack}",
            "use --stack local after `mlops demo --keep`, or IAM's last accessed information",
        )
    secret = target.session.get_credentials().secret_key
    request = AWSRequest("GET", f"{target.endpoint}/_sandbox/audit?view={view}", headers={"Authorization": f"Bearer {secret}"})
    answer = URLLib3Session(timeout=60).send(request.prepare())
    if answer.status_code != 200:
        raise UserError("no-record", f"the sandbox answered {answer.status_code}: {answer.text[:200]}", "stack local", "start it again", 1)
    return json.loads(answer.content)


def privileges(target: Target, folder: Path) -> dict[str, Any]:
    """The whole judgement as a document; `findings` is empty when least privilege is proven."""
    reasons = read_reasons(folder)
    roles = record(target, "grants")["roles"]
    grants = [
        Grant(role["role"].rsplit("/", 1)[-1], grant["action"], grant["resource"], grant["calls"], role["calls"] > 0)
        for role in roles
        for grant in role["grants"]
    ]
    own = [grant for grant in grants if grant.role not in SANDBOX_ROLES]
    denied = [
        {key: entry[key] for key in ("time", "principal", "action", "resource", "reason")} for entry in record(target, "denied")["denied"]
    ]
    return judge(own, denied, reasons)


def judge(grants: Sequence[Grant], denied: Sequence[dict[str, Any]], reasons: Sequence[Reason]) -> dict[str, Any]:
    """Findings and figures; pure."""
    unused = []
    for grant in grants:
        if not grant.calls:
            why = next((reason for reason in reasons if reason.covers(grant)), None)
            unused.append((grant, why))
    findings = [
        _finding("denied", entry["principal"].rsplit("/", 1)[-1], entry["action"], entry["resource"], entry["reason"]) for entry in denied
    ]
    findings += [
        _finding("unused", grant.role, grant.action, grant.resource, "granted, never used, and no reason is written for it")
        for grant, why in unused
        if why is None
    ]
    findings += [finding for reason in reasons if (finding := _about_reason(reason, grants)) is not None]
    names = sorted({grant.role for grant in grants})
    return {
        "status": "failed" if findings else "succeeded",
        "granted": len(grants),
        "used": sum(1 for grant in grants if grant.calls),
        "explained": sum(1 for _, why in unused if why),
        "unexplained": sum(1 for _, why in unused if why is None),
        "denied": len(denied),
        "roles": [_figures(name, grants, unused) for name in names],
        "reasons": [
            {
                "role": grant.role,
                "action": grant.action,
                "resource": grant.resource,
                "needed": why.needed,
                "reason": why.reason,
                "owner": why.owner,
            }
            for grant, why in unused
            if why
        ],
        "findings": findings,
    }


def _figures(name: str, grants: Sequence[Grant], unused: Sequence[tuple[Grant, Reason | None]]) -> dict[str, Any]:
    own = [grant for grant in grants if grant.role == name]
    return {
        "role": name,
        "acted": any(grant.acted for grant in own),
        "granted": len(own),
        "used": sum(1 for grant in own if grant.calls),
        "explained": sum(1 for grant, why in unused if grant.role == name and why),
        "unexplained": sum(1 for grant, why in unused if grant.role == name and why is None),
    }


def _about_reason(reason: Reason, grants: Sequence[Grant]) -> dict[str, str] | None:
    """What is wrong with a reason: it speaks of nothing that is granted, or of what the sandbox does use."""
    roles, actions = ", ".join(reason.roles), ", ".join(reason.actions or ["the whole role"])
    # A role that acted this time has used what its reason as a whole is about.
    spoken = [grant for grant in grants if reason.covers(grant)] or [
        grant for grant in grants if reason.actions is None and any(fnmatchcase(grant.role, role) for role in reason.roles)
    ]
    if not spoken:
        return _finding("reason", roles, actions, reason.resource, "the reason is about a grant that no role has: remove it")
    if reason.needed == "aws" and all(grant.calls for grant in spoken):
        return _finding(
            "reason", roles, actions, reason.resource, "the reason says that only AWS needs it, and the sandbox uses it: remove it"
        )
    return None


def _finding(kind: str, role: str, action: str, resource: str, message: str) -> dict[str, str]:
    return {"kind": kind, "role": role, "action": action, "resource": resource, "message": message}
