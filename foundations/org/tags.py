"""The platform's tags in the organisation: a tag policy, and their use in cost reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from components.base.documents import json_text
from foundations.org.settings import TagSettings

KEYS = ("Project", "Environment", "CostCenter", "Owner", "ManagedBy")


def tag_policy(environments: Sequence[str]) -> dict[str, Any]:
    """One spelling of each key, and the values an environment may have."""
    tags: dict[str, Any] = {key.lower(): {"tag_key": {"@@assign": key}} for key in KEYS}
    tags["environment"]["tag_value"] = {"@@assign": list(environments)}
    return {"tags": tags}


class CostTags(pulumi.ComponentResource):
    """`policy_id` is None where the settings want no tag policy."""

    spec = ("COST-1a", "COST-5a")

    def __init__(
        self,
        name: str,
        *,
        settings: TagSettings,
        targets: dict[str, pulumi.Input[str]],
        after: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mlops:foundation:CostTags", name, None, opts)
        if settings.policy:
            policy = aws.organizations.Policy(
                f"{name}-policy",
                name="mlops-tags",
                type="TAG_POLICY",
                content=json_text(tag_policy(settings.environments)),
                opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
            )
            for label, target in targets.items():
                aws.organizations.PolicyAttachment(
                    f"{name}-policy-{label}", policy_id=policy.id, target_id=target, opts=pulumi.ResourceOptions(parent=self)
                )
        for key in settings.cost_allocation:
            aws.costexplorer.CostAllocationTag(
                f"{name}-{key.lower()}", tag_key=key, status="Active", opts=pulumi.ResourceOptions(parent=self)
            )
        self.register_outputs({})
