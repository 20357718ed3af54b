"""Topics and bucket notifications reach queues and functions when the policies admit it; queues report their depth."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError
from moto.s3 import notifications as s3_notifications
from moto.sns.models import Subscription

from mlops.sandbox.compute import metrics
from mlops.sandbox.compute.delivery import Parcel, Sender, deliver, error_code, require, require_key
from mlops.sandbox.context import Sandbox
from mlops.sandbox.http import ServiceError

log = logging.getLogger(__name__)

SNS = "sns.amazonaws.com"
S3 = "s3.amazonaws.com"
QUEUE_METRICS_INTERVAL = 5.0  # seconds; AWS writes them each minute


def install(sandbox: Sandbox) -> None:
    """Replace moto's delivery from topics and buckets; start the queue metrics."""
    publish = Subscription.publish

    def publish_asynchronously(self: Subscription, message: str, message_id: str, *args: Any, **options: Any) -> None:
        sandbox.submit(send, self, message, message_id, *args, **options)

    def send(subscription: Subscription, message: str, message_id: str, subject: str | None = None, **options: Any) -> None:
        if str(subscription.attributes.get("RawMessageDelivery", "")).lower() == "false":
            subscription.attributes.pop("RawMessageDelivery")  # moto takes any text for true
        sender = Sender(SNS, subscription.topic.arn)
        dimensions = {"TopicName": subscription.topic.name}
        try:
            if subscription.protocol == "sqs":
                queue = sandbox.backend("sqs").get_queue(subscription.endpoint.split(":")[5])
                require(sandbox, sender, "sqs:SendMessage", subscription.endpoint)
                require_key(sandbox, sender, queue.kms_master_key_id)
                publish(subscription, message, message_id, subject, **options)
            elif subscription.protocol == "lambda":
                matcher = subscription._filter_policy_matcher
                if matcher is not None and not matcher.matches(options.get("message_attributes"), message):
                    return
                deliver(
                    sandbox,
                    sender,
                    subscription.endpoint,
                    Parcel(json.dumps(sns_event(subscription, message, message_id, subject, options))),
                )
            elif subscription.protocol in ("http", "https"):
                raise ServiceError("UnsupportedOperation", f"the sandbox sends nothing to {subscription.endpoint}", 501)
            else:
                # Nothing leaves this machine: mail and text messages stay in the topic's own record.
                log.info("topic %s: %s to %s is kept, not sent", subscription.topic.name, subscription.protocol, subscription.endpoint)
                return
        except (ClientError, ServiceError) as error:
            log.warning("topic %s cannot deliver to %s: %s", subscription.topic.name, subscription.endpoint, error)
            metrics.put(sandbox, "AWS/SNS", {"NumberOfNotificationsFailed": 1}, dimensions)
            undelivered(subscription, message, error)
            return
        metrics.put(sandbox, "AWS/SNS", {"NumberOfNotificationsDelivered": 1}, dimensions)

    def undelivered(subscription: Subscription, message: str, error: Exception) -> None:
        policy = subscription.attributes.get("RedrivePolicy")
        target = json.loads(policy).get("deadLetterTargetArn") if policy else None
        if not target:
            return
        try:
            deliver(sandbox, Sender(SNS, subscription.topic.arn), target, Parcel(message))
        except (ClientError, ServiceError) as failure:
            log.error("topic %s: %s; nor does the dead-letter queue take it: %s", subscription.topic.name, error_code(error), failure)

    def from_bucket(arn: str, event: Any) -> None:
        bucket = event["Records"][0]["s3"]["bucket"]["arn"] if "Records" in event else f"arn:aws:s3:::{event['Bucket']}"
        sandbox.submit(notify, arn, event, Sender(S3, bucket))

    def notify(arn: str, event: Any, sender: Sender) -> None:
        try:
            deliver(sandbox, sender, arn, Parcel(json.dumps(event), subject="Amazon S3 Notification"))
        except (ClientError, ServiceError) as error:
            log.warning("bucket %s cannot notify %s: %s", sender.source_arn, arn, error)

    Subscription.publish = publish_asynchronously
    s3_notifications._invoke_awslambda = lambda account_id, event_body, fn_arn, region_name: from_bucket(fn_arn, event_body)
    s3_notifications._send_sqs_message = lambda account_id, event_body, queue_name, region_name: from_bucket(
        f"arn:aws:sqs:{region_name}:{account_id}:{queue_name}", event_body
    )
    s3_notifications._send_sns_message = lambda account_id, event_body, topic_arn, region_name: from_bucket(topic_arn, event_body)
    sandbox.every(min(QUEUE_METRICS_INTERVAL, sandbox.options.alarm_tick * 2), lambda: measure(sandbox))


def sns_event(subscription: Subscription, message: str, message_id: str, subject: str | None, options: dict[str, Any]) -> dict[str, Any]:
    """The event that SNS hands to a function."""
    attributes = {
        name: {"Type": value["Type"], "Value": value["Value"]} for name, value in (options.get("message_attributes") or {}).items()
    }
    notification = {
        "Type": "Notification",
        "MessageId": message_id,
        "TopicArn": subscription.topic.arn,
        "Subject": subject,
        "Message": message,
        "Timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "MessageAttributes": attributes,
    }
    return {"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": subscription.arn, "Sns": notification}]}


def measure(sandbox: Sandbox) -> None:
    """Depth and age of every queue that holds or held something, as SQS reports them."""
    now = datetime.now(UTC).timestamp() * 1000
    for queue in list(sandbox.backend("sqs").queues.values()):
        messages = list(queue._messages)
        if not messages and not vars(queue).get("was_filled"):
            continue  # as on AWS, an inactive queue has no metrics
        queue.was_filled = bool(messages)
        oldest = min((message.sent_timestamp for message in messages), default=now)
        values = {
            "ApproximateNumberOfMessagesVisible": len(queue.messages),
            "ApproximateNumberOfMessagesNotVisible": queue.approximate_number_of_messages_not_visible,
            "ApproximateAgeOfOldestMessage": (now - oldest) / 1000,
        }
        metrics.put(sandbox, "AWS/SQS", values, {"QueueName": queue.name}, {"ApproximateAgeOfOldestMessage": "Seconds"})
