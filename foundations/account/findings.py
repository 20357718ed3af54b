"""Findings that somebody has to look at: GuardDuty's and Security Hub's go to a topic, by e-mail."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws

from components.base.documents import json_text
from components.base.keys import KeyReference
from components.base.platform import Platform
from components.base.resource_policies import TOPIC_ACTIONS, closed
from components.blocks.work_queue import WorkQueue, WorkQueueArgs

# GuardDuty's severities: 4 and above is medium. https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_findings-severity.html
PATTERNS: dict[str, dict[str, Any]] = {
    "guardduty": {
        "source": ["aws.guardduty"],
        "detail-type": ["GuardDuty Finding"],
        "detail": {"severity": [{"numeric": [">=", 4]}]},
    },
    "security-hub": {
        "source": ["aws.securityhub"],
        "detail-type": ["Security Hub Findings - Imported"],
        "detail": {
            "findings": {"Severity": {"Label": ["HIGH", "CRITICAL"]}, "Workflow": {"Status": ["NEW"]}, "RecordState": ["ACTIVE"]},
        },
    },
}


class Findings(pulumi.ComponentResource):
    """An encrypted topic with its subscribers, and one rule a detecting service."""

    spec = ("SEC-7b", "SEC-8g")

    def __init__(
        self, name: str, *, platform: Platform, key: KeyReference, emails: list[str], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("mlops:foundation:Findings", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        topic_name = platform.name("findings")
        topic = aws.sns.Topic(f"{name}-topic", name=topic_name, kms_master_key_id=key.arn, opts=child)
        policy = aws.sns.TopicPolicy(
            f"{name}-topic-policy", arn=topic.arn, policy=json_text(_topic_policy(platform, topic_name)), opts=child
        )
        undelivered = WorkQueue(
            f"{name}-undelivered",
            WorkQueueArgs(
                queue_name=f"{topic_name}-undelivered",
                pipeline="security",
                key=key,
                dead_letters=False,
                senders={
                    "sns.amazonaws.com": [platform.arns.topic(topic_name)],
                    "events.amazonaws.com": [platform.arns.event_rule(platform.name(f"findings-{source}")) for source in PATTERNS],
                },
            ),
            platform=platform,
            opts=child,
        )
        for number, email in enumerate(emails):
            aws.sns.TopicSubscription(
                f"{name}-email-{number}",
                topic=topic.arn,
                protocol="email",
                endpoint=email,
                redrive_policy=json_text({"deadLetterTargetArn": undelivered.arn}),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[undelivered.policy]),
            )
        for source, pattern in PATTERNS.items():
            rule = aws.cloudwatch.EventRule(
                f"{name}-{source}",
                name=platform.name(f"findings-{source}"),
                description=f"Findings of {source} that somebody has to look at",
                event_pattern=json_text(pattern),
                opts=child,
            )
            aws.cloudwatch.EventTarget(
                f"{name}-{source}-target",
                rule=rule.name,
                arn=topic.arn,
                retry_policy={"maximum_event_age_in_seconds": 3600, "maximum_retry_attempts": 10},
                dead_letter_config={"arn": undelivered.arn},
                opts=pulumi.ResourceOptions(parent=self, depends_on=[policy, undelivered.policy]),
            )
        aws.cloudwatch.MetricAlarm(
            f"{name}-undelivered-alarm",
            name=platform.name("findings-undelivered"),
            alarm_description="A finding reached nobody: see docs/runbooks/failed-work.md",
            namespace="AWS/SQS",
            metric_name="ApproximateNumberOfMessagesVisible",
            dimensions={"QueueName": undelivered.queue_name},
            statistic="Maximum",
            period=300,
            evaluation_periods=1,
            threshold=0,
            comparison_operator="GreaterThanThreshold",
            treat_missing_data="notBreaching",
            alarm_actions=[topic.arn],
            opts=child,
        )
        self.topic_arn = topic.arn
        self.register_outputs({"topic": self.topic_arn})


def _topic_policy(platform: Platform, topic_name: str) -> dict[str, Any]:
    arn = platform.arns.topic(topic_name)
    alarm = {
        "Sid": "Alarms",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": arn,
        "Condition": {"StringEquals": {"aws:SourceAccount": platform.account}},
    }
    # EventBridge takes no conditions in a topic's policy: its messages would be refused.
    publish = {
        "Sid": "Rules",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": arn,
    }
    return {"Version": "2012-10-17", "Statement": [publish, alarm, *closed(platform, TOPIC_ACTIONS, arn)]}
