"""Where events of global services go that could not be forwarded from us-east-1, and who hears of it.

A rule's dead-letter queue, that queue's alarm and the alarm's topic must all be in the rule's own region.
"""

from __future__ import annotations

from dataclasses import replace

import pulumi
import pulumi_aws as aws

from components.base.documents import json_text
from components.base.inventory import Inventory
from components.base.keys import key_policy
from components.base.platform import Platform
from components.base.regions import GLOBAL
from components.base.resource_policies import TOPIC_ACTIONS, closed
from components.blocks.alarm import AlarmArgs, alarm
from components.blocks.work_queue import RETENTION_SECONDS


class GlobalFailures(pulumi.ComponentResource):
    """For rules named `<stack>-*-global`. `arn` is the queue's, `policy` must be there before a rule uses it.

    Each e-mail address confirms this topic's subscription too.
    """

    spec = ("REL-1a",)

    def __init__(self, name: str, *, platform: Platform, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:operations:GlobalFailures", name, None, opts)
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)
        self._emails = platform.settings.notifications.emails
        # The same stack, with the ARNs of that region; what is here is watched here, so it enters no list of the stack's own region.
        self._there = replace(platform, region=GLOBAL, arns=platform.arns.in_region(GLOBAL), inventory=Inventory())
        self._key_arn: pulumi.Input[str] = platform.settings.keys.global_operations or self._key()
        self._queue_name, self._topic_name = platform.name("global-failures"), platform.name("alerts-global")
        queue = self._queue()
        self.arn = queue.arn
        self.policy = self._admit_senders(queue)
        self._watch(self._topic(queue))
        self.register_outputs({"arn": self.arn})

    @staticmethod
    def of(platform: Platform) -> GlobalFailures | None:
        """None where nothing is forwarded from us-east-1: the stack is there itself, or its settings forward nothing."""
        settings = platform.settings
        forwards = settings.security.forward_global_events or settings.health.route53
        return GlobalFailures("global-failures", platform=platform) if forwards and platform.region != GLOBAL else None

    def _key(self) -> pulumi.Output[str]:
        keys = self._there.settings.keys
        key = aws.kms.Key(
            f"{self._name}-key",
            region=GLOBAL,
            description=f"{self._there.prefix}: events of global services that could not be forwarded",
            enable_key_rotation=True,
            rotation_period_in_days=keys.rotation_days,
            deletion_window_in_days=keys.deletion_window_days,
            policy=json_text({"Version": "2012-10-17", "Statement": key_policy(self._there, "operations")}),
            opts=pulumi.ResourceOptions(parent=self, protect=self._there.protected),
        )
        aws.kms.Alias(
            f"{self._name}-key-alias",
            region=GLOBAL,
            name=f"alias/{self._there.name('global-operations')}",
            target_key_id=key.key_id,
            opts=self._child,
        )
        return key.arn

    def _queue(self) -> aws.sqs.Queue:
        return aws.sqs.Queue(
            f"{self._name}-queue",
            region=GLOBAL,
            name=self._queue_name,
            kms_master_key_id=self._key_arn,
            kms_data_key_reuse_period_seconds=300,
            message_retention_seconds=RETENTION_SECONDS,
            tags=self._there.tags(data="confidential"),
            opts=self._child,
        )

    def _admit_senders(self, queue: aws.sqs.Queue) -> aws.sqs.QueuePolicy:
        arns = self._there.arns
        arn = arns.queue(self._queue_name)
        senders = {"events.amazonaws.com": arns.event_rule(self._there.name("*-global")), "sns.amazonaws.com": arns.topic(self._topic_name)}
        admitted = [
            {
                "Effect": "Allow",
                "Principal": {"Service": service},
                "Action": "sqs:SendMessage",
                "Resource": arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": source}},
            }
            for service, source in senders.items()
        ]
        return aws.sqs.QueuePolicy(
            f"{self._name}-queue-policy",
            region=GLOBAL,
            queue_url=queue.url,
            policy=json_text({"Version": "2012-10-17", "Statement": [*closed(self._there, "sqs:*", arn), *admitted]}),
            opts=self._child,
        )

    def _topic(self, queue: aws.sqs.Queue) -> aws.sns.Topic:
        arn = self._there.arns.topic(self._topic_name)
        topic = aws.sns.Topic(
            f"{self._name}-topic", region=GLOBAL, name=self._topic_name, kms_master_key_id=self._key_arn, opts=self._child
        )
        publisher = {
            "Sid": "Alarms",
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": arn,
            "Condition": {"StringEquals": {"aws:SourceAccount": self._there.account}},
        }
        aws.sns.TopicPolicy(
            f"{self._name}-topic-policy",
            region=GLOBAL,
            arn=topic.arn,
            policy=json_text({"Version": "2012-10-17", "Statement": [publisher, *closed(self._there, TOPIC_ACTIONS, arn)]}),
            opts=self._child,
        )
        for number, email in enumerate(self._emails):
            aws.sns.TopicSubscription(
                f"{self._name}-email-{number}",
                region=GLOBAL,
                topic=topic.arn,
                protocol="email",
                endpoint=email,
                redrive_policy=json_text({"deadLetterTargetArn": queue.arn}),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[self.policy]),
            )
        return topic

    def _watch(self, topic: aws.sns.Topic) -> None:
        alarm(
            f"{self._name}-not-empty",
            AlarmArgs(
                alarm_name=f"{self._queue_name}-not-empty",
                description=f"{self._queue_name} in {GLOBAL} holds events that were not forwarded: see docs/runbooks/security-event.md",
                namespace="AWS/SQS",
                metric="ApproximateNumberOfMessagesVisible",
                dimensions={"QueueName": self._queue_name},
                statistic="Maximum",
                region=GLOBAL,
            ),
            topic_arn=topic.arn,
            opts=self._child,
        )
