"""The topic that alarms and failed pipelines publish to, and who hears of it."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.base.documents import json_text
from components.base.grants import TOPIC_PUBLISH, Statement, allow
from components.base.keys import COST_PUBLISHERS, Keys
from components.base.platform import Platform
from components.base.resource_policies import TOPIC_ACTIONS, closed
from components.blocks.work_queue import WorkQueue, WorkQueueArgs


class Notifications(pulumi.ComponentResource):
    """Encrypted with our own key: with the AWS-managed one alarms would be dropped without a word."""

    def __init__(self, name: str, *, platform: Platform, keys: Keys, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:operations:Notifications", name, None, opts)
        self._key = keys.operations
        topic_name = platform.name("alerts")
        self.known_arn = platform.arns.topic(topic_name)
        topic = aws.sns.Topic(
            f"{name}-alerts",
            name=topic_name,
            kms_master_key_id=keys.operations.arn,
            opts=pulumi.ResourceOptions(parent=self),
        )
        # AWS Budgets and Cost Anomaly Detection try to publish when they are given the topic.
        self.policy = aws.sns.TopicPolicy(
            f"{name}-alerts-policy", arn=topic.arn, policy=json_text(self._policy(platform)), opts=pulumi.ResourceOptions(parent=self)
        )
        undelivered = WorkQueue(
            f"{name}-undelivered",
            WorkQueueArgs(
                queue_name=f"{topic_name}-undelivered",
                pipeline="operations",
                key=keys.operations,
                dead_letters=False,
                senders={
                    "sns.amazonaws.com": [self.known_arn],
                    "events.amazonaws.com": [platform.arns.event_rule(platform.name(rules)) for rules in ("security-*", "health-*")],
                },
            ),
            platform=platform,
            opts=pulumi.ResourceOptions(parent=self),
        )
        for number, email in enumerate(platform.settings.notifications.emails):
            aws.sns.TopicSubscription(
                f"{name}-email-{number}",
                topic=topic.arn,
                protocol="email",
                endpoint=email,
                redrive_policy=json_text({"deadLetterTargetArn": undelivered.arn}),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[undelivered.policy]),
            )
        self.topic_arn = topic.arn
        self.queue_name = undelivered.queue_name
        self.undelivered_arn = undelivered.arn
        self.register_outputs({"topic_arn": self.topic_arn})

    def grant_publish(self) -> list[Statement]:
        return [allow(TOPIC_PUBLISH, self.known_arn), *self._key.grant_encrypt()]

    def _policy(self, platform: Platform) -> dict[str, object]:
        publishers = {"Service": ["cloudwatch.amazonaws.com", *COST_PUBLISHERS]}
        return {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "Publishers",
                    "Effect": "Allow",
                    "Principal": publishers,
                    "Action": "sns:Publish",
                    "Resource": self.known_arn,
                    "Condition": {"StringEquals": {"aws:SourceAccount": platform.account}},
                },
                # EventBridge takes no conditions in a topic's policy: its messages would be refused.
                {
                    "Sid": "Events",
                    "Effect": "Allow",
                    "Principal": {"Service": "events.amazonaws.com"},
                    "Action": "sns:Publish",
                    "Resource": self.known_arn,
                },
                *closed(platform, TOPIC_ACTIONS, self.known_arn),
            ],
        }
