"""Whoever is woken by an alarm is told what to do: every alarm of every stack names a runbook, and the runbook is there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlops import engine

ROOT = Path(__file__).parents[3]
FOLDER = "docs/runbooks/"
NAMED = re.compile(r"docs/runbooks/([\w.-]+\.md)")
ALARMS = ("aws:cloudwatch/metricAlarm:MetricAlarm", "aws:cloudwatch/compositeAlarm:CompositeAlarm")
PROGRAMS = [
    *((ROOT, path.name.split(".")[1]) for path in sorted(ROOT.glob("Pulumi.*.yaml"))),
    *((path.parent, path.name.split(".")[1]) for path in sorted((ROOT / "foundations").glob("*/Pulumi.*.yaml"))),
]
URL = "https://example.com/platform/runbooks"


Registered = list[tuple[str, dict[str, Any]]]  # types and inputs


@cache
def registered(root: Path, stack: str) -> Registered:
    """What a stack registers: as recorded where it is (test_recorded_preview.py keeps that fresh), from a preview otherwise."""
    recording = ROOT / "tests" / "recordings" / f"{stack}.json"
    if root == ROOT and recording.is_file():
        return [(resource["type"], resource["inputs"]) for resource in json.loads(recording.read_text())["resources"].values()]
    return previewed(root, stack)


def previewed(root: Path, stack: str) -> Registered:
    return [(resource.type, resource.inputs) for resource in engine.preview(root, stack).resources]


def descriptions(resources: Registered) -> dict[str, str]:
    """The alarm's name → what it tells."""
    alarms = [inputs for type_, inputs in resources if type_ in ALARMS]
    return {inputs.get("name") or inputs["alarmName"]: inputs.get("alarmDescription") or "" for inputs in alarms}


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts(item)


@pytest.mark.spec("OPS-6", "SEC-8h")
@pytest.mark.parametrize(("root", "stack"), PROGRAMS, ids=lambda value: value.name if isinstance(value, Path) else value)
def test_every_alarm_names_a_runbook_that_is_there(root: Path, stack: str) -> None:
    lost = {name: text for name, text in descriptions(registered(root, stack)).items() if not NAMED.search(text)}
    assert not lost, "these alarms name no docs/runbooks/*.md in their description"
    named = {name for _, inputs in registered(root, stack) for text in texts(inputs) for name in NAMED.findall(text)}
    assert not [name for name in sorted(named) if not (ROOT / FOLDER / name).is_file()]


def test_the_stacks_have_alarms_of_every_kind_to_be_looked_at() -> None:
    found = {name.removeprefix("mlops-prod-") for name in descriptions(registered(ROOT, "prod"))}
    assert {"api-errors", "flights-training-failed", "flights-predict-throttled", "ledger-reads-throttled", "data-pipeline"} <= found


@pytest.mark.spec("OPS-6")
def test_every_runbook_is_reached_from_the_index() -> None:
    index = (ROOT / FOLDER / "README.md").read_text()
    linked = set(re.findall(r"\]\(([\w-]+\.md)\)", index))
    assert linked == {path.name for path in (ROOT / FOLDER).glob("*.md")} - {"README.md"}


@pytest.fixture(scope="module")
def linking(tmp_path_factory: pytest.TempPathFactory) -> Registered:
    """Stack dev with the address of its runbooks."""
    folder = tmp_path_factory.mktemp("linking")
    for name in (
        "__main__.py",
        "Pulumi.yaml",
        "contracts",
        "lambdas",
        "glue_jobs",
        "training",
        "buildspecs",
        "components",
        "pyproject.toml",
    ):
        if (ROOT / name).exists():
            (folder / name).symlink_to(ROOT / name)
    config = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())
    config["config"]["mlops:notifications"]["runbooks_url"] = URL
    (folder / "Pulumi.dev.yaml").write_text(yaml.safe_dump(config))
    return previewed(folder, "dev")


def test_with_an_address_every_alarm_and_message_links_to_its_runbook(linking: Registered) -> None:
    told = descriptions(linking)
    assert told and all(re.search(rf"{URL}/[\w-]+\.md", text) for text in told.values())
    sent = json.dumps([inputs for type_, inputs in linking if type_ == "aws:cloudwatch/eventTarget:EventTarget"], default=str)
    assert f"{URL}/security-event.md" in sent and FOLDER not in sent
    failing = [inputs["definition"] for type_, inputs in linking if type_ == "aws:sfn/stateMachine:StateMachine"]
    assert failing and all(f"{URL}/" in str(definition) and FOLDER not in str(definition) for definition in failing)
