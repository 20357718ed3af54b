"""S3 replication: a new version or delete marker of a source bucket is carried to the destination by the rights of the rule's role.

Source: "Replicating objects within and across Regions" and "Setting up permissions" in the S3 user guide. As on AWS, objects that are
there before the configuration and replicas themselves are not replicated, and objects with a customer's key only where the rule says so.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from moto.core.responses import ActionResult
from moto.s3 import notifications
from moto.s3.exceptions import ReplicationConfigurationNotFoundError, S3ClientError
from moto.s3.models import FakeBucket, FakeDeleteMarker, FakeKey, S3Backend
from moto.s3.responses import S3Response

from mlops.sandbox.compute import metrics
from mlops.sandbox.context import Sandbox
from mlops.sandbox.identity import AccessDenied
from mlops.sandbox.identity.actions.needs import Need, keys
from mlops.sandbox.identity.credentials import Caller

S3 = "s3.amazonaws.com"
# A version's metadata and tags come right after it.
DELAY_SECONDS = 0.2
SOURCE_OBJECT = ("s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl")
SOURCE_BUCKET = ("s3:GetReplicationConfiguration", "s3:ListBucket")


class InvalidRequest(S3ClientError):
    """A configuration that S3 does not take."""

    def __init__(self, message: str) -> None:
        super().__init__("InvalidRequest", message)


def install(sandbox: Sandbox) -> None:
    """Replicate what is written from now on; judge configurations as S3 does."""
    replicator = Replicator(sandbox)
    send_event, put_configuration = notifications.send_event, S3Backend.put_bucket_replication
    set_marker = S3Backend._set_delete_marker
    headers = FakeKey.response_dict.fget
    assert headers is not None

    def send_and_replicate(account_id: str, event_name: Any, bucket: Any, key: Any) -> None:
        if ":ObjectCreated:" in str(getattr(event_name, "value", event_name)):
            replicator.changed(bucket, key)
        send_event(account_id, event_name, bucket, key)

    # moto has no event for a delete marker.
    def mark_and_replicate(self: S3Backend, bucket_name: str, key_name: str) -> FakeDeleteMarker:
        marker = set_marker(self, bucket_name, key_name)
        replicator.changed(self.get_bucket(bucket_name), marker)
        return marker

    def put_checked_configuration(self: S3Backend, bucket_name: str, replication: dict[str, Any]) -> None:
        replication["Rule"] = listed(replication.get("Rule"))
        check(self, replication)
        put_configuration(self, bucket_name, replication)

    def with_status(self: FakeKey) -> dict[str, Any]:
        status = getattr(self, "replication_status", None)
        return {**headers(self), **({"x-amz-replication-status": status} if status else {})}

    def get_bucket_replication(self: S3Response) -> Any:
        self.data["Action"] = "GetBucketReplication"
        found = self.backend.get_bucket_replication(self.bucket_name)
        if not found:
            raise ReplicationConfigurationNotFoundError(bucket_name=self.bucket_name)
        configuration = {"Role": found["Role"], "Rules": [_answer(rule) for rule in found["Rule"]]}
        return self.serialized(ActionResult({"ReplicationConfiguration": configuration}))

    notifications.send_event = send_and_replicate
    S3Backend._set_delete_marker = mark_and_replicate  # type: ignore[method-assign]
    S3Backend.put_bucket_replication = put_checked_configuration  # type: ignore[method-assign]
    S3Response.get_bucket_replication = get_bucket_replication  # type: ignore[method-assign]
    FakeKey.response_dict = property(with_status)  # type: ignore[assignment, method-assign]


def check(backend: S3Backend, configuration: Mapping[str, Any]) -> None:
    """InvalidRequest for what S3 refuses, and for what the sandbox cannot carry out."""
    for rule in configuration["Rule"]:
        name, destination = rule.get("ID", ""), rule["Destination"]
        bucket = backend.buckets.get(_bucket_of(destination))
        if bucket is None or not bucket.is_versioned:
            raise InvalidRequest(f"rule {name}: the destination {destination['Bucket']} must be there, with versioning enabled")
        if "Filter" in rule and "DeleteMarkerReplication" not in rule:
            raise InvalidRequest(f"rule {name}: DeleteMarkerReplication must be specified together with Filter")
        if destination.get("ReplicationTime") and not destination.get("Metrics"):
            raise InvalidRequest(f"rule {name}: ReplicationTime needs Metrics")
        if _encrypts(rule) and not destination.get("EncryptionConfiguration"):
            raise InvalidRequest(f"rule {name}: ReplicaKmsKeyID must be specified if SseKmsEncryptedObjects is Enabled")
        if _enabled((rule.get("SourceSelectionCriteria") or {}).get("ReplicaModifications")):
            raise InvalidRequest(f"rule {name}: the sandbox does not replicate changes of replicas (ReplicaModifications)")
        unsupported = {"Account", "AccessControlTranslation"} & set(destination)
        if unsupported or any(key in _filter(rule) for key in ("Tag", "Tags")):
            raise InvalidRequest(f"rule {name}: the sandbox replicates by prefix within its account, not by tag or to other accounts")


class Replicator:
    """Carries versions, one background task each; the outcome is the version's replication status and the rule's metrics."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def changed(self, bucket: FakeBucket, version: Any) -> None:
        """A version or a delete marker is new in `bucket`."""
        configuration = getattr(bucket, "replication", None)
        # A replica is not replicated further, and one upload may have several events.
        if not configuration or getattr(version, "replication_status", None):
            return
        rule = rule_for(configuration, version.name)
        if rule is None or (isinstance(version, FakeDeleteMarker) and not _enabled(rule.get("DeleteMarkerReplication"))):
            return
        _set_status(version, "PENDING")
        self.sandbox.later(DELAY_SECONDS, self.replicate, configuration["Role"], bucket, rule, version, time.monotonic())

    def replicate(self, role: str, bucket: FakeBucket, rule: dict[str, Any], version: Any, since: float) -> None:
        """One try, as on AWS with rights that are missing: a failed version stays failed."""
        destination = _bucket_of(rule["Destination"])
        dimensions = {"SourceBucket": bucket.name, "DestinationBucket": destination, "RuleId": rule["ID"]}
        try:
            if isinstance(version, FakeDeleteMarker):
                self._carry_marker(role, bucket, destination, version)
            else:
                self._carry_object(role, bucket, destination, rule, version)
        except (AccessDenied, S3ClientError, LookupError) as error:
            _set_status(version, "FAILED")
            self.sandbox.principals.audit.record(role, "s3-replication", "s3:Replication", "s3:Replication", bucket.arn, False, str(error))
            values: dict[str, float] = {"OperationsFailedReplication": 1}
        else:
            _set_status(version, "COMPLETED")
            values = {"ReplicationLatency": time.monotonic() - since, "OperationsPendingReplication": 0}
        if _enabled(rule["Destination"].get("Metrics")):
            metrics.put(self.sandbox, "AWS/S3", values, dimensions, {"ReplicationLatency": "Seconds"})

    def _carry_object(self, role: str, bucket: FakeBucket, destination: str, rule: dict[str, Any], version: FakeKey) -> None:
        source_key, target_key = self._source_key(version), None
        if source_key:
            if not _encrypts(rule):
                raise LookupError(f"{version.name} is encrypted with a customer's key and the rule does not replicate such objects")
            target_key = rule["Destination"]["EncryptionConfiguration"]["ReplicaKmsKeyID"]
        backend = self.sandbox.backend("s3")
        tagged = bool(backend.tagger.get_tag_dict_for_resource(version.arn))
        self._require(role, self._needs(bucket, destination, version, source_key, target_key, tagged=tagged))
        copy = backend.put_object(
            destination,
            version.name,
            version.value,
            storage=rule["Destination"].get("StorageClass") or version.storage_class,
            multipart=version.multipart,
            encryption="aws:kms" if target_key else version.encryption,
            kms_key_id=target_key,
            disable_notification=True,
        )
        copy._version_id, copy._etag = version._version_id, version._etag
        copy.set_metadata(version.metadata)
        backend.tagger.copy_tags(version.arn, copy.arn)
        copy.replication_status = "REPLICA"
        event = notifications.S3NotificationEvent.OBJECT_CREATED_PUT_EVENT
        notifications.send_event(self.sandbox.account, event, backend.get_bucket(destination), copy)

    def _carry_marker(self, role: str, bucket: FakeBucket, destination: str, marker: FakeDeleteMarker) -> None:
        self._require(
            role, [*self._bucket_needs(bucket), Need("s3:ReplicateDelete", f"arn:aws:s3:::{destination}/{marker.name}", _s3_keys(self))]
        )
        backend = self.sandbox.backend("s3")
        target = backend.get_bucket(destination)
        hidden = target.keys.get(marker.name)
        if hidden is None:
            raise LookupError(f"{marker.name} is not in {destination}: its replication has failed, or it is older than the rule")
        copy: Any = FakeDeleteMarker(key=hidden)
        copy._version_id = marker._version_id
        _set_status(copy, "REPLICA")
        target.keys.setlist(marker.name, [*target.keys.getlist(marker.name), copy])

    def _bucket_needs(self, bucket: FakeBucket) -> list[Need]:
        return [Need(action, bucket.arn, _s3_keys(self)) for action in SOURCE_BUCKET]

    def _needs(
        self, bucket: FakeBucket, destination: str, version: FakeKey, source_key: str | None, target_key: str | None, *, tagged: bool
    ) -> list[Need]:
        read, write = f"{bucket.arn}/{version.name}", f"arn:aws:s3:::{destination}/{version.name}"
        needs = self._bucket_needs(bucket)
        needs += [Need(action, read, _s3_keys(self)) for action in SOURCE_OBJECT]
        needs.append(Need("s3:ReplicateObject", write, _s3_keys(self)))
        if tagged:
            needs += [Need("s3:GetObjectVersionTagging", read, _s3_keys(self)), Need("s3:ReplicateTags", write, _s3_keys(self))]
        if source_key:
            needs.append(self._key_need("kms:Decrypt", source_key, read, bucket.arn))
        if target_key:
            needs.append(self._key_need("kms:Encrypt", target_key, write, f"arn:aws:s3:::{destination}"))
        return needs

    def _key_need(self, action: str, key: str, object_arn: str, bucket_arn: str) -> Need:
        account = self.sandbox.principals.account
        arn = account.key_arn(key)
        if arn is None:
            raise LookupError(f"{key}: replicas need a customer managed key")
        region = arn.split(":")[3]
        # The context is the bucket where it has a bucket key, else the object.
        context = bucket_arn if account.bucket_encryption(bucket_arn.split(":")[-1])[1] else object_arn
        found = {
            "kms:ViaService": f"s3.{region}.amazonaws.com",
            "kms:CallerAccount": account.account,
            "kms:EncryptionContextKeys": ("aws:s3:arn",),
            "kms:EncryptionContext:aws:s3:arn": context,
            "kms:ResourceAliases": account.key_aliases(arn),
            "aws:ViaAWSService": True,
        }
        return Need(action, arn, keys(found))

    def _source_key(self, version: FakeKey) -> str | None:
        encrypted = str(version.encryption or "").startswith("aws:kms")
        return self.sandbox.principals.account.key_arn(version.kms_key_id) if encrypted else None

    def _require(self, role: str, needs: list[Need]) -> None:
        """AccessDenied unless S3 may assume the role and the role may do all of it."""
        principals = self.sandbox.principals
        credentials = principals.issue(role, service=S3, session_name="s3-replication")
        caller: Caller = principals.keys.caller(credentials.access_key_id, credentials.session_token)
        for need in needs:
            verdict = principals.verdict(caller, need)
            principals.audit.record(
                role, "s3-replication", "s3:Replication", need.action, need.resource, verdict.allowed, verdict.explained()
            )
            if not verdict.allowed:
                raise AccessDenied(f"{role} is not authorized to perform: {need.action} on resource: {need.resource} {verdict.explained()}")


def rule_for(configuration: Mapping[str, Any], key: str) -> dict[str, Any] | None:
    """The enabled rule of the highest priority whose prefix fits."""
    fitting = [rule for rule in configuration["Rule"] if rule["Status"] == "Enabled" and key.startswith(_prefix(rule))]
    return max(fitting, key=lambda rule: int(rule["Priority"]), default=None)


def listed(value: Any) -> list[dict[str, Any]]:
    """XML does not tell a list of one from a single element."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _filter(rule: Mapping[str, Any]) -> Mapping[str, Any]:
    found = rule.get("Filter") or {}
    return found.get("And") or found


def _prefix(rule: Mapping[str, Any]) -> str:
    return str(_filter(rule).get("Prefix") or rule.get("Prefix") or "")


def _bucket_of(destination: Mapping[str, Any]) -> str:
    return str(destination["Bucket"]).rsplit(":", 1)[-1]


def _enabled(block: Mapping[str, Any] | None) -> bool:
    return bool(block) and block.get("Status") == "Enabled"  # type: ignore[union-attr]


def _encrypts(rule: Mapping[str, Any]) -> bool:
    return _enabled((rule.get("SourceSelectionCriteria") or {}).get("SseKmsEncryptedObjects"))


def _s3_keys(replicator: Replicator) -> dict[str, tuple[str, ...]]:
    return keys({"s3:ResourceAccount": replicator.sandbox.account, "s3:TlsVersion": "1.3"})


def _answer(rule: dict[str, Any]) -> dict[str, Any]:
    """A stored rule with the types that the API has; everything in XML is text."""
    return dict(_typed(rule))


def _typed(block: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in block.items():
        if isinstance(value, Mapping):
            yield name, dict(_typed(value))
        elif name in ("Minutes", "Priority"):
            yield name, int(value)
        else:
            # An empty element is an empty object (a filter) or an empty text (a prefix).
            yield name, ({} if name == "Filter" else "") if value is None else value


def _set_status(version: Any, status: str) -> None:
    """moto gives delete markers no replication status of their own."""
    version.replication_status = status
