"""The catalogue: every rule of every area."""

from __future__ import annotations

from ..model import Rule
from . import (
    accounts,
    admissions,
    api,
    baseline,
    builds,
    caches,
    compute,
    containers,
    data,
    databases,
    delivery,
    deployable,
    edge,
    functions,
    glue,
    governance,
    identity,
    interfaces,
    limits,
    messaging,
    network,
    observability,
    organisation,
    platform,
    serving,
    sizes,
    storage,
    streams,
    studio,
    training,
    workflows,
)

AREAS = (
    storage, data, identity, network, functions, glue, workflows, training, serving, messaging, api, observability, delivery, platform,
    databases, caches, containers, compute, studio, edge, streams, accounts, baseline, admissions, deployable, limits, sizes, builds,
    interfaces, governance, organisation,
)  # fmt: skip

RULES: tuple[Rule, ...] = tuple(value for area in AREAS for value in vars(area).values() if isinstance(value, Rule))
