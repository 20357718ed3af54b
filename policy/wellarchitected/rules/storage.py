"""S3 buckets: who may see them, how they are encrypted, kept, copied and tidied up."""

from __future__ import annotations

from collections.abc import Iterator

from ..changes import put
from ..model import Changes, Context, Example, Resource, rule
from ..policies import denies_insecure_transport, is_public, statements
from ..values import NotApplicable, Unreadable, as_list, dig, is_set
from ._types import (
    BUCKET,
    BUCKET_ACL,
    BUCKET_ENCRYPTION,
    BUCKET_LIFECYCLE,
    BUCKET_LOGGING,
    BUCKET_OWNERSHIP,
    BUCKET_POLICY,
    BUCKET_PUBLIC_ACCESS_BLOCK,
    BUCKET_REPLICATION,
    BUCKET_TIERING,
    BUCKET_VERSIONING,
    KEY,
    KEY_ALIAS,
    PRODUCTION,
)

FLAGS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
TLS_ONLY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "TlsOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::data",
            "arn:aws:s3:::data/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ],
}  # fmt: skip
PUBLIC_READ = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/*"}],
}


def bucket_example(*attached: Example) -> tuple[Example, ...]:
    """A bucket named `data` with what is attached to it."""
    return (Example(BUCKET, "data", {"bucket": "data"}), *attached)


def on_bucket(type_: str, **properties: object) -> Example:
    """A resource whose `bucket` is the example bucket."""
    return Example(type_, type_.split(":")[-1], properties, links={"bucket": "data"})


def attached(bucket: Resource, context: Context, type_: str) -> list[Resource]:
    """The resources of a type that configure this bucket."""
    return context.graph.referring(bucket, type_, "bucket")


def is_log_target(bucket: Resource, context: Context) -> bool:
    """Whether other buckets deliver their access logs here."""
    return bool(context.graph.referring(bucket, BUCKET_LOGGING, "targetBucket"))


def lifecycle_rules(bucket: Resource, context: Context) -> list[dict]:
    """The enabled lifecycle rules of a bucket, from its own resource or inline."""
    rules = [item for configuration in attached(bucket, context, BUCKET_LIFECYCLE) for item in as_list(configuration.get("rules"))]
    rules += [{**item, "status": "Enabled" if item.get("enabled") else "Disabled"} for item in as_list(bucket.get("lifecycleRules"))]
    return [item for item in rules if item.get("status") == "Enabled"]


@rule(
    "s3-public-access-block", BUCKET, scope="stack",
    practices="SEC03-BP07", checklist="CHK-SEC-1", spec="SEC-4b SEC-6b", severity="critical",
    sources="cdk-nag:AwsSolutions-S2 checkov:CKV2_AWS_6 checkov:CKV_AWS_53 checkov:CKV_AWS_54 checkov:CKV_AWS_55 checkov:CKV_AWS_56 "
        "securityhub:S3.8",
    why="One wrong ACL or policy makes every object of a bucket readable by anybody; the block makes that impossible.",
    fix="Attach an aws.s3.BucketPublicAccessBlock with all four flags true",
    reads="blockPublicAcls", reads_of=BUCKET_PUBLIC_ACCESS_BLOCK,
    compliant=bucket_example(on_bucket(BUCKET_PUBLIC_ACCESS_BLOCK, **dict.fromkeys(FLAGS, True))),
    violating=bucket_example(on_bucket(BUCKET_PUBLIC_ACCESS_BLOCK, **dict.fromkeys(FLAGS, True) | {"blockPublicPolicy": False})),
)  # fmt: skip
def public_access_block(bucket: Resource, context: Context) -> Iterator[str]:
    """Every bucket blocks public access."""
    blocks = attached(bucket, context, BUCKET_PUBLIC_ACCESS_BLOCK)
    if not blocks:
        yield f"bucket '{bucket.name}' has no public access block"
    for block in blocks:
        off = [flag for flag in FLAGS if not block.get(flag, False)]
        if off:
            yield f"{', '.join(off)} of the public access block of bucket '{bucket.name}' {'is' if len(off) == 1 else 'are'} not true"


@rule(
    "s3-no-public-acl",
    f"{BUCKET} {BUCKET_ACL} aws:s3/bucketObject:BucketObject aws:s3/bucketObjectv2:BucketObjectv2 aws:s3/objectCopy:ObjectCopy",
    practices="SEC03-BP07", checklist="CHK-SEC-1", spec="SEC-4b SEC-6b", severity="critical",
    sources="checkov:CKV_AWS_20 checkov:CKV_AWS_57 securityhub:S3.2 securityhub:S3.3",
    why="A canned public ACL gives everybody on the internet access to the bucket.",
    fix="Remove the ACL (buckets are private without one) and give access by the bucket policy to named principals",
    reads="acl", missing="pass", compliant={"acl": "private"}, violating={"acl": "public-read"},
    remediation=put({"acl": "private"}),
)  # fmt: skip
def no_public_acl(resource: Resource, context: Context) -> str | None:
    """No bucket and no object has a public ACL."""
    acl = resource.get("acl", "private")
    if acl in ("public-read", "public-read-write", "authenticated-read"):
        return f"acl of '{resource.name}' is {acl}"
    for path in ("grants", "accessControlPolicy.grants"):
        for index, grant in enumerate(as_list(resource.get(path))):
            uri = str(dig(grant, "uri") or dig(grant, "grantee.uri", ""))
            if uri.endswith(("/global/AllUsers", "/global/AuthenticatedUsers")):
                return f"{path}[{index}] of '{resource.name}' admits {uri.rsplit('/', 1)[1]}"
    return None


@rule(
    "s3-policy-not-public", BUCKET_POLICY,
    practices="SEC03-BP07", checklist="CHK-SEC-1", spec="SEC-4b SEC-8d", severity="critical", sources="checkov:CKV_AWS_70 securityhub:S3.6",
    why="A policy that allows Principal * without a condition opens the bucket to everybody.",
    fix="Name the accounts or roles in Principal, or restrict the statement by aws:PrincipalOrgID, aws:SourceArn or aws:SourceVpce",
    reads="policy", missing="not_applicable", compliant={"policy": TLS_ONLY}, violating={"policy": PUBLIC_READ},
)  # fmt: skip
def policy_not_public(policy: Resource, context: Context) -> Iterator[str]:
    """No bucket policy lets everybody in."""
    for index, statement in statements(policy, "policy"):
        if is_public(statement):
            yield f"policy.Statement[{index}] of '{policy.name}' allows Principal * without a restricting condition"


@rule(
    "s3-tls-only", BUCKET, scope="stack",
    practices="SEC09-BP02", checklist="CHK-SEC-3", spec="SEC-5b SEC-4b", severity="high",
        sources="cdk-nag:AwsSolutions-S10 securityhub:S3.5",
    why="S3 still answers plain HTTP; only the bucket's policy can refuse it.",
    fix="Add a statement to the bucket policy that denies s3:* to Principal * where aws:SecureTransport is false",
    reads="policy", reads_of=BUCKET_POLICY,
    compliant=bucket_example(on_bucket(BUCKET_POLICY, policy=TLS_ONLY)), violating=bucket_example(),
)  # fmt: skip
def tls_only(bucket: Resource, context: Context) -> str | None:
    """Every bucket refuses requests without TLS."""
    policies = attached(bucket, context, BUCKET_POLICY)
    if any(denies_insecure_transport(policy, "policy") for policy in policies):
        return None
    return (
        f"policy of bucket '{bucket.name}' does not deny requests without TLS"
        if policies
        else f"bucket '{bucket.name}' has no bucket policy"
    )


@rule(
    "s3-kms", BUCKET, scope="stack",
    practices="SEC08-BP02", checklist="CHK-SEC-2", spec="SEC-5a SEC-3b", severity="high", level=PRODUCTION,
    sources="checkov:CKV_AWS_145 securityhub:S3.17",
    why="With a customer key, reading needs a second permission that is audited and can be taken away.",
    fix="Set sseAlgorithm aws:kms and kmsMasterKeyId in an aws.s3.BucketServerSideEncryptionConfiguration (AES256 for a target of access "
        "logs: S3 cannot deliver logs under KMS)",
    reads="rules", reads_of=BUCKET_ENCRYPTION,
    compliant=bucket_example(on_bucket(BUCKET_ENCRYPTION, rules=[{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms",
        "kmsMasterKeyId": "arn:aws:kms:eu-west-1:123456789012:key/k"}}])),
    violating=bucket_example(on_bucket(BUCKET_ENCRYPTION, rules=[{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}])),
)  # fmt: skip
def kms(bucket: Resource, context: Context) -> str | None:
    """Data buckets are encrypted with a customer key."""
    if is_log_target(bucket, context):
        raise NotApplicable("a target of access logs must use SSE-S3")
    configurations = attached(bucket, context, BUCKET_ENCRYPTION)
    defaults = [item for configuration in configurations for item in as_list(configuration.get("rules"))]
    defaults += as_list(bucket.get("serverSideEncryptionConfiguration.rule"))
    for item in defaults:
        if dig(item, "applyServerSideEncryptionByDefault.sseAlgorithm") in ("aws:kms", "aws:kms:dsse"):
            key = dig(item, "applyServerSideEncryptionByDefault.kmsMasterKeyId")
            linked = any(context.graph.linked(configuration, "rules", KEY, KEY_ALIAS) for configuration in configurations)
            if (isinstance(key, Unreadable) and linked) or is_set(key):
                return None
            return f"default encryption of bucket '{bucket.name}' names no kmsMasterKeyId, so it uses the key that AWS manages"
    return f"default encryption of bucket '{bucket.name}' is AES256, not KMS"


@rule(
    "s3-log-target-deliverable", BUCKET, scope="stack",
    practices="SEC04-BP01", checklist="CHK-OPS-4", spec="OPS-5a", severity="high",
    why="S3 does not deliver access logs to a bucket with SSE-KMS default encryption or Object Lock; it drops them silently.",
    fix="Use AES256 and no Object Lock on the bucket that receives access logs",
    reads="objectLockEnabled", missing="pass",
    compliant=(
        Example(BUCKET, "logs", {"objectLockEnabled": False}), Example(BUCKET, "other"),
        Example(BUCKET_LOGGING, "logging", {"targetPrefix": "s3/"}, links={"bucket": "other", "targetBucket": "logs"}),
    ),
    violating=(
        Example(BUCKET, "logs", {"objectLockEnabled": True}), Example(BUCKET, "other"),
        Example(BUCKET_LOGGING, "logging", {"targetPrefix": "s3/"}, links={"bucket": "other", "targetBucket": "logs"}),
    ),
)  # fmt: skip
def log_target_deliverable(bucket: Resource, context: Context) -> Iterator[str]:
    """A bucket that receives access logs can receive them."""
    if not is_log_target(bucket, context):
        raise NotApplicable("no bucket logs to it")
    if bucket.get("objectLockEnabled", False):
        yield f"objectLockEnabled of '{bucket.name}' is true"
    for configuration in attached(bucket, context, BUCKET_ENCRYPTION):
        for item in as_list(configuration.get("rules")):
            if dig(item, "applyServerSideEncryptionByDefault.sseAlgorithm", "AES256") != "AES256":
                yield f"default encryption of '{bucket.name}' is KMS, so access logs are not delivered"


def cache_data_key(configuration: Resource, context: Context) -> Changes:
    """A bucket key for every default encryption with KMS."""
    defaults = enumerate(as_list(configuration.get("rules")))
    return {
        f"rules[{index}].bucketKeyEnabled": True
        for index, item in defaults
        if dig(item, "applyServerSideEncryptionByDefault.sseAlgorithm") in ("aws:kms", "aws:kms:dsse")
    }


@rule(
    "s3-bucket-key", BUCKET_ENCRYPTION,
    practices="COST05-BP05 PERF03-BP05", checklist="CHK-PERF-3", spec="COST-2d", severity="low", level="advisory",
    why="A bucket key caches the data key at the bucket: up to 99 % fewer KMS requests, less latency and cost.",
    fix="Set bucketKeyEnabled to true beside the KMS default encryption",
    reads="rules", missing="not_applicable",
    compliant={"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms"}, "bucketKeyEnabled": True}]},
    violating={"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms"}}]},
    remediation=cache_data_key,
)  # fmt: skip
def bucket_key(configuration: Resource, context: Context) -> Iterator[str]:
    """Buckets under KMS cache their data key."""
    under_kms = [
        (index, item)
        for index, item in enumerate(as_list(configuration.get("rules")))
        if dig(item, "applyServerSideEncryptionByDefault.sseAlgorithm") in ("aws:kms", "aws:kms:dsse")
    ]
    if not under_kms:
        raise NotApplicable("not encrypted with KMS")
    for index, item in under_kms:
        if not item.get("bucketKeyEnabled", False):
            yield f"rules[{index}].bucketKeyEnabled of '{configuration.name}' is not true"


@rule(
    "s3-versioning", BUCKET, scope="stack",
    practices="REL09-BP03", checklist="CHK-REL-2 CHK-REL-6", spec="REL-6a", severity="high", level=PRODUCTION,
    sources="checkov:CKV_AWS_21 securityhub:S3.14",
    why="Without versions an overwritten or deleted object is gone; with them it is restored in minutes.",
    fix="Attach an aws.s3.BucketVersioning with status Enabled",
    reads="versioningConfiguration", reads_of=BUCKET_VERSIONING,
    compliant=bucket_example(on_bucket(BUCKET_VERSIONING, versioningConfiguration={"status": "Enabled"})),
    violating=bucket_example(on_bucket(BUCKET_VERSIONING, versioningConfiguration={"status": "Suspended"})),
)  # fmt: skip
def versioning(bucket: Resource, context: Context) -> str | None:
    """Every bucket keeps object versions."""
    if bucket.get("versioning.enabled", False):
        return None
    configurations = attached(bucket, context, BUCKET_VERSIONING)
    if any(configuration.get("versioningConfiguration.status") == "Enabled" for configuration in configurations):
        return None
    return f"versioning of bucket '{bucket.name}' is not Enabled"


@rule(
    "s3-lifecycle", BUCKET, scope="stack",
    practices="COST04-BP05 SUS04-BP03", checklist="CHK-COST-3 CHK-COST-5", spec="COST-2d PERF-6b SUS-2e", severity="medium",
    sources="checkov:CKV2_AWS_61 securityhub:S3.13",
    why="Data nobody tidies up is paid for every month, for ever.",
    fix="Attach an aws.s3.BucketLifecycleConfiguration with an enabled rule that moves or expires objects",
    reads="rules", reads_of=BUCKET_LIFECYCLE,
    compliant=bucket_example(on_bucket(BUCKET_LIFECYCLE, rules=[{"id": "archive", "status": "Enabled", "transitions": [{"days": 30,
        "storageClass": "INTELLIGENT_TIERING"}]}])),
    violating=bucket_example(),
)  # fmt: skip
def lifecycle(bucket: Resource, context: Context) -> str | None:
    """Every bucket has a lifecycle: objects move to a cheaper class or expire."""
    moving = ("transitions", "expiration", "noncurrentVersionExpiration", "noncurrentVersionTransitions")
    if any(item.get(key) for item in lifecycle_rules(bucket, context) for key in moving):
        return None
    return f"bucket '{bucket.name}' has no enabled lifecycle rule that moves or expires objects"


@rule(
    "s3-noncurrent-expiry", BUCKET, scope="stack",
    practices="COST04-BP05 SUS04-BP05", checklist="CHK-COST-3", spec="COST-2d", severity="medium", sources="securityhub:S3.10",
    why="Every overwritten version of an object is stored and billed until something expires it.",
    fix="Add noncurrentVersionExpiration to an enabled lifecycle rule of the bucket",
    reads="rules", reads_of=BUCKET_LIFECYCLE,
    compliant=bucket_example(
        on_bucket(BUCKET_VERSIONING, versioningConfiguration={"status": "Enabled"}),
        on_bucket(BUCKET_LIFECYCLE, rules=[{"id": "old", "status": "Enabled", "noncurrentVersionExpiration": {"noncurrentDays": 30}}]),
    ),
    violating=bucket_example(on_bucket(BUCKET_VERSIONING, versioningConfiguration={"status": "Enabled"})),
)  # fmt: skip
def noncurrent_expiry(bucket: Resource, context: Context) -> str | None:
    """Buckets with versions expire old versions."""
    if versioning.check(bucket, context) is not None:
        raise NotApplicable("the bucket keeps no versions")
    if any(
        item.get("noncurrentVersionExpiration") or item.get("noncurrentVersionTransitions") for item in lifecycle_rules(bucket, context)
    ):
        return None
    return f"bucket '{bucket.name}' keeps versions and no lifecycle rule expires noncurrent ones"


@rule(
    "s3-abort-incomplete-uploads", BUCKET_LIFECYCLE,
    practices="COST04-BP05", checklist="CHK-COST-5", spec="COST-2d", severity="low", level="advisory", sources="checkov:CKV_AWS_300",
    why="The parts of an upload that broke off are invisible in listings and billed for ever.",
    fix="Add abortIncompleteMultipartUpload with daysAfterInitiation (7, for example) to an enabled rule",
    reads="rules",
    compliant={"rules": [{"id": "parts", "status": "Enabled", "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7}}]},
    violating={"rules": [{"id": "archive", "status": "Enabled", "transitions": [{"days": 30, "storageClass": "GLACIER_IR"}]}]},
)  # fmt: skip
def abort_incomplete_uploads(configuration: Resource, context: Context) -> str | None:
    """Uploads that broke off are removed."""
    for item in as_list(configuration.get("rules")):
        if item.get("status") == "Enabled" and item.get("abortIncompleteMultipartUpload"):
            return None
    return f"no enabled rule of '{configuration.name}' has abortIncompleteMultipartUpload"


@rule(
    "s3-no-restore-class", BUCKET_LIFECYCLE,
    practices="COST06-BP03 SUS04-BP02", checklist="CHK-COST-3", spec="PERF-6b", severity="medium", level="advisory",
    why="Objects in GLACIER or DEEP_ARCHIVE must be restored for hours before a crawler, a job or a replay can read them.",
    fix="Use GLACIER_IR (read at once) or INTELLIGENT_TIERING, with archive tiers only for what nobody reads",
    reads="rules", missing="not_applicable",
    compliant={"rules": [{"id": "archive", "status": "Enabled", "transitions": [{"days": 30, "storageClass": "GLACIER_IR"}]}]},
    violating={"rules": [{"id": "archive", "status": "Enabled", "transitions": [{"days": 30, "storageClass": "GLACIER"}]}]},
)  # fmt: skip
def no_restore_class(configuration: Resource, context: Context) -> Iterator[str]:
    """Working data never moves to a storage class that needs a restore."""
    transitions = [
        (index, transition)
        for index, item in enumerate(as_list(configuration.get("rules")))
        if item.get("status") == "Enabled"
        for transition in as_list(item.get("transitions"))
    ]
    if not transitions:
        raise NotApplicable("no transitions")
    for index, transition in transitions:
        if transition.get("storageClass") in ("GLACIER", "DEEP_ARCHIVE"):
            yield f"rules[{index}].transitions of '{configuration.name}' moves objects to {transition['storageClass']}"


@rule(
    "s3-access-logging", BUCKET, scope="stack",
    practices="SEC04-BP01", checklist="CHK-OPS-4", spec="OPS-5a SEC-2b", severity="medium", level=PRODUCTION,
    sources="cdk-nag:AwsSolutions-S1 checkov:CKV_AWS_18 securityhub:S3.9",
    why="Without access logs nobody can say afterwards who read which object.",
    fix="Attach an aws.s3.BucketLogging that names the log bucket",
    reads="targetBucket", reads_of=BUCKET_LOGGING,
    compliant=bucket_example(on_bucket(BUCKET_LOGGING, targetBucket="logs", targetPrefix="data/")), violating=bucket_example(),
)  # fmt: skip
def access_logging(bucket: Resource, context: Context) -> str | None:
    """Every bucket logs access (the log bucket itself does not)."""
    if is_log_target(bucket, context):
        raise NotApplicable("it is the target of access logs")
    configurations = attached(bucket, context, BUCKET_LOGGING)
    if any(context.graph.given(configuration, "targetBucket") for configuration in configurations) or bucket.get("logging.targetBucket"):
        return None
    return f"bucket '{bucket.name}' has no access logging"


@rule(
    "s3-no-force-destroy", BUCKET,
    practices="SEC08-BP04 REL09-BP01", checklist="CHK-REL-6", spec="REL-6c", severity="high", level={"dev": "disabled",
        "prod": "mandatory"},
    why="With forceDestroy one wrong `pulumi destroy` deletes every object and version with the bucket.",
    fix="Remove forceDestroy in production",
    reads="forceDestroy", missing="pass", compliant={"forceDestroy": False}, violating={"forceDestroy": True},
    remediation=put({"forceDestroy": False}),
)  # fmt: skip
def no_force_destroy(bucket: Resource, context: Context) -> str | None:
    """Production buckets are not emptied when they are destroyed."""
    return f"forceDestroy of '{bucket.name}' is true" if bucket.get("forceDestroy", False) else None


@rule(
    "s3-acl-disabled", BUCKET_OWNERSHIP,
    practices="SEC03-BP02", checklist="CHK-SEC-1", spec="SEC-4b", severity="medium", sources="checkov:CKV2_AWS_65 securityhub:S3.12",
    why="With ACLs, objects can belong to other accounts and be opened one by one.",
    fix="Set rule.objectOwnership to BucketOwnerEnforced",
    reads="rule.objectOwnership", compliant={"rule": {"objectOwnership": "BucketOwnerEnforced"}},
        violating={"rule": {"objectOwnership": "ObjectWriter"}},
    remediation=put({"rule.objectOwnership": "BucketOwnerEnforced"}),
)  # fmt: skip
def acl_disabled(controls: Resource, context: Context) -> str | None:
    """Ownership controls switch ACLs off."""
    ownership = controls.get("rule.objectOwnership")
    return None if ownership == "BucketOwnerEnforced" else f"rule.objectOwnership of '{controls.name}' is {ownership}"


@rule(
    "s3-replication", BUCKET, scope="stack",
    practices="REL13-BP02 REL09-BP03", checklist="CHK-REL-6", spec="PERF-2c REL-6c", severity="medium", level={"dev": "disabled",
        "prod": "advisory"},
    sources="checkov:CKV_AWS_144 securityhub:S3.7",
    why="If a region is lost, only what was copied to another region is left.",
    fix="Attach an aws.s3.BucketReplicationConfig with an enabled rule, or say in an exemption from where the data is re-created",
    reads="rules", reads_of=BUCKET_REPLICATION,
    compliant=bucket_example(on_bucket(BUCKET_REPLICATION, rules=[{"status": "Enabled", "destination": {"bucket": "arn:aws:s3:::copy"}}],
        role="arn:aws:iam::123456789012:role/r")),
    violating=bucket_example(),
)  # fmt: skip
def replication(bucket: Resource, context: Context) -> str | None:
    """Production data is copied to another region."""
    if is_log_target(bucket, context):
        raise NotApplicable("it holds access logs")
    for configuration in attached(bucket, context, BUCKET_REPLICATION):
        if any(item.get("status") == "Enabled" for item in as_list(configuration.get("rules"))):
            return None
    return f"bucket '{bucket.name}' has no enabled replication rule"


@rule(
    "s3-archive-tiers-limited", BUCKET_TIERING,
    practices="COST06-BP03 SUS04-BP03", checklist="CHK-COST-3", spec="PERF-6a", severity="medium", level="advisory",
    why="An object in an archive tier must be restored for hours before it can be read: only what no pipeline reads again may go there.",
    fix="Set filter.prefix (or filter.tags) to what is only kept",
    reads="filter",
    compliant={"name": "old", "filter": {"prefix": "flights/validated/"}, "tierings": [{"accessTier": "ARCHIVE_ACCESS", "days": 180}]},
    violating={"name": "old", "tierings": [{"accessTier": "ARCHIVE_ACCESS", "days": 180}]},
)  # fmt: skip
def archive_tiers_limited(configuration: Resource, context: Context) -> str | None:
    """Archive tiers take a part of a bucket, never all of it."""
    if configuration.get("status", "Enabled") != "Enabled" or configuration.get("filter.prefix") or configuration.get("filter.tags"):
        return None
    return f"filter of '{configuration.name}' is empty: it archives the whole bucket"
