"""An on-demand DynamoDB table with point-in-time recovery, keyed by the string `id`, and its replica in another region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.base.grants import TABLE_DELETE, TABLE_DESCRIBE, TABLE_GET, TABLE_PUT, TABLE_READ, TABLE_UPDATE, Statement, allow
from components.base.inventory import Item
from components.base.keys import KeyReference
from components.base.platform import Platform


@dataclass(frozen=True)
class Replica:
    """Where a table is replicated to, and the key that encrypts it there."""

    region: str
    key: KeyReference


class Table(pulumi.ComponentResource):
    """Items may expire by `expires_at` (epoch seconds). An existing table is another stack's: named and granted, never made or changed."""

    def __init__(
        self,
        name: str,
        *,
        platform: Platform,
        table_name: str,
        key: KeyReference,
        data_classification: str,
        replica: Replica | None = None,
        existing: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mlops:blocks:Table", name, None, opts)
        self.table_name = table_name
        self.key = key
        self.existing = existing
        platform.inventory.tables.append(Item(table_name, "operations"))
        self.known_arn = platform.arns.table(table_name)
        if not existing:
            self._table(name, platform, replica, data_classification)
        self.register_outputs({"name": table_name})

    def _table(self, name: str, platform: Platform, replica: Replica | None, data_classification: str) -> None:
        aws.dynamodb.Table(
            f"{name}-table",
            name=self.table_name,
            billing_mode="PAY_PER_REQUEST",
            hash_key="id",
            attributes=[{"name": "id", "type": "S"}],
            ttl={"attribute_name": "expires_at", "enabled": True},
            point_in_time_recovery={"enabled": True},
            server_side_encryption={"enabled": True, "kms_key_arn": self.key.arn},
            deletion_protection_enabled=platform.protected,
            tags=platform.tags(data=data_classification),
            **(_replicated(platform, replica) if replica else {}),
            opts=pulumi.ResourceOptions(parent=self, protect=platform.protected),
        )

    # DynamoDB only ever decrypts the table's own key for a caller.

    def grant_describe(self) -> list[Statement]:
        return [allow(TABLE_DESCRIBE, self.known_arn)]

    def grant_get(self) -> list[Statement]:
        return [allow(TABLE_GET, self.known_arn), *self.key.grant_decrypt()]

    def grant_read(self) -> list[Statement]:
        """Get items and query."""
        return [allow(TABLE_READ, self.known_arn), *self.key.grant_decrypt()]

    def grant_put(self) -> list[Statement]:
        return [allow(TABLE_PUT, self.known_arn), *self.key.grant_decrypt()]

    def grant_update(self) -> list[Statement]:
        return [allow(TABLE_UPDATE, self.known_arn), *self.key.grant_decrypt()]

    def grant_write(self) -> list[Statement]:
        """Put and update items."""
        return [*self.grant_put(), *self.grant_update()]

    def grant_delete(self) -> list[Statement]:
        return [allow(TABLE_DELETE, self.known_arn), *self.key.grant_decrypt()]


def _replicated(platform: Platform, replica: Replica) -> dict[str, Any]:
    """A replica needs the stream; it has recovery and protection of its own."""
    return {
        "stream_enabled": True,
        "stream_view_type": "NEW_AND_OLD_IMAGES",
        "replicas": [
            {
                "region_name": replica.region,
                "kms_key_arn": replica.key.arn,
                "point_in_time_recovery": True,
                "deletion_protection_enabled": platform.protected,
                "propagate_tags": True,
            }
        ],
    }
