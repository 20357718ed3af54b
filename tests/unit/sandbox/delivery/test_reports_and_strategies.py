"""Test results and coverage are counted from their files; strategies become steps; variables are replaced."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.sandbox.delivery.deploy_strategy import steps
from mlops.sandbox.delivery.pipeline_triggers import admitted
from mlops.sandbox.delivery.pipeline_variables import UnknownVariable, resolved
from mlops.sandbox.delivery.report_files import Coverage, ReportError, TestResults, cobertura, junit

COBERTURA = """<coverage><packages><package><classes>
<class filename="a.py"><lines><line number="1" hits="1"/><line number="2" hits="0"/>
<line number="3" hits="2" branch="true" condition-coverage="50% (1/2)"/></lines></class>
<class filename="b.py"><lines><line number="1" hits="0"/></lines></class>
</classes></package></packages></coverage>"""


def test_a_junit_file_is_counted(tmp_path: Path):
    file = tmp_path / "junit.xml"
    file.write_text(
        '<testsuite name="s"><testcase name="a" time="1.5"/><testcase name="b"><error message="boom"/></testcase>'
        '<testcase name="c"><skipped/></testcase></testsuite>'
    )
    results = TestResults(junit(file))
    assert results.summary() == {
        "total": 3,
        "statusCounts": {"SUCCEEDED": 1, "FAILED": 0, "ERROR": 1, "SKIPPED": 1, "UNKNOWN": 0},
        "durationInNanoSeconds": 1_500_000_000,
    }
    assert results.status == "FAILED"


def test_a_cobertura_file_is_counted(tmp_path: Path):
    file = tmp_path / "coverage.xml"
    file.write_text(COBERTURA)
    summary = Coverage(cobertura(file)).summary()
    assert (summary["linesCovered"], summary["linesMissed"], summary["lineCoveragePercentage"]) == (2, 2, 50.0)
    assert (summary["branchesCovered"], summary["branchesMissed"]) == (1, 1)


@pytest.mark.parametrize(
    ("text", "said"), [("no xml", "no XML"), ("<html/>", "expected the element"), ("<coverage/>", "expected the element")]
)
def test_other_files_are_refused_by_name(tmp_path: Path, text: str, said: str):
    (tmp_path / "r.xml").write_text(text)
    with pytest.raises(ReportError, match=rf"r\.xml.*{said}"):
        junit(tmp_path / "r.xml")


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("AllAtOnce", [(100, 0)]),
        ("Canary10Percent5Minutes", [(10, 5), (100, 0)]),
        ("Linear40PercentEvery1Minute", [(40, 1), (80, 1), (100, 0)]),
    ],
)
def test_strategies_become_steps(strategy: str, expected: list[tuple[int, int]]):
    assert [(step.percent, step.minutes) for step in steps(strategy)] == expected


@given(st.integers(1, 99), st.integers(1, 20), st.booleans())
def test_every_strategy_grows_and_ends_with_everything(percent: int, minutes: int, canary: bool):
    shares = [
        step.percent
        for step in steps(f"Canary{percent}Percent{minutes}Minutes" if canary else f"Linear{percent}PercentEvery{minutes}Minutes")
    ]
    assert shares == sorted(set(shares))
    assert shares[0] == percent
    assert shares[-1] == 100


@pytest.mark.parametrize(
    "strategy", ["Canary", "Canary0Percent5Minutes", "Canary100Percent5Minutes", "Linear1PercentEvery60Minutes", "Blue"]
)
def test_other_strategies_are_refused(strategy: str):
    with pytest.raises(ValueError, match="DeployStrategy"):
        steps(strategy)


def test_variables_are_replaced_and_unknown_ones_named():
    spaces = {"Source": {"CommitId": "abc"}, "variables": {"WHY": "x"}}
    assert resolved("#{Source.CommitId}-#{variables.WHY}-#x", spaces) == "abc-x-#x"
    with pytest.raises(UnknownVariable, match=r"#\{Build\.Version\}.*Source\.CommitId"):
        resolved("#{Build.Version}", spaces)


@pytest.mark.parametrize(
    ("rule", "names", "expected"),
    [
        ({"includes": ["main"]}, ["main"], True),
        ({"includes": ["release/**"]}, ["release/1/2"], True),
        ({"excludes": ["docs/**"]}, ["docs/a.md"], False),
        ({"excludes": ["docs/**"]}, ["docs/a.md", "a.py"], True),
        ({"includes": ["src/**"], "excludes": ["src/x"]}, ["src/x"], False),
    ],
)
def test_triggers_admit_branches_and_paths(rule: dict[str, list[str]], names: list[str], expected: bool):
    assert admitted(rule, names) is expected
