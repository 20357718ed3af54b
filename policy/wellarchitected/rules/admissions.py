"""Does it arrive? Keys, queues, topics and functions that have to admit the services that send to them or call them."""

from __future__ import annotations

from collections.abc import Iterator

from ..graph import Graph
from ..model import Context, Example, Resource, rule
from ..policies import action_matches, actions, allows, principals, statements
from ..values import NotApplicable, NotEvaluable, Unreadable
from ._types import (
    ALARM,
    BUDGET,
    CODE_BUILD_PROJECT,
    CODE_PIPELINE,
    EVENT_TARGET,
    FUNCTION,
    KEY,
    KEY_ALIAS,
    LAMBDA_ALIAS,
    LAMBDA_PERMISSION,
    LOG_GROUP,
    PIPELINE,
    QUEUE,
    QUEUE_POLICY,
    STATE_MACHINE,
    SUBSCRIPTION,
    TOPIC,
    TOPIC_POLICY,
)

ANOMALY_SUBSCRIPTION = "aws:costexplorer/anomalySubscription:AnomalySubscription"
KEY_POLICY = "aws:kms/keyPolicy:KeyPolicy"
NOTIFICATION = "aws:s3/bucketNotification:BucketNotification"
CLOUDWATCH, EVENTS, S3, SNS = (f"{name}.amazonaws.com" for name in ("cloudwatch", "events", "s3", "sns"))
# Targets that EventBridge writes to or starts with a role of the program; the others admit it by their own policy.
BY_ROLE = (
    STATE_MACHINE, CODE_PIPELINE, CODE_BUILD_PROJECT, PIPELINE, "aws:kinesis/stream:Stream",
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "aws:ecs/cluster:Cluster", "aws:batch/jobQueue:JobQueue",
)  # fmt: skip


def admitting(service: str, action: str | list[str]) -> dict[str, object]:
    """A policy that admits a service, for examples."""
    return {"Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": action, "Resource": "*"}]}


def senders(resource: Resource, graph: Graph) -> dict[str, str]:
    """The services that send to a topic or queue by a right of their own, each with the name of what makes them."""
    uses = (
        ((CLOUDWATCH, ALARM, "alarmActions"), (CLOUDWATCH, ALARM, "okActions"), (EVENTS, EVENT_TARGET, "arn"), (S3, NOTIFICATION, "topics"),
            ("budgets.amazonaws.com", BUDGET, "notifications"), ("costalerts.amazonaws.com", ANOMALY_SUBSCRIPTION, "subscribers"))
        if resource.type == TOPIC
        else ((EVENTS, EVENT_TARGET, "arn"), (EVENTS, EVENT_TARGET, "deadLetterConfig"), (SNS, SUBSCRIPTION, "endpoint"),
            (SNS, SUBSCRIPTION, "redrivePolicy"), (S3, NOTIFICATION, "queues"))
    )  # fmt: skip
    found: dict[str, str] = {}
    for service, type_, property_ in uses:
        for user in graph.referring(resource, type_, property_):
            if property_ == "arn" and user.get("roleArn") is not None:
                continue  # sends with a role instead
            found.setdefault(service, user.name)
    return found


def admits(owner: Resource, property_: str, service: str, action: str) -> bool:
    """Whether a resource policy lets a service do something. An unknown principal might be the service."""
    unknown: Unreadable | None = None
    for _, statement in statements(owner, property_):
        if not allows(statement) or not any(action_matches(pattern, action) for pattern in actions(statement)):
            continue
        for principal in principals(statement):
            if isinstance(principal, Unreadable):
                unknown = principal
            elif principal == "*" or principal == service or (service == "logs" and principal.startswith("logs.")):
                return True
    if unknown is not None:
        raise NotEvaluable(unknown.path, unknown.reason)
    return False


def key_admits(key: Resource, service: str, action: str, graph: Graph) -> bool:
    """Whether a key's policy lets a service use it; the default policy lets in IAM only, and a service has no IAM policy."""
    owners = [key] if key.get("policy") is not None else graph.referring(key, KEY_POLICY, "keyId")
    return any(admits(owner, "policy", service, action) for owner in owners)


@rule(
    "key-admits-publisher", f"{TOPIC} {QUEUE}", scope="stack",
    practices="OPS08-BP04 REL06-BP03", checklist="CHK-OPS-5", severity="high", level="advisory",
    why="CloudWatch, EventBridge, S3 and SNS drop what they cannot encrypt: the alarm goes off and nobody hears it.",
    fix="Allow the service kms:GenerateDataKey* and kms:Decrypt in the key's policy (the key that AWS manages, alias/aws/sns, admits none)",
    reads="policy", reads_of=KEY,
    compliant=(Example(KEY, "key", {"policy": admitting(CLOUDWATCH, ["kms:GenerateDataKey*", "kms:Decrypt"])}),
        Example(TOPIC, "topic", links={"kmsMasterKeyId": "key"}), Example(ALARM, "alarm", links={"alarmActions": "topic"})),
    violating=(Example(KEY, "key", {"policy": admitting(EVENTS, "kms:*")}), Example(KEY, "default"),
        Example(TOPIC, "topic", links={"kmsMasterKeyId": "key"}), Example(ALARM, "alarm", links={"alarmActions": "topic"}),
        Example(QUEUE, "queue", links={"kmsMasterKeyId": "default"}), Example(EVENT_TARGET, "target", links={"arn": "queue"})),
)  # fmt: skip
def key_admits_publisher(resource: Resource, context: Context) -> Iterator[str]:
    """The key of a topic or queue admits the services that send there."""
    sending = senders(resource, context.graph)
    if not sending:
        raise NotApplicable("no service sends to it")
    keys = context.graph.behind(resource, "kmsMasterKeyId", KEY, KEY_ALIAS, "targetKeyId")
    if not keys:
        named = resource.get("kmsMasterKeyId")
        if named is None or not str(named).startswith("alias/aws/"):
            raise NotApplicable("has no key of this stack")
        yield f"kmsMasterKeyId of '{resource.name}' is {named}, which admits no service ('{next(iter(sending.values()))}' sends)"
    for key in keys:
        for service, user in sending.items():
            if not all(key_admits(key, service, action, context.graph) for action in ("kms:GenerateDataKey", "kms:Decrypt")):
                yield f"the policy of key '{key.name}' does not admit {service}, which sends to '{resource.name}' for '{user}'"


@rule(
    "key-admits-logs", LOG_GROUP, scope="stack",
    practices="OPS06-BP02 OPS04-BP02", checklist="CHK-OPS-3", severity="high", level="advisory",
    why="CloudWatch refuses to make a log group under a key that does not admit the Logs service of its region.",
    fix="Allow logs.REGION.amazonaws.com kms:Encrypt*, kms:Decrypt*, kms:ReEncrypt*, kms:GenerateDataKey* and kms:Describe* in the key's "
        "policy",
    reads="policy", reads_of=KEY,
    compliant=(Example(KEY, "key", {"policy": admitting("logs.eu-west-1.amazonaws.com", ["kms:Encrypt*", "kms:Decrypt*",
        "kms:GenerateDataKey*"])}), Example(LOG_GROUP, "group", links={"kmsKeyId": "key"})),
    violating=(Example(KEY, "key", {"policy": admitting(CLOUDWATCH, "kms:*")}), Example(LOG_GROUP, "group", links={"kmsKeyId": "key"})),
)  # fmt: skip
def key_admits_logs(group: Resource, context: Context) -> Iterator[str]:
    """The key of a log group admits CloudWatch Logs."""
    keys = context.graph.behind(group, "kmsKeyId", KEY, KEY_ALIAS, "targetKeyId")
    if not keys:
        raise NotApplicable("has no key of this stack")
    for key in keys:
        if not key_admits(key, "logs", "kms:GenerateDataKey", context.graph):
            yield f"the policy of key '{key.name}' does not admit CloudWatch Logs, which writes '{group.name}'"


@rule(
    "queue-admits-sender", QUEUE, scope="stack",
    practices="REL05-BP04 REL06-BP03", checklist="CHK-REL-3", severity="high", level="advisory",
    why="Without a policy for the service a queue receives nothing, and a dead-letter queue that receives nothing looks like success.",
    fix="Attach an aws.sqs.QueuePolicy that allows the service sqs:SendMessage, with aws:SourceArn",
    reads="policy", reads_of=QUEUE_POLICY, missing="fail",
    compliant=(Example(QUEUE, "queue"), Example(EVENT_TARGET, "target", links={"deadLetterConfig": "queue"}),
        Example(QUEUE_POLICY, "policy", {"policy": admitting(EVENTS, "sqs:SendMessage")}, links={"queueUrl": "queue"})),
    violating=(Example(QUEUE, "queue"), Example(EVENT_TARGET, "target", links={"deadLetterConfig": "queue"})),
)  # fmt: skip
def queue_admits_sender(queue: Resource, context: Context) -> Iterator[str]:
    """A queue admits the services that send to it."""
    yield from _admits_all(queue, senders(queue, context.graph), QUEUE_POLICY, "queueUrl", "sqs:SendMessage", context)


@rule(
    "topic-admits-publisher", TOPIC, scope="stack",
    practices="OPS08-BP04 REL06-BP03", checklist="CHK-OPS-5", severity="high", level="advisory",
    why="A topic's default policy admits CloudWatch alone: what EventBridge, S3 or a budget publishes is lost without a word.",
    fix="Attach an aws.sns.TopicPolicy that allows the service sns:Publish, with aws:SourceArn or aws:SourceAccount (but EventBridge fills neither)",
    reads="policy", reads_of=TOPIC_POLICY, missing="fail",
    compliant=(Example(TOPIC, "topic"), Example(EVENT_TARGET, "target", links={"arn": "topic"}),
        Example(TOPIC_POLICY, "policy", {"policy": admitting(EVENTS, "sns:Publish")}, links={"arn": "topic"})),
    violating=(Example(TOPIC, "topic"), Example(EVENT_TARGET, "target", links={"arn": "topic"})),
)  # fmt: skip
def topic_admits_publisher(topic: Resource, context: Context) -> Iterator[str]:
    """A topic admits the services that publish to it."""
    sending = senders(topic, context.graph)
    if topic.get("policy") is None and not context.graph.referring(topic, TOPIC_POLICY, "arn"):
        sending.pop(CLOUDWATCH, None)  # the default policy admits alarms of the account
    yield from _admits_all(topic, sending, TOPIC_POLICY, "arn", "sns:Publish", context)


def _admits_all(resource: Resource, sending: dict[str, str], type_: str, property_: str, action: str, context: Context) -> Iterator[str]:
    if not sending:
        raise NotApplicable("no service sends to it")
    owners = context.graph.referring(resource, type_, property_)
    owners = owners + ([resource] if resource.get("policy") is not None else [])
    for service, user in sending.items():
        written = [owner for owner in owners if owner.get("policy") is not None]
        if not any(admits(owner, "policy", service, action) for owner in written):
            yield f"no policy of '{resource.name}' allows {service} {action}, which '{user}' needs"


INVOKERS = {EVENT_TARGET: ("arn", EVENTS), SUBSCRIPTION: ("endpoint", SNS), NOTIFICATION: ("lambdaFunctions", S3)}


@rule(
    "function-admits-invoker", " ".join(INVOKERS), scope="stack",
    practices="REL06-BP01 OPS06-BP02", checklist="CHK-OPS-3", severity="high", level="advisory",
    why="EventBridge and SNS call a function that does not admit them in vain, and S3 refuses the notification when it is made.",
    fix="Add an aws.lambda_.Permission for the service as principal, with sourceArn",
    reads="principal", reads_of=LAMBDA_PERMISSION,
    compliant=(Example(FUNCTION, "function"), Example(EVENT_TARGET, "target", links={"arn": "function"}),
        Example(LAMBDA_PERMISSION, "allowed", {"principal": EVENTS}, links={"function": "function"})),
    violating=(Example(FUNCTION, "function"), Example(EVENT_TARGET, "target", links={"arn": "function"}),
        Example(SUBSCRIPTION, "subscription", links={"endpoint": "function"}),
        Example(NOTIFICATION, "notification", links={"lambdaFunctions": "function"})),
)  # fmt: skip
def function_admits_invoker(invoker: Resource, context: Context) -> Iterator[str]:
    """A function admits the services that call it."""
    property_, service = INVOKERS[invoker.type]
    functions = context.graph.behind(invoker, property_, FUNCTION, LAMBDA_ALIAS, "functionName")
    if not functions or (invoker.type == EVENT_TARGET and invoker.get("roleArn") is not None):
        raise NotApplicable("calls no function of this stack by its own right")
    for function in functions:
        if not any(item.get("principal") == service for item in context.graph.referring(function, LAMBDA_PERMISSION, "function")):
            yield f"no permission lets {service} call '{function.name}', which '{invoker.name}' needs"


@rule(
    "events-target-role", EVENT_TARGET, scope="stack",
    practices="OPS06-BP02 SEC03-BP02", checklist="CHK-OPS-3", severity="high", level="advisory",
    why="EventBridge refuses a state machine, pipeline, build, stream, cluster or job queue as a target without a role to start it.",
    fix="Set roleArn to a role that events.amazonaws.com may assume",
    reads="roleArn",
    compliant=(Example(STATE_MACHINE, "machine"), Example(EVENT_TARGET, "target", {"roleArn": "arn:aws:iam::123456789012:role/start"},
        links={"arn": "machine"})),
    violating=(Example(STATE_MACHINE, "machine"), Example(EVENT_TARGET, "target", links={"arn": "machine"})),
)  # fmt: skip
def events_target_role(target: Resource, context: Context) -> str | None:
    """Targets that need a role to be started have one."""
    if not context.graph.linked(target, "arn", *BY_ROLE):
        raise NotApplicable("its target needs no role")
    return None if context.graph.given(target, "roleArn") else f"roleArn of '{target.name}' is not set"


@rule(
    "alias-not-passed-by", LAMBDA_ALIAS, scope="stack",
    practices="OPS06-BP03 REL08-BP05", checklist="CHK-OPS-2", severity="medium", level={"dev": "disabled", "prod": "advisory"},
    why="Who calls the function itself gets the newest code at once, past the alias that shifts traffic and can be turned back.",
    fix="Let the target, mapping or subscription name the alias's ARN",
    reads=None,
    compliant=(Example(FUNCTION, "function"), Example(LAMBDA_ALIAS, "live", links={"functionName": "function"}),
        Example(EVENT_TARGET, "target", links={"arn": "live"})),
    violating=(Example(FUNCTION, "function"), Example(LAMBDA_ALIAS, "live", links={"functionName": "function"}),
        Example(EVENT_TARGET, "target", links={"arn": "function"})),
)  # fmt: skip
def alias_not_passed_by(alias: Resource, context: Context) -> Iterator[str]:
    """A function with an alias is called by its alias."""
    uses = ((EVENT_TARGET, "arn"), (SUBSCRIPTION, "endpoint"), ("aws:lambda/eventSourceMapping:EventSourceMapping", "functionName"))
    for function in context.graph.linked(alias, "functionName", FUNCTION):
        for type_, property_ in uses:
            for user in context.graph.referring(function, type_, property_):
                if not context.graph.linked(user, property_, LAMBDA_ALIAS):
                    yield f"{property_} of '{user.name}' names '{function.name}', not its alias '{alias.name}'"
