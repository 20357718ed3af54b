"""Tags, budgets, Graviton and the region's grid: what the stacks' previews show."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.cost.cost_tags import COST_ALLOCATION_TAGS
from components.settings import green_regions
from components.settings.cost import OfficeHours
from components.settings.source import SettingsError
from mlops import engine
from mlops.sandbox.identity.conditions import Context
from mlops.sandbox.identity.documents import parse
from mlops.sandbox.identity.evaluation import Policies, Request, evaluate

from .test_boundary import ROLE
from .test_program import ROOT, of_type, preview
from .test_settings import parsed, section

STACKS = ("dev", "prod", "prod-dr", "local")
TAGGABLE = frozenset((ROOT / "policy/wellarchitected/data/taggable_types.txt").read_text().split())
PARTS = ("Pulumi.yaml", "__main__.py", "components", "lambdas", "glue_jobs", "training", "contracts", "buildspecs")


def changed_stack(folder: Path, stack: str, change: Callable[[dict[str, Any]], None]) -> engine.Record:
    """The preview of a stack with other settings, from a copy of the program."""
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / part)
    (folder / "build").symlink_to(ROOT / "build")
    settings = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())
    change(settings["config"])
    (folder / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    return engine.preview(folder, stack)


@pytest.mark.spec("COST-1a", "COST-5a")
@pytest.mark.parametrize("stack", STACKS)
def test_everything_that_can_be_tagged_carries_the_cost_tags_whoever_makes_it(stack: str) -> None:
    every = {"Project", "Environment", "CostCenter", "Owner", "ManagedBy"}
    taggable = [resource for resource in preview(stack).resources if resource.type in TAGGABLE]
    assert len(taggable) > 100
    assert [resource.urn for resource in taggable if not every <= set(resource.inputs.get("tagsAll", {}))] == []
    # awsx makes its children with a provider of its own version: it takes the same default tags from the stack's configuration.
    providers = {resource.provider for resource in taggable if resource.type.startswith("aws:ec2/")}
    assert stack == "prod-dr" or len(providers) == 2


def test_extra_tags_reach_pulumis_resources_awsxs_and_what_runs_later(tmp_path: Path) -> None:
    def add(config: dict[str, Any]) -> None:
        config["mlops:stack"]["extra_tags"] = {"Team": "forecasting"}
        config["aws:defaultTags"]["tags"]["Team"] = "forecasting"

    record = changed_stack(tmp_path, "dev", add)
    taggable = [resource for resource in record.resources if resource.type in TAGGABLE]
    assert {resource.inputs["tagsAll"].get("Team") for resource in taggable} == {"forecasting"}
    for tags in runtime_tags(record):
        assert tags["Team"] == "forecasting"


def runtime_tags(record: engine.Record) -> list[dict[str, str]]:
    """The tags of every training job, model, configuration and endpoint that a state machine makes."""
    found = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            made = str(value.get("Resource", "")).rsplit(":", 1)[-1].removesuffix(".sync")
            if made in ("createTrainingJob", "createModel", "createEndpointConfig", "createEndpoint"):
                found.append({tag["Key"]: tag["Value"] for tag in value["Parameters"]["Tags"]})
            for item in value.values():
                walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)

    for machine in (resource for resource in record.resources if resource.type == "aws:sfn/stateMachine:StateMachine"):
        walk(json.loads(machine.inputs["definition"]))
    return found


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_whoever_tells_of_costs_is_set_up_after_the_topic_admits_it(stack: str) -> None:
    """AWS tries the topic when a subscription is made."""
    told = [
        r
        for r in preview(stack).resources
        if r.type in ("aws:budgets/budget:Budget", "aws:costexplorer/anomalySubscription:AnomalySubscription")
    ]
    assert len(told) == 3
    for resource in told:
        assert any(urn.endswith("::notifications-alerts-policy") for urn in resource.dependencies), resource.name


@pytest.mark.spec("COST-5c")
@pytest.mark.parametrize("stack", ["dev", "prod", "local"])
def test_what_state_machines_make_carries_every_cost_tag(stack: str) -> None:
    tags = runtime_tags(preview(stack))
    assert len(tags) >= 4
    for each in tags:
        assert set(COST_ALLOCATION_TAGS) <= set(each)
        assert (each["Stack"], each["Model"]) == (stack, "flights")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (section("stack", extra_tags={"Team": "a"}), "the tag Team is None"),
        (section("stack", extra_tags={"Model": "a"}), "Model has a meaning of its own"),
        (section("stack", extra_tags={"aws:x": "a"}), "AWS keeps for itself"),
        (section("cost", budget={"action": "automatic"}), "there is no budget to act on"),
        (section("cost", budget={"monthly_usd": 9.0, "models_monthly_usd": {"planes": 1.0}}), "is no model of the stack"),
        (section("cost", office_hours={"opens": "20:00"}), "is not after opens"),
        (section("cost", office_hours={"time_zone": "Europe/Nowhere"}), "is no IANA time zone"),
        (section("cost", anomalies={"mode": "existing"}), "required with mode existing"),
        (lambda config: config["aws:defaultTags"]["tags"].update(Stack="other"), "the tag Stack is 'other'"),
    ],
)
def test_a_wrong_cost_setting_is_one_clear_error(change: Callable[[dict[str, Any]], object], message: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(message)):
        parsed("dev", change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (section("cost", office_hours={}), "prod answers at night"),
        (section("cost", budget={"monthly_usd": 9.0, "action": "manual"}), "a person's"),
    ],
)
def test_production_is_neither_switched_off_nor_stopped(change: Callable[[dict[str, Any]], object], message: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(message)):
        parsed("prod", change)


def test_office_hours_become_schedules_in_their_time_zone() -> None:
    assert OfficeHours(opens="07:05", time_zone="Europe/Dublin").cron("07:05") == "cron(5 7 ? * MON-FRI *)"
    schedules = {each.inputs["name"]: each.inputs for each in of_type("dev", "aws:scheduler/schedule:Schedule")}
    off, on = schedules["mlops-dev-endpoints-off"], schedules["mlops-dev-endpoints-on"]
    assert (off["scheduleExpression"], on["scheduleExpression"]) == ("cron(0 19 ? * MON-FRI *)", "cron(0 7 ? * MON-FRI *)")
    assert {off["scheduleExpressionTimezone"], on["scheduleExpressionTimezone"]} == {"Europe/Dublin"}
    assert not [
        name for name in (each.inputs["name"] for each in of_type("prod", "aws:scheduler/schedule:Schedule")) if "endpoints-" in name
    ]


@pytest.mark.spec("COST-1b", "COST-5b", "COST-5c")
def test_budgets_alert_on_actual_and_forecast_by_the_tags_of_stack_and_model() -> None:
    budgets = {each.inputs["name"]: each.inputs for each in of_type("prod", "aws:budgets/budget:Budget")}
    stack, model = budgets["mlops-prod"], budgets["mlops-prod-flights-model"]
    for budget in (stack, model):
        assert {each["notificationType"] for each in budget["notifications"]} == {"ACTUAL", "FORECASTED"}
    tags = [each["tags"] for each in model["filterExpression"]["ands"]]
    assert tags == [{"key": "Project", "values": ["mlops"]}, {"key": "Stack", "values": ["prod"]}, {"key": "Model", "values": ["flights"]}]
    assert of_type("prod", "aws:budgets/budgetAction:BudgetAction") == []


@pytest.mark.spec("COST-1b")
@pytest.mark.parametrize("action", ["sagemaker:CreateTrainingJob", "sagemaker:CreateEndpoint"])
def test_a_spent_budget_takes_from_the_stacks_roles_what_they_may_do_now(action: str) -> None:
    (budget_action,) = of_type("dev", "aws:budgets/budgetAction:BudgetAction")
    assert (budget_action.inputs["approvalModel"], budget_action.inputs["notificationType"]) == ("AUTOMATIC", "ACTUAL")
    (spent,) = [each for each in of_type("dev", "aws:iam/policy:Policy") if each.inputs["name"] == "mlops-dev-budget-spent"]
    denial = parse(spent.inputs["policy"])
    roles = {each.inputs["name"]: each for each in of_type("dev", "aws:iam/role:Role")}
    kind = "training-job/mlops-dev-flights-x" if action.endswith("Job") else "endpoint/mlops-dev-flights"
    resource = f"arn:aws:sagemaker:eu-west-1:123456789012:{kind}"
    able = []
    for role in budget_action.inputs["definition"]["iamActionDefinition"]["roles"]:
        assert role in roles
        policy = next(
            parse(each.inputs["policy"])
            for each in of_type("dev", "aws:iam/rolePolicy:RolePolicy")
            if each.name == roles[role].name.removesuffix("-role") + "-policy"
        )
        request = Request(ROLE, action, resource, Context({}))
        able.append(evaluate(request, Policies(identity=(policy,))).allowed)
        assert not evaluate(request, Policies(identity=(policy, denial))).allowed
    assert any(able)


@pytest.mark.spec("COST-5d")
@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_anomalies_of_cost_are_told_to_the_topic_at_once(stack: str) -> None:
    (monitor,) = of_type(stack, "aws:costexplorer/anomalyMonitor:AnomalyMonitor")
    (subscription,) = of_type(stack, "aws:costexplorer/anomalySubscription:AnomalySubscription")
    # An account has one monitor of its services, and has it from the start where Cost Explorer was enabled after March 2023.
    assert monitor.inputs["monitorType"] == "CUSTOM"
    # As the provider reads it back: any other text would be a replacement at every update.
    tags = {"Key": "Stack", "MatchOptions": None, "Values": [stack]}
    absent = {"And": None, "CostCategories": None, "Dimensions": None, "Not": None, "Or": None}
    assert json.loads(monitor.inputs["monitorSpecification"]) == {**absent, "Tags": tags}
    assert subscription.inputs["frequency"] == "IMMEDIATE"


@pytest.mark.spec("SUS-4b")
@pytest.mark.parametrize("stack", ["dev", "prod", "prod-dr"])
def test_everything_that_can_be_graviton_is(stack: str) -> None:
    functions = of_type(stack, "aws:lambda/function:Function")
    assert functions and {tuple(each.inputs["architectures"]) for each in functions} == {("arm64",)}
    assert {tuple(each.inputs["compatibleArchitectures"]) for each in of_type(stack, "aws:lambda/layerVersion:LayerVersion")} == {
        ("arm64",)
    }
    # Images of training are for x86: SageMaker trains on no Graviton type. What only builds and tests is on ARM.
    builds = {each.inputs["name"]: each.inputs["environment"]["type"] for each in of_type(stack, "aws:codebuild/project:Project")}
    assert [name for name, kind in builds.items() if kind != "ARM_CONTAINER" and "image" not in name] == []
    types = {
        types_ for machine in of_type(stack, "aws:sfn/stateMachine:StateMachine") for types_ in endpoint_types(machine.inputs["definition"])
    }
    # The specification asks for ml.t2.medium in dev: the smallest endpoint, of which there is no Graviton kind.
    assert types == ({"ml.t2.medium"} if stack == "dev" else {"ml.m6g.large"})


def endpoint_types(definition: str) -> set[str]:
    states = json.loads(definition)["States"].values()
    return {variant["InstanceType"] for state in states for variant in state.get("Parameters", {}).get("ProductionVariants", [])}


@pytest.mark.spec("SUS-4a")
@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_functions_run_on_the_newest_runtime_that_their_layers_install_for(stack: str) -> None:
    assert {each.inputs["runtime"] for each in of_type(stack, "aws:lambda/function:Function")} == {"python3.14"}


@pytest.mark.spec("SUS-2c")
@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_storage_and_tables_are_reached_by_gateway_endpoints_in_every_route_table(stack: str) -> None:
    gateways = [each for each in of_type(stack, "aws:ec2/vpcEndpoint:VpcEndpoint") if each.inputs["vpcEndpointType"] == "Gateway"]
    assert {each.inputs["serviceName"].rsplit(".", 1)[-1] for each in gateways} == {"s3", "dynamodb"}
    assert all("routeTableIds" in each.property_dependencies for each in gateways)


@pytest.mark.spec("PERF-5c", "SUS-3c")
@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_glue_scales_its_workers(stack: str) -> None:
    assert {each.inputs["defaultArguments"]["--enable-auto-scaling"] for each in of_type(stack, "aws:glue/job:Job")} == {"true"}


@pytest.mark.spec("SUS-2d", "SUS-4d")
def test_a_region_with_a_dirty_grid_is_warned_of_with_cleaner_ones_nearby(tmp_path: Path) -> None:
    assert green_regions.warning("eu-north-1", 300) is None
    told = str(green_regions.warning("ap-south-1", 300))
    assert "713 g CO2e/kWh" in told and "ap-southeast-6 (113)" in told
    assert "is not known here" in str(green_regions.warning("xx-west-1", 300))
    record = changed_stack(tmp_path, "dev", lambda config: config.update({"mlops:sustainability": {"maximum_grams_per_kwh": 100.0}}))
    assert [log for log in record.logs if "eu-west-1: its grid (Ireland, 2023) emits 291 g" in str(log)]
    assert not [log for log in preview("dev").logs if "its grid" in str(log)]


def test_every_grid_has_a_plausible_intensity_and_the_file_its_source() -> None:
    document = json.loads(green_regions.FILE.read_text())
    assert document["source"] and document["retrieved"] and "kWh" in document["unit"]
    assert len(green_regions.grids()) > 30
    for grid in green_regions.grids().values():
        assert 10 < grid.grams_per_kwh < 1000 and grid.year >= 2020, grid
