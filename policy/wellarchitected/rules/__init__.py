"""The catalogue: every rule of every area."""

from __future__ import annotations

from ..model import Rule
from . import identity, storage, workflows

AREAS = (storage, identity, workflows)

RULES: tuple[Rule, ...] = tuple(value for area in AREAS for value in vars(area).values() if isinstance(value, Rule))
