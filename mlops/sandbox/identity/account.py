"""What the account holds that a decision needs, read from moto's stores: roles, users, policies, keys of encrypted resources, tags."""

from __future__ import annotations

import base64
import functools
import struct
from collections.abc import Callable
from typing import Any

from moto.backends import get_backend
from moto.kms.utils import _deserialize_ciphertext_blob

from mlops.sandbox.context import GLOBAL_SERVICES
from mlops.sandbox.identity.documents import Document, parse
from mlops.sandbox.identity.principals import Principal

# The policy of an AWS-managed key admits everybody in the account who may use the service: nothing of the caller is judged.
AWS_MANAGED_ALIAS = "alias/aws/"


class Account:
    """One account in one region, as a decision sees it."""

    def __init__(self, account: str, region: str) -> None:
        self.account, self.region, self.partition = account, region, "aws"

    def store(self, service: str, region: str = "") -> Any:
        """moto's backend of a service."""
        backends: Any = get_backend(service)  # type: ignore[call-overload]
        return backends[self.account]["aws" if service in GLOBAL_SERVICES else region or self.region]

    # Identities

    def role(self, name: str) -> Any | None:
        """moto's role of this name."""
        return next((role for role in list(self.store("iam").roles.values()) if role.name == name), None)

    def role_by_arn(self, arn: str) -> Any | None:
        """moto's role with exactly this ARN (path included)."""
        role = self.role(arn.rsplit("/", 1)[-1])
        return role if role is not None and role.arn == arn else None

    def user(self, name: str) -> Any | None:
        """moto's user of this name."""
        return self.store("iam").users.get(name)

    def identity_documents(self, principal: Principal) -> tuple[Document, ...]:
        """Inline and attached policies of the principal and, for a user, of its groups."""
        holder = self.role(principal.name) if principal.kind == "role" else self.user(principal.name)
        if holder is None:
            return ()
        holders = [holder]
        if principal.kind == "user":
            holders += [group for group in self.store("iam").groups.values() if holder in group.users]
        return tuple(document for each in holders for document in self._documents_of(each))

    @staticmethod
    def _documents_of(holder: Any) -> list[Document]:
        inline = [parse(_text(policy), name) for name, policy in holder.policies.items()]
        return inline + [parse(_default_version(policy), policy.arn) for policy in holder.managed_policies.values()]

    def boundary(self, principal: Principal) -> tuple[Document, ...] | None:
        """The permissions boundary; None where there is none. A boundary whose policy is gone allows nothing, as on AWS."""
        holder = self.role(principal.name) if principal.kind == "role" else self.user(principal.name)
        arn = getattr(holder, "permissions_boundary_arn", None)
        if not arn:
            return None
        policy = self.store("iam").managed_policies.get(arn)
        return (parse(_default_version(policy), arn),) if policy else ()

    def service_control_policies(self) -> tuple[tuple[Document, ...], ...]:
        """The account's service control policies, one set a level: root, organisational units, the account. None where they are not enabled."""
        store = self.store("organizations")
        if store.org is None:
            return ()
        nodes = {each.id: each for each in [*store.ou, *store.accounts]}
        root, node = nodes[store.org.root_id], nodes.get(self.account)
        if node is None or not any(kind["Type"] == "SERVICE_CONTROL_POLICY" for kind in root.policy_types):
            return ()
        levels = []
        while node is not None:
            attached = [policy for policy in node.attached_policies if policy.type == "SERVICE_CONTROL_POLICY"]
            levels.append(tuple(parse(policy.content, policy.arn) for policy in attached))
            node = nodes.get(node.parent_id) if node is not root else None
        return tuple(reversed(levels))

    # Resource policies

    def resource_documents(self, arn: str) -> tuple[Document, ...]:
        """The policy attached to the resource of this ARN; empty where it has none or is not there."""
        reader = _RESOURCE_POLICIES.get(arn.split(":")[2] if arn.startswith("arn:") else "")
        text = reader(self, arn) if reader else None
        return (parse(text, ""),) if text else ()

    # Keys of encrypted resources. None: not encrypted with a customer-managed key.

    def key_arn(self, key_id: str | None) -> str | None:
        """The ARN of a key given by id, ARN, alias or alias ARN; None for an AWS-managed key or none at all."""
        if not key_id or AWS_MANAGED_ALIAS in key_id:
            return None
        region = key_id.split(":")[3] if key_id.startswith("arn:") else self.region
        store = self.store("kms", region)
        name = key_id.split(":", 5)[-1] if key_id.startswith("arn:") else key_id
        key = store.get_key_id_from_alias(name) if name.startswith("alias/") else name.removeprefix("key/")
        if key in store.keys:
            return store.keys[key].arn
        # A key that is not there: judged under the name that was given, which no key policy allows.
        return key_id if key_id.startswith("arn:") else f"arn:{self.partition}:kms:{region}:{self.account}:{_key_path(name)}"

    def key_aliases(self, arn: str) -> tuple[str, ...]:
        """The aliases of a key."""
        key = self.store("kms", arn.split(":")[3]).keys.get(arn.rsplit("/", 1)[-1])
        return tuple(sorted(key.aliases)) if key is not None else ()

    def ciphertext_key_arn(self, encoded: str) -> str | None:
        """The key with which KMS made this ciphertext (base64); None when it is none of KMS's."""
        try:
            return self.key_arn(_deserialize_ciphertext_blob(base64.b64decode(encoded)).key_id)
        except (ValueError, UnicodeDecodeError, struct.error):
            return None

    def bucket_encryption(self, bucket: str) -> tuple[str | None, bool]:
        """(key ARN, bucket key enabled) of the bucket's default encryption."""
        found = self.store("s3").buckets.get(bucket)
        rule = (found.encryption or {}).get("Rule", {}) if found is not None else {}
        rule = rule[0] if isinstance(rule, list) else rule
        default = rule.get("ApplyServerSideEncryptionByDefault", {})
        if not str(default.get("SSEAlgorithm", "")).startswith("aws:kms"):
            return None, False
        return self.key_arn(default.get("KMSMasterKeyID")), str(rule.get("BucketKeyEnabled", "")).lower() == "true"

    def object_encryption(self, bucket: str, key: str, version: str | None) -> tuple[str | None, bool]:
        """(key ARN, made with a bucket key) of a stored object."""
        stored = self._object(bucket, key, version)
        if stored is None or not str(getattr(stored, "encryption", "") or "").startswith("aws:kms"):
            return None, False
        return self.key_arn(stored.kms_key_id), str(stored.bucket_key_enabled).lower() == "true"

    def object_exists(self, bucket: str, key: str, version: str | None) -> bool:
        """Whether the bucket (when it is there at all) has this object."""
        return bucket not in self.store("s3").buckets or self._object(bucket, key, version) is not None

    def _object(self, bucket: str, key: str, version: str | None) -> Any | None:
        found = self.store("s3").buckets.get(bucket)
        if found is None:
            return None
        if version:
            return next((item for item in found.keys.getlist(key) if str(item.version_id) == version), None)
        latest = found.keys.get(key)
        # A delete marker is the latest version of what is no longer there.
        return None if latest is None or latest.__class__.__name__ == "FakeDeleteMarker" else latest

    def queue_key(self, arn: str) -> str | None:
        """Key ARN of a queue."""
        queue = self.store("sqs", arn.split(":")[3]).queues.get(arn.rsplit(":", 1)[-1])
        return self.key_arn(queue.kms_master_key_id) if queue is not None else None

    def topic_key(self, arn: str) -> str | None:
        """Key ARN of a topic."""
        topic = self.store("sns", arn.split(":")[3]).topics.get(arn)
        return self.key_arn(topic.kms_master_key_id) if topic is not None else None

    def table_key(self, name: str) -> str | None:
        """Key ARN of a table that is encrypted with a customer-managed key."""
        table = self.store("dynamodb").tables.get(name)
        specification = (table.sse_specification or {}) if table is not None else {}
        return self.key_arn(specification.get("KMSMasterKeyId")) if specification.get("Enabled") else None

    def table_hash_key(self, name: str) -> str | None:
        """Name of the table's partition key."""
        table = self.store("dynamodb").tables.get(name)
        return table.hash_key_attr if table is not None else None

    def blocks_public_access(self, bucket: str) -> bool:
        """Whether the bucket ignores allows for everybody."""
        found = self.store("s3").buckets.get(bucket)
        block = found.public_access_block if found is not None else None
        return bool(block and str(block.restrict_public_buckets).lower() == "true")


def _key_path(name: str) -> str:
    return name if name.startswith(("alias/", "key/")) else f"key/{name}"


def _text(policy: Any) -> str:
    return policy["policy_document"] if isinstance(policy, dict) else policy


def _default_version(policy: Any) -> str:
    return next(version.document for version in policy.versions if version.is_default)


def _bucket_policy(account: Account, arn: str) -> Any:
    bucket = account.store("s3").buckets.get(arn.split(":::", 1)[-1].split("/")[0])
    return bucket.policy if bucket is not None else None


def _queue_policy(account: Account, arn: str) -> Any:
    queue = account.store("sqs", arn.split(":")[3]).queues.get(arn.rsplit(":", 1)[-1])
    return queue.policy if queue is not None else None


def _topic_policy(account: Account, arn: str) -> Any:
    topic = account.store("sns", arn.split(":")[3]).topics.get(arn)
    return topic.policy if topic is not None else None


def _key_policy(account: Account, arn: str) -> Any:
    key = account.store("kms", arn.split(":")[3]).keys.get(arn.rsplit("/", 1)[-1])
    return key.policy if key is not None else None


def _function_policy(account: Account, arn: str) -> Any:
    parts = arn.split(":")
    function = account.store("lambda", parts[3])._lambdas._functions.get(parts[6] if len(parts) > 6 else "")
    if function is None:
        return None
    # Published versions share the policy object of the function; those that do not are read as well.
    policies = {id(each.policy): each.policy for each in [function["latest"], *function["versions"]] if each is not None}
    statements = [_with_account_principal(statement) for policy in policies.values() for statement in policy.statements]
    return {"Version": "2012-10-17", "Statement": statements} if statements else None


def _with_account_principal(statement: dict[str, Any]) -> dict[str, Any]:
    # AddPermission takes a bare account id or ARN as principal, and moto keeps it so.
    principal = statement.get("Principal")
    return {**statement, "Principal": {"AWS": principal}} if isinstance(principal, str) and principal != "*" else statement


def _repository_policy(account: Account, arn: str) -> Any:
    repository = account.store("ecr", arn.split(":")[3]).repositories.get(arn.split("repository/", 1)[-1])
    return repository.policy if repository is not None else None


def _bus_policy(account: Account, arn: str) -> Any:
    bus = account.store("events", arn.split(":")[3]).event_buses.get(arn.split("event-bus/", 1)[-1]) if ":event-bus/" in arn else None
    return bus.policy if bus is not None else None


def _trust_policy(account: Account, arn: str) -> Any:
    role = account.role_by_arn(arn)
    return role.assume_role_policy_document if role is not None else None


_RESOURCE_POLICIES: dict[str, Callable[[Account, str], Any]] = {
    "s3": _bucket_policy,
    "sqs": _queue_policy,
    "sns": _topic_policy,
    "kms": _key_policy,
    "lambda": _function_policy,
    "ecr": _repository_policy,
    "events": _bus_policy,
}


@functools.cache
def resource_policy_services() -> frozenset[str]:
    """Services whose resource policies are judged."""
    return frozenset(_RESOURCE_POLICIES)


def trust_documents(account: Account, role_arn: str) -> tuple[Document, ...]:
    """The role's trust policy."""
    text = _trust_policy(account, role_arn)
    return (parse(text, f"trust policy of {role_arn}"),) if text else ()
