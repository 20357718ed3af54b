"""The verdicts as text for a terminal: findings by pillar, rule and resource, what changed, the pillars and the checklist."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from mlops.report.changes import CHANGES
from mlops.report.difference import terminal as difference
from mlops.report.difference.words import since
from mlops.report.grouping import (
    KINDS,
    MARKS,
    PILLARS,
    STOPPING,
    Alike,
    RuleGroup,
    alike,
    by_pillar,
    counts,
    headline,
    order,
    place,
    resource_name,
)
from mlops.report.style import KIND_STYLE, STATUS_MARK, STATUS_STYLE, indented
from mlops.text import counted, visible

SHOWN_RESOURCES = 5  # of those that a rule says the same of
SHOWN_MESSAGES = 10  # different ones of a rule
SHOWN_CHANGES = 10
CHECKLIST_WIDTH = 70  # what the checklist's other columns take


def show_verdicts(console: Console, document: Mapping[str, Any]) -> None:
    """The difference to a base first, then the findings, what became of those of the base, the pillar table, the 32 checklist items and the sums."""
    if "difference" in document:
        difference.show(console, document["difference"])
    show_remediations(console, document["policy"].get("remediations", ()))
    show_findings(console, document)
    if "since" in document:
        show_changes(console, document["since"], since(document))
    console.print(_pillars(document))
    console.print(_checklist(console, document))
    policy = document["policy"]
    found = counts(policy["findings"])
    told = [f"{policy['rules']} rules", f"{policy['evaluations']} evaluations", f"{policy['pass']} pass"]
    told += [f"{number} {KINDS[name]}" for name, number in found.items()]
    stops = any(name in STOPPING for name in found)
    console.print(Text(" · ".join(told)))
    console.print(Text(f"{STATUS_MARK['fail' if stops else 'pass']} {headline(document)}", style="bold red" if stops else "bold green"))


def show_remediations(console: Console, remediations: Iterable[Mapping[str, Any]]) -> None:
    """What the rules of level `remediate` changed of which resource."""
    for remediation in remediations:
        made = ", ".join(f"{path} = {json.dumps(value)}" for path, value in remediation["changes"].items())
        name = visible(resource_name(remediation["urn"]))
        console.print(Text.assemble(("remediated ", "cyan"), (remediation["rule"], "bold"), f" {name}"))
        indented(console, Text(visible(remediation["problem"] or made)), 4)


def show_findings(console: Console, document: Mapping[str, Any]) -> None:
    """What fails with what to do; what is exempt or not evaluable as a line for each rule."""
    for pillar in by_pillar(document):
        told = ", ".join(f"{number} {KINDS[name]}" for name, number in pillar.kinds.items())
        console.print(Text.assemble((pillar.name, "bold"), (f"  {told}", "dim")))
        groups = [group for item in pillar.items for group in item.rules]
        for group in sorted(groups, key=lambda group: order(group.findings[0])):
            _show_rule(console, group)


def _show_rule(console: Console, group: RuleGroup) -> None:
    worst = next(iter(group.kinds))
    told = ", ".join(f"{number} {KINDS[name]}" for name, number in group.kinds.items())
    line = Text.assemble(
        (f"{MARKS[worst]} ", KIND_STYLE[worst]), (group.rule["id"], "bold"), f" ({group.rule['severity']}): ", (told, KIND_STYLE[worst])
    )
    indented(console, line, 2)
    failing = alike(finding for finding in group.findings if finding["outcome"] in ("fail", "error"))
    for same in failing[:SHOWN_MESSAGES]:
        _show_alike(console, same)
    if more := sum(len(same.findings) for same in failing[SHOWN_MESSAGES:]):
        _quiet(console, f"… and {counted(more, 'more finding')}: --report DIR lists them", 4)


def _show_alike(console: Console, same: Alike) -> None:
    indented(console, Text(same.message), 4)
    for finding in same.findings[:SHOWN_RESOURCES]:
        line = Text.assemble("· ", visible(resource_name(finding["urn"])), (f"  {visible(place(finding))}", "dim"))
        indented(console, line, 6)
    if len(same.findings) > SHOWN_RESOURCES:
        more = counted(len(same.findings) - SHOWN_RESOURCES, "more resource")
        _quiet(console, f"· … and {more}: --report DIR lists them", 6)


def _quiet(console: Console, text: str, indent: int) -> None:
    indented(console, Text(text, style="dim"), indent)


def show_changes(console: Console, since: Mapping[str, Any], name: str) -> None:
    """How many findings are new, fixed and so on, and the first of each but the unchanged ones."""
    told = ", ".join(f"{len(since[name])} {label}" for name, label in CHANGES.items())
    console.print(Text.assemble((f"Since {visible(name)}", "bold"), f"  {told}"))
    for name, label in CHANGES.items():
        if name == "unchanged":
            continue
        for finding in since[name][:SHOWN_CHANGES]:
            line = Text.assemble(f"{label}: ", (finding["rule"], "bold"), f" {visible(resource_name(finding['urn']))}")
            indented(console, line, 2)
        if len(since[name]) > SHOWN_CHANGES:
            _quiet(console, f"{label}: … and {len(since[name]) - SHOWN_CHANGES} more", 2)


def _pillars(document: Mapping[str, Any]) -> Table:
    numbers = [Column(label, justify="right") for label in ("pass", "fail", "exempt", "not evaluable", "defect")]
    table = Table("pillar", *numbers, title="Well-Architected pillars", title_justify="left")
    for row in document["pillars"]:
        fail = f"[red]{row['fail']}[/]" if row["fail"] else "0"
        table.add_row(PILLARS[row["pillar"]], str(row["pass"]), fail, str(row["exempt"]), str(row["not_evaluable"]), str(row["error"]))
    return table


def _checklist(console: Console, document: Mapping[str, Any]) -> Table:
    rules = [Column("rules", overflow="fold")] if console.width > CHECKLIST_WIDTH + 24 else []
    table = Table("", "id", "item", "status", *rules, title="Checklist", title_justify="left")
    for item in document["checklist"]:
        style = STATUS_STYLE[item["status"]]
        named = [f"[dim]{fitting(item['rules'], console.width - CHECKLIST_WIDTH)}[/]"] if rules else []
        status = item["status"].replace("_", " ")
        if item["status"] == "pass" and item["fail"]:
            status = f"pass, {item['fail']} advise"
        table.add_row(f"[{style}]{STATUS_MARK[item['status']]}[/]", item["id"], item["item"], f"[{style}]{status}[/]", *named)
    return table


def fitting(names: list[str], width: int) -> str:
    """As many of the names as have room, the first at least, and the number of the others."""
    shown = len(names)
    while True:
        text = ", ".join(names[:shown]) + (f" +{len(names) - shown}" if shown < len(names) else "")
        if shown <= 1 or len(text) <= width:
            return text
        shown -= 1
