"""Which tests, rules and components claim which ids of the specification, read from their markers."""

from __future__ import annotations

import ast
import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mlops.review import drills

ROOT = Path(__file__).parents[2]
SPECIFICATION = Path(__file__).with_name("spec.tsv")


@dataclass(frozen=True, order=True)
class Place:
    """Something with a marker: its name, and the file (relative to the project) it stands in."""

    name: str
    file: str


@dataclass
class Evidence:
    """What claims an id; a component only says where to look."""

    tests: list[Place] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)
    components: list[Place] = field(default_factory=list)


@dataclass(frozen=True)
class Requirement:
    """`kind` says what proves it: an `effect` needs a test that shows it; for a `setting` a rule that judged the platform will do, too."""

    id: str
    kind: str
    text: str

    def proven_by(self, evidence: Evidence) -> bool:
        return bool(evidence.tests or (evidence.rules and self.kind == "setting"))


def specification() -> dict[str, Requirement]:
    """The requirements by id, in the specification's order."""
    with SPECIFICATION.open(newline="") as file:
        return {row["id"]: Requirement(**row) for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)}


def marked_tests(folder: Path) -> Iterator[tuple[Place, str]]:
    """Every test below `folder` with each id of its `spec` markers."""
    for test in drills.marked(ROOT, folder):
        yield Place(test.name, test.file), test.spec


def marked_components(folder: Path) -> Iterator[tuple[Place, str]]:
    """Every class below `folder` with a `spec = ("P1a", …)`, with each of its ids."""
    for file in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ClassDef):
                for statement in node.body:
                    if isinstance(statement, ast.Assign) and _names(statement, "spec"):
                        for id_ in ast.literal_eval(statement.value):
                            yield Place(node.name, file.relative_to(ROOT).as_posix()), id_


def _names(node: ast.Assign, name: str) -> bool:
    return any(isinstance(target, ast.Name) and target.id == name for target in node.targets)


def collect(rules: Iterable[tuple[str, Iterable[str]]]) -> dict[str, Evidence]:
    """Evidence by id; `rules` are those that prove something, each with its ids. Ids that the specification lacks are there, too."""
    found: defaultdict[str, Evidence] = defaultdict(Evidence)
    for place, id_ in marked_tests(ROOT / "tests"):
        found[id_].tests.append(place)
    for folder in ("components", "foundations"):
        for place, id_ in marked_components(ROOT / folder):
            found[id_].components.append(place)
    for rule, ids in rules:
        for id_ in ids:
            found[id_].rules.append(rule)
    return dict(found)
