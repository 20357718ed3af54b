"""DynamoDB tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.handler import EXECUTED, Handler
from mlops.sandbox.provider.properties import Properties


class Table(Handler):
    type_, service, level, tagged = "aws:dynamodb/table:Table", "dynamodb", EXECUTED, True
    name_property = "name"
    renews = dict.fromkeys(("streamArn", "streamLabel"), ("streamEnabled", "streamViewType"))

    def create(self, call: Call, p: Properties) -> str:
        p.expect("hashKey")
        name = p.require("name")
        recovery, lifetime = p.block("pointInTimeRecovery"), p.block("ttl")
        recovery_specification = _recovery(recovery) if recovery else None
        lifetime_specification = _lifetime(lifetime) if lifetime else None
        parameters = {
            "TableName": name,
            "AttributeDefinitions": [
                {"AttributeName": a.require("name"), "AttributeType": a.require("type")} for a in p.blocks("attributes")
            ],
            "KeySchema": _keys(p),
            "BillingMode": p.take("billingMode", "PROVISIONED"),
            "DeletionProtectionEnabled": p.boolean("deletionProtectionEnabled"),
            "TableClass": p.take("tableClass"),
            "GlobalSecondaryIndexes": p.each("globalSecondaryIndexes", _index),
            "LocalSecondaryIndexes": p.each("localSecondaryIndexes", _index),
            "SSESpecification": _encryption(p),
            "StreamSpecification": _stream(p),
        }
        if parameters["BillingMode"] == "PROVISIONED":
            capacity = {"ReadCapacityUnits": p.take("readCapacity", 1), "WriteCapacityUnits": p.take("writeCapacity", 1)}
            parameters["ProvisionedThroughput"] = capacity
        call("create_table", **parameters, Tags=call.tag_list() or None)
        call.id = name
        if recovery_specification:
            call("update_continuous_backups", TableName=name, PointInTimeRecoverySpecification=recovery_specification)
        if lifetime_specification and lifetime_specification["Enabled"]:
            call("update_time_to_live", TableName=name, TimeToLiveSpecification=lifetime_specification)
        return name

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        table = call("describe_table", TableName=id_)["Table"]
        return {"arn": table["TableArn"], "streamArn": table.get("LatestStreamArn", ""), "streamLabel": table.get("LatestStreamLabel", "")}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        changed = set(changed)
        if "pointInTimeRecovery" in changed:
            block = p.block("pointInTimeRecovery")
            specification = _recovery(block) if block else {"PointInTimeRecoveryEnabled": False}
            call("update_continuous_backups", TableName=id_, PointInTimeRecoverySpecification=specification)
        if "ttl" in changed:
            self._update_lifetime(call, id_, p.block("ttl"))
        table = {
            "BillingMode": p.take("billingMode") if "billingMode" in changed else None,
            "DeletionProtectionEnabled": p.take("deletionProtectionEnabled", False) if "deletionProtectionEnabled" in changed else None,
            "TableClass": p.take("tableClass", "STANDARD") if "tableClass" in changed else None,
            "SSESpecification": (_encryption(p) or {"Enabled": False}) if "serverSideEncryption" in changed else None,
            "StreamSpecification": (_stream(p) or {"StreamEnabled": False}) if {"streamEnabled", "streamViewType"} & changed else None,
        }
        if {"readCapacity", "writeCapacity"} & changed:
            table["ProvisionedThroughput"] = {
                "ReadCapacityUnits": p.require("readCapacity"),
                "WriteCapacityUnits": p.require("writeCapacity"),
            }
        if any(value is not None for value in table.values()):
            call("update_table", TableName=id_, **table)
        handled = {"pointInTimeRecovery", "ttl", "billingMode", "deletionProtectionEnabled", "tableClass", "serverSideEncryption"}
        rest = changed - handled - {"streamEnabled", "streamViewType", "readCapacity", "writeCapacity"}
        if rest:
            super().update(call, id_, p, rest)

    @staticmethod
    def _update_lifetime(call: Call, table: str, block: Properties | None) -> None:
        present = call("describe_time_to_live", TableName=table)["TimeToLiveDescription"]
        if present.get("TimeToLiveStatus") == "ENABLED":
            call(
                "update_time_to_live",
                TableName=table,
                TimeToLiveSpecification={"Enabled": False, "AttributeName": present["AttributeName"]},
            )
        specification = _lifetime(block) if block else None
        if specification and specification["Enabled"]:
            call("update_time_to_live", TableName=table, TimeToLiveSpecification=specification)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_table", TableName=id_)


def _keys(p: Properties) -> list[dict[str, str]]:
    keys = [{"AttributeName": p.require("hashKey"), "KeyType": "HASH"}] if "hashKey" in p.values else []
    if "rangeKey" in p.values:
        keys.append({"AttributeName": p.take("rangeKey"), "KeyType": "RANGE"})
    return keys


def _index(p: Properties) -> dict[str, Any]:
    projection = {"ProjectionType": p.require("projectionType")}
    if "nonKeyAttributes" in p.values:
        projection["NonKeyAttributes"] = p.take("nonKeyAttributes")
    index: dict[str, Any] = {"IndexName": p.require("name"), "KeySchema": _keys(p), "Projection": projection}
    if "readCapacity" in p.values or "writeCapacity" in p.values:
        index["ProvisionedThroughput"] = {"ReadCapacityUnits": p.require("readCapacity"), "WriteCapacityUnits": p.require("writeCapacity")}
    return index


def _encryption(p: Properties) -> dict[str, Any] | None:
    block = p.block("serverSideEncryption")
    if block is None:
        return None
    enabled, key = block.boolean("enabled", False), block.take("kmsKeyArn")
    if not enabled:
        return {"Enabled": False}
    return {"Enabled": True, "SSEType": "KMS", **({"KMSMasterKeyId": key} if key else {})}


def _stream(p: Properties) -> dict[str, Any] | None:
    enabled, view = p.boolean("streamEnabled"), p.take("streamViewType")
    return {"StreamEnabled": True, "StreamViewType": view} if enabled else None


def _recovery(p: Properties) -> dict[str, Any]:
    specification: dict[str, Any] = {"PointInTimeRecoveryEnabled": p.boolean("enabled", False)}
    if "recoveryPeriodInDays" in p.values:
        specification["RecoveryPeriodInDays"] = p.take("recoveryPeriodInDays")
    return specification


def _lifetime(p: Properties) -> dict[str, Any]:
    return {"Enabled": p.boolean("enabled", False), "AttributeName": p.take("attributeName", "")}
