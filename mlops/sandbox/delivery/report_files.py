"""What JUnit and Cobertura files tell, in the members of CodeBuild's test cases and coverages."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

SUCCEEDED, FAILED, ERROR, SKIPPED, UNKNOWN = "SUCCEEDED", "FAILED", "ERROR", "SKIPPED", "UNKNOWN"
_STATUSES = (SUCCEEDED, FAILED, ERROR, SKIPPED, UNKNOWN)


class ReportError(Exception):
    """A result file cannot be read."""


@dataclass
class TestResults:
    """All test cases of a report."""

    __test__ = False
    cases: list[dict[str, Any]] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """The `testSummary` of a report."""
        counts = {status: sum(case["status"] == status for case in self.cases) for status in _STATUSES}
        return {
            "total": len(self.cases),
            "statusCounts": counts,
            "durationInNanoSeconds": sum(case["durationInNanoSeconds"] for case in self.cases),
        }

    @property
    def status(self) -> str:
        """SUCCEEDED when no test failed, as CodeBuild has it."""
        return FAILED if any(case["status"] in (FAILED, ERROR) for case in self.cases) else SUCCEEDED


@dataclass
class Coverage:
    """Lines and branches of all files."""

    files: list[dict[str, Any]] = field(default_factory=list)
    status = SUCCEEDED

    def summary(self) -> dict[str, Any]:
        """The `codeCoverageSummary` of a report."""
        total = {
            name: sum(each[name] for each in self.files) for name in ("linesCovered", "linesMissed", "branchesCovered", "branchesMissed")
        }
        return {
            **total,
            "lineCoveragePercentage": _percentage(total["linesCovered"], total["linesMissed"]),
            "branchCoveragePercentage": _percentage(total["branchesCovered"], total["branchesMissed"]),
        }


def junit(path: Path) -> list[dict[str, Any]]:
    """The test cases of a JUnit XML file; ReportError when it is none."""
    root = _root(path, ("testsuites", "testsuite"))
    suites = list(root.iter("testsuite"))
    return [_case(suite, case, path) for suite in suites for case in suite.findall("testcase")]


def _case(suite: ElementTree.Element, case: ElementTree.Element, path: Path) -> dict[str, Any]:
    status, message = SUCCEEDED, ""
    for tag, meaning in (("failure", FAILED), ("error", ERROR), ("skipped", SKIPPED)):
        found = case.find(tag)
        if found is not None:
            status, message = meaning, found.get("message") or (found.text or "").strip()
            break
    try:
        seconds = float((case.get("time") or "0").replace(",", ""))
    except ValueError as error:
        raise ReportError(f"{path.name}: the time of test {case.get('name')} is {case.get('time')!r}, expected seconds") from error
    return {
        "name": case.get("name") or "",
        "prefix": case.get("classname") or "",
        "testSuiteName": suite.get("name") or "",
        "status": status,
        "message": message[:4096],
        "durationInNanoSeconds": round(seconds * 1e9),
        "testRawDataPath": path.name,
    }


def cobertura(path: Path) -> list[dict[str, Any]]:
    """The coverage of each file in a Cobertura XML file; ReportError when it is none."""
    root = _root(path, ("coverage",))
    lines: dict[str, dict[int, int]] = {}
    branches: dict[str, dict[int, tuple[int, int]]] = {}
    for class_ in root.iter("class"):
        name = class_.get("filename") or class_.get("name") or ""
        hits, taken = lines.setdefault(name, {}), branches.setdefault(name, {})
        for line in class_.findall("lines/line"):
            number = int(line.get("number") or 0)
            hits[number] = max(hits.get(number, 0), int(line.get("hits") or 0))
            if line.get("branch") == "true":
                taken[number] = _branches(line.get("condition-coverage") or "")
    return [_file(name, lines[name], branches[name]) for name in sorted(lines)]


def _branches(text: str) -> tuple[int, int]:
    """(covered, all) of "50% (1/2)"."""
    inside = text.partition("(")[2].rstrip(")")
    covered, _, of = inside.partition("/")
    return (int(covered), int(of)) if covered.isdigit() and of.isdigit() else (0, 0)


def _file(name: str, hits: dict[int, int], branches: dict[int, tuple[int, int]]) -> dict[str, Any]:
    covered = sum(count > 0 for count in hits.values())
    taken, of = sum(each[0] for each in branches.values()), sum(each[1] for each in branches.values())
    return {
        "filePath": name,
        "linesCovered": covered,
        "linesMissed": len(hits) - covered,
        "lineCoveragePercentage": _percentage(covered, len(hits) - covered),
        "branchesCovered": taken,
        "branchesMissed": of - taken,
        "branchCoveragePercentage": _percentage(taken, of - taken),
    }


def _percentage(covered: int, missed: int) -> float:
    return round(100 * covered / (covered + missed), 2) if covered + missed else 0.0


def _root(path: Path, expected: tuple[str, ...]) -> ElementTree.Element:
    try:
        root = ElementTree.parse(path).getroot()  # noqa: S314 - the build's own file, read with the sandbox's own rights
    except ElementTree.ParseError as error:
        raise ReportError(f"{path.name} is no XML: {error}") from error
    if root.tag not in expected:
        raise ReportError(f"{path.name}: expected the element {' or '.join(expected)}, got {root.tag}")
    return root


READERS = {"JUNITXML": junit, "COBERTURAXML": cobertura}
