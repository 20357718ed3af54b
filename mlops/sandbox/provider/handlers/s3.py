"""S3 buckets and what is configured on them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.errors import ProviderError
from mlops.sandbox.provider.handler import EXECUTED, KEPT, Handler, Put
from mlops.sandbox.provider.properties import Properties


class Bucket(Handler):
    type_, service, level = "aws:s3/bucket:Bucket", "s3", EXECUTED
    name_property, name_length, tagged = "bucket", 63, True

    def automatic_name(self, stem: str, suffix: str, inputs: Mapping[str, Any]) -> str:
        return super().automatic_name(stem, suffix, inputs).lower()

    def create(self, call: Call, p: Properties) -> str:
        name = p.require("bucket")
        p.boolean("forceDestroy")
        locked = p.boolean("objectLockEnabled")
        location = {"LocationConstraint": call.region} if call.region != "us-east-1" else None
        call.made = call("create_bucket", Bucket=name, CreateBucketConfiguration=location, ObjectLockEnabledForBucket=locked)
        call.id = name
        if call.tags:
            call("put_bucket_tagging", Bucket=name, Tagging={"TagSet": call.tag_list()})
        return name

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        if call.made is None:
            call("head_bucket", Bucket=id_)
        return {
            "arn": f"arn:{call.partition}:s3:::{id_}",
            "bucketDomainName": f"{id_}.s3.amazonaws.com",
            "bucketRegionalDomainName": f"{id_}.s3.{call.region}.amazonaws.com",
            "bucketRegion": call.region,
        }

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        # `forceDestroy` is Pulumi's own; everything else of a bucket has a type of its own.
        unknown = set(changed) - {"forceDestroy"}
        if unknown:
            super().update(call, id_, p, unknown)

    def retag(self, call: Call, id_: str, arn: str, add: dict[str, str], remove: list[str]) -> None:
        if call.tags:
            call("put_bucket_tagging", Bucket=id_, Tagging={"TagSet": call.tag_list()})
        else:
            call("delete_bucket_tagging", Bucket=id_)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        if state.get("forceDestroy"):
            self._empty(call, id_)
        elif call("list_object_versions", Bucket=id_, MaxKeys=1).keys() & {"Versions", "DeleteMarkers"}:
            raise ProviderError(f"{self.type_} {id_!r} still holds objects: empty it first, or set forceDestroy and update")
        call("delete_bucket", Bucket=id_)

    def inputs_of(self, call: Call, id_: str) -> dict[str, Any]:
        return {"bucket": id_}

    @staticmethod
    def _empty(call: Call, bucket: str) -> None:
        while True:
            page = call("list_object_versions", Bucket=bucket, MaxKeys=1000)
            found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            if not found:
                return
            objects = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in found]
            answer = call("delete_objects", Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
            if answer.get("Errors"):
                first = answer["Errors"][0]
                raise ProviderError(f"{bucket}: {first['Key']} could not be deleted: {first['Code']}: {first.get('Message', '')}")


class _OnBucket(Put):
    """A configuration of a bucket: its id is the bucket's name."""

    service = "s3"
    replaced_here = ("expectedBucketOwner",)
    reset = ""

    def create(self, call: Call, p: Properties) -> str:
        bucket = p.require("bucket")
        p.only("expectedBucketOwner", call.account, because="every bucket belongs to its one account")
        self.put(call, p, bucket)
        return bucket

    def put(self, call: Call, p: Properties, bucket: str) -> None:
        raise NotImplementedError

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call(self.reset, Bucket=id_)


class BucketVersioning(_OnBucket):
    type_, level = "aws:s3/bucketVersioning:BucketVersioning", EXECUTED

    def put(self, call: Call, p: Properties, bucket: str) -> None:
        p.expect("versioningConfiguration")
        configuration = p.block("versioningConfiguration")
        status = None
        if configuration is not None:
            configuration.expect("status")
            status = configuration.one_of("status", {value: value for value in ("Enabled", "Suspended", "Disabled")})
            configuration.only("mfaDelete", "Disabled", because="it has no MFA devices")
        # "Disabled" means never switched on: AWS has no request for it.
        if status == "Disabled":
            call("head_bucket", Bucket=bucket)
        else:
            call("put_bucket_versioning", Bucket=bucket, VersioningConfiguration={"Status": status})

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("put_bucket_versioning", Bucket=id_, VersioningConfiguration={"Status": "Suspended"})


class BucketServerSideEncryptionConfiguration(_OnBucket):
    type_, level = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", EXECUTED
    reset = "delete_bucket_encryption"

    def put(self, call: Call, p: Properties, bucket: str) -> None:
        rules = []
        for rule in p.blocks("rules"):
            default = rule.block("applyServerSideEncryptionByDefault")
            converted: dict[str, Any] = {}
            if default:
                converted["ApplyServerSideEncryptionByDefault"] = {"SSEAlgorithm": default.require("sseAlgorithm")}
                key = default.take("kmsMasterKeyId")
                if key:
                    converted["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] = key
            enabled = rule.boolean("bucketKeyEnabled")
            if enabled is not None:
                converted["BucketKeyEnabled"] = enabled
            rules.append(converted)
        call("put_bucket_encryption", Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})


class BucketPublicAccessBlock(_OnBucket):
    type_ = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
    reset = "delete_public_access_block"

    def put(self, call: Call, p: Properties, bucket: str) -> None:
        p.only("skipDestroy", False, because="a destroy leaves nothing behind")
        names = ("blockPublicAcls", "ignorePublicAcls", "blockPublicPolicy", "restrictPublicBuckets")
        settings = {name[0].upper() + name[1:]: p.boolean(name, False) for name in names}
        call("put_public_access_block", Bucket=bucket, PublicAccessBlockConfiguration=settings)


class BucketOwnershipControls(_OnBucket):
    type_ = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
    reset = "delete_bucket_ownership_controls"

    def put(self, call: Call, p: Properties, bucket: str) -> None:
        rule = p.block("rule")
        ownership = rule.require("objectOwnership") if rule else p.require("rule")
        call("put_bucket_ownership_controls", Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": ownership}]})


class BucketLogging(_OnBucket):
    type_, level = "aws:s3/bucketLogging:BucketLogging", KEPT

    def put(self, call: Call, p: Properties, bucket: str) -> None:
        target = {"TargetBucket": p.require("targetBucket"), "TargetPrefix": p.require("targetPrefix")}
        key_format = p.block("targetObjectKeyFormat")
        if key_format:
            target["TargetObjectKeyFormat"] = _key_format(key_format)
        call("put_bucket_logging", Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": target})

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("put_bucket_logging", Bucket=id_, BucketLoggingStatus={})


def _key_format(block: Properties) -> dict[str, Any]:
    partitioned = block.block("partitionedPrefix")
    if partitioned:
        return {"PartitionedPrefix": {"PartitionDateSource": partitioned.require("partitionDateSource")}}
    block.take("simplePrefix")
    return {"SimplePrefix": {}}


class BucketPolicy(_OnBucket):
    type_, level = "aws:s3/bucketPolicy:BucketPolicy", EXECUTED
    reset = "delete_bucket_policy"

    def put(self, call: Call, p: Properties, bucket: str) -> None:
        call("put_bucket_policy", Bucket=bucket, Policy=p.require("policy"))


class BucketNotification(_OnBucket):
    type_, level = "aws:s3/bucketNotification:BucketNotification", EXECUTED

    def put(self, call: Call, p: Properties, bucket: str) -> None:
        configuration: dict[str, Any] = {}
        if p.boolean("eventbridge", False):
            configuration["EventBridgeConfiguration"] = {}
        for key, target, name, arn in (
            ("lambdaFunctions", "LambdaFunctionConfigurations", "lambdaFunctionArn", "LambdaFunctionArn"),
            ("queues", "QueueConfigurations", "queueArn", "QueueArn"),
            ("topics", "TopicConfigurations", "topicArn", "TopicArn"),
        ):
            entries = [_notification(block, name, arn) for block in p.blocks(key)]
            if entries:
                configuration[target] = entries
        call("put_bucket_notification_configuration", Bucket=bucket, NotificationConfiguration=configuration)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("put_bucket_notification_configuration", Bucket=id_, NotificationConfiguration={})


def _notification(block: Properties, name: str, arn: str) -> dict[str, Any]:
    entry: dict[str, Any] = {arn: block.require(name), "Events": block.require("events")}
    if block.values.get("id"):
        entry["Id"] = block.take("id")
    rules = [
        {"Name": n, "Value": block.take(key)} for n, key in (("prefix", "filterPrefix"), ("suffix", "filterSuffix")) if key in block.values
    ]
    if rules:
        entry["Filter"] = {"Key": {"FilterRules": rules}}
    return entry
