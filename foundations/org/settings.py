"""Settings of `foundations/org`, for the management account (or the delegated administrator of policies)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from components.cost.cost_tags import COST_ALLOCATION_TAGS
from components.settings.platform import Strict
from foundations.platform import FoundationStack

Target = Annotated[str, Field(pattern=r"^(root|r-[a-z0-9]{4,32}|ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}|\d{12})$")]
Region = Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")]
Service = Annotated[str, Field(pattern=r"^[a-z0-9.-]+\.amazonaws\.com$")]


class OrganizationSettings(Strict):
    """The organisation: an existing one, or one that is made here. Existing ones need the policy types switched on by hand, once."""

    mode: Literal["create", "existing"] = "existing"
    id: Annotated[str, Field(pattern=r"^o-[a-z0-9]{10,32}$")] | None = None
    trusted_services: list[Service] = ["cloudtrail.amazonaws.com", "config.amazonaws.com", "tagpolicies.tag.amazonaws.com"]


class GuardrailSettings(Strict):
    """Service control policies: which there are, on whom, and who is outside them."""

    targets: Annotated[
        list[Target], Field(min_length=1, description="Root, organisational units or accounts; never the management account.")
    ]
    regions: Annotated[list[Region], Field(min_length=1, description="Where workloads may be; global services are everywhere.")]
    exempt_roles: Annotated[
        list[Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:iam::(\d{12}|\*):role/.+$")]],
        Field(description="Roles that may change protections, such as the one that deploys foundations/account."),
    ] = []
    protect_detection: bool = True
    deny_root_user: bool = True
    limit_regions: bool = True
    protect_data: bool = True


class TagSettings(Strict):
    """The platform's tags: their spelling and values by a tag policy, and their use in bills."""

    policy: bool = True
    environments: Annotated[list[str], Field(min_length=1)] = ["dev", "prod"]
    cost_allocation: Annotated[
        list[str], Field(description="Keys to activate. AWS knows a key once something with it was billed: a new one a day later.")
    ] = list(COST_ALLOCATION_TAGS)


class OrgSettings(Strict):
    """One organisation: an object for each key of the project in `Pulumi.<stack>.yaml`."""

    stack: FoundationStack
    organization: OrganizationSettings = OrganizationSettings()
    guardrails: GuardrailSettings
    tags: TagSettings = TagSettings()
    trail: Literal["create", "existing", "off"] = "off"
    delegated_administrators: Annotated[
        dict[Service, Annotated[str, Field(pattern=r"^\d{12}$")]], Field(description="Which account administers a service for all.")
    ] = {}

    @model_validator(mode="after")
    def _root_is_known(self) -> OrgSettings:
        if self.organization.mode == "existing" and "root" in self.guardrails.targets:
            raise ValueError("guardrails.targets: 'root' is for an organisation made here; name the existing root by its id, r-…")
        if self.organization.mode == "create" and self.organization.id:
            raise ValueError("organization.id: only with mode existing")
        if self.trail == "create" and self.organization.mode == "existing" and not self.organization.id:
            raise ValueError("organization.id: the organisation's trail writes under it; set it to o-…")
        return self
