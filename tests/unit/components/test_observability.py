"""Alarms, filters, queries and dashboards as the stacks register them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.observability import error_lines
from components.security.trail_patterns import cases
from components.settings.green_regions import grids
from mlops.sandbox.compute import log_patterns
from tests.unit.components.test_costs import changed_stack
from tests.unit.components.test_health import STACKS, preview


def inputs(stack: str, type_: str) -> list[dict[str, Any]]:
    return [resource.inputs for resource in preview(stack).resources if resource.type == type_]


def children(stack: str) -> dict[str, list[str]]:
    """Composite alarm → the alarms in its rule."""
    composites = inputs(stack, "aws:cloudwatch/compositeAlarm:CompositeAlarm")
    return {each["alarmName"]: each["alarmRule"].split('"')[1::2] for each in composites}


def tellers(stack: str, name: str) -> set[str]:
    """The alarms with actions that an alarm sets off: itself, or composites above it."""
    alarms = {each["name"]: each for each in inputs(stack, "aws:cloudwatch/metricAlarm:MetricAlarm")}
    alarms |= {each["alarmName"]: each for each in inputs(stack, "aws:cloudwatch/compositeAlarm:CompositeAlarm")}
    own = {name} if alarms[name].get("alarmActions") else set()
    return own.union(*(tellers(stack, parent) for parent, named in children(stack).items() if name in named))


@pytest.mark.spec("OPS-4d")
@pytest.mark.parametrize("stack", STACKS)
def test_every_alarm_has_exactly_one_that_tells_the_topic_of_it(stack: str) -> None:
    names = [each["name"] for each in inputs(stack, "aws:cloudwatch/metricAlarm:MetricAlarm")]
    # An alarm acts in its own region: the one on Route 53's metric tells the topic by rules (test_health.py).
    elsewhere = {"mlops-prod-health-public"} if stack == "prod" else set()
    told = {name: tellers(stack, name) for name in names if name not in elsewhere}
    assert {name: found for name, found in told.items() if len(found) != 1} == {}
    assert Counter(len(each) for each in told.values())[1] == len(names) - len(elsewhere)


@pytest.mark.parametrize("stack", STACKS)
def test_failed_work_keeps_silent_while_the_pipeline_that_failed_rings(stack: str) -> None:
    (suppressed,) = [each for each in inputs(stack, "aws:cloudwatch/compositeAlarm:CompositeAlarm") if "actionsSuppressor" in each]
    assert suppressed["alarmName"] == f"mlops-{stack}-failed-work"
    cause = suppressed["actionsSuppressor"]["alarm"]
    pipelines = {f"mlops-{stack}-{pipeline}-pipeline" for pipeline in ("data", "training", "deployment", "inference")}
    assert set(children(stack)[cause]) == pipelines
    queues = [f"mlops-{stack}-flights-{queue}-not-empty" for queue in ("failures", "predictions-dead")]
    assert children(stack)[suppressed["alarmName"]] == queues


@pytest.mark.parametrize("stack", STACKS)
def test_a_composite_alarm_names_no_more_alarms_than_cloudwatch_takes(stack: str) -> None:
    assert max(len(named) for named in children(stack).values()) <= 100


# Metric → sets of dimensions, as AWS publishes them (user guides of the services).
PUBLISHED = {
    ("AWS/Billing", "EstimatedCharges"): [{"Currency"}, {"Currency", "ServiceName"}],
    ("AWS/Lambda", "Duration"): [{"FunctionName"}],
    ("AWS/S3", "BucketSizeBytes"): [{"BucketName", "StorageType"}],
    ("/aws/sagemaker/Endpoints", "CPUUtilization"): [{"EndpointName", "VariantName"}],
    ("/aws/sagemaker/Endpoints", "MemoryUtilization"): [{"EndpointName", "VariantName"}],
    ("Glue", "glue.driver.aggregate.elapsedTime"): [{"JobName", "JobRunId", "Type"}],
}
# What the stack's functions write: tests/workload/test_emitted_metrics.py runs them, tests/end_to_end/test_observability.py the stack.
EMITTED = {
    ("models", "Predictions"): [{"service"}, {"service", "ModelVersion"}],
    ("models", "TrainingSeconds"): [{"Model"}],
    ("models", "BillableSeconds"): [{"Model"}],
    ("models", "SpotSavedSeconds"): [{"Model"}],
    ("cost", "BilledCost"): [{"Model"}],
    ("cost", "BilledCostPerPrediction"): [{"Model"}],
    ("cost", "HostingListPrice"): [{"Model"}],
    ("cost", "HostingListPricePerPrediction"): [{"Model"}],
    ("cost", "InstanceHours"): [{"Model"}],
    ("cost", "CostPerPrediction"): [{"Model", "ModelVersion"}],
    ("cost", "CleanUpFindings"): [{"service"}],
    ("cost", "CleanUpSaving"): [{"service"}],
    ("cost", "IdleEndpoints"): [{"service"}],
    ("efficiency", "Utilization"): [{"Service"}],
    ("efficiency", "GainPerDollar"): [{"Model", "Algorithm"}],
}
SEARCHED = re.compile(r"""SEARCH\('\{"?([^",]+)"?,([^}]+)\} MetricName="([^"]+)"', '\w+', \d+\)""")


def body(stack: str, name: str) -> dict[str, Any]:
    (found,) = [each for each in inputs(stack, "aws:cloudwatch/dashboard:Dashboard") if each["dashboardName"] == f"mlops-{stack}-{name}"]
    return json.loads(found["dashboardBody"])


def shown(dashboard: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Namespace, name and dimensions of each metric; of a search the dimensions have no values."""
    for widget in dashboard["widgets"]:
        for entry in widget["properties"].get("metrics", []):
            words = [word for word in entry if isinstance(word, str)]
            if words:
                yield words[0], words[1], dict(zip(words[2::2], words[3::2], strict=True))
            elif found := SEARCHED.search(entry[0]["expression"]):
                yield found[1], found[3], dict.fromkeys(found[2].split(","), "")


@pytest.mark.spec("COST-3d")
@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("name", ["cost", "sustainability"])
def test_every_widget_shows_a_metric_that_aws_or_the_stack_writes(stack: str, name: str) -> None:
    found = list(shown(body(stack, name)))
    assert len(found) > 10
    for namespace, metric, dimensions in found:
        own = namespace.removeprefix(f"mlops-{stack}/")
        known = EMITTED.get((own, metric)) if own != namespace else PUBLISHED.get((namespace, metric))
        assert known and set(dimensions) in known, (namespace, metric, dimensions)


@pytest.mark.parametrize("stack", STACKS)
def test_dashboards_name_what_the_stack_has(stack: str) -> None:
    names = {
        "FunctionName": {each["name"] for each in inputs(stack, "aws:lambda/function:Function")},
        "BucketName": {each["bucket"] for each in inputs(stack, "aws:s3/bucket:Bucket")},
        "JobName": {each["name"] for each in inputs(stack, "aws:glue/job:Job")},
        "EndpointName": {f"mlops-{stack}-flights"},
        "Model": {"flights", ""},
    }
    for name in ("cost", "sustainability"):
        for _, _, dimensions in shown(body(stack, name)):
            for dimension in set(dimensions) & set(names):
                assert dimensions[dimension] in names[dimension], dimensions
    measured = {dimensions["FunctionName"] for _, _, dimensions in shown(body(stack, "cost")) if "FunctionName" in dimensions}
    assert measured == names["FunctionName"]


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("name", ["cost", "sustainability"])
def test_metric_math_names_metrics_of_its_own_widget(stack: str, name: str) -> None:
    for widget in body(stack, name)["widgets"]:
        entries = [entry[-1] for entry in widget["properties"].get("metrics", []) if isinstance(entry[-1], dict)]
        ids = [entry["id"] for entry in entries]
        assert len(ids) == len(set(ids)) and all(re.fullmatch(r"[a-z][A-Za-z0-9_]*", each) for each in ids)
        for expression in (entry["expression"] for entry in entries if "expression" in entry):
            for part in re.findall(r'METRICS\("([^"]+)"\)', expression):
                assert any(each.startswith(part) for each in ids)
                assert all(each.startswith(part) for each in ids if part in each), "METRICS takes every id with the text in it"


@pytest.mark.spec("SUS-2d", "SUS-4d")
def test_the_regions_carbon_intensity_is_on_the_dashboard() -> None:
    (text,) = [widget["properties"]["markdown"] for widget in body("prod", "sustainability")["widgets"] if widget["type"] == "text"]
    assert re.match(rf"# {grids()['eu-west-1'].grams_per_kwh:.0f} g CO2e/kWh\neu-west-1: grid of Ireland", text)


@pytest.mark.spec("OPS-5a", "OPS-3b")
@pytest.mark.parametrize("stack", STACKS)
def test_error_lines_of_every_function_count_for_its_pipeline(stack: str) -> None:
    filters = {each["logGroupName"]: each for each in inputs(stack, "aws:cloudwatch/logMetricFilter:LogMetricFilter")}
    functions = {each["name"] for each in inputs(stack, "aws:lambda/function:Function")}
    unfiltered = {name for name in functions if f"/aws/lambda/{name}" not in filters}
    assert unfiltered == {f"mlops-{stack}-check-health"}
    counted = {each["metricTransformation"]["name"] for group, each in filters.items() if "trail" not in group}
    watched = {
        each["metricName"]
        for each in inputs(stack, "aws:cloudwatch/metricAlarm:MetricAlarm")
        if each.get("namespace") == f"mlops-{stack}/logs"
    }
    assert counted == watched and {"data_error_lines", "inference_error_lines"} <= counted


LINES = [
    ({"level": "ERROR", "message": "prediction failed"}, True),
    ({"level": "CRITICAL"}, True),
    ({"log_level": "ERROR", "errorType": "KeyError", "errorMessage": "'detail'"}, True),
    ({"level": "INFO", "message": "ERROR is only a word here"}, False),
    ({"type": "platform.report", "record": {"status": "success"}}, False),
]


@pytest.mark.parametrize(("line", "is_one"), LINES)
def test_an_error_line_is_known_by_its_level(line: dict[str, Any], is_one: bool) -> None:
    assert log_patterns.parse(error_lines.PATTERN).matches(json.dumps(line)) is is_one


ROOT_USER = {"type": "Root", "arn": "arn:aws:iam::123456789012:root"}
SOMEBODY = {"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/eve"}
DEPLOYER = "arn:aws:sts::123456789012:assumed-role/github-mlops-dev-deploy/"
EVENTS = [
    ({"eventName": "CreateKeyPair", "userIdentity": ROOT_USER, "eventType": "AwsApiCall"}, {"root-use"}),
    ({"eventName": "CreateStack", "userIdentity": {**ROOT_USER, "invokedBy": "x"}, "eventType": "AwsApiCall"}, set()),
    ({"eventName": "ConsoleLogin", "userIdentity": SOMEBODY, "errorMessage": "Failed authentication"}, {"sign-in-failures"}),
    ({"eventName": "RunInstances", "userIdentity": SOMEBODY, "errorCode": "Client.UnauthorizedOperation", "sourceIPAddress": "1.2.3.4"}, {"denied-calls"}),
    ({"eventName": "HeadBucket", "userIdentity": SOMEBODY, "errorCode": "AccessDenied", "sourceIPAddress": "1.2.3.4"}, set()),
    ({"eventName": "StopConfigurationRecorder", "eventSource": "config.amazonaws.com", "userIdentity": SOMEBODY}, {"configuration-changes"}),
    ({"eventName": "ReplaceNetworkAclEntry", "eventSource": "ec2.amazonaws.com", "userIdentity": SOMEBODY}, {"network-acl-changes"}),
    ({"eventName": "CreateRoute", "eventSource": "ec2.amazonaws.com", "userIdentity": SOMEBODY}, {"route-changes"}),
    ({"eventName": "CreateRoute", "eventSource": "appmesh.amazonaws.com", "userIdentity": SOMEBODY}, set()),
    ({"eventName": "CreateRoute", "eventSource": "ec2.amazonaws.com", "userIdentity": {"arn": f"{DEPLOYER}run"}}, set()),
    ({"eventName": "AttachInternetGateway", "userIdentity": SOMEBODY}, {"gateway-changes"}),
    ({"eventName": "CreateVpcPeeringConnection", "userIdentity": SOMEBODY}, {"network-changes"}),
    ({"eventName": "DescribeVpcs", "userIdentity": SOMEBODY}, set()),
    ({"eventName": "PutBucketReplication", "eventSource": "s3.amazonaws.com", "userIdentity": SOMEBODY}, {"bucket-changes"}),
    ({"eventName": "PutBucketPolicy", "eventSource": "s3.amazonaws.com", "userIdentity": SOMEBODY}, set()),
    ({"eventName": "AuthorizeSecurityGroupEgress", "userIdentity": SOMEBODY}, {"security-group-changes"}),
    ({"eventName": "AuthorizeSecurityGroupIngress", "userIdentity": SOMEBODY}, set()),
]  # fmt: skip


@pytest.mark.spec("SEC-7a")
@pytest.mark.parametrize(("event", "rings"), EVENTS)
def test_each_event_of_the_trail_rings_its_own_case(event: dict[str, Any], rings: set[str]) -> None:
    found = cases(answered=True, spared=[DEPLOYER])
    assert {case.name for case in found if log_patterns.parse(case.pattern).matches(json.dumps(event))} == rings


def test_without_the_rules_all_cases_of_the_benchmark_are_filters_to_the_letter() -> None:
    found = cases(answered=False, spared=[DEPLOYER])
    assert [case.number for case in found] == [f"4.{number}" for number in range(1, 15)]
    assert not any(DEPLOYER in case.pattern for case in found)
    answered = {case.name for case in found} - {case.name for case in cases(answered=True)}
    assert answered == {
        "sign-in-without-mfa",
        "identity-changes",
        "trail-changes",
        "key-changes",
    }
    policy = {"eventName": "PutRolePolicy", "eventSource": "iam.amazonaws.com", "userIdentity": {"arn": f"{DEPLOYER}run"}}
    assert [case.name for case in found if log_patterns.parse(case.pattern).matches(json.dumps(policy))] == ["identity-changes"]


@pytest.mark.parametrize("stack", STACKS)
def test_saved_queries_look_into_groups_that_the_stack_has(stack: str) -> None:
    groups = {each["name"] for each in inputs(stack, "aws:cloudwatch/logGroup:LogGroup")}
    queries = {
        each["name"].removeprefix(f"mlops-{stack}/"): each for each in inputs(stack, "aws:cloudwatch/queryDefinition:QueryDefinition")
    }
    assert {"slowest-predictions", "cold-starts", "one-correlation-id", "errors-data", "errors-inference"} <= set(queries)
    for query in queries.values():
        assert set(query["logGroupNames"]) <= groups and 1 <= len(query["logGroupNames"]) <= 50
    assert queries["slowest-predictions"]["logGroupNames"] == [f"/aws/lambda/mlops-{stack}-flights-predict"]


@pytest.mark.spec("OPS-5a")
@pytest.mark.parametrize("stack", STACKS)
def test_groups_that_services_make_unasked_are_there_before_them(stack: str) -> None:
    groups = [resource for resource in preview(stack).resources if resource.type == "aws:cloudwatch/logGroup:LogGroup"]
    names = {group.inputs["name"] for group in groups if isinstance(group.inputs["name"], str)}
    assert f"/aws-glue/crawlers-role/mlops-{stack}-flights-crawler-mlops-{stack}-flights-glue" in names
    assert "api-execution-log" in {group.name for group in groups}
    shared = {"/aws/sagemaker/TrainingJobs", "/aws/sagemaker/ProcessingJobs", "/aws/apigateway/welcome"}
    # Of the account: a stack on its own makes them, others leave that to the account's foundation.
    assert names & shared == (shared if stack == "local" else set())


def test_api_gateway_finds_the_group_of_its_role_made() -> None:
    """It makes the group itself when it is given the role, and ours would be refused then."""
    resources = preview("local").resources
    (group,) = [each for each in resources if each.inputs.get("name") == "/aws/apigateway/welcome"]
    (account,) = [each for each in resources if each.type == "aws:apigateway/account:Account"]
    assert group.urn in account.dependencies


@pytest.mark.parametrize("stack", STACKS)
def test_one_program_of_an_account_gives_api_gateway_its_log_role(stack: str) -> None:
    """Who gives it last wins: stacks whose account has a foundation leave it to that one."""
    made = [each.inputs for each in preview(stack).resources if each.type == "aws:apigateway/account:Account"]
    assert len(made) == (stack == "local")


def test_the_api_is_traced_by_a_rule_of_its_own_and_its_health_check_is_not() -> None:
    rules = {each["urlPath"]: each for each in inputs("prod", "aws:xray/samplingRule:SamplingRule")}
    assert (rules["*"]["serviceName"], rules["*"]["reservoirSize"]) == ("mlops-prod-api/v1", 1)
    # With the stage before the path and without.
    assert (rules["*/health"]["fixedRate"], rules["*/health"]["reservoirSize"]) == (0, 0)
    assert rules["*/health"]["priority"] < rules["*"]["priority"]
    (group,) = inputs("prod", "aws:xray/group:Group")
    assert 'service("mlops-prod-api/v1")' in group["filterExpression"]


def test_what_is_switched_off_is_not_registered(tmp_path: Path) -> None:
    off = dict.fromkeys(("error_filters", "trail_alarms", "queries", "cost_dashboard", "sustainability_dashboard"), False)
    off |= {"volume": {"enabled": False}, "tracing": {"group": False, "sampling": False}, "service_log_groups": "off"}
    record = changed_stack(tmp_path, "dev", lambda config: config.update({"mlops:observability": off}))
    types = Counter(resource.type for resource in record.resources)
    for kind in ("logMetricFilter:LogMetricFilter", "queryDefinition:QueryDefinition"):
        assert types[f"aws:cloudwatch/{kind}"] == 0
    assert types["aws:xray/group:Group"] == types["aws:xray/samplingRule:SamplingRule"] == 0
    dashboards = {
        resource.inputs["dashboardName"] for resource in record.resources if resource.type == "aws:cloudwatch/dashboard:Dashboard"
    }
    assert not dashboards & {"mlops-dev-cost", "mlops-dev-sustainability"}
    alarms = {resource.inputs["name"] for resource in record.resources if resource.type == "aws:cloudwatch/metricAlarm:MetricAlarm"}
    assert not [name for name in alarms if re.search("error-lines$|-dev-trail-|unusual-predictions$", name)]
