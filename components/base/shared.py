"""What all pipelines of a stack share, handed to each of them as one value."""

from __future__ import annotations

from dataclasses import dataclass

from components.base.code import Code
from components.base.images import Images
from components.base.keys import Keys
from components.base.lake import Lake
from components.base.notifications import Notifications
from components.base.platform import Platform
from components.base.tables import Tables
from components.blocks.table import Table
from components.network.network import Network
from components.recovery.global_failures import GlobalFailures


@dataclass(frozen=True, kw_only=True)
class Shared:
    """Made once a stack."""

    platform: Platform
    keys: Keys
    network: Network
    lake: Lake
    notifications: Notifications
    global_failures: GlobalFailures | None
    ledger: Table
    predictions: Table
    images: Images
    code: Code

    @staticmethod
    def of(platform: Platform) -> Shared:
        """The base of a stack."""
        keys = Keys("keys", platform=platform)
        lake = Lake("lake", platform=platform, keys=keys)
        tables = Tables.of(platform, keys)
        return Shared(
            platform=platform,
            keys=keys,
            lake=lake,
            network=Network("network", platform=platform, log_key=keys.logs),
            notifications=Notifications("notifications", platform=platform, keys=keys),
            global_failures=GlobalFailures.of(platform),
            ledger=tables.ledger,
            predictions=tables.predictions,
            images=Images("images", platform=platform, keys=keys),
            code=Code("code", platform=platform, lake=lake),
        )
