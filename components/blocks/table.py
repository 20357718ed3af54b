"""An on-demand DynamoDB table with point-in-time recovery, keyed by the string `id`."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.grants import TABLE_READ, TABLE_WRITE, Statement, allow
from components.inventory import Item
from components.keys import KeyReference
from components.platform import Platform


class Table(pulumi.ComponentResource):
    """Items may expire by `expires_at` (epoch seconds)."""

    def __init__(
        self,
        name: str,
        *,
        platform: Platform,
        table_name: str,
        key: KeyReference,
        data_classification: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mlops:blocks:Table", name, None, opts)
        self.table_name = table_name
        self.key = key
        platform.inventory.tables.append(Item(table_name, "operations"))
        self.known_arn = platform.arns.table(table_name)
        self.table = aws.dynamodb.Table(
            f"{name}-table",
            name=table_name,
            billing_mode="PAY_PER_REQUEST",
            hash_key="id",
            attributes=[{"name": "id", "type": "S"}],
            ttl={"attribute_name": "expires_at", "enabled": True},
            point_in_time_recovery={"enabled": True},
            server_side_encryption={"enabled": True, "kms_key_arn": key.arn},
            deletion_protection_enabled=platform.protected,
            tags=platform.tags(data=data_classification),
            opts=pulumi.ResourceOptions(parent=self, protect=platform.protected),
        )
        self.register_outputs({"name": self.table.name})

    def grant_read(self) -> list[Statement]:
        return [allow(TABLE_READ, self.known_arn), *self.key.grant_decrypt()]

    def grant_write(self) -> list[Statement]:
        return [allow(TABLE_WRITE, self.known_arn), *self.key.grant_encrypt()]
