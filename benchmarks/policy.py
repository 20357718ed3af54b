"""Policy evaluation: all rules on 1,000 and on 10,000 resources.

Target: 300 rules × 10,000 resources in at most 2 s, and ten times the resources in at most eleven times the time.
"""

from __future__ import annotations

import dataclasses
import time
from datetime import date
from pathlib import Path

import wellarchitected

from mlops import engine
from mlops.policy import judged

ROOT = Path(__file__).parents[1]


def resources(count: int) -> list[wellarchitected.Resource]:
    """The prod stack's resources, repeated under other URNs until there are `count`."""
    originals = engine.preview(ROOT, "prod").resources
    found: list[engine.RecordedResource] = []
    copy = 0
    while len(found) < count:
        renamed = {item.urn: f"{item.urn}-{copy}" for item in originals}
        for item in originals[: count - len(found)]:
            found.append(
                dataclasses.replace(
                    item,
                    urn=renamed[item.urn],
                    parent=renamed.get(item.parent, item.parent),
                    dependencies=[renamed.get(urn, urn) for urn in item.dependencies],
                    property_dependencies={
                        key: [renamed.get(urn, urn) for urn in urns] for key, urns in item.property_dependencies.items()
                    },
                )
            )
        copy += 1
    return judged(found)


def timed(count: int, everything: list[wellarchitected.Resource]) -> tuple[float, int]:
    started = time.perf_counter()
    report = wellarchitected.evaluate(everything[:count], stack="prod", config=None, today=date.today())
    return time.perf_counter() - started, report.to_dict()["policy"]["evaluations"]


def main() -> None:
    everything = resources(10_000)
    small, _ = min(timed(1_000, everything) for _ in range(3))
    large, evaluations = min(timed(10_000, everything) for _ in range(3))
    print(
        f"  {len(wellarchitected.RULES)} rules × 10,000 resources: {large:.2f} s, {evaluations / large:,.0f} evaluations/s (target ≤ 2 s for 300 rules)"
    )
    print(f"  10,000 against 1,000 resources: {large / small:.1f} × the time (target ≤ 11 ×)")
