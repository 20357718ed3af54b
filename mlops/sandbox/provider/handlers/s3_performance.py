"""Acceleration and archive tiers of a bucket, kept: there are no edge locations here, and no object is archived."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.handler import KEPT, Put
from mlops.sandbox.provider.properties import Properties


class BucketAccelerateConfiguration(Put):
    type_, service, level = "aws:s3/bucketAccelerateConfiguration:BucketAccelerateConfiguration", "s3", KEPT

    def create(self, call: Call, p: Properties) -> str:
        bucket = p.require("bucket")
        p.only("expectedBucketOwner", call.account, because="every bucket belongs to its one account")
        call("put_bucket_accelerate_configuration", Bucket=bucket, AccelerateConfiguration={"Status": p.require("status")})
        return str(bucket)

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        call("get_bucket_accelerate_configuration", Bucket=id_)
        return {}

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("put_bucket_accelerate_configuration", Bucket=id_, AccelerateConfiguration={"Status": "Suspended"})


class BucketIntelligentTieringConfiguration(Put):
    type_, service = "aws:s3/bucketIntelligentTieringConfiguration:BucketIntelligentTieringConfiguration", "s3"
    level, name_property, name_length = KEPT, "name", 64

    def create(self, call: Call, p: Properties) -> str:
        bucket, name = p.require("bucket"), p.require("name")
        configuration: dict[str, Any] = {
            "Id": name,
            "Status": p.take("status", "Enabled"),
            "Tierings": [
                {"Days": tier.integer("days", 90, 730), "AccessTier": tier.require("accessTier")} for tier in p.blocks("tierings")
            ],
        }
        block = p.block("filter")
        if block:
            prefix = block.take("prefix")
            tags = [{"Key": key, "Value": value} for key, value in block.take("tags", {}).items()]
            conditions = {**({"Prefix": prefix} if prefix else {}), **({"Tags": tags} if tags else {})}
            several = len(tags) + bool(prefix) > 1
            one = {"Prefix": prefix} if prefix else {"Tag": tags[0]} if tags else {}
            configuration["Filter"] = {"And": conditions} if several else one
        call("put_bucket_intelligent_tiering_configuration", Bucket=bucket, Id=name, IntelligentTieringConfiguration=configuration)
        return f"{bucket}:{name}"

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        bucket, name = id_.split(":", 1)
        call("get_bucket_intelligent_tiering_configuration", Bucket=bucket, Id=name)
        return {}

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        bucket, name = id_.split(":", 1)
        call("delete_bucket_intelligent_tiering_configuration", Bucket=bucket, Id=name)
