"""SQS queues and their policies."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.handler import EXECUTED, Handler, Put
from mlops.sandbox.provider.handlers.sns import attribute
from mlops.sandbox.provider.properties import Properties

# property: attribute, least and greatest value (SetQueueAttributes' documentation; the service model has no ranges).
_NUMBERS = {
    "delaySeconds": ("DelaySeconds", 0, 900),
    "kmsDataKeyReusePeriodSeconds": ("KmsDataKeyReusePeriodSeconds", 60, 86_400),
    "maxMessageSize": ("MaximumMessageSize", 1_024, 1_048_576),
    "messageRetentionSeconds": ("MessageRetentionPeriod", 60, 1_209_600),
    "receiveWaitTimeSeconds": ("ReceiveMessageWaitTimeSeconds", 0, 20),
    "visibilityTimeoutSeconds": ("VisibilityTimeout", 0, 43_200),
}
_DEFAULTS = {
    "delaySeconds": 0,
    "kmsDataKeyReusePeriodSeconds": 300,
    "maxMessageSize": 262_144,
    "messageRetentionSeconds": 345_600,
    "receiveWaitTimeSeconds": 0,
    "visibilityTimeoutSeconds": 30,
}
_OTHERS = {
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "deduplicationScope": "DeduplicationScope",
    "fifoThroughputLimit": "FifoThroughputLimit",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "policy": "Policy",
    "redriveAllowPolicy": "RedriveAllowPolicy",
    "redrivePolicy": "RedrivePolicy",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
}


class Queue(Handler):
    type_, service, level, tagged = "aws:sqs/queue:Queue", "sqs", EXECUTED, True
    name_property, name_length = "name", 80

    def automatic_name(self, stem: str, suffix: str, inputs: Mapping[str, Any]) -> str:
        return super().automatic_name(stem, suffix + (".fifo" if inputs.get("fifoQueue") else ""), inputs)

    def create(self, call: Call, p: Properties) -> str:
        name = p.require("name")
        attributes = self._attributes(p, p.values)
        if p.boolean("fifoQueue"):
            attributes["FifoQueue"] = "true"
        return call("create_queue", QueueName=name, Attributes=attributes or None, tags=call.tags or None)["QueueUrl"]

    @staticmethod
    def _attributes(p: Properties, keys: Collection[str]) -> dict[str, str]:
        attributes = {}
        for key, (target, least, greatest) in _NUMBERS.items():
            if key in keys:
                attributes[target] = attribute(p.integer(key, least, greatest, _DEFAULTS[key]))
        for key, target in _OTHERS.items():
            if key in keys:
                attributes[target] = attribute(p.take(key, ""))
        return attributes

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found = call("get_queue_attributes", QueueUrl=id_, AttributeNames=["QueueArn"])["Attributes"]
        return {"arn": found["QueueArn"], "url": id_}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        call("set_queue_attributes", QueueUrl=id_, Attributes=self._attributes(p, changed))

    def retag(self, call: Call, id_: str, arn: str, add: dict[str, str], remove: list[str]) -> None:
        if add:
            call("tag_queue", QueueUrl=id_, Tags=add)
        if remove:
            call("untag_queue", QueueUrl=id_, TagKeys=remove)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_queue", QueueUrl=id_)


class QueuePolicy(Put):
    type_, service, level = "aws:sqs/queuePolicy:QueuePolicy", "sqs", EXECUTED
    attribute = "Policy"
    property = "policy"

    def create(self, call: Call, p: Properties) -> str:
        url = p.require("queueUrl")
        call("set_queue_attributes", QueueUrl=url, Attributes={self.attribute: p.require(self.property)})
        return url

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("set_queue_attributes", QueueUrl=id_, Attributes={self.attribute: ""})


class RedrivePolicy(QueuePolicy):
    type_, attribute, property = "aws:sqs/redrivePolicy:RedrivePolicy", "RedrivePolicy", "redrivePolicy"


class RedriveAllowPolicy(QueuePolicy):
    type_, attribute, property = "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy", "RedriveAllowPolicy", "redriveAllowPolicy"
