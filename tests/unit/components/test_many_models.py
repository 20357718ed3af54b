"""As many models as a stack takes, with the longest names: everything that grows with them stays inside what AWS takes.

The limits are AWS's: quotas of IAM, Lambda, CodePipeline, CloudWatch, EventBridge, Step Functions, SQS, SNS, KMS, S3, API Gateway and Budgets, as of November 2026.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter, defaultdict
from typing import Any

import pytest
import yaml

from components.base.inventory import Item
from components.cicd.stages import MAXIMUM_ACTIONS, releases
from components.settings.settings import MAXIMUM_MODELS
from mlops import engine
from mlops.engine.values import UNKNOWN_SENTINEL

from .test_cicd import PARTS
from .test_program import ROOT

# As long as names can be: `components/settings/name_lengths.py` refuses a stack with one character more.
STACK = "development"
NAMES = [f"flights-of-region-{number:02}" for number in range(1, MAXIMUM_MODELS + 1)]
# What is known only when it is there counts as the longest ARN that stands in its place.
UNKNOWN = "x" * 100
pytestmark = pytest.mark.spec("P3h", "REL-3b")


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> engine.Record:
    """Stack dev under a longer name, with the models that prod has: scaling, A/B tests and a budget each."""
    folder = tmp_path_factory.mktemp("project")
    for part in PARTS:
        (folder / part).symlink_to(ROOT / part)
    for file in ("Pulumi.yaml", "__main__.py"):
        shutil.copy(ROOT / file, folder / file)
    (ROOT / "build").mkdir(exist_ok=True)
    (folder / "build").symlink_to(ROOT / "build")
    config, prod = (yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"] for stack in ("dev", "prod"))
    config["aws:defaultTags"]["tags"]["Stack"] = STACK
    config["mlops:cost"]["budget"]["models_monthly_usd"] = dict.fromkeys(NAMES, 10)
    config["mlops:models"] = [{**prod["mlops:models"][0], "name": name} for name in NAMES]
    (folder / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump({"config": config}))
    return engine.preview(folder, STACK)


def of_type(record: engine.Record, type_: str) -> list[engine.RecordedResource]:
    found = [each for each in record.resources if each.type == type_]
    assert found, type_
    return found


def written(value: Any) -> str:
    """A property as AWS is sent it: without white space, and with something in the place of what is not known yet."""
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), default=lambda _: UNKNOWN)
    return text.replace(UNKNOWN_SENTINEL, UNKNOWN)


def too_large(record: engine.Record, type_: str, property_: str, most: int) -> dict[str, int]:
    sizes = {each.name: len(written(each.inputs[property_])) for each in of_type(record, type_) if each.inputs.get(property_) is not None}
    assert sizes
    return {name: size for name, size in sizes.items() if size > most}


@pytest.mark.parametrize(
    ("type_", "property_", "most"),
    [
        ("aws:iam/rolePolicy:RolePolicy", "policy", 10_240),  # a role has one here (test_program)
        ("aws:iam/policy:Policy", "policy", 6_144),
        ("aws:iam/role:Role", "assumeRolePolicy", 2_048),
        ("aws:kms/key:Key", "policy", 32_768),
        ("aws:s3/bucketPolicy:BucketPolicy", "policy", 20_480),
        ("aws:sns/topicPolicy:TopicPolicy", "policy", 30_720),
        ("aws:sqs/queuePolicy:QueuePolicy", "policy", 8_192),
        ("aws:ecr/repositoryPolicy:RepositoryPolicy", "policy", 10_240),
        ("aws:ec2/vpcEndpoint:VpcEndpoint", "policy", 20_480),
        ("aws:cloudwatch/eventRule:EventRule", "eventPattern", 2_048),
        ("aws:cloudwatch/compositeAlarm:CompositeAlarm", "alarmRule", 10_240),
        ("aws:sfn/stateMachine:StateMachine", "definition", 1_048_576),
    ],
)
def test_every_document_is_as_short_as_its_service_wants_it(crowded: engine.Record, type_: str, property_: str, most: int) -> None:
    assert too_large(crowded, type_, property_, most) == {}


def test_every_function_has_room_for_its_environment(crowded: engine.Record) -> None:
    variables = {each.name: each.inputs["environment"]["variables"] for each in of_type(crowded, "aws:lambda/function:Function")}
    sizes = {name: sum(len(key) + len(written(value)) for key, value in told.items()) for name, told in variables.items()}
    assert {name: size for name, size in sizes.items() if size > 4_096} == {}


def test_functions_admit_their_callers_in_a_policy_that_lambda_takes(crowded: engine.Record) -> None:
    """Lambda makes a statement of each permission: about 320 characters and the two ARNs."""
    statements: defaultdict[str, int] = defaultdict(int)
    for each in of_type(crowded, "aws:lambda/permission:Permission"):
        statements[each.inputs["function"]] += 320 + len(UNKNOWN) + len(written(each.inputs["sourceArn"]))
    assert max(statements.values()) <= 20_480


def test_the_pipeline_has_stages_and_actions_that_codepipeline_takes_and_deploys_every_function(crowded: engine.Record) -> None:
    (pipeline,) = of_type(crowded, "aws:codepipeline/pipeline:Pipeline")
    stages = {stage["name"]: stage["actions"] for stage in pipeline.inputs["stages"]}
    assert len(stages) == len(pipeline.inputs["stages"]) <= 50
    assert max(map(len, stages.values())) <= MAXIMUM_ACTIONS and sum(map(len, stages.values())) <= 500
    deployed = [
        action["configuration"]["FunctionName"] for actions in stages.values() for action in actions if action["category"] == "Deploy"
    ]
    assert Counter(deployed) == Counter(each.inputs["name"] for each in of_type(crowded, "aws:lambda/function:Function"))
    where = {
        name: {stage for stage, actions in stages.items() if any(f"-{name}-" in f"-{action['name']}" for action in actions)}
        for name in NAMES
    }
    assert all(len(found) == 1 for found in where.values())
    rolling_back = {stage["name"] for stage in pipeline.inputs["stages"] if (stage.get("onFailure") or {}).get("result") == "ROLLBACK"}
    assert rolling_back == {name for name in stages if name.startswith("Deploy")} > {"Deploy"}


def test_composite_alarms_have_as_many_children_as_cloudwatch_takes(crowded: engine.Record) -> None:
    parents: Counter[str] = Counter()
    for each in of_type(crowded, "aws:cloudwatch/compositeAlarm:CompositeAlarm"):
        children = each.inputs["alarmRule"].split(" OR ")
        assert len(children) <= 100
        parents.update(children)
    assert max(parents.values()) <= 150
    assert all(len(each.inputs.get("metricQueries") or []) <= 10 for each in of_type(crowded, "aws:cloudwatch/metricAlarm:MetricAlarm"))


def test_dashboards_have_as_many_widgets_and_metrics_as_cloudwatch_takes(crowded: engine.Record) -> None:
    for each in of_type(crowded, "aws:cloudwatch/dashboard:Dashboard"):
        widgets = [widget["properties"] for widget in json.loads(each.inputs["dashboardBody"])["widgets"]]
        metrics = [len(widget.get("metrics", [])) for widget in widgets]
        assert len(widgets) <= 500 and max(metrics) <= 500 and sum(metrics) <= 2_500, each.name
        assert all(len(widget.get("alarms", [])) <= 100 for widget in widgets), each.name


def test_what_is_counted_by_thing_stays_inside_the_services_quotas(crowded: engine.Record) -> None:
    def most(type_: str, property_: str) -> int:
        return max(Counter(written(each.inputs[property_]) for each in of_type(crowded, type_)).values())

    assert len(of_type(crowded, "aws:cloudwatch/eventRule:EventRule")) <= 300
    assert most("aws:cloudwatch/eventTarget:EventTarget", "rule") <= 5
    assert len(of_type(crowded, "aws:apigateway/resource:Resource")) <= 300
    assert most("aws:cloudwatch/logMetricFilter:LogMetricFilter", "logGroupName") <= 100
    assert all(len(each.inputs["logGroupNames"]) <= 50 for each in of_type(crowded, "aws:cloudwatch/queryDefinition:QueryDefinition"))
    (action,) = of_type(crowded, "aws:budgets/budgetAction:BudgetAction")
    assert len(action.inputs["definition"]["iamActionDefinition"]["roles"]) <= 100
    assert all(len(each.inputs.get("notifications") or []) <= 5 for each in of_type(crowded, "aws:budgets/budget:Budget"))
    (selection,) = of_type(crowded, "aws:backup/selection:Selection")
    assert len(selection.inputs["resources"]) <= 500


def test_buckets_tell_eventbridge_whatever_the_number_of_models(crowded: engine.Record) -> None:
    """A notification a model would end at 100 for a bucket."""
    for each in of_type(crowded, "aws:s3/bucketNotification:BucketNotification"):
        assert each.inputs["eventbridge"] and not any(each.inputs.get(kind) for kind in ("lambdaFunctions", "queues", "topics"))


def test_functions_that_are_told_once_what_every_model_has_look_at_all_of_it(crowded: engine.Record) -> None:
    told = {each.inputs["name"]: each.inputs["environment"]["variables"] for each in of_type(crowded, "aws:lambda/function:Function")}
    health, efficiency = told[f"mlops-{STACK}-check-health"], told[f"mlops-{STACK}-efficiency-report"]
    targets = json.loads(written(health["TARGETS"]))
    assert json.loads(health["MODELS"]) == NAMES and list(json.loads(efficiency["MODELS"])) == NAMES

    def looked_at(names: list[str]) -> set[str]:
        return {name.replace("{model}", model) for name in names for model in NAMES}

    machines = {each.inputs["name"] for each in of_type(crowded, "aws:sfn/stateMachine:StateMachine")}
    assert {arn.rpartition(":")[2] for arn in looked_at(targets["machines"])} == machines
    queues = {each.inputs["name"] for each in of_type(crowded, "aws:sqs/queue:Queue")}
    assert {url.rpartition("/")[2] for url in looked_at(targets["queues"])} == {name for name in queues if name.endswith("-predictions")}
    endpoints = {model["endpoint"] for model in crowded.outputs["models"].values()}
    assert looked_at(targets["endpoint"]) == looked_at([efficiency["ENDPOINT"]]) == endpoints
    jobs = {each.inputs["name"] for each in of_type(crowded, "aws:glue/job:Job")}
    assert looked_at(json.loads(efficiency["JOBS"])) == jobs


def test_a_few_functions_are_one_stage_and_a_models_functions_always() -> None:
    shared = [Item(f"shared-{number}", "operations") for number in range(14)]

    def of_models(count: int) -> list[Item]:
        return [Item(f"model-{model}-{number}", "data", f"model-{model}") for model in range(count) for number in range(7)]

    assert [len(stage) for stage in releases([*of_models(1), *shared])] == [21]
    assert [len(stage) for stage in releases([*shared[:7], *of_models(6), *shared[7:]])] == [49, 7]
    assert releases([]) == []
