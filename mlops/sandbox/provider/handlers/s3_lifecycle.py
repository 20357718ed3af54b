"""Lifecycle configurations of a bucket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.handler import KEPT, Put
from mlops.sandbox.provider.properties import Properties


class BucketLifecycleConfiguration(Put):
    type_, service, level = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "s3", KEPT

    def create(self, call: Call, p: Properties) -> str:
        bucket = p.require("bucket")
        p.only("expectedBucketOwner", call.account, because="every bucket belongs to its one account")
        p.only("transitionDefaultMinimumObjectSize", "all_storage_classes_128K", because="it moves no objects")
        p.require("rules")
        rules = [_rule(block) for block in p.blocks("rules")]
        call("put_bucket_lifecycle_configuration", Bucket=bucket, LifecycleConfiguration={"Rules": rules})
        return bucket

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_bucket_lifecycle", Bucket=id_)


def _rule(p: Properties) -> dict[str, Any]:
    rule: dict[str, Any] = {"ID": p.require("id"), "Status": p.require("status"), "Filter": _filter(p)}
    expiration = p.block("expiration")
    if expiration:
        rule["Expiration"] = _present(
            Date=expiration.take("date"),
            Days=expiration.take("days"),
            ExpiredObjectDeleteMarker=expiration.boolean("expiredObjectDeleteMarker"),
        )
    noncurrent = p.block("noncurrentVersionExpiration")
    if noncurrent:
        rule["NoncurrentVersionExpiration"] = _noncurrent(noncurrent)
    transitions = [
        _present(Date=item.take("date"), Days=item.take("days"), StorageClass=item.require("storageClass"))
        for item in p.blocks("transitions")
    ]
    if transitions:
        rule["Transitions"] = transitions
    noncurrent_transitions = [
        {**_noncurrent(item), "StorageClass": item.require("storageClass")} for item in p.blocks("noncurrentVersionTransitions")
    ]
    if noncurrent_transitions:
        rule["NoncurrentVersionTransitions"] = noncurrent_transitions
    abort = p.block("abortIncompleteMultipartUpload")
    if abort:
        rule["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": abort.require("daysAfterInitiation")}
    return rule


def _noncurrent(p: Properties) -> dict[str, Any]:
    return _present(NoncurrentDays=p.require("noncurrentDays"), NewerNoncurrentVersions=p.take("newerNoncurrentVersions"))


def _filter(p: Properties) -> dict[str, Any]:
    """The rule's filter; no filter is the whole bucket, and several conditions need AWS's `And`."""
    prefix = p.take("prefix")
    block = p.block("filter")
    if block is None:
        return {"Prefix": prefix or ""}
    joined = block.block("and")
    source = joined or block
    tags = dict(joined.take("tags", {})) if joined else {}
    tag = None if joined else block.block("tag")
    if tag:
        tags[tag.require("key")] = tag.require("value")
    conditions = _present(
        Prefix=source.take("prefix"),
        ObjectSizeGreaterThan=source.take("objectSizeGreaterThan"),
        ObjectSizeLessThan=source.take("objectSizeLessThan"),
    )
    tag_list = [{"Key": key, "Value": value} for key, value in tags.items()]
    if len(conditions) + len(tag_list) > 1:
        return {"And": {**conditions, **({"Tags": tag_list} if tag_list else {})}}
    return {**conditions, **({"Tag": tag_list[0]} if tag_list else {})} or {"Prefix": ""}


def _present(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
