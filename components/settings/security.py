"""Settings of identity and of the response to security events."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from components.settings.platform import Strict

RoleName = Annotated[str, Field(pattern=r"^[A-Za-z0-9+=,.@_-]{1,64}$")]

AccountId = Annotated[str, Field(pattern=r"^\d{12}$")]


class IdentitySettings(Strict):
    """The permissions boundary of every role: made by the stack, an existing one of the account, or none."""

    boundary: Literal["create", "existing", "off"] = "create"
    boundary_arn: Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:iam::\d{12}:policy/.+$")] | None = None
    trusted_accounts: Annotated[list[AccountId], Field(description="Other accounts that roles of this stack may write data to.")] = []

    @model_validator(mode="after")
    def _existing_boundary_is_named(self) -> IdentitySettings:
        if (self.boundary == "existing") != (self.boundary_arn is not None):
            raise ValueError("boundary_arn: required with boundary existing, not allowed with create or off")
        return self


class SecuritySettings(Strict):
    """What happens at a security event. Without `dry_run` development only says what it would do, all others act."""

    response: bool = True
    dry_run: bool | None = None
    deployers: Annotated[
        list[RoleName], Field(description="Roles that deploy: their changes are no security events, nor are they quarantined.")
    ] = []
    forward_global_events: Annotated[
        bool, Field(description="IAM and sign-in events are in us-east-1 only: forward them to the stack's region.")
    ] = True
    audit: bool = True
    audit_schedule: Annotated[str, Field(pattern=r"^(rate|cron)\(.+\)$", description="In UTC.")] = "rate(1 day)"
    unused_days: Annotated[int, Field(ge=1, le=365, description="An access key not used for so long is a finding.")] = 90
