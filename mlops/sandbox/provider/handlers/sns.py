"""SNS topics, their policies and subscriptions."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.handler import EXECUTED, Handler, Put
from mlops.sandbox.provider.properties import Properties

_TOPIC_ATTRIBUTES = {
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "deliveryPolicy": "DeliveryPolicy",
    "displayName": "DisplayName",
    "fifoTopic": "FifoTopic",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "policy": "Policy",
    "signatureVersion": "SignatureVersion",
    "tracingConfig": "TracingConfig",
}
_SUBSCRIPTION_ATTRIBUTES = {
    "deliveryPolicy": "DeliveryPolicy",
    "filterPolicy": "FilterPolicy",
    "filterPolicyScope": "FilterPolicyScope",
    "rawMessageDelivery": "RawMessageDelivery",
    "redrivePolicy": "RedrivePolicy",
    "subscriptionRoleArn": "SubscriptionRoleArn",
}
_PROTOCOLS = ("sqs", "lambda", "email", "email-json")


def attribute(value: Any) -> str:
    """An attribute's value as SNS and SQS want it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


class Topic(Handler):
    type_, service, level, tagged = "aws:sns/topic:Topic", "sns", EXECUTED, True
    name_property, name_length = "name", 256

    def automatic_name(self, stem: str, suffix: str, inputs: Mapping[str, Any]) -> str:
        return super().automatic_name(stem, suffix + (".fifo" if inputs.get("fifoTopic") else ""), inputs)

    def create(self, call: Call, p: Properties) -> str:
        name = p.require("name")
        attributes = {target: attribute(p.take(key)) for key, target in _TOPIC_ATTRIBUTES.items() if key in p.values}
        return call("create_topic", Name=name, Attributes=attributes or None, Tags=call.tag_list() or None)["TopicArn"]

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found = call("get_topic_attributes", TopicArn=id_)["Attributes"]
        return {"arn": id_, "owner": found["Owner"], "policy": found.get("Policy")}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        for key in changed:
            value = p.values.get(key)
            call(
                "set_topic_attributes",
                TopicArn=id_,
                AttributeName=_TOPIC_ATTRIBUTES[key],
                AttributeValue="" if value is None else attribute(value),
            )

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_topic", TopicArn=id_)


class TopicPolicy(Put):
    type_, service, level = "aws:sns/topicPolicy:TopicPolicy", "sns", EXECUTED

    def create(self, call: Call, p: Properties) -> str:
        arn = p.require("arn")
        call("set_topic_attributes", TopicArn=arn, AttributeName="Policy", AttributeValue=p.require("policy"))
        return arn

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"owner": call.account}

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        # The default policy again, in which the topic's owner may do everything: SNS knows no topic without a policy.
        default = {
            "Version": "2008-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:{call.partition}:iam::{call.account}:root"},
                    "Action": ["sns:Publish", "sns:Subscribe", "sns:GetTopicAttributes", "sns:SetTopicAttributes"],
                    "Resource": id_,
                }
            ],
        }
        call("set_topic_attributes", TopicArn=id_, AttributeName="Policy", AttributeValue=json.dumps(default))


class TopicSubscription(Handler):
    type_, service, level, own_id = "aws:sns/topicSubscription:TopicSubscription", "sns", EXECUTED, True

    def create(self, call: Call, p: Properties) -> str:
        protocol = p.one_of("protocol", {name: name for name in _PROTOCOLS}) or p.require("protocol")
        p.take("endpointAutoConfirms")
        p.take("confirmationTimeoutInMinutes")
        attributes = {target: attribute(p.take(key)) for key, target in _SUBSCRIPTION_ATTRIBUTES.items() if key in p.values}
        return call(
            "subscribe",
            TopicArn=p.require("topic"),
            Protocol=protocol,
            Endpoint=p.require("endpoint"),
            Attributes=attributes or None,
            ReturnSubscriptionArn=True,
        )["SubscriptionArn"]

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found = call("get_subscription_attributes", SubscriptionArn=id_)["Attributes"]
        return {"arn": id_, "ownerId": found.get("Owner", call.account), "pendingConfirmation": found.get("PendingConfirmation") == "true"}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        for key in set(changed) & set(_SUBSCRIPTION_ATTRIBUTES):
            value = p.values.get(key)
            text = "" if value is None else attribute(value)
            call("set_subscription_attributes", SubscriptionArn=id_, AttributeName=_SUBSCRIPTION_ATTRIBUTES[key], AttributeValue=text)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("unsubscribe", SubscriptionArn=id_)
