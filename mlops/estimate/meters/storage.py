"""Buckets, tables, images, keys, backups and secrets."""

from __future__ import annotations

from collections.abc import Iterable

from wellarchitected import Resource
from wellarchitected.values import as_list

from mlops.estimate.amount import Amount
from mlops.estimate.meters.registry import Stack, meter, number
from mlops.estimate.usage import Given
from mlops.estimate.use import HOURS, Use

OLD_KEY_MATERIAL = 2  # AWS bills the first two rotations of a key, a dollar a month each, and no later ones


@meter("aws:s3/bucket:Bucket")
def bucket(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """What lies in it, old versions included, in the standard class; and requests."""
    yield Use("S3", "s3.storage_gb_month", "storage", "GB-month", usage["storage_gb"])
    yield Use("S3", "s3.put", "writes and lists", "request", usage["puts"])
    yield Use("S3", "s3.get", "reads", "request", usage["gets"])


@meter("aws:s3/bucketIntelligentTieringConfiguration:BucketIntelligentTieringConfiguration")
def tiering(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """Monitoring of objects."""
    yield Use("S3", "s3.tiering_object_month", "objects watched for tiering", "object-month", usage["objects"])


@meter("aws:s3/bucketAccelerateConfiguration:BucketAccelerateConfiguration")
def acceleration(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """What comes by an edge location; a suspended one costs nothing."""
    if resource.get("status") == "Enabled":
        yield Use("S3", "s3.accelerated_gb", "accelerated uploads", "GB", usage["accelerated_gb"])


@meter("aws:s3/bucketReplicationConfig:BucketReplicationConfig")
def replication(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """What crosses to the other region, and the time control; the copy is billed to the bucket it lies in."""
    copied = usage["replicated_gb"]
    yield Use("Data transfer", "transfer.between_regions_gb", "replication to another region", "GB", copied)
    rules = as_list(resource.get("rules"))
    if any(rule.get("destination", {}).get("replicationTime", {}).get("status") == "Enabled" for rule in rules):
        yield Use("S3", "s3.replication_time_gb", "replication time control", "GB", copied)


@meter("aws:dynamodb/table:Table")
def table(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """Requests or capacity, storage, point-in-time recovery; the same again in the regions of its replicas."""
    stored = usage["storage_gb"]
    regions = ["", *(replica.get("regionName", "") for replica in as_list(resource.get("replicas")))]
    replicated = len(regions) > 1
    for region in regions:
        if resource.get("billingMode", "PROVISIONED") == "PAY_PER_REQUEST":
            item = "dynamodb.replicated_write" if replicated else "dynamodb.write"
            yield Use("DynamoDB", item, "replicated writes" if replicated else "writes", "write unit", usage["writes"], region=region)
            if not region:
                yield Use("DynamoDB", "dynamodb.read", "reads", "read unit", usage["reads"])
        else:
            for name, what in (("write", "write capacity"), ("read", "read capacity")):
                hours = Amount.of(number(resource, f"{name}Capacity", 1.0) * HOURS)
                yield Use("DynamoDB", f"dynamodb.{name}_capacity_hour", what, "unit-hour", hours, region=region)
        yield Use("DynamoDB", "dynamodb.storage_gb_month", "storage", "GB-month", stored, region=region)
    if resource.get("pointInTimeRecovery.enabled"):
        yield Use("DynamoDB", "dynamodb.recovery_gb_month", "point-in-time recovery", "GB-month", stored)
    for replica in as_list(resource.get("replicas")):
        if replica.get("pointInTimeRecovery"):
            region = replica.get("regionName", "")
            yield Use("DynamoDB", "dynamodb.recovery_gb_month", "point-in-time recovery", "GB-month", stored, region=region)


@meter("aws:ecr/repository:Repository")
def repository(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """Images."""
    yield Use("ECR", "ecr.storage_gb_month", "images", "GB-month", usage["storage_gb"])


@meter("aws:kms/key:Key", "aws:kms/replicaKey:ReplicaKey")
def key(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """The key, its old material once it has rotated, and requests."""
    rotated = OLD_KEY_MATERIAL if resource.get("enableKeyRotation") else 0
    yield Use("KMS", "kms.key_month", "keys", "key-month", Amount(1, 1, 1 + rotated))
    yield Use("KMS", "kms.request", "requests", "request", usage["requests"])


@meter("aws:backup/vault:Vault")
def vault(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """Recovery points of buckets and tables."""
    yield Use("Backup", "backup.s3_gb_month", "recovery points of buckets", "GB-month", usage["buckets_gb"])
    yield Use("Backup", "backup.dynamodb_gb_month", "recovery points of tables", "GB-month", usage["tables_gb"])


@meter("aws:backup/restoreTestingSelection:RestoreTestingSelection")
def restore_test(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """What tests of recovery restore."""
    yield Use("Backup", "backup.dynamodb_restore_gb", "restored by tests", "GB", usage["restored_gb"])


@meter("aws:secretsmanager/secret:Secret")
def secret(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """The secret, and requests."""
    yield Use("Secrets Manager", "secretsmanager.secret_month", "secrets", "secret-month", Amount.of(1))
    yield Use("Secrets Manager", "secretsmanager.request", "requests", "request", usage["requests"])
