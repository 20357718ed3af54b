"""What is said of a difference, in whatever form: resources that changed alike together, values short, unknowns and assets by name."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from mlops.compare.estimates import ESTIMATES
from mlops.report.grouping import resource_name
from mlops.text import counted, visible

Difference = Mapping[str, Any]
SHOWN_TYPES = 5  # of resources that differ and are not in an estimate
COMMON = 5  # resources that have a change from which on it is told once for all of them
LEAST = {"cost": 0.005, "carbon": 0.0005}  # a difference that is told of a service
UNITS = {"cost": "USD a month", "carbon": "kg CO2e a month"}
MARKS = {"added": "+", "changed": "~", "removed": "-"}


def base_name(base: Mapping[str, Any]) -> str:
    """The base in a few words: what was given, its commit and its date."""
    commit = f" ({base['commit'][:12]}, {base['date']})" if base.get("commit") else f" ({base['date']})" if base.get("date") else ""
    return f"{base['name']}{commit}"


def since(document: Mapping[str, Any]) -> str:
    """What the findings are compared with: the base, or the date of an earlier report."""
    return base_name(document["difference"]["base"]) if "difference" in document else document["since"]["date"]


def replaced(difference: Difference) -> int:
    """How many of the changed resources are deleted and created anew, as far as that is known."""
    return sum(any(change.get("replaces") for change in each["properties"]) for each in difference["resources"]["changed"])


def headline(difference: Difference) -> str:
    """How many resources are added, changed, removed and as they were."""
    resources = difference["resources"]
    anew = replaced(difference)
    told = {name: f"{len(resources[name]):,} {name}" for name in MARKS}
    told["changed"] += f" ({anew:,} replaced)" if anew else ""
    return ", ".join([*told.values(), f"{resources['unchanged']:,} unchanged"])


def short(difference: Difference) -> str:
    """The headline in as few characters as possible."""
    return " ".join(f"{mark}{len(difference['resources'][name]):,}" for name, mark in MARKS.items())


def problem(difference: Difference) -> str:
    """Why nothing was compared; empty where it was."""
    told = difference["base"].get("problem")
    return f"{told['message']} ({told['where']})" if told else ""


def notes(difference: Difference) -> list[str]:
    """What a reader must know of the comparison."""
    found = []
    if hidden := difference["resources"]["secrets_not_compared"]:
        found.append(f"{counted(hidden, 'secret')} not compared: the file says only that there is one")
    if unknown := difference["resources"]["unknowns_not_compared"]:
        found.append(f"{counted(unknown, 'value')} not compared: known in the base, known after deployment here")
    if difference["base"].get("judged_by") == "this configuration":
        found.append("the base's own configuration of the policy pack does not fit this pack: both are judged by this one")
    found += [f"the base has no estimate of {key}" for key in ESTIMATES if key in difference and difference[key] is None]
    return found


@dataclass(frozen=True)
class Alike:
    """Resources that changed in the same way, and how; without changes they are only moved."""

    resources: Sequence[Mapping[str, Any]]
    changes: Sequence[Mapping[str, Any]]

    def several(self, shown: int) -> str:
        """What stands for them in one line, with the names of as many as are shown."""
        how = "changed alike" if self.changes else "only moved"
        return f"{counted(len(self.resources), 'resource')} {how}: {names(self.resources, shown)}"


def alike(difference: Difference) -> list[Alike]:
    """The changed resources: those with the same changes are one entry.

    A change that many resources have (a default tag) is an entry of its own, behind all others, and what is only moved comes last.
    """
    changes = {
        resource["urn"]: {_key(change): change for change in without_repeated_tags([*resource["properties"], *resource["options"]])}
        for resource in difference["resources"]["changed"]
    }
    numbers = Counter(key for own in changes.values() for key in own)
    found: dict[str, Alike] = {}
    for resource in difference["resources"]["changed"]:
        own = changes[resource["urn"]]
        common = [key for key in own if numbers[key] >= COMMON]
        rest = [change for key, change in own.items() if key not in common]
        keys = [(key, [own[key]]) for key in common]
        if rest or not common or "moved_from" in resource:
            # What is moved and changed stands alone: both are told.
            keys.append((_key([rest, resource["urn"] if rest and "moved_from" in resource else ""]), rest))
        for key, told in keys:
            entry = found.get(key, Alike([], told))
            found[key] = Alike([*entry.resources, resource], told)
    return sorted(found.values(), key=lambda each: (not each.changes, len(each.resources) >= COMMON))


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def without_repeated_tags(changes: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The changes without those of `tagsAll` that `tags` has as well: the provider adds them."""

    def told(change: Mapping[str, Any]) -> tuple[str, str]:
        return change["path"].replace("tagsAll", "tags", 1), _key([change.get("before"), change.get("after")])

    own = {told(change) for change in changes if change["path"].startswith("tags") and not change["path"].startswith("tagsAll")}
    return [change for change in changes if not (change["path"].startswith("tagsAll") and told(change) in own)]


def names(resources: Iterable[Mapping[str, Any]], shown: int) -> str:
    """The names of resources, as many as are shown, and the number of the others."""
    listed = [visible(resource["name"]) for resource in resources]
    more = f" and {len(listed) - shown:,} more" if len(listed) > shown else ""
    return ", ".join(listed[:shown]) + more


def moved(resource: Mapping[str, Any]) -> str:
    """Where a resource was, where that is not where it is."""
    if not resource.get("moved_from"):
        return ""
    before, now = (urn.split("::", 2)[-1] for urn in (resource["moved_from"], resource["urn"]))
    same_name = resource_name(before) == resource_name(now)
    return f"moved, it was {visible(before.rsplit('::', 1)[0] if same_name else before)}"


def estimate(difference: Difference, key: str) -> str:
    """The difference of an estimate in a few words; empty where there is nothing to compare."""
    told = difference.get(key)
    if not told:
        return ""
    figures = told[ESTIMATES[key]]
    missing = f"; {without}" if (without := left_out(difference, key)) else ""
    low, expected, high = (signed(figures["difference"][name]) for name in ("low", "expected", "high"))
    if not any(figures["difference"].values()):
        return f"no difference: {amount(figures['after']['expected'])} {UNITS[key]}{missing}"
    was, now = (amount(figures[side]["expected"]) for side in ("before", "after"))
    return f"{expected} {UNITS[key]} ({low} to {high}): {was} → {now}{missing}"


def left_out(difference: Difference, key: str) -> str:
    """What differs and is not in an estimate, by the last part of types and by services; empty where there is nothing."""
    told = difference.get(key) or {}
    rows = [f"{row['count']:,} {visible(row['type'].rsplit(':', 1)[-1])}" for row in told.get("not_estimated", ())]
    rows += map(visible, told.get("services_not_estimated", ()))
    if not rows:
        return ""
    more = f" and {len(rows) - SHOWN_TYPES:,} more" if len(rows) > SHOWN_TYPES else ""
    return f"not in it, wholly or in part: {', '.join(rows[:SHOWN_TYPES])}{more}"


def services(difference: Difference, key: str) -> tuple[list[Mapping[str, Any]], int]:
    """The services of an estimate whose difference one can see in its figures, and how many differ by less."""
    listed = difference[key]["services"]
    seen = [each for each in listed if abs(each["difference"]["expected"]) >= LEAST[key] or None in (each["before"], each["after"])]
    return seen, len(listed) - len(seen)


def amount(number: float) -> str:
    """A figure with two decimals, of small ones with two digits that count."""
    return f"{number:,.2f}" if number == 0 or abs(number) >= 0.01 else f"{Decimal(f'{number:.2g}'):f}"


def signed(number: float) -> str:
    """A difference with its sign."""
    return f"{'+' if number > 0 else '-' if number < 0 else '±'}{amount(abs(number))}"
