"""Will it deploy? Documents, sizes and combinations that S3, EventBridge, Lambda, Step Functions, SageMaker and others refuse."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .. import asl
from ..model import Context, Example, Resource, rule
from ..values import NotApplicable, Unreadable, as_list, dig, is_set, leaves
from ._types import (
    BUCKET_LIFECYCLE,
    BUDGET,
    DASHBOARD,
    ENDPOINT,
    ENDPOINT_CONFIGURATION,
    EVENT_RULE,
    EVENT_SOURCE_MAPPING,
    KEY,
    MODEL,
    QUEUE,
    ROLE,
    SCALABLE_TARGET,
    SCALING_POLICY,
    STATE_MACHINE,
)
from .accounts import SECRET
from .deployable import REFUSED

OBJECTS = "aws:s3/bucketObject:BucketObject aws:s3/bucketObjectv2:BucketObjectv2 aws:s3/objectCopy:ObjectCopy"
# Objects move down this list only; S3 takes a move into the infrequent classes after 30 days at the earliest.
CLASSES = ("STANDARD", "STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE")


@rule(
    "s3-lifecycle-order", BUCKET_LIFECYCLE, **REFUSED, severity="high",
    why="S3 refuses a move to an infrequent-access class before 30 days, a move back up, and an expiry before the last move.",
    fix="Order the transitions of a rule by days and class, the first to *_IA at 30 days or later, and let objects expire after the last",
    reads="rules", missing="not_applicable",
    compliant={"rules": [{"id": "r", "status": "Enabled", "transitions": [{"days": 30, "storageClass": "STANDARD_IA"},
        {"days": 90, "storageClass": "GLACIER_IR"}], "expiration": {"days": 365}}]},
    violating={"rules": [{"id": "r", "status": "Enabled", "transitions": [{"days": 7, "storageClass": "STANDARD_IA"}],
        "expiration": {"days": 5}}]},
)  # fmt: skip
def s3_lifecycle_order(lifecycle: Resource, context: Context) -> Iterator[str]:
    """A bucket's transitions are ones that S3 takes."""
    rules = as_list(lifecycle.get("rules"))
    if not rules:
        raise NotApplicable("has no rules")
    for index, item in enumerate(rules):
        where = f"rules[{index}] of '{lifecycle.name}'"
        moves = [(dig(move, "days"), str(dig(move, "storageClass", ""))) for move in as_list(dig(item, "transitions"))]
        moves = sorted((days, kind) for days, kind in moves if days is not None)
        for days, kind in moves:
            if kind in ("STANDARD_IA", "ONEZONE_IA") and days < 30:
                yield f"{where} moves to {kind} after {days:g} days"
        order = [CLASSES.index(kind) for _, kind in moves if kind in CLASSES]
        if order != sorted(order):
            yield f"{where} moves to {' then '.join(kind for _, kind in moves)}"
        gone = dig(item, "expiration.days")
        if gone and moves and gone <= moves[-1][0]:
            yield f"{where} expires after {gone:g} days, before its move after {moves[-1][0]:g}"


@rule(
    "s3-object-tags", OBJECTS, **REFUSED, severity="high",
    why="S3 refuses an object with more than ten tags, and the provider puts its default tags on every object.",
    fix="Have fewer tags, or leave the default ones out by overrideProvider.defaultTags of the object",
    reads="tags", missing="pass",
    compliant={"tags": {f"Tag{number}": "a" for number in range(10)}},
    violating={"tags": {f"Tag{number}": "a" for number in range(11)}},
)  # fmt: skip
def s3_object_tags(s3_object: Resource, context: Context) -> str | None:
    """Objects have no more tags than S3 takes."""
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html (2026-11)
    if is_set(s3_object.get("overrideProvider")):
        raise NotApplicable("decides on its default tags itself")
    # The default tags are among all of them, in a preview too.
    count = len({**s3_object.get("tags", {}), **s3_object.get("tagsAll", {})})
    return f"'{s3_object.name}' has {count} tags" if count > 10 else None


@rule(
    "event-pattern-valid", EVENT_RULE, **REFUSED, severity="high",
    why="EventBridge refuses a pattern whose values are no lists, though it reads like the event it is meant for.",
    fix='Write every value of eventPattern as a list: {"source": ["aws.s3"]}',
    reads="eventPattern", missing="not_applicable",
    compliant={"eventPattern": '{"source": ["aws.s3"], "detail": {"bucket": {"name": ["lake"]}}}'},
    violating={"eventPattern": '{"source": "aws.s3"}'},
)  # fmt: skip
def event_pattern_valid(event_rule: Resource, context: Context) -> Iterator[str]:
    """Patterns of events are written as EventBridge reads them."""
    pattern = event_rule.document("eventPattern")
    if pattern is None:
        raise NotApplicable("has no pattern")
    if not isinstance(pattern, dict) or not pattern:
        yield f"eventPattern of '{event_rule.name}' is no object with fields"
        return
    for path in _not_lists(pattern, "eventPattern"):
        yield f"{path} of '{event_rule.name}' is no list"


def _not_lists(pattern: object, path: str) -> Iterator[str]:
    if not is_set(pattern) or not isinstance(pattern, dict):
        if not isinstance(pattern, list):
            yield path
        return
    for key, value in pattern.items():
        if key == "$or" and isinstance(value, list):
            for index, item in enumerate(value):
                yield from _not_lists(item, f"{path}.$or[{index}]")
        else:
            yield from _not_lists(value, f"{path}.{key}")


@rule(
    "lambda-queue-batch-allowed", EVENT_SOURCE_MAPPING, scope="stack", **REFUSED, severity="high",
    why="Lambda refuses batches of more than 10 messages without a window to collect them, and any from a FIFO queue.",
    fix="Set maximumBatchingWindowInSeconds to 1 or more, or batchSize to 10 or fewer (always for FIFO)",
    reads="batchSize", missing="not_applicable",
    compliant=(Example(QUEUE, "q"), Example(EVENT_SOURCE_MAPPING, "m", {"batchSize": 100, "maximumBatchingWindowInSeconds": 5},
        links={"eventSourceArn": "q"})),
    violating=(Example(QUEUE, "q"), Example(EVENT_SOURCE_MAPPING, "m", {"batchSize": 100}, links={"eventSourceArn": "q"})),
)  # fmt: skip
def lambda_queue_batch_allowed(mapping: Resource, context: Context) -> Iterator[str]:
    """Batches from a queue are of a size that Lambda takes."""
    size = mapping.get("batchSize")
    queues = context.graph.linked(mapping, "eventSourceArn", QUEUE)
    if size is None or not queues:
        raise NotApplicable("has the default size or reads no queue of this stack")
    if size > 10 and not mapping.get("maximumBatchingWindowInSeconds", 0):
        yield f"batchSize of '{mapping.name}' is {size:g} without maximumBatchingWindowInSeconds"
    for queue in queues:
        if size > 10 and queue.get("fifoQueue", False):
            yield f"batchSize of '{mapping.name}' is {size:g} for FIFO queue '{queue.name}'"


@rule(
    "state-machine-size", STATE_MACHINE, **REFUSED, severity="high",
    why="Step Functions refuses definitions over 1 MB and names of states over 80 characters.",
    fix="Shorten the names, or move states into a state machine of their own",
    reads="definition", missing="fail",
    compliant={"definition": {"StartAt": "a", "States": {"a": {"Type": "Succeed"}}}},
    violating={"definition": {"StartAt": "a" * 81, "States": {"a" * 81: {"Type": "Succeed"}}}},
)  # fmt: skip
def state_machine_size(machine: Resource, context: Context) -> Iterator[str]:
    """State machines are of a size that Step Functions takes."""
    for state in asl.states(machine):
        if len(state.name) > 80:
            yield f"state '{state.name[:20]}…' of '{machine.name}' has a name of {len(state.name)} characters"
    text = machine.get("definition")
    if isinstance(text, str) and len(text.encode()) > 1_048_576:
        yield f"definition of '{machine.name}' has {len(text.encode())} bytes"


@rule(
    "sagemaker-name-valid", f"{MODEL} {ENDPOINT_CONFIGURATION} {ENDPOINT}", **REFUSED, severity="high",
    why="SageMaker refuses names with underscores or dots, and names over 63 characters.",
    fix="Use 1 to 63 letters, digits and single hyphens",
    reads="name", missing="not_applicable", compliant={"name": "predictive-v3"}, violating={"name": "predictive_v3"},
)  # fmt: skip
def sagemaker_name_valid(resource: Resource, context: Context) -> str | None:
    """Names of models and endpoints are ones that SageMaker takes."""
    if resource.state is not None:
        raise NotApplicable("is named when it is made")
    name = resource.get("name")
    if name is None:
        raise NotApplicable("the provider names it")
    good = len(name) <= 63 and re.fullmatch(r"[a-zA-Z0-9](?:-*[a-zA-Z0-9])*", name)
    return None if good else f"name of '{resource.name}' is no name that SageMaker takes"


@rule(
    "sagemaker-serverless-concurrency", ENDPOINT_CONFIGURATION, **REFUSED, severity="high",
    why="SageMaker refuses more than 200 concurrent invocations of a serverless variant, and more provisioned than concurrent ones.",
    fix="Set serverlessConfig.maxConcurrency to 200 or less and provisionedConcurrency to maxConcurrency at most",
    reads="productionVariants", missing="not_applicable",
    compliant={"productionVariants": [{"modelName": "m", "serverlessConfig": {"memorySizeInMb": 2048, "maxConcurrency": 5}}]},
    violating={"productionVariants": [{"modelName": "m", "serverlessConfig": {"memorySizeInMb": 2048, "maxConcurrency": 5,
        "provisionedConcurrency": 10}}]},
)  # fmt: skip
def sagemaker_serverless_concurrency(configuration: Resource, context: Context) -> Iterator[str]:
    """Serverless variants run as often at once as SageMaker lets them."""
    judged = False
    for index, item in enumerate(as_list(configuration.get("productionVariants"))):
        if dig(item, "serverlessConfig") is None:
            continue
        judged = True
        most, kept = dig(item, "serverlessConfig.maxConcurrency", 1), dig(item, "serverlessConfig.provisionedConcurrency", 0)
        where = f"productionVariants[{index}].serverlessConfig"
        if not 1 <= most <= 200:
            yield f"{where}.maxConcurrency of '{configuration.name}' is {most:g}"
        if kept > most:
            yield f"{where}.provisionedConcurrency of '{configuration.name}' is {kept:g}, maxConcurrency {most:g}"
    if not judged:
        raise NotApplicable("has no serverless variant")


NAMESPACES = {"sagemaker": r"(?:endpoint/[^/]+/variant/[^/]+|inference-component/[^/]+)", "dynamodb": r"table/[^/]+(?:/index/[^/]+)?",
    "lambda": r"function:[^:]+:[^:]+", "ecs": r"service/[^/]+/[^/]+"}  # fmt: skip


@rule(
    "scaling-target-valid", SCALABLE_TARGET, **REFUSED, severity="high",
    why="Application Auto Scaling refuses a target whose dimension or id does not belong to its service.",
    fix="Begin scalableDimension with the serviceNamespace and write resourceId as the service wants it: endpoint/NAME/variant/NAME, "
        "table/NAME, function:NAME:ALIAS or service/CLUSTER/NAME",
    reads="resourceId", missing="fail",
    compliant={"serviceNamespace": "sagemaker", "scalableDimension": "sagemaker:variant:DesiredInstanceCount", "resourceId":
        "endpoint/e/variant/main", "minCapacity": 1, "maxCapacity": 2},
    violating={"serviceNamespace": "sagemaker", "scalableDimension": "sagemaker:variant:DesiredInstanceCount", "resourceId": "e/main",
        "minCapacity": 1, "maxCapacity": 2},
)  # fmt: skip
def scaling_target_valid(target: Resource, context: Context) -> Iterator[str]:
    """Scalable targets are named as their service wants it."""
    service, dimension = str(target.get("serviceNamespace", "")), str(target.get("scalableDimension", ""))
    if not dimension.startswith(f"{service}:"):
        yield f"scalableDimension of '{target.name}' is {dimension}, serviceNamespace {service}"
    form = NAMESPACES.get(service)
    if form and not re.fullmatch(form, str(target.get("resourceId", ""))):
        yield f"resourceId of '{target.name}' is {target.get('resourceId', '')}"


@rule(
    "scaling-target-has-policy", SCALABLE_TARGET, scope="stack",
    practices="PERF02-BP05 REL07-BP03 COST09-BP03", checklist="CHK-PERF-2", severity="medium", level="advisory",
    why="A registered target that no policy or schedule changes stays where it is.",
    fix="Add an aws.appautoscaling.Policy (or ScheduledAction) for the target",
    reads="resourceId", reads_of=SCALING_POLICY,
    compliant=(Example(SCALABLE_TARGET, "t", {"resourceId": "table/x"}), Example(SCALING_POLICY, "p", {"policyType":
        "TargetTrackingScaling"}, links={"resourceId": "t"})),
    violating=(Example(SCALABLE_TARGET, "t", {"resourceId": "table/x"}),),
)  # fmt: skip
def scaling_target_has_policy(target: Resource, context: Context) -> str | None:
    """Something scales every scalable target."""
    if target.state is not None:
        raise NotApplicable("is registered by a state machine, which puts its policy too")
    graph = context.graph
    for type_ in (SCALING_POLICY, "aws:appautoscaling/scheduledAction:ScheduledAction"):
        if graph.referring(target, type_, "resourceId"):
            return None
        named = target.get("resourceId")
        if not isinstance(named, Unreadable) and graph.with_value(type_, "resourceId", named):
            return None
    return f"no policy or schedule scales '{target.name}'"


@rule(
    "deletion-window-allowed", f"{KEY} {SECRET}", **REFUSED, severity="high",
    why="KMS and Secrets Manager take a waiting time of 7 to 30 days (Secrets Manager also none) and refuse every other.",
    fix="Set deletionWindowInDays (recoveryWindowInDays) to 7 to 30",
    reads="deletionWindowInDays", missing="pass", compliant={"deletionWindowInDays": 30},
    violating=(Example(KEY, "k", {"deletionWindowInDays": 3}), Example(SECRET, "s", {"recoveryWindowInDays": 60})),
)  # fmt: skip
def deletion_window_allowed(resource: Resource, context: Context) -> str | None:
    """Keys and secrets wait for deletion as long as AWS lets them."""
    path = "deletionWindowInDays" if resource.type == KEY else "recoveryWindowInDays"
    days = resource.get(path, 30)
    good = 7 <= days <= 30 or (resource.type == SECRET and days == 0)
    return None if good else f"{path} of '{resource.name}' is {days:g}"


@rule(
    "role-session-allowed", ROLE, **REFUSED, severity="medium",
    why="IAM takes sessions of one to twelve hours and refuses every other.",
    fix="Set maxSessionDuration to 3600 to 43200 seconds",
    reads="maxSessionDuration", missing="pass", compliant={"maxSessionDuration": 7200}, violating={"maxSessionDuration": 900},
)  # fmt: skip
def role_session_allowed(role: Resource, context: Context) -> str | None:
    """Sessions of roles last as long as IAM lets them."""
    seconds = role.get("maxSessionDuration", 3600)
    return None if 3600 <= seconds <= 43200 else f"maxSessionDuration of '{role.name}' is {seconds:g} s"


@rule(
    "budget-subscribers-allowed", BUDGET, **REFUSED, severity="medium",
    why="Budgets refuse a notification with no subscriber, with more than ten addresses or more than one topic.",
    fix="Name one to ten subscriberEmailAddresses or one topic in subscriberSnsTopicArns for each notification",
    reads="notifications", missing="not_applicable",
    compliant={"notifications": [{"threshold": 80, "subscriberEmailAddresses": ["a@example.com"]}]},
    violating={"notifications": [{"threshold": 80, "subscriberEmailAddresses": [f"{index}@example.com" for index in range(11)]}]},
)  # fmt: skip
def budget_subscribers_allowed(budget: Resource, context: Context) -> Iterator[str]:
    """Notifications of budgets have as many receivers as AWS lets them."""
    given = as_list(budget.get("notifications"))
    if not given:
        raise NotApplicable("notifies nobody")
    for index, item in enumerate(given):
        people, topics = as_list(dig(item, "subscriberEmailAddresses")), as_list(dig(item, "subscriberSnsTopicArns"))
        if not people and not topics:
            yield f"notifications[{index}] of '{budget.name}' has no subscriber"
        if len(people) > 10 or len(topics) > 1:
            yield f"notifications[{index}] of '{budget.name}' has {len(people)} addresses and {len(topics)} topics"


@rule(
    "dashboard-valid", DASHBOARD, **REFUSED, severity="medium",
    why="CloudWatch refuses a dashboard that is no JSON, has widgets beyond its 24 columns or more than 500 of them.",
    fix="Give dashboardBody widgets whose x and width end at 24",
    reads="dashboardBody", missing="not_applicable",
    compliant={"dashboardBody": {"widgets": [{"type": "text", "x": 0, "y": 0, "width": 24, "height": 2}]}},
    violating={"dashboardBody": {"widgets": [{"type": "text", "x": 12, "y": 0, "width": 24, "height": 2}]}},
)  # fmt: skip
def dashboard_valid(dashboard: Resource, context: Context) -> Iterator[str]:
    """Dashboards are ones that CloudWatch takes."""
    body = dashboard.document("dashboardBody")
    if body is None:
        raise NotApplicable("has no body")
    widgets = leaves(dig(body, "widgets"))
    if len(widgets) > 500:
        yield f"dashboardBody of '{dashboard.name}' has {len(widgets)} widgets"
    for index, widget in enumerate(widgets):
        end = dig(widget, "x", 0) + dig(widget, "width", 6)
        if end > 24:
            yield f"dashboardBody.widgets[{index}] of '{dashboard.name}' ends at column {end:g}"
