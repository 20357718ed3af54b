"""SNS topics, SQS queues, EventBridge rules and schedules."""

from __future__ import annotations

from collections.abc import Iterator

from ..model import Context, Example, Resource, rule
from ..policies import denies_insecure_transport, is_public, statements
from ..values import NotApplicable, Unreadable, is_set
from ._types import ALARM, EVENT_TARGET, KEY_ARN, PRODUCTION, QUEUE, QUEUE_POLICY, SCHEDULE, SUBSCRIPTION, TOPIC, TOPIC_POLICY

PUBLIC = {"policy": {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}]}}
TLS_ONLY = {
    "policy": {
        "Statement": [
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "sqs:*",
                "Resource": "*",
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ]
    }
}


def dead_letter_users(queue: Resource, context: Context) -> list[Resource]:
    """What delivers to this queue when something failed."""
    graph = context.graph
    users = graph.referring(queue, QUEUE, "redrivePolicy") + graph.referring(queue, EVENT_TARGET, "deadLetterConfig")
    users += graph.referring(queue, "aws:lambda/function:Function", "deadLetterConfig") + graph.referring(
        queue, SUBSCRIPTION, "redrivePolicy"
    )
    return users + graph.referring(queue, "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig", "destinationConfig")


def is_dead_letter_queue(queue: Resource, context: Context) -> bool:
    """Whether failures are delivered here; by what refers to it or by what it is called."""
    if any(word in queue.name.lower() for word in ("dlq", "dead-letter", "deadletter", "failure", "failed", "redrive")):
        return True
    return bool(dead_letter_users(queue, context))


@rule(
    "sqs-encrypted", QUEUE, scope="stack",
    practices="SEC08-BP02", checklist="CHK-SEC-2", spec="SEC-5a", severity="high", level=PRODUCTION,
        sources="checkov:CKV2_AWS_73 checkov:CKV_AWS_27",
    why="With a customer key, reading messages needs a second permission.",
    fix="Set kmsMasterKeyId to a customer key whose policy admits the services that send",
    reads="kmsMasterKeyId", compliant={"kmsMasterKeyId": KEY_ARN}, violating={"sqsManagedSseEnabled": True},
)  # fmt: skip
def sqs_encrypted(queue: Resource, context: Context) -> str | None:
    """Queues are encrypted with a customer key."""
    return None if context.graph.given(queue, "kmsMasterKeyId") else f"kmsMasterKeyId of '{queue.name}' is not set"


@rule(
    "sqs-dead-letter-queue", QUEUE, scope="stack",
    practices="REL05-BP04", checklist="CHK-REL-3", spec="REL-1a P1e", severity="high", sources="cdk-nag:AwsSolutions-SQS3",
    why="A message that cannot be processed comes back until it expires: the queue stalls, then the message is lost.",
    fix="Set redrivePolicy with deadLetterTargetArn and maxReceiveCount",
    reads="redrivePolicy", compliant={"redrivePolicy": '{"deadLetterTargetArn": "arn:aws:sqs:eu-west-1:123456789012:failures", '
        '"maxReceiveCount": 5}'}, violating={"visibilityTimeoutSeconds": 60},
)  # fmt: skip
def sqs_dead_letter_queue(queue: Resource, context: Context) -> str | None:
    """Queues hand what cannot be processed to a dead-letter queue."""
    if is_dead_letter_queue(queue, context):
        raise NotApplicable("is a dead-letter queue itself")
    if context.graph.referring(queue, "aws:sqs/redrivePolicy:RedrivePolicy", "queueUrl"):
        return None
    return None if context.graph.given(queue, "redrivePolicy") else f"redrivePolicy of '{queue.name}' is not set"


@rule(
    "sqs-dead-letter-alarm", QUEUE, scope="stack",
    practices="OPS08-BP04 REL06-BP03", checklist="CHK-OPS-5 CHK-REL-5", spec="OPS-4c", severity="high",
    why="Failures that nobody is told about are kept for two weeks and then lost.",
    fix="Add an alarm on AWS/SQS ApproximateNumberOfMessagesVisible of the queue",
    reads=None,
    compliant=(Example(QUEUE, "failures", {"name": "failures"}), Example(ALARM, "alarm", {"namespace": "AWS/SQS",
        "metricName": "ApproximateNumberOfMessagesVisible", "dimensions": {"QueueName": "failures"}})),
    violating=(Example(QUEUE, "failures", {"name": "failures"}),),
)  # fmt: skip
def sqs_dead_letter_alarm(queue: Resource, context: Context) -> str | None:
    """Every dead-letter queue has an alarm."""
    if not is_dead_letter_queue(queue, context):
        raise NotApplicable("not a dead-letter queue")
    graph = context.graph
    if graph.referring(queue, ALARM, "dimensions") or graph.with_value(ALARM, "dimensions.QueueName", queue.get("name")):
        return None
    return f"no alarm watches dead-letter queue '{queue.name}'"


@rule(
    "sqs-dead-letter-retention", QUEUE, scope="stack",
    practices="REL05-BP04", checklist="CHK-COST-5", spec="P1e", severity="low",
    why="The default of four days is a long weekend; a message keeps its age when it moves to the dead-letter queue.",
    fix="Set messageRetentionSeconds to 1209600 (14 days)",
    reads="messageRetentionSeconds",
    compliant=(Example(QUEUE, "failures", {"messageRetentionSeconds": 1209600}),), violating=(Example(QUEUE, "failures",
        {"messageRetentionSeconds": 86400}),),
)  # fmt: skip
def sqs_dead_letter_retention(queue: Resource, context: Context) -> str | None:
    """Dead-letter queues keep messages for two weeks."""
    if not is_dead_letter_queue(queue, context):
        raise NotApplicable("not a dead-letter queue")
    seconds = queue.get("messageRetentionSeconds", 345600)
    return f"messageRetentionSeconds of '{queue.name}' is {seconds:.0f}" if seconds < 1209600 else None


@rule(
    "messaging-policy-not-public", f"{QUEUE_POLICY} {TOPIC_POLICY}",
    practices="SEC03-BP07", checklist="CHK-SEC-1", spec="SEC-8d", severity="critical",
    sources="checkov:CKV_AWS_168 checkov:CKV_AWS_169 securityhub:SQS.3 securityhub:SNS.4",
    why="Principal * without a condition lets anybody send and read messages.",
    fix="Name the service or account, with aws:SourceArn or aws:SourceAccount",
    reads="policy", missing="not_applicable", compliant=TLS_ONLY, violating=PUBLIC,
)  # fmt: skip
def messaging_policy_not_public(policy: Resource, context: Context) -> Iterator[str]:
    """No queue or topic is open to everybody."""
    for index, statement in statements(policy, "policy"):
        if is_public(statement):
            yield f"policy.Statement[{index}] of '{policy.name}' allows Principal * without a restricting condition"


@rule(
    "messaging-tls-only", f"{QUEUE} {TOPIC}", scope="stack",
    practices="SEC09-BP02", checklist="CHK-SEC-3", spec="SEC-5b", severity="medium", level="advisory",
    sources="cdk-nag:AwsSolutions-SQS4 cdk-nag:AwsSolutions-SNS3",
    why="Only the resource's policy can refuse requests without TLS.",
    fix="Add a policy that denies all actions to Principal * where aws:SecureTransport is false",
    reads=None,
    compliant=(Example(QUEUE, "queue"), Example(QUEUE_POLICY, "policy", TLS_ONLY, links={"queueUrl": "queue"})), violating=(Example(QUEUE,
        "queue"),),
)  # fmt: skip
def messaging_tls_only(resource: Resource, context: Context) -> str | None:
    """Queues and topics refuse requests without TLS."""
    type_, property_ = (QUEUE_POLICY, "queueUrl") if resource.type == QUEUE else (TOPIC_POLICY, "arn")
    policies = context.graph.referring(resource, type_, property_)
    if any(denies_insecure_transport(policy, "policy") for policy in policies) or denies_insecure_transport(resource, "policy"):
        return None
    return f"no policy of '{resource.name}' denies requests without TLS"


@rule(
    "sns-encrypted", TOPIC, scope="stack",
    practices="SEC08-BP02", checklist="CHK-SEC-2", spec="SEC-5a SEC-7b", severity="medium", level=PRODUCTION,
    sources="checkov:CKV_AWS_26 securityhub:SNS.1",
    why="Alarms say what is wrong with the system; and under alias/aws/sns CloudWatch cannot publish at all: alarms are dropped silently.",
    fix="Set kmsMasterKeyId to a customer key whose policy admits cloudwatch, events and budgets",
    reads="kmsMasterKeyId", compliant={"kmsMasterKeyId": KEY_ARN}, violating={"kmsMasterKeyId": "alias/aws/sns"},
)  # fmt: skip
def sns_encrypted(topic: Resource, context: Context) -> str | None:
    """Topics are encrypted with a customer key."""
    if not context.graph.given(topic, "kmsMasterKeyId"):
        return f"kmsMasterKeyId of '{topic.name}' is not set"
    key = topic.get("kmsMasterKeyId")
    return (
        f"kmsMasterKeyId of '{topic.name}' is the AWS managed key" if not isinstance(key, Unreadable) and key == "alias/aws/sns" else None
    )


@rule(
    "sns-alarm-topic-has-subscriber", TOPIC, scope="stack",
    practices="OPS08-BP04 REL06-BP03 SEC10-BP01", checklist="CHK-OPS-5", spec="OPS-4d SEC-7b", severity="high", level=PRODUCTION,
    why="A topic nobody subscribed to tells nobody.",
    fix="Add an aws.sns.TopicSubscription (mail, chat, pager, queue)",
    reads=None,
    compliant=(Example(TOPIC, "alerts"), Example(ALARM, "errors", links={"alarmActions": "alerts"}), Example(SUBSCRIPTION, "mail",
        {"protocol": "email"}, links={"topic": "alerts"})),
    violating=(Example(TOPIC, "alerts"), Example(ALARM, "errors", links={"alarmActions": "alerts"})),
)  # fmt: skip
def sns_alarm_topic_has_subscriber(topic: Resource, context: Context) -> str | None:
    """Somebody receives what alarms publish."""
    if not context.graph.referring(topic, ALARM, "alarmActions"):
        raise NotApplicable("no alarm publishes to it")
    return None if context.graph.referring(topic, SUBSCRIPTION, "topic") else f"topic '{topic.name}' has no subscription"


@rule(
    "sns-no-plain-http", SUBSCRIPTION,
    practices="SEC09-BP02", checklist="CHK-SEC-3", spec="SEC-5b", severity="high",
    why="Messages travel in clear.",
    fix="Use https",
    reads="protocol", compliant={"protocol": "https"}, violating={"protocol": "http"},
)  # fmt: skip
def sns_no_plain_http(subscription: Resource, context: Context) -> str | None:
    """Subscriptions use TLS."""
    return f"protocol of '{subscription.name}' is http" if subscription.get("protocol", "http") == "http" else None


@rule(
    "events-target-dead-letter", EVENT_TARGET, scope="stack",
    practices="REL05-BP03 REL04-BP02", checklist="CHK-REL-3", spec="P1e OPS-4b", severity="medium",
        sources="cdk-nag:Serverless-EventBusDLQ",
    why="An event that cannot be delivered for 24 hours is dropped without a trace.",
    fix="Set deadLetterConfig.arn to a queue whose policy admits events.amazonaws.com",
    reads="deadLetterConfig.arn", compliant={"deadLetterConfig": {"arn": "arn:aws:sqs:eu-west-1:123456789012:failures"}},
        violating={"retryPolicy": {"maximumRetryAttempts": 3}},
)  # fmt: skip
def events_target_dead_letter(target: Resource, context: Context) -> str | None:
    """Events that cannot be delivered are kept."""
    arn = target.values.get("arn")
    if isinstance(arn, str) and ":event-bus/" in arn:
        raise NotApplicable("hands events over to another bus, whose own targets have dead-letter queues")
    return None if context.graph.given(target, "deadLetterConfig.arn") else f"deadLetterConfig.arn of '{target.name}' is not set"


@rule(
    "events-target-retry", EVENT_TARGET,
    practices="REL05-BP03", checklist="CHK-REL-4", spec="REL-6e OPS-4a", severity="low", level="advisory",
    why="The default retries for 24 hours: an event may take effect a day after it was of use.",
    fix="Set retryPolicy.maximumEventAgeInSeconds and maximumRetryAttempts",
    reads="retryPolicy", compliant={"retryPolicy": {"maximumEventAgeInSeconds": 3600, "maximumRetryAttempts": 8}},
        violating={"targetId": "t"},
)  # fmt: skip
def events_target_retry(target: Resource, context: Context) -> str | None:
    """Delivery of events is retried for a set time."""
    policy = target.get("retryPolicy")
    if policy is not None and (is_set(policy.get("maximumEventAgeInSeconds")) or is_set(policy.get("maximumRetryAttempts"))):
        return None
    return f"retryPolicy of '{target.name}' is not set"


@rule(
    "scheduler-target-failures", SCHEDULE,
    practices="REL05-BP03", checklist="CHK-REL-4", spec="REL-6e P3f", severity="medium", level="advisory",
    why="A scheduled call that fails is retried for a day and then dropped.",
    fix="Set target.retryPolicy and target.deadLetterConfig",
    reads="target", missing="fail",
    compliant={"target": {"arn": "a", "roleArn": "r", "retryPolicy": {"maximumRetryAttempts": 3}, "deadLetterConfig": {"arn": "q"}}},
        violating={"target": {"arn": "a", "roleArn": "r"}},
)  # fmt: skip
def scheduler_target_failures(schedule: Resource, context: Context) -> Iterator[str]:
    """Schedules retry a set number of times and keep what failed."""
    for part in ("retryPolicy", "deadLetterConfig"):
        if not is_set(schedule.get(f"target.{part}")):
            yield f"target.{part} of '{schedule.name}' is not set"


BUS = "aws:cloudwatch/eventBus:EventBus"


@rule(
    "sns-subscription-dead-letter", SUBSCRIPTION, scope="stack",
    practices="REL05-BP04 REL04-BP02", checklist="CHK-REL-3", severity="medium", level="advisory",
    why="What SNS cannot deliver to a function, queue or web address is dropped after the last try.",
    fix="Set redrivePolicy with a deadLetterTargetArn",
    reads="redrivePolicy", compliant={"protocol": "lambda", "redrivePolicy": '{"deadLetterTargetArn": "arn:aws:sqs:eu-west-1:1:q"}'},
        violating={"protocol": "lambda"},
)  # fmt: skip
def sns_subscription_dead_letter(subscription: Resource, context: Context) -> str | None:
    """Messages that a program did not receive are kept."""
    if subscription.get("protocol") not in ("lambda", "sqs", "http", "https", "firehose"):
        raise NotApplicable("delivers to people")
    return None if context.graph.given(subscription, "redrivePolicy") else f"redrivePolicy of '{subscription.name}' is not set"


@rule(
    "bus-customer-key", BUS, scope="stack",
    practices="SEC08-BP02", checklist="CHK-SEC-2", severity="low", level="advisory",
    why="With a customer key, reading stored events needs a second permission.",
    fix="Set kmsKeyIdentifier to a customer key that admits events.amazonaws.com",
    reads="kmsKeyIdentifier", compliant={"kmsKeyIdentifier": KEY_ARN}, violating={"name": "orders"},
)  # fmt: skip
def bus_customer_key(bus: Resource, context: Context) -> str | None:
    """Buses of one's own are encrypted with a customer key."""
    return None if context.graph.given(bus, "kmsKeyIdentifier") else f"kmsKeyIdentifier of '{bus.name}' is not set"
