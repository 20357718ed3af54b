"""Recovery of a stack: backups, replication into the second region, and the optional accelerator of its tables."""

from __future__ import annotations

import pulumi

from components.base.shared import Shared
from components.recovery.accelerator import Accelerator
from components.recovery.backups import Backups
from components.recovery.bucket_arrival import BucketArrival
from components.recovery.bucket_replication import BucketReplication
from components.recovery.table_replication import TableReplication


class Recovery(pulumi.ComponentResource):
    """What the settings ask for. Tables replicate themselves (`components/base/tables.py`)."""

    spec = ("REL-6c",)

    def __init__(self, name: str, *, shared: Shared, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:recovery:Recovery", name, None, opts)
        settings, child = shared.platform.settings.recovery, pulumi.ResourceOptions(parent=self)
        # A replica stack's vault receives the copies, whether it makes backups of its own or not.
        if settings.backup.enabled or settings.replica:
            Backups(f"{name}-backups", shared=shared, opts=child)
        peer = shared.platform.peer()
        if peer and "buckets" in settings.replicate:
            BucketReplication(f"{name}-replication", shared=shared, peer=peer, opts=child)
        if peer and "tables" in settings.replicate:
            TableReplication(f"{name}-tables", shared=shared, peer=peer, opts=child)
        if peer and settings.receives:
            BucketArrival(f"{name}-arrival", shared=shared, peer=peer, opts=child)
        if settings.accelerator:
            Accelerator(f"{name}-accelerator", shared=shared, settings=settings.accelerator, opts=child)
        self.register_outputs({})
