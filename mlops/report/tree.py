"""The resources of a document below their components, each with its findings, and which of them a person is shown one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlops.report.grouping import KINDS, STACK, Finding, kind, order

OPENED = 40
"""Failing resources that are shown one by one; the worst, where there are more."""
PROVIDERS, JUDGED = "pulumi:providers:", "aws:"


@dataclass
class Node:
    """A resource with what lies in it. `size` counts it and all below it, `kinds` their findings by kind, worst first."""

    resource: Mapping[str, Any]
    findings: Sequence[Finding] = ()
    children: list[Node] = field(default_factory=list)
    size: int = 1
    kinds: Counter[str] = field(default_factory=Counter)
    open: bool = False
    """Whether what lies in it is shown one by one."""
    judged: bool = False
    """Whether any of it is of AWS, or has a finding: of the rest no rule says anything."""

    @property
    def worst(self) -> str | None:
        """The worst kind of finding in it; None where there is none."""
        return next((name for name in KINDS if self.kinds[name]), None)

    @property
    def type(self) -> str:
        """The last part of its type."""
        return self.resource["type"].rsplit(":", 1)[-1]


def grown(document: Mapping[str, Any], everything: bool = False) -> Node:
    """The stack's node. Open is the way to the worst failing resources, and to all there is with `everything`."""
    findings: dict[str, list[Finding]] = {}
    for finding in sorted(document["policy"]["findings"], key=order):
        findings.setdefault(finding["urn"], []).append(finding)
    nodes = {resource["urn"]: Node(resource, findings.get(resource["urn"], ())) for resource in document["resources"]}
    root = next((node for node in nodes.values() if node.resource["type"] == STACK), None)
    # Without a stack's own resource, as in an export of nothing else, one stands for it.
    root = root or Node({"urn": "", "type": STACK, "name": f"{document['project']}-{document['stack']}", "parent": ""})
    for node in nodes.values():
        if node is not root and (node.findings or not node.resource["type"].startswith(PROVIDERS)):
            parent = nodes.get(node.resource["parent"] or "", root)
            parent.children.append(node)
    ways = {id(node): way for node, way in _ways(root)}
    for node in nodes.values():
        for above in ways.get(id(node), ()):
            above.size += node is not above
            above.kinds.update(map(kind, node.findings))
            above.judged |= bool(node.findings) or node.resource["type"].startswith(JUDGED)
    failing = [node for node in nodes.values() if any(finding["outcome"] in ("fail", "error") for finding in node.findings)]
    worst = sorted(failing, key=lambda node: order(node.findings[0]))
    for node in nodes.values() if everything else worst[:OPENED]:
        for above in ways.get(id(node), ()):
            above.open = True
    root.open = True
    return root


def _ways(root: Node) -> Iterator[tuple[Node, Sequence[Node]]]:
    """Every node with those on the way to it, itself included; what only a broken state can say lies in itself is not reached."""
    pending: list[tuple[Node, tuple[Node, ...]]] = [(root, (root,))]
    while pending:
        node, way = pending.pop()
        yield node, way
        pending += [(child, (*way, child)) for child in node.children]


@dataclass(frozen=True)
class Closed:
    """Siblings that are told in one line: a component, or all resources that lie in nothing and have findings of the same kind, or of which nothing is judged."""

    nodes: Sequence[Node]

    @property
    def size(self) -> int:
        return sum(node.size for node in self.nodes)

    @property
    def kinds(self) -> Counter[str]:
        return sum((node.kinds for node in self.nodes), Counter())

    @property
    def worst(self) -> str | None:
        return self.nodes[0].worst

    @property
    def judged(self) -> bool:
        return self.nodes[0].judged

    @property
    def types(self) -> Counter[str]:
        return Counter(node.type for node in self.nodes)


ALIKE = 5
"""Closed components of one type that are told one by one; more are told in one line."""


def rows(node: Node) -> list[Node | Closed]:
    """What is shown below an open node: what is open, worst first, then what is closed."""
    opened = [child for child in node.children if child.open]
    closed: dict[tuple[str | None, bool, str], list[Node]] = {}
    for child in node.children:
        if not child.open:
            closed.setdefault((child.worst, child.judged, child.type if child.children else ""), []).append(child)
    lines = []
    for (_, _, type_), nodes in closed.items():
        lines += [Closed(nodes)] if not type_ or len(nodes) > ALIKE else [Closed([each]) for each in nodes]
    return [*sorted(opened, key=_rank), *sorted(lines, key=_rank)]


def _rank(row: Node | Closed) -> int:
    return list(KINDS).index(row.worst) if row.worst else len(KINDS)
