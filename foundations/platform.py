"""A platform for the building blocks of `components`, made of a foundation's settings."""

from __future__ import annotations

from typing import Annotated, Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components.base.arns import Arns
from components.base.platform import Platform
from components.settings.platform import LakeSettings, LogSettings, Strict
from components.settings.settings import Settings, StackSettings


class FoundationStack(Strict):
    """Which environment the account is for and who answers for it; each is a tag on everything."""

    environment: Literal["dev", "prod", "local"]
    protected: Annotated[bool, Field(description="The trail's bucket and the keys cannot be destroyed.")] = False
    owner: Annotated[str, Field(min_length=1)]
    cost_center: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,32}$", description="Cost allocation tag; quote digits.")]


def platform_of(stack: FoundationStack, region: str, *, keep_days: int) -> Platform:
    """The blocks' view of a foundation: names start with the project's, files of the audit bucket are kept for `keep_days`."""
    account = aws.get_caller_identity().account_id
    arns = Arns(aws.get_partition().partition, region, account)
    # Not validated: what makes a stack of the platform sound (zones, models, notifications) says nothing about a foundation.
    settings = Settings.model_construct(
        stack=StackSettings(
            environment=stack.environment, parts=[], protected=stack.protected, owner=stack.owner, cost_center=stack.cost_center
        ),
        lake=LakeSettings(logs_expire_days=keep_days),
        logs=LogSettings(),
    )
    project = pulumi.get_project()
    project = pulumi.get_project()
    return Platform(
        settings=settings,
        prefix=project,
        region=region,
        account=account,
        arns=arns,
        contracts={},
        project=project,
        stack=pulumi.get_stack(),
        default_tags={},
    )
