"""A log group with retention and a key of its own data class."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.base.grants import LOG_WRITE, Statement, allow
from components.base.keys import KeyReference
from components.base.platform import Platform


class LogGroup(pulumi.ComponentResource):
    """`group_name` is explicit, so that services find it and policies name it before it exists."""

    def __init__(
        self,
        name: str,
        *,
        platform: Platform,
        group_name: str,
        key: KeyReference,
        audit: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mlops:blocks:LogGroup", name, None, opts)
        logs = platform.settings.logs
        self.group = aws.cloudwatch.LogGroup(
            f"{name}-group",
            name=group_name,
            retention_in_days=logs.audit_retention_days if audit else logs.retention_days,
            kms_key_id=key.arn,
            tags=platform.tags(data="internal"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.group_name = group_name
        self.known_arn = platform.arns.log_group(group_name)
        self.streams_arn = platform.arns.log_streams(group_name)
        # Step Functions and CloudTrail take a group's ARN only with `:*` at its end; the provider's may have it or not.
        self.destination_arn = self.group.arn.apply(lambda arn: arn if arn.endswith(":*") else f"{arn}:*")
        self.register_outputs({"name": self.group.name})

    def grant_write(self) -> list[Statement]:
        return [allow(LOG_WRITE, self.streams_arn)]
