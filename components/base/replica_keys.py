"""Keys of the tables' replicas: in the other region, made by the stack that owns the tables."""

from __future__ import annotations

import pulumi

from components.base.keys import DATA_CLASSES, KeyReference, key_policy, rotated_key
from components.base.platform import Platform
from components.base.regions import provider_in

# What tables are encrypted with.
CLASSES = ("operations", "predictions")


class ReplicaKeys(pulumi.ComponentResource):
    """One key a data class. The replica stack knows them by `replica_alias`."""

    def __init__(self, name: str, *, platform: Platform, peer: Platform, opts: pulumi.ResourceOptions | None = None) -> None:
        there = pulumi.ResourceOptions(provider=provider_in(peer.region))
        super().__init__("mlops:security:ReplicaKeys", name, None, pulumi.ResourceOptions.merge(opts, there))
        keys = {data_class: self._key(name, data_class, platform, peer) for data_class in CLASSES}
        self.operations = keys["operations"]
        self.predictions = keys["predictions"]
        self.register_outputs({data_class: key.arn for data_class, key in keys.items()})

    def _key(self, name: str, data_class: str, platform: Platform, peer: Platform) -> KeyReference:
        key = rotated_key(
            f"{name}-{data_class}",
            platform=platform,
            description=f"replicas of {DATA_CLASSES[data_class]}",
            alias=replica_alias(platform, data_class),
            statements=key_policy(peer, data_class),
            parent=self,
        )
        return KeyReference(key.arn)


def replica_alias(owner: Platform, data_class: str) -> str:
    """The alias (without `alias/`) of the key of the owner's replicas."""
    return f"{owner.prefix}-replica-{data_class}"
