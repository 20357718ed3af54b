"""The difference to a base as Markdown for a comment: what changed in short, and the properties collapsed, in as much room as there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlops.compare.estimates import ESTIMATES
from mlops.report.changes import CHANGES
from mlops.report.difference import properties, words
from mlops.report.grouping import place, resource_name
from mlops.report.markup import code, fence, plain
from mlops.text import visible

SHOWN_FINDINGS = 10  # of a kind
SHOWN_CHANGES = 20  # of a resource
SHOWN_NAMES = 10  # of resources that changed alike
# GitHub colours the lines of a `diff` by their first character.
_COLOURED = {"added": "+", "changed": "!", "removed": "-"}
_MORE = "!     … {} more: report.html has them\n"
_LEFT_OUT = "# … {} more have no room here: report.html has them\n"


def summary(document: Mapping[str, Any]) -> Iterator[str]:
    """Lines that stand in front: how many resources and findings, what it costs and emits, more or less."""
    difference = document["difference"]
    yield f"**Against {code(words.base_name(difference['base']))}**"
    yield ""
    if problem := words.problem(difference):
        yield f"- not compared: {plain(problem)}"
        yield ""
        return
    yield f"- resources: {words.headline(difference)}"
    since = document["since"]
    yield f"- findings: {', '.join(f'{len(since[name])} {label}' for name, label in CHANGES.items())}"
    yield from findings(since, "  ")
    for key in ESTIMATES:
        if told := words.estimate(difference, key):
            yield f"- {key}: {plain(told)}"
    for note in words.notes(difference):
        yield f"- {plain(note)}"
    yield ""


def findings(since: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """The first of those that are new, fixed and newly not evaluable, as a list."""
    for name in ("new", "fixed", "newly_not_evaluable"):
        for finding in since[name][:SHOWN_FINDINGS]:
            yield f"{indent}- {CHANGES[name]}: {plain(finding['rule'])} {code(resource_name(finding['urn']))}"
        if len(since[name]) > SHOWN_FINDINGS:
            yield f"{indent}- {CHANGES[name]}: … and {len(since[name]) - SHOWN_FINDINGS} more"


def details(difference: Mapping[str, Any], room: int) -> str:
    """Resources and services, collapsed, in at most `room` characters; nothing where nothing differs or fits."""
    if difference["resources"] is None:
        return ""
    services = _services(difference)
    services = services if len(services) <= room // 2 else ""
    return _resources(difference, room - len(services)) + services


def _resources(difference: Mapping[str, Any], room: int) -> str:
    """Each resource by name, as many as have room, and of as many as then have room what changed of them."""
    entries = [*_entries(difference)]
    if not entries:
        return ""
    told = ", ".join(f"{len(difference['resources'][name])} {name}" for name in _COLOURED if difference["resources"][name])
    mark = fence(line for entry in entries for line in entry)
    opening, closing = f"<details><summary>Resources: {told}</summary>\n\n{mark}diff\n", f"{mark}\n</details>\n\n"
    left = room - len(opening) - len(closing) - len(_LEFT_OUT) - 8
    named: list[list[str]] = []
    for entry in entries:
        short = [entry[0], *([_MORE.format(len(entry) - 1)] if len(entry) > 1 else [])]
        if sum(map(len, short)) > left:
            break
        named.append(short)
        left -= sum(map(len, short))
    for index, (short, entry) in enumerate(zip(named, entries, strict=False)):
        # One with very many changes does not take the room of all others.
        shown = entry if len(entry) <= SHOWN_CHANGES + 1 else [*entry[: SHOWN_CHANGES + 1], _MORE.format(len(entry) - SHOWN_CHANGES - 1)]
        if (more := sum(map(len, shown)) - sum(map(len, short))) <= left:
            named[index], left = shown, left - more
    missing = len(entries) - len(named)
    text = "".join(line for entry in named for line in entry) + (_LEFT_OUT.format(f"{missing:,}") if missing else "")
    return opening + text + closing if named else f"_{told}: there is no room for them here, report.html has them._\n\n"


def _entries(difference: Mapping[str, Any]) -> Iterator[list[str]]:
    """Each resource, or several that changed alike, as a line, with a line for each of its properties."""
    for resource in difference["resources"]["added"]:
        yield [f"+ {_resource(resource)}\n"]
    for group in words.alike(difference):
        first = group.resources[0]
        alone = len(group.resources) == 1
        lines = [_resource(first) if alone else group.several(SHOWN_NAMES)]
        lines += [f"    {line}" for line in (words.moved(first) if alone else "", *map(properties.change, group.changes)) if line]
        yield [f"! {line}\n" for line in lines]
    for resource in difference["resources"]["removed"]:
        yield [f"- {_resource(resource)}\n"]


def _resource(resource: Mapping[str, Any]) -> str:
    where = place(resource)
    kind = visible(resource["type"].rsplit(":", 1)[-1])
    return f"{kind} {visible(resource['name'])}{f'  ({visible(where)})' if where else ''}"


def _services(difference: Mapping[str, Any]) -> str:
    rows = []
    for key in ESTIMATES:
        for service in words.services(difference, key)[0] if difference.get(key) else ():
            was, now = (words.amount(each["expected"]) if each else "–" for each in (service["before"], service["after"]))
            signed = words.signed(service["difference"]["expected"])
            rows.append(f"| {plain(service['service'])} | {key}, {words.UNITS[key]} | {was} | {now} | {signed} |\n")
    if not rows:
        return ""
    head = "| service | estimate | before | after | difference |\n|---|---|---:|---:|---:|\n"
    return f"<details><summary>Cost and carbon by service: {len(rows)} differ</summary>\n\n{head}{''.join(rows)}\n</details>\n\n"
