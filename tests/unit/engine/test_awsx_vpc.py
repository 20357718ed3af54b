"""The children of awsx.ec2.Vpc equal those that the real awsx provider registered."""

from __future__ import annotations

import json
import typing
from pathlib import Path
from typing import Any

import pulumi_aws.ec2
import pytest

from mlops.engine import EngineError, Record, RecordedResource
from mlops.engine.awsx_outputs import CLASS_OUTPUTS
from mlops.engine.awsx_vpc import Constructed, construct
from mlops.engine.config import Project
from mlops.engine.preview import PreviewSteps
from mlops.engine.registry import ClassOutputs, Registration, Registry
from mlops.engine.values import to_plain_json

DATA = Path(__file__).parent / "data" / "awsx"
CASES = sorted(path.stem for path in DATA.glob("*.json"))
SENTINEL = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


class CreatingSteps(PreviewSteps):
    """Creates everything at once, with the placeholder ids of the recorded cases."""

    dry_run = False

    def apply(self, resource: RecordedResource, provider: RecordedResource, outputs: ClassOutputs) -> None:
        resource.id = f"${{{resource.type}::{resource.name}.id}}"
        resource.outputs = dict(resource.inputs)


def build(case: dict[str, Any], steps: PreviewSteps) -> tuple[Record, Constructed]:
    project = Project("PROJECT", "STACK", Path(), Path(), None, {"aws:region": "us-east-1"}, [])
    record = Record("PROJECT", "STACK")
    registry = Registry(project, record, steps)
    stack = registry.register(Registration("pulumi:pulumi:Stack", "PROJECT-STACK", custom=False))
    goal = Registration(
        "awsx:ec2:Vpc",
        case["vpcName"],
        custom=False,
        remote=True,
        parent=stack.urn,
        inputs=case["component"]["construct"]["inputs"],
        version="3.11.0",
    )
    return record, construct(registry, goal)


def recorded(case: dict[str, Any], preview: bool) -> dict[str, Any]:
    expected = {}
    for resource in case["resources"]:
        if resource["type"].startswith("aws:"):
            view = resource["preview"] if preview else resource
            used = {key: sorted(urns) for key, urns in view["propertyDependencies"].items() if urns}
            text = json.dumps(view["inputs"]).replace("${unknown}", SENTINEL)
            expected[resource["urn"]] = (
                resource["type"],
                resource["name"],
                resource["parent"],
                json.loads(text),
                sorted(view["dependencies"]),
                used,
            )
    return expected


def registered(record: Record) -> dict[str, Any]:
    # The cases were recorded with a stand-in aws provider: what the real one adds (`tagsAll`) is not in them.
    for resource in record.resources:
        resource.inputs.pop("tagsAll", None)
    return {
        r.urn: (r.type, r.name, r.parent, to_plain_json(r.inputs), r.dependencies, r.property_dependencies)
        for r in record.resources
        if r.type.startswith("aws:")
    }


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("preview", [True, False], ids=["preview", "update"])
def test_children_equal_the_recorded_ones(name: str, preview: bool) -> None:
    case = json.loads((DATA / f"{name}.json").read_text())
    record, _ = build(case, PreviewSteps() if preview else CreatingSteps())
    assert registered(record) == recorded(case, preview)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("preview", [True, False], ids=["preview", "update"])
def test_outputs_and_what_they_depend_on_equal_the_recorded_ones(name: str, preview: bool) -> None:
    case = json.loads((DATA / f"{name}.json").read_text())
    _, constructed = build(case, PreviewSteps() if preview else CreatingSteps())
    answer = case["component"]["preview" if preview else "up"]
    assert constructed.urn == answer["urn"]
    assert to_plain_json(constructed.outputs) == json.loads(json.dumps(answer["state"]).replace("${unknown}", SENTINEL))
    assert constructed.dependencies == {key: sorted(urns) for key, urns in case["component"]["preview"]["stateDependencies"].items()}


@pytest.mark.parametrize("name", CASES)
def test_warnings_and_data_sources_equal_the_recorded_ones(name: str) -> None:
    case = json.loads((DATA / f"{name}.json").read_text())
    record, constructed = build(case, PreviewSteps())
    said = "\n".join(line.removeprefix("warning: ") for line in case["diagnostics"] if not line.startswith("awsx:"))
    assert "\n".join(constructed.warnings).replace("\n\n", "\n") == said
    assert [(invoke.token, invoke.args) for invoke in record.invokes] == [(call["tok"], call["args"]) for call in case["invokes"]]


def test_the_component_has_neither_inputs_nor_outputs_of_its_own() -> None:
    record, _ = build(json.loads((DATA / "case2.json").read_text()), PreviewSteps())
    component = next(resource for resource in record.resources if resource.type == "awsx:ec2:Vpc")
    assert (component.inputs, component.outputs, component.custom, component.remote) == ({}, {}, False, True)


def test_the_outputs_known_of_each_child_are_those_of_its_class() -> None:
    for type_, outputs in CLASS_OUTPUTS.items():
        always = set()
        for attribute in vars(getattr(pulumi_aws.ec2, type_.split(":")[-1])).values():
            if isinstance(attribute, property) and hasattr(attribute.fget, "_pulumi_name"):
                (value,) = typing.get_args(attribute.fget.__annotations__["return"])  # type: ignore[union-attr]
                if type(None) not in typing.get_args(value):
                    always.add(attribute.fget._pulumi_name)  # type: ignore[union-attr]
        assert {name for name, present in outputs if present} == always


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"subnetSpecs": [{"type": "Private"}]}, "needs a public and a private subnet"),
        ({"assignGeneratedIpv6CidrBlock": True}, "assignGeneratedIpv6CidrBlock"),
        ({"availabilityZoneNames": ["us-east-1a"], "numberOfAvailabilityZones": 1}, "only one of"),
        ({"numberOfAvailabilityZones": 4}, "has 3 availability zones, 4 were asked for"),
        ({"subnetStrategy": "Best"}, "expected one of Legacy, Auto, Exact"),
        ({"cidrBlock": "10.0.0.0/26", "subnetStrategy": "Auto"}, "at least a /26"),
        ({"natGateways": 1}, "'natGateways' must be a map, got 1"),
        ({"natGateways": {"strategy": "None", "elasticIpAllocationIds": ["eipalloc-1"]}}, "takes 0 elasticIpAllocationIds, got 1"),
    ],
)
def test_wrong_arguments_are_refused_by_name(inputs: dict[str, Any], message: str) -> None:
    case = json.loads((DATA / "case1.json").read_text())
    case["component"]["construct"]["inputs"] = inputs
    with pytest.raises(EngineError, match=message):
        build(case, PreviewSteps())
