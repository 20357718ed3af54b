"""KMS keys and aliases."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.handler import EXECUTED, Handler
from mlops.sandbox.provider.properties import Properties


class Key(Handler):
    type_, service, level, own_id, tagged = "aws:kms/key:Key", "kms", EXECUTED, True, True

    def create(self, call: Call, p: Properties) -> str:
        p.integer("deletionWindowInDays", 7, 30)
        p.boolean("bypassPolicyLockoutSafetyCheck")
        rotation, period = p.boolean("enableKeyRotation"), p.integer("rotationPeriodInDays", 90, 2560)
        enabled = p.boolean("isEnabled", True)
        made = call(
            "create_key",
            Description=p.take("description"),
            KeyUsage=p.take("keyUsage"),
            KeySpec=p.take("customerMasterKeySpec"),
            MultiRegion=p.boolean("multiRegion"),
            Policy=p.take("policy"),
            Tags=call.tag_list("TagKey", "TagValue") or None,
        )["KeyMetadata"]
        call.made, call.id = made, made["KeyId"]
        key: str = made["KeyId"]
        self._settle(call, key, rotation, period, enabled)
        return key

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found = call.made or call("describe_key", KeyId=id_)["KeyMetadata"]
        return {"arn": found["Arn"], "keyId": id_}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        if "policy" in changed:
            call("put_key_policy", KeyId=id_, PolicyName="default", Policy=p.require("policy"))
        if "description" in changed:
            call("update_key_description", KeyId=id_, Description=p.take("description", ""))
        if {"enableKeyRotation", "rotationPeriodInDays", "isEnabled"} & set(changed):
            period, enabled = p.take("rotationPeriodInDays"), p.take("isEnabled", True)
            if enabled:
                call("enable_key", KeyId=id_)
            if not p.take("enableKeyRotation"):
                call("disable_key_rotation", KeyId=id_)
            self._settle(call, id_, p.take("enableKeyRotation"), period, enabled)

    @staticmethod
    def _settle(call: Call, key: str, rotation: bool | None, period: int | None, enabled: bool) -> None:
        if rotation:
            call("enable_key_rotation", KeyId=key, RotationPeriodInDays=period)
        if not enabled:
            call("disable_key", KeyId=key)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        # As on AWS, the key stays visible as "pending deletion" until its window is over.
        if call("describe_key", KeyId=id_)["KeyMetadata"]["KeyState"] != "PendingDeletion":
            call("schedule_key_deletion", KeyId=id_, PendingWindowInDays=state.get("deletionWindowInDays", 30))

    def inputs_of(self, call: Call, id_: str) -> dict[str, Any]:
        metadata = call("describe_key", KeyId=id_)["KeyMetadata"]
        return {"description": metadata["Description"], "keyUsage": metadata["KeyUsage"], "isEnabled": metadata["Enabled"]}


class Alias(Handler):
    type_, service, level, name_property = "aws:kms/alias:Alias", "kms", EXECUTED, "name"
    renews = {"targetKeyArn": ("targetKeyId",)}

    def automatic_name(self, stem: str, suffix: str, inputs: Mapping[str, Any]) -> str:
        return f"alias/{stem.removeprefix('alias/')}{suffix}"

    def create(self, call: Call, p: Properties) -> str:
        name = p.require("name")
        call("create_alias", AliasName=name, TargetKeyId=p.require("targetKeyId"))
        return name

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        target = inputs["targetKeyId"]
        return {"arn": call.arn(id_), "targetKeyArn": target if target.startswith("arn:") else call.arn(f"key/{target}")}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        call("update_alias", AliasName=id_, TargetKeyId=p.require("targetKeyId"))

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_alias", AliasName=id_)
