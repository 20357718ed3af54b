"""The estimates of a recorded preview, as parts of its document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlops import engine, policy
from mlops.engine.config import load_project
from mlops.estimate import carbon, comparison, cost, prices
from mlops.estimate.measure import measure
from mlops.estimate.savings import savings
from mlops.estimate.usage import KEY, Usage


@dataclass(frozen=True)
class Assumed:
    """What a stack's settings say about estimates: the usage, and a table to compare with."""

    usage: Usage = field(default_factory=Usage)
    reference: comparison.Reference | None = None


def assumed(root: Path, stack: str, values: Mapping[str, str] | None = None) -> Assumed:
    """From the settings `estimate:usage` and `estimate:reference`; defaults where they say nothing. UserError where they cannot be read.

    `values` go before those of the stack's file.
    """
    config = load_project(root, stack, values).config
    where = f"Pulumi.{stack}.yaml"
    usage = Usage.of_settings(json.loads(config[KEY]), f"{where}: {KEY}") if config.get(KEY) else Usage()
    name = config.get(comparison.KEY)
    return Assumed(usage, comparison.read(root / name, f"{where}: {comparison.KEY}") if name else None)


def estimates(record: engine.Record, given: Assumed) -> dict[str, Any]:
    """{"cost", "carbon"} of a preview."""
    left_out = frozenset(resource.urn for resource in record.resources if resource.external or not resource.custom)
    measurement = measure(policy.judged(record.resources), given.usage, left_out)
    table = prices.table()
    costs = {**cost.document(measurement, table, given.usage), "savings": savings(measurement, table)}
    if given.reference is not None:
        costs["comparison"] = comparison.compared(given.reference, costs)
    return {"cost": costs, "carbon": carbon.document(measurement)}
