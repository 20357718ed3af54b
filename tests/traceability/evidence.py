"""Which tests, rules and components claim which ids of the specification, read from their markers."""

from __future__ import annotations

import ast
import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

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
    """Every test below `folder` with each id of its `spec` markers; a marker of the module or class holds for all tests in it."""
    for file in sorted(folder.rglob("test_*.py")):
        module = ast.parse(file.read_text())
        everywhere = [
            id_ for node in module.body if isinstance(node, ast.Assign) and _names(node, "pytestmark") for id_ in _ids_in(node.value)
        ]
        for test, ids in _tests(module.body, everywhere):
            for id_ in dict.fromkeys(ids):
                yield Place(test, file.relative_to(ROOT).as_posix()), id_


def _tests(body: Iterable[ast.stmt], inherited: list[str]) -> Iterator[tuple[str, list[str]]]:
    for node in body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            yield from _tests(node.body, [*inherited, *(id_ for decorator in node.decorator_list for id_ in _ids_in(decorator))])
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            yield node.name, [*inherited, *(id_ for decorator in node.decorator_list for id_ in _ids_in(decorator))]


def _ids_in(expression: ast.AST) -> Iterator[str]:
    """The arguments of every `pytest.mark.spec(…)` in an expression."""
    for call in ast.walk(expression):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "spec":
            yield from (str(argument.value) for argument in call.args if isinstance(argument, ast.Constant))


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
