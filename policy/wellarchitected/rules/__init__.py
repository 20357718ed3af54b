"""The catalogue: every rule of every area."""

from __future__ import annotations

from ..model import Rule
from . import api, compute, data, delivery, identity, learning, messaging, network, observability, platform, storage, workflows

AREAS = (storage, data, identity, network, compute, workflows, learning, messaging, api, observability, delivery, platform)

RULES: tuple[Rule, ...] = tuple(value for area in AREAS for value in vars(area).values() if isinstance(value, Rule))
