"""Logs, alarms, dashboards, audit trail, budgets."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from ..changes import put
from ..graph import Graph
from ..model import Context, Example, Parameter, Resource, rule
from ..values import Unreadable, as_list, is_set
from ._types import (
    ALARM,
    BUDGET,
    COMPOSITE_ALARM,
    DASHBOARD,
    ENDPOINT_CONFIGURATION,
    EVENT_RULE,
    EVENT_TARGET,
    FUNCTION,
    GLUE_JOB,
    KEY_ARN,
    LOG_GROUP,
    PRODUCTION,
    REST_API,
    STACK,
    STATE_MACHINE,
    TRAIL,
)

WORKLOADS = (FUNCTION, GLUE_JOB, STATE_MACHINE, ENDPOINT_CONFIGURATION)


@rule(
    "logs-retention", LOG_GROUP,
    practices="COST04-BP05 SEC04-BP01", checklist="CHK-OPS-4 CHK-COST-3 CHK-COST-5", spec="OPS-5a", severity="medium",
    sources="checkov:CKV_AWS_66 checkov:CKV_AWS_338 securityhub:CloudWatch.16",
    why="The default keeps logs for ever; nobody reads them and they cost more every month.",
    fix="Set retentionInDays",
    reads="retentionInDays", compliant={"retentionInDays": 30}, violating={"retentionInDays": 0},
)  # fmt: skip
def logs_retention(group: Resource, context: Context) -> str | None:
    """Log groups have a retention."""
    return None if group.get("retentionInDays", 0) else f"retentionInDays of '{group.name}' is not set, so logs are kept for ever"


@rule(
    "logs-encrypted", LOG_GROUP, scope="stack",
    practices="SEC08-BP02", checklist="CHK-SEC-2", spec="SEC-8f", severity="medium", level=PRODUCTION, sources="checkov:CKV_AWS_158",
    why="Logs quote data; with a customer key, reading them needs a second permission.",
    fix="Set kmsKeyId to a key whose policy admits logs.<region>.amazonaws.com",
    reads="kmsKeyId", compliant={"kmsKeyId": KEY_ARN, "retentionInDays": 30}, violating={"retentionInDays": 30},
)  # fmt: skip
def logs_encrypted(group: Resource, context: Context) -> str | None:
    """Log groups are encrypted with a customer key."""
    return None if context.graph.given(group, "kmsKeyId") else f"kmsKeyId of '{group.name}' is not set"


@rule(
    "alarm-has-action", ALARM, scope="stack",
    practices="REL06-BP03 OPS08-BP04", checklist="CHK-OPS-5", spec="OPS-4c OPS-4d", severity="high",
    sources="securityhub:CloudWatch.15 checkov:CKV_AWS_319",
    why="An alarm without an action is a light in an empty room.",
    fix="Set alarmActions to a topic or a function and leave actionsEnabled on",
    reads="alarmActions", compliant={"alarmActions": ["arn:aws:sns:eu-west-1:123456789012:alerts"]}, violating={"alarmActions": []},
)  # fmt: skip
def alarm_has_action(alarm: Resource, context: Context) -> str | None:
    """Alarms tell somebody or do something."""
    if not alarm.get("actionsEnabled", True):
        return f"actionsEnabled of '{alarm.name}' is false"
    if context.graph.given(alarm, "alarmActions"):
        return None
    if context.graph.referring(alarm, EVENT_RULE, "eventPattern") or _named_in_a_pattern(alarm, context):
        return None
    if _told_by_a_composite(alarm.get("name"), context):
        return None
    return f"alarmActions of '{alarm.name}' is empty"


def _told_by_a_composite(name: object, context: Context, seen: frozenset[str] = frozenset()) -> bool:
    """Whether a composite alarm that acts names this alarm, or names one that names it: it tells of many alarms once."""
    if not isinstance(name, str) or name in seen:
        return False
    return any(
        context.graph.given(parent, "alarmActions") or _told_by_a_composite(parent.get("alarmName"), context, seen | {name})
        for parent in context.graph.once(_composites).get(name, ())
    )


def _composites(graph: Graph) -> dict[str, list[Resource]]:
    """The composite alarms that name an alarm, by its name."""
    found: dict[str, list[Resource]] = defaultdict(list)
    for composite in graph.of(COMPOSITE_ALARM):
        if isinstance(text := composite.get("alarmRule"), str):
            for name in re.findall(r"""\(\s*["']?(?:[^"'()]*:alarm:)?([^"'()]+?)["']?\s*\)""", text):
                found[name].append(composite)
    return found


def _named_in_a_pattern(alarm: Resource, context: Context) -> bool:
    """Whether an EventBridge rule with a target waits for this alarm by its name."""
    name = alarm.get("name")
    if not isinstance(name, str):
        return False
    return name in context.graph.once(_awaited)


def _awaited(graph: Graph) -> frozenset[str]:
    """The texts in the patterns of rules that wait for alarms, names of alarms among them."""
    patterns = [pattern for event_rule in graph.of(EVENT_RULE) if isinstance(pattern := event_rule.get("eventPattern"), str)]
    return frozenset(
        text for pattern in patterns if "CloudWatch Alarm State Change" in pattern for text in re.findall(r'"([^"]*)"', pattern)
    )


@rule(
    "alarm-missing-data-explicit", ALARM,
    practices="REL06-BP02", checklist="CHK-REL-5", spec="OPS-4c", severity="low",
    why="No data may mean that all is well (no errors) or that nothing works; the default says neither.",
    fix="Set treatMissingData to notBreaching, breaching, ignore or missing",
    reads="treatMissingData", compliant={"treatMissingData": "notBreaching"}, violating={"threshold": 1},
)  # fmt: skip
def alarm_missing_data_explicit(alarm: Resource, context: Context) -> str | None:
    """Alarms say what missing data means."""
    return None if is_set(alarm.get("treatMissingData")) else f"treatMissingData of '{alarm.name}' is not set"


@rule(
    "functions-have-error-alarm", STACK, scope="stack", when_types=FUNCTION,
    practices="REL11-BP01 OPS08-BP04", checklist="CHK-REL-5 CHK-OPS-5", spec="REL-7 OPS-4c", severity="medium",
    why="A function that fails on every call looks idle.",
    fix="Add an alarm on AWS/Lambda Errors for the functions (each one, or all of them without a dimension)",
    reads=None,
    compliant=(Example(FUNCTION, "predict"), Example(ALARM, "errors", {"namespace": "AWS/Lambda", "metricName": "Errors"})),
        violating=(Example(FUNCTION, "predict"),),
)  # fmt: skip
def functions_have_error_alarm(stack: Resource, context: Context) -> str | None:
    """Errors of functions raise an alarm."""
    return None if watches(context, "AWS/Lambda", ("Errors",)) else "no alarm watches AWS/Lambda Errors"


@rule(
    "api-has-error-alarm", STACK, scope="stack", when_types=REST_API,
    practices="REL11-BP01 OPS08-BP04", checklist="CHK-REL-5", spec="REL-7 P4e", severity="high",
    why="Users of a failing API find out before its owners do.",
    fix="Add an alarm on AWS/ApiGateway 5XXError (and one on Latency)",
    reads=None,
    compliant=(Example(REST_API, "api"), Example(ALARM, "errors", {"namespace": "AWS/ApiGateway", "metricName": "5XXError"})),
        violating=(Example(REST_API, "api"),),
)  # fmt: skip
def api_has_error_alarm(stack: Resource, context: Context) -> str | None:
    """Errors of the API raise an alarm."""
    return None if watches(context, "AWS/ApiGateway", ("5XXError", "5xx")) else "no alarm watches AWS/ApiGateway 5XXError"


@rule(
    "endpoint-has-alarms", STACK, scope="stack", when_types=ENDPOINT_CONFIGURATION,
    practices="REL11-BP01 OPS08-BP04", lens="MLOPS06-BP02", checklist="CHK-REL-5", spec="REL-7 P4e", severity="high", level=PRODUCTION,
    why="An endpoint that answers with errors or too late must be noticed, and must be able to stop a deployment.",
    fix="Add alarms on AWS/SageMaker Invocation5XXErrors and ModelLatency",
    reads=None,
    compliant=(
        Example(ENDPOINT_CONFIGURATION, "config"), Example(ALARM, "errors", {"namespace": "AWS/SageMaker",
            "metricName": "Invocation5XXErrors"}),
        Example(ALARM, "latency", {"namespace": "AWS/SageMaker", "metricName": "ModelLatency"}),
    ),
    violating=(Example(ENDPOINT_CONFIGURATION, "config"),),
)  # fmt: skip
def endpoint_has_alarms(stack: Resource, context: Context) -> Iterator[str]:
    """Errors and latency of endpoints raise alarms."""
    if not watches(context, "AWS/SageMaker", ("Invocation5XXErrors", "InvocationModelErrors")):
        yield "no alarm watches AWS/SageMaker Invocation5XXErrors"
    if not watches(context, "AWS/SageMaker", ("ModelLatency", "OverheadLatency")):
        yield "no alarm watches AWS/SageMaker ModelLatency"


@rule(
    "drift-has-alarm", STACK, scope="stack", when_types=ENDPOINT_CONFIGURATION,
    practices="OPS08-BP01 OPS04-BP01", checklist="CHK-PERF-5", spec="P4d OPS-3d", severity="medium",
    why="A model gets worse while the world changes, and answers as politely as before.",
    fix="Add an alarm on a drift metric of the model (name or alarm containing drift), or a monitoring schedule",
    reads=None,
    compliant=(Example(ENDPOINT_CONFIGURATION, "config"), Example(ALARM, "drift", {"namespace": "mlops/models",
        "metricName": "drifted_features"})), violating=(Example(ENDPOINT_CONFIGURATION, "config"),),
)  # fmt: skip
def drift_has_alarm(stack: Resource, context: Context) -> str | None:
    """Drift of models in service raises an alarm."""
    if context.graph.of(
        "aws:sagemaker/monitoringSchedule:MonitoringSchedule", "aws:sagemaker/dataQualityJobDefinition:DataQualityJobDefinition"
    ):
        return None
    for alarm in context.graph.of(ALARM):
        metric = alarm.get("metricName", "")
        if not isinstance(metric, Unreadable) and "drift" in f"{metric} {alarm.name}".lower():
            return None
    return "no alarm watches a drift metric"


def watches(context: Context, namespace: str, metrics: tuple[str, ...]) -> bool:
    """Whether an alarm watches one of these metrics, plainly or in a metric query."""
    for alarm in context.graph.of(ALARM):
        if alarm.get("namespace") == namespace and alarm.get("metricName") in metrics:
            return True
        for query in as_list(alarm.get("metricQueries")):
            metric = query.get("metric") or {}
            if metric.get("namespace") == namespace and metric.get("metricName") in metrics:
                return True
            if any(f'MetricName="{name}"' in query.get("expression", "") for name in metrics):
                return True
    return False


@rule(
    "dashboard-exists", STACK, scope="stack", when_types=" ".join(WORKLOADS),
    practices="OPS08-BP05 PERF05-BP02", checklist="CHK-PERF-5 CHK-OPS-4", spec="COST-3d OPS-3b", severity="low", level="advisory",
    why="In an incident nobody has time to look for the right metrics.",
    fix="Add an aws.cloudwatch.Dashboard with what tells whether the workload is well: latency, errors, durations (and drift of models)",
    reads=None, compliant=(Example(FUNCTION, "predict"), Example(DASHBOARD, "overview", {"dashboardName": "overview"})),
        violating=(Example(FUNCTION, "predict"),),
)  # fmt: skip
def dashboard_exists(stack: Resource, context: Context) -> str | None:
    """The stack has a dashboard."""
    return None if context.graph.of(DASHBOARD) else "the stack runs workloads and has no dashboard"


@rule(
    "security-findings-routed", STACK, scope="account", when_types="aws:guardduty/detector:Detector",
    practices="SEC04-BP03 SEC10-BP06", checklist="CHK-OPS-5", spec="SEC-7b SEC-7c", severity="high",
    why="A detector whose findings nobody receives detects nothing.",
    fix="Add an EventBridge rule for source aws.guardduty with a target",
    reads=None,
    compliant=(
        Example("aws:guardduty/detector:Detector", "detector"), Example(EVENT_RULE, "findings",
            {"eventPattern": '{"source": ["aws.guardduty"]}'}),
        Example(EVENT_TARGET, "notify", links={"rule": "findings"}),
    ),
    violating=(Example("aws:guardduty/detector:Detector", "detector"),),
)  # fmt: skip
def security_findings_routed(stack: Resource, context: Context) -> str | None:
    """Security findings reach somebody."""
    for event_rule in context.graph.of(EVENT_RULE):
        pattern = event_rule.document("eventPattern") or {}
        if "aws.guardduty" in as_list(pattern.get("source")) and context.graph.referring(event_rule, EVENT_TARGET, "rule"):
            return None
    return "no EventBridge rule with a target receives GuardDuty's findings"


TRAIL_BASE = {"s3BucketName": "audit", "isMultiRegionTrail": True, "enableLogFileValidation": True, "kmsKeyId": KEY_ARN}


@rule(
    "cloudtrail-logging-on", TRAIL,
    practices="SEC04-BP01", checklist="CHK-SEC-4", spec="SEC-2a OPS-5b", severity="critical", sources="checkov:CKV_AWS_251",
    why="A trail that is switched off records nothing.",
    fix="Remove enableLogging or set it to true",
    reads="enableLogging", missing="pass", compliant={"enableLogging": True}, violating={"enableLogging": False},
    remediation=put({"enableLogging": True}),
)  # fmt: skip
def cloudtrail_logging_on(trail: Resource, context: Context) -> str | None:
    """The trail records."""
    return None if trail.get("enableLogging", True) else f"enableLogging of '{trail.name}' is false"


@rule(
    "cloudtrail-multi-region", TRAIL,
    practices="SEC04-BP01", checklist="CHK-SEC-4", spec="SEC-2a", severity="high", level=PRODUCTION,
        sources="checkov:CKV_AWS_67 securityhub:CloudTrail.1",
    why="An intruder works in the region nobody looks at; global services are recorded in us-east-1 only.",
    fix="Set isMultiRegionTrail to true",
    reads="isMultiRegionTrail", compliant=TRAIL_BASE, violating=TRAIL_BASE | {"isMultiRegionTrail": False},
    remediation=put({"isMultiRegionTrail": True}),
)  # fmt: skip
def cloudtrail_multi_region(trail: Resource, context: Context) -> str | None:
    """The trail records all regions."""
    return None if trail.get("isMultiRegionTrail", False) else f"isMultiRegionTrail of '{trail.name}' is not true"


@rule(
    "cloudtrail-validation", TRAIL,
    practices="SEC04-BP02", checklist="CHK-SEC-4", spec="SEC-2a", severity="high", sources="checkov:CKV_AWS_36 securityhub:CloudTrail.4",
    why="Without digests nobody can prove that a log file was not changed.",
    fix="Set enableLogFileValidation to true",
    reads="enableLogFileValidation", compliant=TRAIL_BASE, violating=TRAIL_BASE | {"enableLogFileValidation": False},
    remediation=put({"enableLogFileValidation": True}),
)  # fmt: skip
def cloudtrail_validation(trail: Resource, context: Context) -> str | None:
    """The trail's files can be proved unchanged."""
    return None if trail.get("enableLogFileValidation", False) else f"enableLogFileValidation of '{trail.name}' is not true"


@rule(
    "cloudtrail-encrypted", TRAIL, scope="stack",
    practices="SEC08-BP02", checklist="CHK-SEC-4 CHK-SEC-2", spec="SEC-2a SEC-8f", severity="medium", level=PRODUCTION,
    sources="checkov:CKV_AWS_35 securityhub:CloudTrail.2",
    why="The trail tells an intruder what is watched; with a customer key, reading it needs a second permission.",
    fix="Set kmsKeyId to a key whose policy admits cloudtrail.amazonaws.com",
    reads="kmsKeyId", compliant=TRAIL_BASE, violating={"s3BucketName": "audit"},
)  # fmt: skip
def cloudtrail_encrypted(trail: Resource, context: Context) -> str | None:
    """The trail is encrypted with a customer key."""
    return None if context.graph.given(trail, "kmsKeyId") else f"kmsKeyId of '{trail.name}' is not set"


@rule(
    "cloudtrail-data-events", TRAIL,
    practices="SEC04-BP01", checklist="CHK-SEC-4", spec="SEC-2a SEC-2d", severity="medium", level={"dev": "advisory", "prod": "mandatory"},
    why="Management events say who changed a bucket, not who read its objects.",
    fix="Add advancedEventSelectors (or eventSelectors) with AWS::S3::Object for the data buckets",
    reads="advancedEventSelectors",
    compliant=TRAIL_BASE | {"advancedEventSelectors": [{"fieldSelectors": [{"field": "eventCategory", "equals": ["Data"]},
        {"field": "resources.type", "equals": ["AWS::S3::Object"]}]}]},
    violating=TRAIL_BASE,
)  # fmt: skip
def cloudtrail_data_events(trail: Resource, context: Context) -> str | None:
    """The trail records who reads and writes the data."""
    for selector in as_list(trail.get("advancedEventSelectors")):
        for field in as_list(selector.get("fieldSelectors")):
            if field.get("field") == "resources.type" and "AWS::S3::Object" in as_list(field.get("equals")):
                return None
    for selector in as_list(trail.get("eventSelectors")):
        if any(resource.get("type") == "AWS::S3::Object" for resource in as_list(selector.get("dataResources"))):
            return None
    return f"advancedEventSelectors of '{trail.name}' select no S3 objects"


@rule(
    "budget-notifies", BUDGET,
    practices="COST02-BP05 COST03-BP05", checklist="CHK-COST-4", spec="COST-1b", severity="medium",
    why="A budget that tells nobody is a number.",
    fix="Add notifications with subscriberEmailAddresses or subscriberSnsTopicArns, one at 80 % or below",
    reads="notifications",
    compliant={"limitAmount": "100", "notifications": [{"threshold": 80, "notificationType": "ACTUAL",
        "subscriberEmailAddresses": ["team@example.com"]}]}, violating={"limitAmount": "100"},
    parameters={"threshold": Parameter(80, "Highest first threshold in percent", {"type": "number"})},
)  # fmt: skip
def budget_notifies(budget: Resource, context: Context) -> str | None:
    """Budgets tell somebody before the money is spent."""
    for notification in as_list(budget.get("notifications")):
        subscribed = is_set(notification.get("subscriberEmailAddresses")) or is_set(notification.get("subscriberSnsTopicArns"))
        if subscribed and notification.get("threshold", 100) <= context.parameters["threshold"]:
            return None
    return f"notifications of '{budget.name}' tell nobody at {context.parameters['threshold']} % or below"


@rule(
    "budget-exists", STACK, scope="stack", when_types=" ".join(WORKLOADS),
    practices="COST03-BP05 COST01-BP06", checklist="CHK-COST-4", spec="COST-1b", severity="medium", level="advisory",
    why="Pay-per-use has no ceiling of its own.",
    fix="Add an aws.budgets.Budget with a limit for the environment",
    reads=None, compliant=(Example(FUNCTION, "predict"), Example(BUDGET, "budget", {"limitAmount": "100"})), violating=(Example(FUNCTION,
        "predict"),),
)  # fmt: skip
def budget_exists(stack: Resource, context: Context) -> str | None:
    """The environment has a budget."""
    return None if context.graph.of(BUDGET) else "the stack runs workloads and has no budget"


@rule(
    "cloudtrail-queried", TRAIL, scope="stack",
    practices="SEC04-BP02 OPS08-BP02", checklist="CHK-SEC-4", severity="low", level="advisory",
    sources="checkov:CKV2_AWS_10 securityhub:CloudTrail.5",
    why="Alarms on what the trail records need it in a log group, not only in a bucket.",
    fix="Set cloudWatchLogsGroupArn and cloudWatchLogsRoleArn",
    reads="cloudWatchLogsGroupArn", compliant=TRAIL_BASE | {"cloudWatchLogsGroupArn": "arn:aws:logs:eu-west-1:1:log-group:t:*"},
        violating=TRAIL_BASE,
)  # fmt: skip
def cloudtrail_queried(trail: Resource, context: Context) -> str | None:
    """The trail writes to a log group too."""
    return None if context.graph.given(trail, "cloudWatchLogsGroupArn") else f"cloudWatchLogsGroupArn of '{trail.name}' is not set"
