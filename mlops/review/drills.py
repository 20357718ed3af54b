"""Tests and drills as evidence: which of a project's tests carry which id of its specification, and how they ended when they were run."""

from __future__ import annotations

import ast
import xml.etree.ElementTree as ET  # noqa: S405 - JUnit files that the user's own test run wrote
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mlops.errors import UserError

Result = Literal["pass", "fail", "skipped", "not_run"]
WORST: tuple[Result, ...] = ("fail", "pass", "skipped", "not_run")


@dataclass(frozen=True, order=True)
class MarkedTest:
    """A test function, the file it stands in (relative to the project) and an id of the specification that it is marked with."""

    spec: str
    name: str
    file: str


def marked(root: Path, folder: Path) -> Iterator[MarkedTest]:
    """Every test below `folder` with each id of its `spec` markers; a marker of the module or class holds for all tests in it."""
    for file in sorted(folder.rglob("test_*.py")):
        module = ast.parse(file.read_text())
        everywhere = [id_ for node in module.body if isinstance(node, ast.Assign) and _is_pytestmark(node) for id_ in _ids_in(node.value)]
        for name, ids in _tests(module.body, everywhere):
            for id_ in dict.fromkeys(ids):
                yield MarkedTest(id_, name, file.relative_to(root).as_posix())


def _is_pytestmark(node: ast.Assign) -> bool:
    return any(isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets)


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


class Results:
    """How tests ended, by JUnit files (`pytest --junit-xml`). A test run with several parameters failed when one of them did."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], set[Result]] = {}

    @classmethod
    def read(cls, files: Iterable[Path]) -> Results:
        """UserError for a file that is not there or is no JUnit file."""
        results = cls()
        for file in files:
            try:
                root = ET.parse(file).getroot()  # noqa: S314 - see the import
            except OSError as error:
                raise UserError(
                    "no-results", f"expected a JUnit file, got {error.strerror}", str(file), "run pytest --junit-xml FILE"
                ) from None
            except ET.ParseError as error:
                raise UserError("bad-results", f"expected JUnit XML: {error}", str(file), "run pytest --junit-xml FILE") from None
            if root.tag not in ("testsuites", "testsuite"):
                raise UserError("bad-results", f"expected testsuites, got <{root.tag}>", str(file), "run pytest --junit-xml FILE")
            for case in root.iter("testcase"):
                results._add(case)
        return results

    def _add(self, case: ET.Element) -> None:
        tags = {child.tag for child in case}
        ended: Result = "fail" if tags & {"failure", "error"} else "skipped" if "skipped" in tags else "pass"
        name = case.get("name", "").split("[")[0]
        self._found.setdefault((case.get("classname", ""), name), set()).add(ended)

    def of(self, test: MarkedTest) -> Result:
        """How it ended; `not_run` where no file tells of it."""
        module = test.file.removesuffix(".py").replace("/", ".")
        ended = {
            result
            for (where, name), results in self._found.items()
            if name == test.name and (where == module or where.startswith(f"{module}."))
            for result in results
        }
        for each in WORST:
            if each in ended:
                return each
        return "not_run"
