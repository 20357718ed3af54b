"""The tree of resources as text: one line for a component in which nothing is wrong, open down to what fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.text import Text
from rich.tree import Tree

from mlops.report.grouping import KINDS, MARKS, Finding, kind, place, rules_by_id
from mlops.report.style import KIND_STYLE, PASS_MARK
from mlops.report.tree import Closed, Node, grown, rows
from mlops.text import counted, visible

SHOWN_FINDINGS = 6  # of one resource
SHOWN_TYPES = 5  # of resources in one line


def tree(document: Mapping[str, Any], everything: bool = False) -> Tree:
    """The resources of a document below their components; with `everything` each of them."""
    root = grown(document, everything)
    fixes = {id_: rule["fix"] for id_, rule in rules_by_id(document).items()}
    head = Text.assemble((visible(document["project"]), "bold"), " · stack ", (visible(document["stack"]), "bold"))
    head.append(f" · {counted(len(document['resources']), 'resource')}")
    drawn = Tree(head.append_text(_told(root)), guide_style="dim")
    _findings(drawn, root, fixes, everything)
    pending: list[tuple[Tree, Node]] = [(drawn, root)]
    while pending:
        branch, node = pending.pop()
        for row in rows(node):
            if isinstance(row, Node):
                below = branch.add(_open(row))
                _findings(below, row, fixes, everything)
                pending.append((below, row))
            else:
                branch.add(_closed(row))
    return drawn


def _mark(worst: str | None, judged: bool = True) -> tuple[str, str]:
    if worst:
        return f"{MARKS[worst]} ", KIND_STYLE[worst]
    return (f"{PASS_MARK} ", "green") if judged else ("– ", "dim")


def _told(row: Node | Closed) -> Text:
    """How many findings of which kind, in words."""
    told = Text()
    for name in KINDS:
        if row.kinds[name]:
            told.append(" · ").append(f"{row.kinds[name]} {KINDS[name]}", KIND_STYLE[name])
    return told


def _named(node: Node) -> Text:
    named = Text.assemble(
        _mark(node.worst, node.judged), (node.type, "bold cyan" if node.children else ""), f" {visible(node.resource['name'])}"
    )
    return named.append(" protected", "yellow") if node.resource.get("protect") else named


def _open(node: Node) -> Text:
    line = _named(node)
    if node.children:
        line.append(f" · {counted(node.size, 'resource')}").append_text(_told(node))
    return line.append(f"  {visible(place(node.resource))}".rstrip(), "dim")


def _closed(row: Closed) -> Text:
    if len(row.nodes) == 1:
        node = row.nodes[0]
        line = _named(node)
        return (line.append(f" · {counted(row.size, 'resource')}") if node.children else line).append_text(_told(row))
    types = row.types.most_common()
    named = [f"{name} ×{number}" if number > 1 else name for name, number in types[:SHOWN_TYPES]]
    more = [counted(len(types) - SHOWN_TYPES, "other type")] if len(types) > SHOWN_TYPES else []
    line = Text.assemble(_mark(row.worst, row.judged), visible(", ".join([*named, *more])), f" · {counted(row.size, 'resource')}")
    return line.append_text(_told(row))


def _findings(branch: Tree, node: Node, fixes: Mapping[str, str], everything: bool) -> None:
    """The findings of an open resource, worst first: what is wrong, not what to do, which its rule says once for all below."""
    told = [finding for finding in node.findings if everything or finding["outcome"] in ("fail", "error")]
    shown = told if everything else told[:SHOWN_FINDINGS]
    for finding in shown:
        branch.add(_finding(finding, fixes.get(finding["rule"], "")))
    if len(told) > len(shown):
        branch.add(Text(f"… and {counted(len(told) - len(shown), 'more finding')}", "dim"))


def _finding(finding: Finding, fix: str) -> Text:
    name = kind(finding)
    problem = visible(finding["message"].removesuffix(f". {fix}"))
    return Text.assemble(_mark(name), (visible(finding["rule"]), "bold"), f" ({KINDS[name]}, {finding['severity']}): {problem}")
