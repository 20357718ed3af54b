"""What a call needs: pairs of IAM action and resource, each with the condition keys AWS fills for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlops.sandbox.identity.account import Account
from mlops.sandbox.identity.decoding import Call

Values = tuple[str, ...]


@dataclass(frozen=True)
class Need:
    """One action on one resource. `keys` are the condition keys of this pair, in lower case.

    `service`: not the caller needs it but this service, by the resource's policy. `or_role`: a role that may have the right instead of the caller.
    """

    action: str
    resource: str
    keys: Mapping[str, Values] = field(default_factory=dict)
    service: str = ""
    or_role: str = ""


class UnmappedOperation(Exception):
    """Nobody has told the sandbox which permission this operation needs: it is denied, and the message names it."""


@dataclass(frozen=True)
class Scope:
    """A call with the account it is about; builds ARNs."""

    call: Call
    account: Account

    @property
    def parameters(self) -> Mapping[str, Any]:
        return self.call.parameters

    @property
    def service(self) -> str:
        return self.call.service

    @property
    def operation(self) -> str:
        return self.call.operation

    def arn(self, service: str, path: str, *, region: str | None = None) -> str:
        """An ARN of this account; `region=""` for global services."""
        place = self.call.region if region is None else region
        return f"arn:{self.account.partition}:{service}:{place}:{self.account.account}:{path}"

    def unmapped(self, detail: str) -> UnmappedOperation:
        """The error for a call whose permission cannot be told."""
        return UnmappedOperation(f"the sandbox does not know which permission {self.service}:{self.operation} needs ({detail})")


def text(value: Any) -> Values:
    """A parameter's value as condition values: nothing for None, lists as several."""
    if value is None:
        return ()
    if isinstance(value, list | tuple):
        return tuple(item for each in value for item in text(each))
    if isinstance(value, bool):
        return ("true" if value else "false",)
    return (str(value),)


def keys(pairs: Mapping[str, Any]) -> dict[str, Values]:
    """Condition keys (made lower case) from values; those without a value are left out."""
    return {name.lower(): values for name, value in pairs.items() if (values := text(value))}


def kms_need(scope: Scope, action: str, key_arn: str | None, via: str, context: Mapping[str, str] | None = None) -> list[Need]:
    """The caller's KMS action that a service makes on its behalf; nothing without a customer-managed key."""
    if key_arn is None:
        return []
    names = {f"kms:EncryptionContext:{name}": value for name, value in (context or {}).items()}
    return [
        Need(
            f"kms:{action}",
            key_arn,
            keys(
                {
                    "kms:ViaService": f"{via}.{scope.call.region}.amazonaws.com",
                    "kms:CallerAccount": scope.account.account,
                    "kms:ResourceAliases": scope.account.key_aliases(key_arn),
                    "kms:EncryptionContextKeys": tuple(context or ()),
                    "aws:ViaAWSService": True,
                    "aws:CalledVia": (f"{via}.amazonaws.com",),
                    "aws:CalledViaFirst": f"{via}.amazonaws.com",
                    "aws:CalledViaLast": f"{via}.amazonaws.com",
                    **names,
                }
            ),
        )
    ]
