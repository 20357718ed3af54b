"""Replication configurations of a bucket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.handler import EXECUTED, Put
from mlops.sandbox.provider.properties import Properties

_NAMES = {"id": "ID", "replicaKmsKeyId": "ReplicaKmsKeyID"}


class BucketReplicationConfig(Put):
    type_, service, level = "aws:s3/bucketReplicationConfig:BucketReplicationConfig", "s3", EXECUTED

    def create(self, call: Call, p: Properties) -> str:
        bucket = p.require("bucket")
        p.only("token", because="it has no object locks to override")
        p.expect("role", "rules")
        configuration = call.parameters("put_bucket_replication", p, _NAMES, member="ReplicationConfiguration")
        call("put_bucket_replication", Bucket=bucket, ReplicationConfiguration=configuration)
        return str(bucket)

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        call("get_bucket_replication", Bucket=id_)
        return {}

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_bucket_replication", Bucket=id_)
