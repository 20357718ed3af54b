"""The catalogue: every rule of every area."""

from __future__ import annotations

from ..model import Rule
from . import (
    api,
    caches,
    compute,
    containers,
    data,
    databases,
    delivery,
    edge,
    functions,
    glue,
    identity,
    messaging,
    network,
    observability,
    platform,
    serving,
    storage,
    studio,
    training,
    workflows,
)

AREAS = (
    storage, data, identity, network, functions, glue, workflows, training, serving, messaging, api, observability, delivery, platform,
    databases, caches, containers, compute, studio, edge,
)  # fmt: skip

RULES: tuple[Rule, ...] = tuple(value for area in AREAS for value in vars(area).values() if isinstance(value, Rule))
