"""S3: operation names differ from IAM's action names, and an encrypted object needs the caller's right to the key.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from mlops.sandbox.identity.actions.needs import Need, Scope, Values, keys, kms_need

# Operations on a bucket → action. Those not listed keep their name.
_BUCKET = {
    "HeadBucket": "ListBucket",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketCors": "PutBucketCORS",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeleteBucketReplication": "PutReplicationConfiguration",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "DeleteBucketIntelligentTieringConfiguration": "PutIntelligentTieringConfiguration",
    "DeleteBucketAnalyticsConfiguration": "PutAnalyticsConfiguration",
    "DeleteBucketInventoryConfiguration": "PutInventoryConfiguration",
    "DeleteBucketMetricsConfiguration": "PutMetricsConfiguration",
}
_BUCKET_GET_PUT = {
    "BucketAccelerateConfiguration": "AccelerateConfiguration",
    "BucketCors": "BucketCORS",
    "BucketEncryption": "EncryptionConfiguration",
    "BucketIntelligentTieringConfiguration": "IntelligentTieringConfiguration",
    "BucketInventoryConfiguration": "InventoryConfiguration",
    "BucketLifecycle": "LifecycleConfiguration",
    "BucketLifecycleConfiguration": "LifecycleConfiguration",
    "BucketMetricsConfiguration": "MetricsConfiguration",
    "BucketNotificationConfiguration": "BucketNotification",
    "BucketReplication": "ReplicationConfiguration",
    "BucketAnalyticsConfiguration": "AnalyticsConfiguration",
    "ObjectLockConfiguration": "BucketObjectLockConfiguration",
    "PublicAccessBlock": "BucketPublicAccessBlock",
}
_BUCKET_SAME = {
    "CreateBucket", "DeleteBucket", "DeleteBucketPolicy", "DeleteBucketWebsite", "GetBucketAcl", "GetBucketLocation", "GetBucketLogging",
    "GetBucketNotification", "GetBucketOwnershipControls", "GetBucketPolicy", "GetBucketPolicyStatus", "GetBucketRequestPayment",
    "GetBucketTagging", "GetBucketVersioning", "GetBucketWebsite", "PutBucketAcl", "PutBucketLogging", "PutBucketNotification",
    "PutBucketOwnershipControls", "PutBucketPolicy", "PutBucketRequestPayment", "PutBucketTagging", "PutBucketVersioning", "PutBucketWebsite",
}  # fmt: skip
_OBJECT = {
    "AbortMultipartUpload": "AbortMultipartUpload",
    "CompleteMultipartUpload": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "DeleteObjectTagging": "DeleteObjectTagging",
    "GetObjectAcl": "GetObjectAcl",
    "GetObjectAttributes": "GetObject",
    "GetObjectLegalHold": "GetObjectLegalHold",
    "GetObjectRetention": "GetObjectRetention",
    "GetObjectTagging": "GetObjectTagging",
    "HeadObject": "GetObject",
    "ListParts": "ListMultipartUploadParts",
    "PutObjectAcl": "PutObjectAcl",
    "PutObjectLegalHold": "PutObjectLegalHold",
    "PutObjectRetention": "PutObjectRetention",
    "PutObjectTagging": "PutObjectTagging",
    "RestoreObject": "RestoreObject",
    "SelectObjectContent": "GetObject",
    "UploadPart": "PutObject",
    "GetObject": "GetObject",
    "PutObject": "PutObject",
    "DeleteObject": "DeleteObject",
}
_VERSIONED = {"GetObject", "GetObjectAcl", "GetObjectTagging", "PutObjectAcl", "PutObjectTagging", "DeleteObject", "DeleteObjectTagging"}


def needs(scope: Scope) -> list[Need]:
    """Actions, resources and condition keys of an S3 call."""
    operation, bucket = scope.operation, scope.parameters.get("Bucket", "")
    if operation == "ListBuckets":
        return [Need("s3:ListAllMyBuckets", "*")]
    if operation in _OBJECT:
        return _object_needs(scope, _OBJECT[operation], bucket, scope.parameters["Key"])
    if operation == "DeleteObjects":
        objects = scope.parameters.get("Delete", {}).get("Objects", [])
        return [Need(_versioned("DeleteObject", item.get("VersionId")), _arn(bucket, item["Key"]), _keys(scope)) for item in objects]
    if operation in ("CopyObject", "UploadPartCopy"):
        return _copy_needs(scope, bucket)
    action = _bucket_action(operation)
    if action is None:
        raise scope.unmapped("no entry in the S3 table")
    extra = []
    if operation == "PutBucketNotificationConfiguration":
        action = "PutBucketNotification"
    if operation == "CreateBucket" and scope.call.headers.get("x-amz-bucket-object-lock-enabled", "").lower() == "true":
        extra = [Need("s3:PutBucketObjectLockConfiguration", _arn(bucket)), Need("s3:PutBucketVersioning", _arn(bucket))]
    return [Need(f"s3:{action}", _arn(bucket), _keys(scope)), *extra]


def _bucket_action(operation: str) -> str | None:
    if operation in _BUCKET:
        return _BUCKET[operation]
    if operation in _BUCKET_SAME:
        return operation
    verb, rest = operation[:3], operation[3:]
    if verb in ("Get", "Put") and rest in _BUCKET_GET_PUT:
        return verb + _BUCKET_GET_PUT[rest]
    return None


def _object_needs(scope: Scope, action: str, bucket: str, key: str) -> list[Need]:
    version = scope.parameters.get("VersionId")
    found = [Need(_versioned(action, version), _arn(bucket, key), _keys(scope))]
    parameters = scope.parameters
    if parameters.get("Tagging") and scope.operation in ("PutObject", "CreateMultipartUpload"):
        found.append(Need("s3:PutObjectTagging", _arn(bucket, key), _keys(scope)))
    if (
        any(parameters.get(name) for name in ("ACL", "GrantFullControl", "GrantRead", "GrantReadACP", "GrantWriteACP"))
        and action == "PutObject"
    ):
        found.append(Need("s3:PutObjectAcl", _arn(bucket, key), _keys(scope)))
    if parameters.get("ObjectLockMode") and action == "PutObject":
        found.append(Need("s3:PutObjectRetention", _arn(bucket, key), _keys(scope)))
    if parameters.get("ObjectLockLegalHoldStatus") and action == "PutObject":
        found.append(Need("s3:PutObjectLegalHold", _arn(bucket, key), _keys(scope)))
    if action == "PutObject":
        found += _write_key(scope, bucket, key)
    if scope.operation in ("GetObject", "HeadObject", "GetObjectAttributes", "SelectObjectContent"):
        found += _read_key(scope, bucket, key, version)
        if not scope.account.object_exists(bucket, key, version):
            # Whether an object exists is told only to those who may list its name: the others get 403 instead of 404.
            found.append(Need("s3:ListBucket", _arn(bucket), keys({"s3:prefix": key, "s3:ResourceAccount": scope.account.account})))
    return found


def _copy_needs(scope: Scope, bucket: str) -> list[Need]:
    source = scope.parameters["CopySource"]
    source = source if isinstance(source, str) else f"{source['Bucket']}/{source['Key']}"
    path, _, query = unquote(source).lstrip("/").partition("?versionId=")
    source_bucket, _, source_key = path.partition("/")
    version = query or None
    read = [Need(_versioned("GetObject", version), _arn(source_bucket, source_key), _keys(scope))]
    if scope.operation == "CopyObject" and scope.parameters.get("TaggingDirective") != "REPLACE":
        # Copying takes the tags along; S3 asks for these rights only when there are tags.
        read += _tag_needs(scope, source_bucket, source_key, bucket)
    return read + _read_key(scope, source_bucket, source_key, version) + _object_needs(scope, "PutObject", bucket, scope.parameters["Key"])


def _tag_needs(scope: Scope, source_bucket: str, source_key: str, bucket: str) -> list[Need]:
    store = scope.account.store("s3")
    stored = store.buckets[source_bucket].keys.get(source_key) if source_bucket in store.buckets else None
    if stored is None or not store.tagger.has_tags(stored.arn):
        return []
    return [
        Need("s3:GetObjectTagging", _arn(source_bucket, source_key), _keys(scope)),
        Need("s3:PutObjectTagging", _arn(bucket, scope.parameters["Key"]), _keys(scope)),
    ]


def _write_key(scope: Scope, bucket: str, key: str) -> list[Need]:
    algorithm, key_id = scope.parameters.get("ServerSideEncryption"), scope.parameters.get("SSEKMSKeyId")
    key_arn, bucket_key = scope.account.bucket_encryption(bucket)
    if algorithm and not str(algorithm).startswith("aws:kms"):
        return []
    if algorithm and key_id:
        key_arn, bucket_key = scope.account.key_arn(key_id), bool(scope.parameters.get("BucketKeyEnabled"))
    context = {"aws:s3:arn": _arn(bucket) if bucket_key else _arn(bucket, key)}
    found = kms_need(scope, "GenerateDataKey", key_arn, "s3", context)
    # The parts of a multipart upload are encrypted by themselves and read again to be joined.
    return found + (
        kms_need(scope, "Decrypt", key_arn, "s3", context) if "Part" in scope.operation or "Multipart" in scope.operation else []
    )


def _read_key(scope: Scope, bucket: str, key: str, version: str | None) -> list[Need]:
    key_arn, bucket_key = scope.account.object_encryption(bucket, key, version)
    return kms_need(scope, "Decrypt", key_arn, "s3", {"aws:s3:arn": _arn(bucket) if bucket_key else _arn(bucket, key)})


def _arn(bucket: str, key: str | None = None) -> str:
    return f"arn:aws:s3:::{bucket}" if key is None else f"arn:aws:s3:::{bucket}/{key}"


def _versioned(action: str, version: str | None) -> str:
    if version and action in _VERSIONED:
        return f"s3:{action}Version" if not action.startswith(("GetObjectT", "PutObjectT", "DeleteObjectT")) else _version_tagging(action)
    return f"s3:{action}"


def _version_tagging(action: str) -> str:
    return f"s3:{action.removesuffix('Tagging')}VersionTagging"


KEYS = frozenset(
    {
        "s3:prefix", "s3:delimiter", "s3:max-keys", "s3:versionid", "s3:x-amz-acl", "s3:x-amz-server-side-encryption",
        "s3:x-amz-server-side-encryption-aws-kms-key-id", "s3:x-amz-storage-class", "s3:x-amz-copy-source", "s3:x-amz-metadata-directive",
        "s3:x-amz-content-sha256", "s3:signatureversion", "s3:authtype", "s3:resourceaccount", "s3:tlsversion", "s3:requestobjecttagkeys",
        "s3:x-amz-grant-read", "s3:x-amz-grant-write", "s3:x-amz-grant-read-acp", "s3:x-amz-grant-write-acp", "s3:x-amz-grant-full-control",
        "s3:x-amz-server-side-encryption-customer-algorithm", "s3:object-lock-mode", "s3:object-lock-legal-hold", "s3:locationconstraint",
    }
)  # fmt: skip


def _keys(scope: Scope) -> dict[str, Values]:
    parameters: Any = scope.parameters
    headers = scope.call.headers
    listing = scope.operation in ("ListObjects", "ListObjectsV2", "ListObjectVersions")
    from_headers = {
        f"s3:{name}": headers.get(name)
        for name in (
            "x-amz-acl", "x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id", "x-amz-storage-class",
            "x-amz-copy-source", "x-amz-metadata-directive", "x-amz-content-sha256", "x-amz-grant-read", "x-amz-grant-write",
            "x-amz-grant-read-acp", "x-amz-grant-write-acp", "x-amz-grant-full-control", "x-amz-server-side-encryption-customer-algorithm",
        )
    }  # fmt: skip
    return keys(
        {
            **from_headers,
            "s3:prefix": parameters.get("Prefix") if not listing else parameters.get("Prefix") or "",
            "s3:delimiter": parameters.get("Delimiter"),
            "s3:max-keys": parameters.get("MaxKeys"),
            "s3:VersionId": parameters.get("VersionId"),
            "s3:object-lock-mode": parameters.get("ObjectLockMode"),
            "s3:object-lock-legal-hold": parameters.get("ObjectLockLegalHoldStatus"),
            "s3:LocationConstraint": (parameters.get("CreateBucketConfiguration") or {}).get("LocationConstraint"),
            "s3:signatureversion": "AWS4-HMAC-SHA256" if scope.call.access_key else None,
            "s3:authType": ("REST-QUERY-STRING" if scope.call.presigned else "REST-HEADER") if scope.call.access_key else None,
            "s3:ResourceAccount": scope.account.account,
            "s3:TlsVersion": "1.3",
        }
    )
