"""A preview as a document and as text: resources, verdicts, pillars, checklist."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table
from rich.tree import Tree

from mlops import engine

CHECKLIST_WIDTH = 66  # what the checklist's other columns take
UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"  # as `pulumi preview --json` writes an unknown
STATUS_STYLE = {"pass": "green", "fail": "red", "error": "red", "exempt": "yellow", "not_evaluable": "yellow", "not_applicable": "dim"}
STATUS_MARK = {"pass": "✔", "fail": "✘", "error": "✘", "exempt": "~", "not_evaluable": "?", "not_applicable": "–"}


def jsonable(value: Any) -> Any:
    """An engine value without secrets and with unknowns as the real CLI writes them."""
    if value is engine.UNKNOWN:
        return UNKNOWN_TEXT
    if isinstance(value, engine.Secret):
        return "[secret]"
    if isinstance(value, dict):
        return {key: jsonable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [jsonable(item) for item in value]
    if isinstance(value, engine.Asset | engine.Archive):
        return {"asset": type(value).__name__.lower(), "hash": value.hash}
    return value


def resource_document(resource: engine.RecordedResource) -> dict[str, Any]:
    return {
        "urn": resource.urn,
        "type": resource.type,
        "name": resource.name,
        "parent": resource.parent,
        "provider": resource.provider,
        "protect": resource.protect,
        "inputs": jsonable(resource.inputs),
        "dependencies": resource.dependencies,
        "file": resource.file,
        "line": resource.line,
    }


def document(record: engine.Record, verdicts: dict[str, Any], seconds: dict[str, float]) -> dict[str, Any]:
    """The `preview` document; `verdicts` has the keys policy, pillars, checklist and rules."""
    return {
        "project": record.project,
        "stack": record.stack,
        "date": date.today().isoformat(),
        "resources": [resource_document(resource) for resource in record.resources],
        **verdicts,
        "seconds": {key: round(value, 3) for key, value in seconds.items()},
    }


def tree(record: engine.Record) -> Tree:
    """Resources below their parents; leaves of one type are counted, not listed one by one, where there are many."""
    children: dict[str, list[engine.RecordedResource]] = {}
    for resource in record.resources:
        children.setdefault(resource.parent or "", []).append(resource)
    root = Tree(f"[bold]{record.project}[/] · stack [bold]{record.stack}[/] · {len(record.resources)} resources", guide_style="dim")

    def grow(branch: Tree, urn: str) -> None:
        for child in children.get(urn, []):
            if child.type.startswith("pulumi:providers:"):
                continue
            short = child.type.rsplit(":", 1)[-1]
            label = f"[bold cyan]{short}[/] {escape(child.name)}" if not child.custom else f"[dim]{short}[/] {escape(child.name)}"
            grow(branch.add(label + (" [yellow]protected[/]" if child.protect else "")), child.urn)

    for top in children.get("", []):
        if top.type == "pulumi:pulumi:Stack":
            grow(root, top.urn)
    return root


def fitting(names: list[str], width: int) -> str:
    """As many of the names as have room, the first at least, and the number of the others."""
    shown = len(names)
    while True:
        text = ", ".join(names[:shown]) + (f" +{len(names) - shown}" if shown < len(names) else "")
        if shown <= 1 or len(text) <= width:
            return text
        shown -= 1


def show_remediations(console: Console, remediations: list[dict[str, Any]]) -> None:
    """What the rules of level `remediate` changed of which resource."""
    for remediation in remediations:
        made = ", ".join(f"{path} = {json.dumps(value)}" for path, value in remediation["changes"].items())
        console.print(f"[cyan]remediated[/] [bold]{remediation['rule']}[/] {escape(remediation['urn'].rsplit('::', 1)[-1])}")
        console.print(f"    {escape(remediation['problem'] or made)}", soft_wrap=True)


def show_verdicts(console: Console, verdicts: dict[str, Any]) -> None:
    """Findings first, then the pillar table and the 32 checklist items."""
    policy = verdicts["policy"]
    show_remediations(console, policy["remediations"])
    shown = [finding for finding in policy["findings"] if finding["outcome"] in ("fail", "error")]
    for finding in sorted(shown, key=lambda item: (item["level"] != "mandatory", item["rule"])):
        style = "red" if finding["level"] == "mandatory" else "yellow"
        place = f"{finding['file']}:{finding['line']}" if finding.get("file") else ""
        console.print(
            f"[{style}]{finding['level']}[/] [bold]{finding['rule']}[/] {escape(finding['urn'].rsplit('::', 1)[-1])} [dim]{escape(place)}[/]"
        )
        console.print(f"    {escape(finding['message'])}", soft_wrap=True)
    waiting = Counter(finding["rule"] for finding in policy["findings"] if finding["outcome"] == "not_evaluable")
    if waiting:
        console.print(
            f"[yellow]not evaluable in a preview[/] {sum(waiting.values())}: {', '.join(f'{rule} ×{n}' for rule, n in waiting.most_common(8))}"
        )
    pillars = Table(
        "pillar",
        *(heading for heading in ("pass", "fail", "exempt", "not evaluable")),
        title="Well-Architected pillars",
        title_justify="left",
    )
    for row in verdicts["pillars"]:
        pillars.add_row(
            row["pillar"], str(row["pass"]), f"[red]{row['fail']}[/]" if row["fail"] else "0", str(row["exempt"]), str(row["not_evaluable"])
        )
    console.print(pillars)
    checklist = Table("", "id", "item", "status", Column("rules", overflow="fold"), title="Checklist", title_justify="left")
    for item in verdicts["checklist"]:
        style = STATUS_STYLE[item["status"]]
        rules = fitting(item["rules"], max(24, console.width - CHECKLIST_WIDTH))
        checklist.add_row(
            f"[{style}]{STATUS_MARK[item['status']]}[/]",
            item["id"],
            item["item"],
            f"[{style}]{item['status'].replace('_', ' ')}[/]",
            f"[dim]{rules}[/]",
        )
    console.print(checklist)
    console.print(
        f"{policy['rules']} rules · {policy['evaluations']} evaluations · [green]{policy['pass']} pass[/] · "
        f"{'[red]' if policy['fail'] else ''}{policy['fail']} fail{'[/]' if policy['fail'] else ''} · {policy['exempt']} exempt · "
        f"{policy['not_evaluable']} not evaluable · {policy['error']} errors"
    )
