"""Usage assumptions: defaults by type of resource, and what a stack's settings say instead.

The defaults and their reasons are in data/usage.yaml. A stack's own are in its settings, under `estimate:usage`:

    estimate:usage:
      aws:glue/job:Job: { hours: 2.5 }                              # all of a type
      flights-inference-predict-function: { requests: 1000000 }     # by name; * is a wildcard
      lake-raw-*: { storage_gb: { low: 20, expected: 40, high: 90 } }

A number is what is expected; half and twice that are low and high, because before a deployment nobody knows a volume better than by its
order of magnitude. What is set by name comes before what is set by type, later entries before earlier ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from mlops.errors import UserError
from mlops.estimate.amount import FIGURES, Amount

FILE = Path(__file__).with_name("data") / "usage.yaml"
KEY = "estimate:usage"
SPREAD = (0.5, 1.0, 2.0)


@dataclass(frozen=True)
class Assumption:
    """What is assumed of a resource, for a month unless the unit says otherwise, and why."""

    name: str
    unit: str
    amount: Amount
    why: str


@cache
def defaults() -> dict[str, dict[str, Assumption]]:
    """Type → name → assumption."""
    document: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return {
        type_: {
            name: Assumption(name, entry["unit"], amount(entry["value"], f"{FILE.name}: {type_}.{name}"), entry["why"])
            for name, entry in entries.items()
        }
        for type_, entries in document.items()
    }


def amount(value: Any, where: str) -> Amount:
    """A number with the usual spread, or {low, expected, high}."""
    if isinstance(value, Mapping) and sorted(value) == sorted(FIGURES):
        numbers = [value[name] for name in FIGURES]
    elif isinstance(value, Mapping):
        raise UserError(
            "bad-usage", f"expected low, expected and high, got {', '.join(map(str, value))}", where, "give all three, or one number"
        )
    else:
        numbers = [value]
    if not all(isinstance(number, int | float) and not isinstance(number, bool) for number in numbers):
        raise UserError("bad-usage", f"expected a number or low, expected and high, got {value!r}", where, "write numbers without quotes")
    try:
        return Amount(*numbers) if len(numbers) > 1 else Amount(*(numbers[0] * factor for factor in SPREAD))
    except ValueError as error:
        raise UserError("bad-usage", str(error), where, "put the figures in order; none is negative") from None


@dataclass
class Usage:
    """The assumptions of a stack. `entries` are those of its settings: a type or a glob over names → name → amount, in their order."""

    entries: Mapping[str, Mapping[str, Amount]] = field(default_factory=dict)
    asked: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    """What was asked for: (where it is said, name) → the assumption and how many resources it was taken for."""
    matched: set[str] = field(default_factory=set)

    @classmethod
    def of_settings(cls, value: Any, where: str) -> Usage:
        """From the object under `estimate:usage`. UserError where it is none, or assumes what nobody asks for."""
        if not isinstance(value, Mapping):
            raise UserError(
                "bad-usage", f"expected an object, got {type(value).__name__}", where, "see docs/architecture.md, Cost and carbon"
            )
        entries: dict[str, dict[str, Amount]] = {}
        names = {name for known in defaults().values() for name in known}
        for pattern, given in value.items():
            here = f"{where}: {pattern}"
            if not isinstance(given, Mapping):
                raise UserError("bad-usage", f"expected assumptions by name, got {given!r}", here, "for example { requests: 1000000 }")
            known = set(defaults().get(pattern, ())) if is_type(pattern) else names
            if is_type(pattern) and not known:
                raise UserError("bad-usage", f"nothing is assumed of {pattern}", here, f"choose one of {', '.join(defaults())}")
            for name in given:
                if name not in known:
                    raise UserError(
                        "bad-usage", f"nothing called {name!r} is assumed here", here, f"choose one of {', '.join(sorted(known))}"
                    )
            entries[pattern] = {name: amount(item, f"{here}.{name}") for name, item in given.items()}
        return cls(entries)

    def of(self, type_: str, name: str) -> Given:
        """The assumptions of one resource."""
        return Given(self, type_, name)

    @property
    def unmatched(self) -> list[str]:
        """Entries of the settings that no resource of the stack took: misspelt, or about something that is gone."""
        return [pattern for pattern in self.entries if pattern not in self.matched]

    def document(self) -> list[dict[str, Any]]:
        """The assumptions that were taken, those of the settings first."""
        rows = sorted(self.asked.values(), key=lambda row: (row["set"] == "default", row["of"], row["name"]))
        return [dict(row) for row in rows]


def is_type(pattern: str) -> bool:
    """Whether an entry of the settings is about a type; otherwise it is about names."""
    return ":" in pattern


@dataclass(frozen=True)
class Given:
    """The assumptions of one resource."""

    usage: Usage
    type: str
    name: str

    def __getitem__(self, name: str) -> Amount:
        """KeyError for what data/usage.yaml does not know: a meter must ask for what is documented."""
        default = defaults()[self.type][name]
        pattern, value = self._set(name)
        key = (pattern or self.type, name)
        row = self.usage.asked.setdefault(
            key,
            {
                "of": pattern or self.type,
                "name": name,
                "unit": default.unit,
                **value.to_dict(),
                "why": default.why,
                "set": "settings" if pattern else "default",
                "resources": 0,
            },
        )
        row["resources"] += 1
        return value

    def _set(self, name: str) -> tuple[str, Amount]:
        found = "", defaults()[self.type][name].amount
        for by_type in (True, False):
            for pattern, given in self.usage.entries.items():
                here = is_type(pattern)
                if here == by_type and (pattern == self.type if here else fnmatchcase(self.name, pattern)) and name in given:
                    found = pattern, given[name]
                    self.usage.matched.add(pattern)
        return found
