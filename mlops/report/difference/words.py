"""What is said of a difference, in whatever form: resources that changed alike together, values short, unknowns and assets by name."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlops.compare.estimates import ESTIMATES
from mlops.report.grouping import resource_name
from mlops.report.preview import UNKNOWN_TEXT
from mlops.text import counted, visible

Difference = Mapping[str, Any]
WIDTH = 120  # characters of a value
UNITS = {"cost": "USD a month", "carbon": "kg CO₂e a month"}
MARKS = {"added": "+", "changed": "~", "removed": "-"}
_UNKNOWN = "(known after deployment)"


def base_name(base: Mapping[str, Any]) -> str:
    """The base in a few words: what was given, its commit and its date."""
    commit = f" ({base['commit'][:12]}, {base['date']})" if base.get("commit") else f" ({base['date']})" if base.get("date") else ""
    return f"{base['name']}{commit}"


def since(document: Mapping[str, Any]) -> str:
    """What the findings are compared with: the base, or the date of an earlier report."""
    return base_name(document["difference"]["base"]) if "difference" in document else document["since"]["date"]


def headline(difference: Difference) -> str:
    """How many resources are added, changed, removed and as they were."""
    resources = difference["resources"]
    return ", ".join([*(f"{len(resources[name]):,} {name}" for name in MARKS), f"{resources['unchanged']:,} unchanged"])


def problem(difference: Difference) -> str:
    """Why nothing was compared; empty where it was."""
    told = difference["base"].get("problem")
    return f"{told['message']} ({told['where']})" if told else ""


def notes(difference: Difference) -> list[str]:
    """What a reader must know of the comparison."""
    found = []
    if hidden := difference["resources"]["secrets_not_compared"]:
        found.append(f"{counted(hidden, 'secret')} not compared: the file says only that there is one")
    if difference["base"].get("judged_by") == "this configuration":
        found.append("the base's own configuration of the policy pack does not fit this pack: both are judged by this one")
    found += [f"the base has no estimate of {key}" for key in ESTIMATES if key in difference and difference[key] is None]
    return found


@dataclass(frozen=True)
class Alike:
    """Resources that changed in the same way, and how."""

    resources: Sequence[Mapping[str, Any]]
    changes: Sequence[Mapping[str, Any]]


def alike(difference: Difference) -> list[Alike]:
    """The changed resources: those with the same changes are one entry; what is only moved comes last."""
    found: dict[str, Alike] = {}
    for resource in difference["resources"]["changed"]:
        changes = without_repeated_tags([*resource["properties"], *resource["options"]])
        moved = resource.get("moved_from") and not changes
        # Each move is its own, and so is what has a change like no other.
        key = resource["urn"] if moved else json.dumps([changes, "moved_from" in resource and resource["urn"]], sort_keys=True)
        entry = found.setdefault(key, Alike([], changes))
        found[key] = Alike([*entry.resources, resource], changes)
    return sorted(found.values(), key=lambda each: not each.changes)


def without_repeated_tags(changes: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The changes without those of `tagsAll` that `tags` has as well: the provider adds them."""

    def told(change: Mapping[str, Any]) -> tuple[str, str]:
        return change["path"].replace("tagsAll", "tags", 1), json.dumps([change.get("before"), change.get("after")], sort_keys=True)

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


def change(told: Mapping[str, Any], width: int = WIDTH) -> str:
    """One property: its path, and what it was and is."""
    path = visible(told["path"])
    if "before" not in told:
        return f"{path}: added {value(told['after'], width)}"
    if "after" not in told:
        return f"{path}: removed {value(told['before'], width)}"
    before, after = told["before"], told["after"]
    if before == after == "[secret]":
        return f"{path}: [secret] → another [secret]"
    if isinstance(before, str) and isinstance(after, str) and _read(before) is not None and _read(before) == _read(after):
        return f"{path}: the same JSON, written differently"
    first = next((index for index, (one, other) in enumerate(zip(before, after, strict=False)) if one != other), 0) if _texts(told) else 0
    # Of long texts, the part from where they differ.
    start = max(0, first - 20) if _texts(told) and max(len(before), len(after)) > width else 0
    return f"{path}: {value(before, width, start)} → {value(after, width, start)}"


def _texts(told: Mapping[str, Any]) -> bool:
    return isinstance(told["before"], str) and isinstance(told["after"], str)


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def value(given: Any, width: int = WIDTH, start: int = 0) -> str:
    """A value on one line, in at most `width` characters, from `start` on."""
    if given == UNKNOWN_TEXT:
        return _UNKNOWN
    if isinstance(given, dict) and given.keys() == {"asset", "hash"}:
        return f"{given['asset']} {given['hash'][:12] or 'of an address'}"
    text = (
        given
        if isinstance(given, str) and given in ("[secret]", "[not a secret]", "[no longer a secret]")
        else json.dumps(given, ensure_ascii=False)
    )
    text = visible(text.replace(UNKNOWN_TEXT, _UNKNOWN))
    front = "…" if start else ""
    return front + (text if len(text) - start <= width else text[: start + width - 1] + "…")[start:]


def estimate(difference: Difference, key: str) -> str:
    """The difference of an estimate in a few words; empty where there is nothing to compare."""
    told = difference.get(key)
    if not told:
        return ""
    figures = told[ESTIMATES[key]]
    low, expected, high = (signed(figures["difference"][name]) for name in ("low", "expected", "high"))
    if not any(figures["difference"].values()):
        return f"no difference: {amount(figures['after']['expected'])} {UNITS[key]}"
    return f"{expected} {UNITS[key]} ({low} to {high}): {amount(figures['before']['expected'])} → {amount(figures['after']['expected'])}"


def amount(number: float) -> str:
    """A figure with two decimals, of small ones with two digits that count."""
    return f"{number:,.2f}" if number == 0 or abs(number) >= 0.01 else f"{number:.2g}"


def signed(number: float) -> str:
    """A difference with its sign."""
    return f"{'+' if number > 0 else '−' if number < 0 else '±'}{amount(abs(number))}"
