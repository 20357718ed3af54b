"""Who calls, and whom a resource policy means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from mlops.sandbox.identity.documents import Principals


@dataclass(frozen=True)
class Principal:
    """The caller of a request.

    kind: `user`, `role` (a session of it), `federated` (the bearer of a token), `service` (an AWS service acting by itself), `internal` (the sandbox as AWS behind the scenes) or `anonymous`.
    `arn` is what messages and `aws:userid`-like keys show: the session ARN for a role. `identity_arn` is the user's or the role's own ARN.
    """

    kind: str
    arn: str
    account: str = ""
    name: str = ""
    identity_arn: str = ""
    session_name: str = ""
    user_id: str = ""
    service: str = ""
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    source_account: str = ""
    issued: str = ""
    claims: Mapping[str, str] = field(default_factory=dict, hash=False)


ANONYMOUS = Principal(kind="anonymous", arn="anonymous")


def service_principal(service: str, source_account: str = "") -> Principal:
    """An AWS service that calls by itself, such as `events.amazonaws.com`, on behalf of a resource of `source_account`."""
    return Principal(kind="service", arn=service, name=service, service=service, source_account=source_account)


class Match(IntEnum):
    """How a resource policy's `Principal` means a caller; the order is the strength of an allow."""

    NONE = 0
    ACCOUNT = 1  # the account as a whole: leaves the decision to identity policies
    DIRECT = 2  # everybody, the role or the service by name
    SESSION = 3  # the user or the role session itself: a boundary's silence does not limit it


def match(principals: Principals, caller: Principal) -> Match:
    """How strongly these principals mean the caller; `NotPrincipal` means everybody else directly."""
    strongest = max((_match_one(kind, value, caller) for kind, value in principals.entries), default=Match.NONE)
    if principals.negated:
        return Match.DIRECT if strongest is Match.NONE else Match.NONE
    return strongest


def _match_one(kind: str, value: str, caller: Principal) -> Match:
    if value == "*" and kind == "AWS":
        return Match.DIRECT
    if kind == "Service":
        return Match.DIRECT if caller.kind == "service" and _same_service(value, caller.service) else Match.NONE
    if kind == "Federated":
        return Match.DIRECT if caller.kind == "federated" and value == caller.arn else Match.NONE
    if kind != "AWS" or caller.kind not in ("user", "role"):
        return Match.NONE
    if value in (caller.account, f"arn:aws:iam::{caller.account}:root"):
        return Match.ACCOUNT
    if value == caller.arn:
        return Match.SESSION
    return Match.DIRECT if value == caller.identity_arn else Match.NONE


def _same_service(written: str, service: str) -> bool:
    # A regional principal (logs.eu-central-1.amazonaws.com) and the global one mean the same service in its own region.
    return written == service or _without_region(written) == service or written == _without_region(service)


def _without_region(service: str) -> str:
    parts = service.split(".")
    return f"{parts[0]}.amazonaws.com" if len(parts) == 4 and service.endswith(".amazonaws.com") else service
