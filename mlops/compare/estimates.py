"""The estimates of two previews of one stack: what a month costs, or emits, more or less, service by service, and what that leaves out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from mlops.estimate.amount import FIGURES

# Key of a preview's document, and the sum in it.
ESTIMATES = {"cost": "monthly_usd", "carbon": "kg_co2e_month"}
# Key of an estimate that holds the types of which not everything is in it.
_MISSING = {"cost": "not_estimated", "carbon": "not_measured"}


def compared(now: Mapping[str, Any], before: Mapping[str, Any], resources: Mapping[str, Any]) -> dict[str, Any]:
    """The keys cost and carbon of a difference, where this preview has the estimate; null where the base has none.

    `resources` are those that differ. A difference that no estimate knows of is no difference of 0, so their types are told with it.
    """
    differing = Counter(_differing(resources))
    told: dict[str, Any] = {}
    for key, figures in ESTIMATES.items():
        if not isinstance(now.get(key), Mapping):
            continue
        if not isinstance(before.get(key), Mapping):
            told[key] = None
            continue
        told[key] = {
            **_estimate(now[key], before[key], figures),
            "not_estimated": _missing(differing, _MISSING[key], now[key], before[key]),
        }
        if key == "carbon":
            told[key]["services_not_estimated"] = sorted(_rows("service", "not_estimated", now[key], before[key]))
    return told


def _differing(resources: Mapping[str, Any]) -> Iterator[str]:
    """The type of each resource that is added, removed, or changed in what may cost something; its tags do not."""
    for resource in (*resources["added"], *resources["removed"]):
        yield resource["type"]
    for resource in resources["changed"]:
        if any(not change["path"].startswith("tags") for change in resource["properties"]):
            yield resource["type"]


def _missing(differing: Mapping[str, int], key: str, now: Mapping[str, Any], before: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Types of which resources differ, and those of which something else is missing than before: an endpoint that a state machine makes has
    another instance without a price, though no resource of its type differs."""
    types = {row["type"] for document in (now, before) for row in document.get(key, ())}
    counts = {**_rows("type", key, now, before), **{type_: differing[type_] for type_ in types & differing.keys()}}
    return [{"type": type_, "count": count} for type_, count in sorted(counts.items())]


def _rows(name: str, key: str, now: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, int]:
    """By type or service, what the rows that are not in both documents count; nothing where one is of a release that did not tell."""
    if key not in now or key not in before:
        return {}
    counts: dict[str, int] = {}
    for row in now[key] + before[key]:
        if row not in now[key] or row not in before[key]:
            counts[row[name]] = max(counts.get(row[name], 0), row.get("count", 1))
    return counts


def _estimate(now: Mapping[str, Any], before: Mapping[str, Any], figures: str) -> dict[str, Any]:
    services = []
    old, new = ({service["service"]: service for service in each["services"]} for each in (before, now))
    for name in [*new, *(name for name in old if name not in new)]:
        told = _figures(new.get(name), old.get(name))
        if any(told["difference"].values()):
            services.append({"service": name, **told})
    return {figures: _figures(now[figures], before[figures]), "services": services}


def _figures(now: Mapping[str, Any] | None, before: Mapping[str, Any] | None) -> dict[str, Any]:
    """Before and after (null: there is no such service), and after minus before."""
    was, is_ = ({name: (each or {}).get(name, 0.0) for name in FIGURES} for each in (before, now))
    return {
        "before": was if before is not None else None,
        "after": is_ if now is not None else None,
        "difference": {name: round(is_[name] - was[name], 6) for name in FIGURES},
    }
