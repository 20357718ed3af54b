"""Buildspecs are read as CodeBuild reads them, and errors name the key."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mlops.sandbox.delivery.buildspec import PHASES, BuildspecError, parse

ROOT = Path(__file__).parents[4]
MINIMAL = {"version": 0.2, "phases": {"build": {"commands": ["make"]}}}


def spec(**changes: object) -> str:
    return yaml.safe_dump({**MINIMAL, **changes})


def test_a_buildspec_with_everything():
    found = parse(
        """
version: 0.2
env:
  shell: bash
  variables: {NUMBER: 1, FLAG: true}
  exported-variables: [RELEASE]
phases:
  install: {runtime-versions: {python: 3.11}, commands: pip list}
  build: {commands: [one, two], finally: [three], on-failure: CONTINUE}
reports:
  unit: {files: junit.xml, base-directory: out}
  coverage: {files: ['*.xml'], file-format: CoberturaXml}
artifacts:
  files: ['**/*']
  base-directory: dist
  secondary-artifacts:
    layer: {files: [layer.zip], discard-paths: yes}
"""
    )
    assert found.shell == "bash"
    assert found.variables == {"NUMBER": "1", "FLAG": "true"}
    assert found.phases["install"].commands == ("pip list",)
    assert found.phases["build"].finally_ == ("three",)
    assert [(report.group, report.format) for report in found.reports] == [("unit", "JUNITXML"), ("coverage", "COBERTURAXML")]
    assert found.artifacts[""].base_directory == "dist"
    assert found.artifacts["layer"].discard_paths


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("version: 0.1\nphases: {}", "version"),
        (spec(phases={}), "phases"),
        (spec(phases={"compile": {}}), "phases.compile"),
        (spec(phases={"build": {"commands": [{"echo a": "b"}]}}), "phases.build.commands"),
        (spec(phases={"build": {"commands": ["a"], "on-failure": "RETRY"}}), "phases.build.on-failure"),
        (spec(phases={"build": {"runtime-versions": {"python": "3.11"}}}), "phases.build.runtime-versions"),
        (spec(env={"shell": "powershell.exe"}), "env.shell"),
        (spec(reports={"r": {"files": ["a"], "file-format": "TESTNGXML"}}), "reports.r.file-format"),
        (spec(reports={"r": {}}), "reports.r.files"),
        (spec(artifacts={"base-directory": "x"}), "artifacts.files"),
        (spec(artifacts={"files": ["a"], "discard-paths": "maybe"}), "artifacts.discard-paths"),
        (spec(batch={"fast-fail": True}), "batch"),
        ("version: [", "no YAML"),
        ("- a", "expected a mapping"),
    ],
)
def test_what_is_wrong_is_named(text: str, named: str):
    with pytest.raises(BuildspecError, match=named.replace(".", r"\.")):
        parse(text)


@given(st.dictionaries(st.sampled_from(PHASES), st.lists(st.text("abc $&|", min_size=1), max_size=4), min_size=1))
def test_commands_come_through_in_the_order_of_the_phases(phases: dict[str, list[str]]):
    found = parse(yaml.safe_dump({"version": 0.2, "phases": {name: {"commands": commands} for name, commands in phases.items()}}))
    assert [*found.phases] == [name for name in PHASES if name in phases]
    assert {name: [*phase.commands] for name, phase in found.phases.items()} == phases


@pytest.mark.parametrize("path", sorted((ROOT / "buildspecs").glob("*.yml")), ids=lambda path: path.name)
def test_the_projects_own_buildspecs_can_be_carried_out(path: Path):
    assert parse(path.read_text()).phases["build"].commands
