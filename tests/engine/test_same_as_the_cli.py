"""The offline engine registers the same resources as the real Pulumi CLI does for the same program."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlops.engine import deployment, destroy, preview, up
from mlops.engine.signatures import REFERENCE, SECRET
from tests.engine.plugin import EchoProvider, served
from tests.engine.recording import copied
from tests.engine.standin import served_for_previews
from tests.unit.engine.memory_provider import MemoryProvider

Cli = Callable[..., str]
PROGRAMS = Path(__file__).parents[1] / "unit" / "engine" / "programs"
NAMES = sorted(path.name for path in PROGRAMS.iterdir() if (path / "Pulumi.yaml").exists())

pytestmark = pytest.mark.engine


def view(states: list[dict[str, Any]], *more: str) -> dict[str, Any]:
    """What is compared of each resource. The providers here add nothing, so neither may count what only the real aws provider adds."""
    return {
        state["urn"]: {
            "type": state["type"],
            "custom": state["custom"],
            "parent": state.get("parent", ""),
            "provider": (state.get("provider") or "").rpartition("::")[0],
            "inputs": {
                key: masked(value) for key, value in (state.get("inputs") or {}).items() if key != "tagsAll" and not key.startswith("__")
            },
            "dependencies": sorted(state.get("dependencies") or []),
            "propertyDependencies": {key: sorted(urns) for key, urns in (state.get("propertyDependencies") or {}).items() if urns},
            "protect": state.get("protect", False),
            "retainOnDelete": state.get("retainOnDelete", False),
            **{key: masked(state.get(key)) for key in more},
        }
        for state in states
        # The CLI's JSON leaves default providers out; every resource's reference to one is compared.
        if not (state["type"].startswith("pulumi:providers:") and state["urn"].rpartition("::")[2].startswith("default"))
    }


def masked(value: Any) -> Any:
    """Secrets as the CLI prints them."""
    if isinstance(value, dict):
        if REFERENCE in value.values():
            return {"resource": value["urn"]}  # the CLI prints no id in a preview, and fields of its own
        return "[secret]" if SECRET in value.values() else {key: masked(item) for key, item in value.items()}
    return [masked(item) for item in value] if isinstance(value, list) else value


def assert_same(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    lines = [f"only ours: {urn}" for urn in sorted(ours.keys() - theirs.keys())]
    lines += [f"only the CLI's: {urn}" for urn in sorted(theirs.keys() - ours.keys())]
    for urn in sorted(ours.keys() & theirs.keys()):
        lines += [f"{urn} {key}: {ours[urn][key]} != {theirs[urn][key]}" for key in ours[urn] if ours[urn][key] != theirs[urn][key]]
    assert not lines, "\n".join(lines)


def assert_previews_are_the_same(cli: Cli, project: Path, stack: str) -> None:
    ours = view(deployment(preview(project, stack))["deployment"]["resources"])
    with served_for_previews(project) as providers:
        cli(project, providers, "stack", "init", stack)
        document = json.loads(cli(project, providers, "preview", "--json", "--stack", stack))
    assert_same(ours, view([step["newState"] for step in document["steps"]]))


@pytest.mark.parametrize("name", NAMES)
def test_a_preview_equals_the_clis(name: str, tmp_path: Path, cli: Cli) -> None:
    assert_previews_are_the_same(cli, copied(name, tmp_path), "dev")


@pytest.mark.parametrize("stack", ["dev", "prod", "prod-dr", "local"])
def test_the_platforms_preview_equals_the_clis(stack: str, platform: Path, cli: Cli) -> None:
    assert_previews_are_the_same(cli, platform, stack)


class NamedIds(MemoryProvider):
    """Ids that do not depend on the order of creation, so that two updates can be compared."""

    def create(self, type_: str, name: str, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        id_ = f"{type_.rpartition(':')[2]}-{name}"
        with self._lock:
            self.resources[id_] = inputs
        return id_, self._outputs(id_, inputs)

    def invoke(self, token: str, args: dict[str, Any]) -> dict[str, Any]:
        return EchoProvider("eu-west-1").invoke(token, args)


@pytest.mark.parametrize("name", ["buckets", "vpc"])
def test_an_updates_state_equals_the_clis_and_both_end_with_nothing(name: str, tmp_path: Path, cli: Cli) -> None:
    project = copied(name, tmp_path)
    program = project / "__main__.py"
    program.write_text(program.read_text().replace("pulumi.ResourceOptions(protect=True)", "None"))
    ours, theirs = NamedIds(), NamedIds()
    record = up(project, "dev", ours)
    with served(theirs, project) as providers:
        cli(project, providers, "stack", "init", "dev")
        cli(project, providers, "up", "--yes", "--skip-preview", "--stack", "dev")
        export = json.loads(cli(project, providers, "stack", "export", "--stack", "dev"))
        cli(project, providers, "preview", "--expect-no-changes", "--stack", "dev")
        cli(project, providers, "destroy", "--yes", "--skip-preview", "--stack", "dev")
    states = [state for state in export["deployment"]["resources"] if not state["type"].startswith("pulumi:providers:")]
    mine = [state for state in deployment(record)["deployment"]["resources"] if not state["type"].startswith("pulumi:providers:")]
    assert_same(view(mine, "id"), view(states, "id"))
    destroy(record, ours)
    retained = {id_ for id_ in ours.resources if id_.startswith("Queue-")}
    assert set(ours.resources) == set(theirs.resources) == retained
