"""Two models in one stack, each with its own contract: everything of a model is its own."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest
import yaml

from mlops import engine

from .test_cicd import PARTS
from .test_program import ROOT

MODELS = ("flights", "breast-cancer")
pytestmark = pytest.mark.spec("P3h")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> engine.Record:
    """Stack local with the breast cancer set as a second model, trained on two hosts and without A/B tests."""
    folder = tmp_path_factory.mktemp("project")
    for part in PARTS:
        (folder / part).symlink_to(ROOT / part)
    for file in ("Pulumi.yaml", "__main__.py"):
        shutil.copy(ROOT / file, folder / file)
    (ROOT / "build").mkdir(exist_ok=True)
    (folder / "build").symlink_to(ROOT / "build")
    settings = yaml.safe_load((ROOT / "Pulumi.local.yaml").read_text())
    training = {"algorithms": ["lightgbm"], "instance_count": 2, "minimum_rows": 200}
    settings["config"]["mlops:models"].append({"name": MODELS[1], "contract": "contracts/breast_cancer.yaml", "training": training})
    (folder / "Pulumi.local.yaml").write_text(yaml.safe_dump(settings))
    return engine.preview(folder, "local")


def definition(record: engine.Record, name: str) -> dict[str, Any]:
    (machine,) = [
        each
        for each in record.resources
        if each.type == "aws:sfn/stateMachine:StateMachine" and each.inputs["name"] == f"mlops-local-{name}"
    ]
    return json.loads(machine.inputs["definition"])


def test_each_model_has_pipelines_registry_and_endpoint_of_its_own(both: engine.Record) -> None:
    outputs = both.outputs["models"]
    assert set(outputs) == set(MODELS)
    for key in ("model_package_group", "endpoint", "predict", "contract", "data_prefix", "failures_queue", "database"):
        assert len({str(outputs[model][key]) for model in MODELS}) == 2 or key == "failures_queue", key
    groups = {
        each.inputs["modelPackageGroupName"] for each in both.resources if each.type == "aws:sagemaker/modelPackageGroup:ModelPackageGroup"
    }
    assert groups == {f"mlops-local-{model}" for model in MODELS}


@pytest.mark.spec("REL-3b")
def test_hosts_and_algorithms_are_those_of_each_models_settings(both: engine.Record) -> None:
    counts = {}
    for model in MODELS:
        branches = definition(both, f"{model}-training")["States"]["Train"]["Branches"]
        tasks = [state for branch in branches for state in branch["States"].values() if state["Type"] == "Task"]
        counts[model] = [
            (each["Parameters"]["HyperParameters"]["algorithm"], each["Parameters"]["ResourceConfig"]["InstanceCount"]) for each in tasks
        ]
    assert counts["breast-cancer"] == [("lightgbm", 2)]
    assert {hosts for _, hosts in counts["flights"]} == {1} and len(counts["flights"]) == 3


@pytest.mark.spec("PERF-4b")
def test_only_a_model_with_ab_tests_has_their_states_and_alarm(both: engine.Record) -> None:
    assert "CreateTestConfig" in definition(both, "flights-deployment")["States"]
    assert "CreateTestConfig" not in definition(both, "breast-cancer-deployment")["States"]
    alarms = {each.inputs["name"] for each in both.resources if each.type == "aws:cloudwatch/metricAlarm:MetricAlarm"}
    assert "mlops-local-flights-endpoint-challenger-errors" in alarms
    assert "mlops-local-breast-cancer-endpoint-challenger-errors" not in alarms


def test_no_role_of_one_model_reaches_the_others_data_or_endpoint(both: engine.Record) -> None:
    policies = [each for each in both.resources if each.type == "aws:iam/rolePolicy:RolePolicy"]
    for own, other in (MODELS, MODELS[::-1]):
        mine = [policy for policy in policies if policy.name.startswith(f"{own}-")]
        assert len(mine) > 8
        for policy in mine:
            for reach in (f"/{other}/", f"mlops-local-{other}"):
                assert reach not in policy.inputs["policy"], (policy.name, reach)
