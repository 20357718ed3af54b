"""What all pipelines of a stack share, handed to each of them as one value."""

from __future__ import annotations

from dataclasses import dataclass

from components.blocks.table import Table
from components.code import Code
from components.images import Images
from components.keys import Keys
from components.lake import Lake
from components.network import Network
from components.notifications import Notifications
from components.platform import Platform


@dataclass(frozen=True, kw_only=True)
class Shared:
    """Made once a stack."""

    platform: Platform
    keys: Keys
    network: Network
    lake: Lake
    notifications: Notifications
    ledger: Table
    predictions: Table
    images: Images
    code: Code
