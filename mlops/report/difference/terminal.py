"""The difference to a base as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

from mlops.compare.estimates import ESTIMATES
from mlops.report.difference import properties, words
from mlops.report.grouping import place
from mlops.text import counted, visible

SHOWN_RESOURCES = 30  # of those that are added, changed and removed
SHOWN_NAMES = 5  # of resources that changed alike
SHOWN_CHANGES = 12  # of a resource
STYLES = {"added": "green", "changed": "yellow", "removed": "red"}


def show(console: Console, difference: Mapping[str, Any]) -> None:
    """What is added, changed and removed, then what it costs and emits, more or less."""
    console.print(Text.assemble(("Against ", "bold"), (visible(words.base_name(difference["base"])), "bold")))
    if problem := words.problem(difference):
        _line(console, Text.assemble(("not compared: ", "yellow"), visible(problem)), 2)
        return
    _line(console, Text(words.headline(difference)), 2)
    for name, lines in (
        ("added", _listed("added", difference)),
        ("changed", _changed(difference)),
        ("removed", _listed("removed", difference)),
    ):
        _show(console, name, list(lines))
    for key in ESTIMATES:
        if told := words.estimate(difference, key):
            _line(console, Text.assemble((f"{key} ", "bold"), told), 2)
            _services(console, difference, key)
    for note in words.notes(difference):
        _line(console, Text(note, style="dim"), 2)


def _show(console: Console, name: str, entries: list[tuple[Text, list[str]]]) -> None:
    for line, told in entries[:SHOWN_RESOURCES]:
        _line(console, Text.assemble((f"{words.MARKS[name]} ", STYLES[name]), line), 2)
        for each in told[:SHOWN_CHANGES]:
            _line(console, Text(each), 6)
        if len(told) > SHOWN_CHANGES:
            _line(console, Text(f"… and {counted(len(told) - SHOWN_CHANGES, 'more change')}: --report DIR lists them", style="dim"), 6)
    if len(entries) > SHOWN_RESOURCES:
        _line(console, Text(f"… and {len(entries) - SHOWN_RESOURCES:,} more {name}: --report DIR lists them", style="dim"), 2)


def _listed(name: str, difference: Mapping[str, Any]) -> Iterator[tuple[Text, list[str]]]:
    for resource in difference["resources"][name]:
        yield _resource(resource, resource["name"]), []


def _changed(difference: Mapping[str, Any]) -> Iterator[tuple[Text, list[str]]]:
    for group in words.alike(difference):
        told = [properties.change(change) for change in group.changes]
        if len(group.resources) == 1:
            first = group.resources[0]
            yield _resource(first, first["name"]), [*([words.moved(first)] if first.get("moved_from") else []), *told]
        else:
            yield Text(group.several(SHOWN_NAMES)), told


def _resource(resource: Mapping[str, Any], name: str) -> Text:
    return Text.assemble((resource["type"].rsplit(":", 1)[-1], "dim"), f" {visible(name)}", (f"  {visible(place(resource))}", "dim"))


def _services(console: Console, difference: Mapping[str, Any], key: str) -> None:
    services, less = words.services(difference, key)
    if not services:
        return
    numbers = [Column(label, justify="right") for label in ("before", "after", "difference")]
    table = Table("service", *numbers, title=words.UNITS[key], title_justify="left")
    for service in services:
        was, now = (words.amount(each["expected"]) if each else "–" for each in (service["before"], service["after"]))
        table.add_row(Text(visible(service["service"])), was, now, words.signed(service["difference"]["expected"]))
    console.print(Padding(table, (0, 0, 0, 2), expand=False))
    if less:
        _line(console, Text(f"… and {counted(less, 'service')} by less", style="dim"), 2)


def _line(console: Console, text: Text, indent: int) -> None:
    console.print(Padding(text, (0, 0, 0, indent), expand=False))
