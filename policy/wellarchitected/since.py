"""Since which version of the pack a rule is there; `python -m wellarchitected.ready` enters new rules with the current version.

A rule is advisory in the release that brings it, so that an upgrade of the pack stops nobody's deployment; the next one enforces it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from .version import FIRST_RELEASE, PACK_VERSION

FILE = "since.tsv"


@cache
def versions() -> dict[str, str]:
    """The version that brought each rule."""
    text = (files("wellarchitected") / "data" / FILE).read_text(encoding="utf-8")
    return {row["rule"]: row["since"] for row in csv.DictReader(text.splitlines(), delimiter="\t")}


def since(rule: str) -> str:
    """The version that brought a rule; one that is not entered yet is of the current version."""
    return versions().get(rule, PACK_VERSION)


def is_new(rule: str) -> bool:
    """Whether this version brings the rule, so that it only advises."""
    return since(rule) == PACK_VERSION != FIRST_RELEASE


def table(rules: Iterable[str]) -> str:
    """The file with an entry for each rule; what is entered stays as it is."""
    return "rule\tsince\n" + "".join(f"{rule}\t{since(rule)}\n" for rule in sorted(rules))
