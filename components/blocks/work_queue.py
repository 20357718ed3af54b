"""An encrypted queue with its dead-letter queue, or a dead-letter queue alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pulumi
import pulumi_aws as aws

from components.base.documents import json_text
from components.base.grants import QUEUE_CONSUME, QUEUE_SEND, Statement, allow
from components.base.inventory import Item, Pipeline
from components.base.keys import KeyReference
from components.base.platform import Platform
from components.base.resource_policies import closed

RETENTION_SECONDS = 14 * 24 * 3600


@dataclass(frozen=True, kw_only=True)
class WorkQueueArgs:
    """`senders` maps a service principal to the ARNs it may send for; `dead_letters` off makes a queue of last resort."""

    queue_name: str
    pipeline: Pipeline
    model: str | None = None
    key: KeyReference
    visibility_seconds: int = 360
    maximum_receives: int = 5
    dead_letters: bool = True
    senders: dict[str, list[Any]] | None = None


class WorkQueue(pulumi.ComponentResource):
    """`known_arn` and `url` can be named before the queue exists."""

    def __init__(self, name: str, args: WorkQueueArgs, *, platform: Platform, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:blocks:WorkQueue", name, None, opts)
        self.queue_name = args.queue_name
        self.key = args.key
        self.known_arn = platform.arns.queue(args.queue_name)
        self.dead_letter_name = f"{args.queue_name}-dead" if args.dead_letters else None
        item = Item(args.queue_name, args.pipeline, args.model)
        inventory = platform.inventory
        redrive = None
        if self.dead_letter_name:
            inventory.work_queues.append(item)
            inventory.failure_queues.append(replace(item, name=self.dead_letter_name))
            dead = self._queue(f"{name}-dead", self.dead_letter_name, args, None, platform)
            self._policy(f"{name}-dead", dead, platform.arns.queue(self.dead_letter_name), {}, platform)
            redrive = json_text({"deadLetterTargetArn": dead.arn, "maxReceiveCount": args.maximum_receives})
        else:
            inventory.failure_queues.append(item)
        self.queue = self._queue(name, args.queue_name, args, redrive, platform)
        self.policy = self._policy(name, self.queue, self.known_arn, args.senders or {}, platform)
        self.url = self.queue.url
        self.arn = self.queue.arn
        self.register_outputs({"url": self.url, "arn": self.arn})

    def _queue(
        self, name: str, queue_name: str, args: WorkQueueArgs, redrive: pulumi.Input[str] | None, platform: Platform
    ) -> aws.sqs.Queue:
        return aws.sqs.Queue(
            f"{name}-queue",
            name=queue_name,
            kms_master_key_id=args.key.arn,
            kms_data_key_reuse_period_seconds=300,
            message_retention_seconds=RETENTION_SECONDS,
            visibility_timeout_seconds=args.visibility_seconds,
            redrive_policy=redrive,
            tags=platform.tags(data="confidential"),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _policy(self, name: str, queue: aws.sqs.Queue, arn: str, senders: dict[str, list[Any]], platform: Platform) -> aws.sqs.QueuePolicy:
        statements = closed(platform, "sqs:*", arn)
        for service, sources in senders.items():
            statements.append(
                {
                    "Effect": "Allow",
                    "Principal": {"Service": service},
                    "Action": "sqs:SendMessage",
                    "Resource": arn,
                    "Condition": {"ArnEquals": {"aws:SourceArn": sources}},
                }
            )
        return aws.sqs.QueuePolicy(
            f"{name}-queue-policy",
            queue_url=queue.url,
            policy=json_text({"Version": "2012-10-17", "Statement": statements}),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def grant_send(self) -> list[Statement]:
        return [allow(QUEUE_SEND, self.known_arn), *self.key.grant_encrypt()]

    def grant_consume(self) -> list[Statement]:
        return [allow(QUEUE_CONSUME, self.known_arn), *self.key.grant_decrypt()]
