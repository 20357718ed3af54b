"""The tables of a stack: its own, with replicas in the other region; a replica stack works on those, on standby or not."""

from __future__ import annotations

from dataclasses import dataclass

from components.base.keys import KeyReference, Keys
from components.base.platform import Platform
from components.base.replica_keys import ReplicaKeys, replica_alias
from components.blocks.table import Replica, Table


@dataclass(frozen=True, kw_only=True)
class Tables:
    """`ledger` is what happened once; `predictions` are the answers to idempotency keys."""

    ledger: Table
    predictions: Table

    @staticmethod
    def of(platform: Platform, keys: Keys) -> Tables:
        """Global tables, not copies of backups: a backup copied every hour loses up to an hour, a replica about a second."""
        peer = platform.peer()
        if platform.replica and peer:
            return _replicas(platform, peer)
        ledger = predictions = None
        if peer and "tables" in platform.settings.recovery.replicate:
            replica_keys = ReplicaKeys("replica-keys", platform=platform, peer=peer)
            ledger = Replica(peer.region, replica_keys.operations)
            predictions = Replica(peer.region, replica_keys.predictions)
        return Tables(
            ledger=Table(
                "ledger",
                platform=platform,
                table_name=platform.name("ledger"),
                key=keys.operations,
                data_classification="internal",
                replica=ledger,
            ),
            predictions=Table(
                "predictions",
                platform=platform,
                table_name=platform.name("predictions"),
                key=keys.predictions,
                data_classification="confidential",
                replica=predictions,
            ),
        )


def _replicas(platform: Platform, owner: Platform) -> Tables:
    def table(name: str, data_class: str, classification: str) -> Table:
        key = KeyReference(platform.arns.key(), alias=f"alias/{replica_alias(owner, data_class)}")
        return Table(name, platform=platform, table_name=owner.name(name), key=key, data_classification=classification, existing=True)

    return Tables(ledger=table("ledger", "operations", "internal"), predictions=table("predictions", "predictions", "confidential"))
