"""What is written to a bucket with a replication rule appears in the destination, by the rights of the rule's role and by nothing else."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

OBJECT_RIGHTS = ("s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:ReplicateObject", "s3:ReplicateDelete")
RIGHTS = ("s3:GetReplicationConfiguration", "s3:ListBucket", *OBJECT_RIGHTS)


@dataclass
class Pair:
    """A source bucket, its destination, and the client that sees both."""

    source: str
    destination: str
    s3: Any

    def replicate(self, role: str, **changes: Any) -> None:
        """Put a rule for everything in the source."""
        rule = {
            "ID": "everything",
            "Priority": 1,
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "DeleteMarkerReplication": {"Status": "Enabled"},
            "Destination": {
                "Bucket": f"arn:aws:s3:::{self.destination}",
                "ReplicationTime": {"Status": "Enabled", "Time": {"Minutes": 15}},
                "Metrics": {"Status": "Enabled", "EventThreshold": {"Minutes": 15}},
            },
        }
        rule["Destination"] |= changes.pop("Destination", {})
        self.s3.put_bucket_replication(Bucket=self.source, ReplicationConfiguration={"Role": role, "Rules": [{**rule, **changes}]})

    def put(self, key: str, body: bytes = b"rows", **options: Any) -> str:
        return self.s3.put_object(Bucket=self.source, Key=key, Body=body, **options)["VersionId"]

    def status(self, key: str) -> str | None:
        return self.s3.head_object(Bucket=self.source, Key=key).get("ReplicationStatus")

    def keys_there(self) -> list[str]:
        return [item["Key"] for item in self.s3.list_objects_v2(Bucket=self.destination).get("Contents", [])]


@pytest.fixture
def pair(aws) -> Pair:
    s3 = aws.client("s3")
    names = [aws.name(stem) for stem in ("source", "destination")]
    for name in names:
        s3.create_bucket(Bucket=name)
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return Pair(*names, s3)


@pytest.mark.spec("PERF-2c")
def test_an_object_appears_in_the_destination_with_its_version_metadata_and_tags(pair, aws, wait):
    role = aws.role("s3.amazonaws.com", *RIGHTS, "s3:GetObjectVersionTagging", "s3:ReplicateTags")
    pair.replicate(role)
    version = pair.put("a/file.csv", b"1,2", Metadata={"run": "7"}, Tagging="kind=raw")
    wait(lambda: pair.status("a/file.csv") == "COMPLETED")
    found = pair.s3.get_object(Bucket=pair.destination, Key="a/file.csv")
    assert found["Body"].read() == b"1,2"
    assert found["VersionId"] == version and found["Metadata"] == {"run": "7"} and found["ReplicationStatus"] == "REPLICA"
    tags = pair.s3.get_object_tagging(Bucket=pair.destination, Key="a/file.csv")["TagSet"]
    assert tags == [{"Key": "kind", "Value": "raw"}]


@pytest.mark.spec("PERF-2c")
def test_a_deletion_hides_the_object_in_the_destination_and_keeps_its_version(pair, aws, wait):
    pair.replicate(aws.role("s3.amazonaws.com", *RIGHTS))
    version = pair.put("gone.csv")
    wait(lambda: pair.keys_there() == ["gone.csv"])
    pair.s3.delete_object(Bucket=pair.source, Key="gone.csv")
    wait(lambda: pair.keys_there() == [])
    assert pair.s3.get_object(Bucket=pair.destination, Key="gone.csv", VersionId=version)["Body"].read() == b"rows"


def test_a_role_without_the_right_to_write_replicates_nothing_and_the_metric_says_so(pair, aws, wait):
    pair.replicate(aws.role("s3.amazonaws.com", *(right for right in RIGHTS if right != "s3:ReplicateObject")))
    pair.put("kept.csv")
    wait(lambda: pair.status("kept.csv") == "FAILED")
    assert pair.keys_there() == []
    dimensions = {"SourceBucket": pair.source, "DestinationBucket": pair.destination, "RuleId": "everything"}
    assert total(aws, "OperationsFailedReplication", dimensions) == 1


def test_the_latency_of_replication_is_a_metric_of_the_rule(pair, aws, wait):
    pair.replicate(aws.role("s3.amazonaws.com", *RIGHTS))
    pair.put("timed.csv")
    wait(lambda: pair.status("timed.csv") == "COMPLETED")
    dimensions = {"SourceBucket": pair.source, "DestinationBucket": pair.destination, "RuleId": "everything"}
    assert 0 < total(aws, "ReplicationLatency", dimensions) < 15 * 60


def test_an_encrypted_object_is_encrypted_with_the_key_of_the_replica(pair, aws, wait):
    kms = aws.client("kms")
    source_key, replica_key = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    alias = f"alias/{aws.name('replica')}"
    kms.create_alias(AliasName=alias, TargetKeyId=replica_key)
    role = aws.role("s3.amazonaws.com", *RIGHTS)
    statements = [
        {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": source_key},
        {
            "Effect": "Allow",
            "Action": "kms:Encrypt",
            "Resource": aws.arn("kms", "key/*"),
            "Condition": {"ForAnyValue:StringEquals": {"kms:ResourceAliases": alias}},
        },
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    aws.client("iam").put_role_policy(RoleName=role.rsplit("/", 1)[1], PolicyName="keys", PolicyDocument=document)
    pair.replicate(
        role,
        SourceSelectionCriteria={"SseKmsEncryptedObjects": {"Status": "Enabled"}},
        Destination={"EncryptionConfiguration": {"ReplicaKmsKeyID": aws.arn("kms", alias)}},
    )
    pair.put("secret.csv", ServerSideEncryption="aws:kms", SSEKMSKeyId=source_key)
    wait(lambda: pair.status("secret.csv") == "COMPLETED")
    assert pair.s3.head_object(Bucket=pair.destination, Key="secret.csv")["SSEKMSKeyId"] == aws.arn("kms", alias)
    kms.delete_alias(AliasName=alias)
    pair.put("later.csv", ServerSideEncryption="aws:kms", SSEKMSKeyId=source_key)
    wait(lambda: pair.status("later.csv") == "FAILED")


def test_replication_of_changes_to_replicas_is_refused_by_name(pair, aws):
    with pytest.raises(ClientError, match="does not replicate changes of replicas"):
        pair.replicate(aws.role("s3.amazonaws.com"), SourceSelectionCriteria={"ReplicaModifications": {"Status": "Enabled"}})


def test_a_destination_without_versions_is_refused(pair, aws):
    plain = aws.name("plain")
    pair.s3.create_bucket(Bucket=plain)
    pair.destination = plain
    with pytest.raises(ClientError, match="versioning enabled"):
        pair.replicate(aws.role("s3.amazonaws.com", *RIGHTS))


def test_the_configuration_reads_back_as_it_was_put(pair, aws):
    role = aws.role("s3.amazonaws.com", *RIGHTS)
    pair.replicate(role)
    found = pair.s3.get_bucket_replication(Bucket=pair.source)["ReplicationConfiguration"]
    assert found["Role"] == role
    (rule,) = found["Rules"]
    assert rule["Destination"]["ReplicationTime"] == {"Status": "Enabled", "Time": {"Minutes": 15}}
    assert rule["DeleteMarkerReplication"] == {"Status": "Enabled"} and rule["Priority"] == 1


def total(aws, metric: str, dimensions: dict[str, str]) -> float:
    now = datetime.now(UTC)
    found = aws.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/S3",
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=1),
        Period=600,
        Statistics=["Sum"],
    )
    return sum(point["Sum"] for point in found["Datapoints"])
