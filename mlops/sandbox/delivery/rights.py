"""What a role may do where AWS makes no call of its own that could be judged: starting a build, writing a report, using a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlops.sandbox.http import ServiceError
from mlops.sandbox.identity.actions.needs import Need
from mlops.sandbox.identity.credentials import Caller
from mlops.sandbox.identity.identity import AccessDenied
from mlops.sandbox.identity.principals import Principal

if TYPE_CHECKING:
    from mlops.sandbox.context import Credentials, Sandbox


def assume(sandbox: Sandbox, role_arn: str, service: str, session_name: str, source_arn: str | None = None) -> Credentials:
    """Keys of the role for the service; ServiceError when its trust policy does not admit it."""
    try:
        return sandbox.principals.issue(role_arn, service, session_name, source_arn=source_arn)
    except AccessDenied as error:
        raise ServiceError("AccessDeniedException", str(error), 403) from error


def require(sandbox: Sandbox, role_arn: str, action: str, resource: str) -> None:
    """ServiceError unless the role may do the action; recorded like any call."""
    role = sandbox.principals.account.role_by_arn(role_arn)
    if role is None:
        raise ServiceError("AccessDeniedException", f"there is no role {role_arn}", 403)
    principal = Principal("role", role.arn, sandbox.account, role.name, role.arn)
    verdict = sandbox.principals.verdict(Caller(principal, ""), Need(action, resource), sandbox.region)
    sandbox.principals.audit.record(role.arn, "", action, action, resource, verdict.allowed, verdict.explained(), verdict.grants)
    if not verdict.allowed:
        raise ServiceError(
            "AccessDeniedException",
            f"User: {role.arn} is not authorized to perform: {action} on resource: {resource} {verdict.explained()}",
            403,
        )
