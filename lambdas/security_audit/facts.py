"""The state of the stack's resources as the services tell it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from botocore.exceptions import ClientError

# Where a configuration was never made, or its policy was taken away.
ABSENT = {
    "NoSuchBucketPolicy",
    "NoSuchPublicAccessBlockConfiguration",
    "ResourceNotFoundException",
    "ServerSideEncryptionConfigurationNotFoundError",
    "TrailNotFoundException",
}


class Collector:
    """Reads what belongs to the stack `prefix`; `client` makes boto3's clients."""

    def __init__(self, client: Callable[[str], Any], prefix: str) -> None:
        self._client, self._prefix = client, f"{prefix}-"

    def _pages(self, service: str, operation: str, member: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        for page in self._client(service).get_paginator(operation).paginate(**parameters):
            yield from page[member]

    def buckets(self, names: Iterable[str]) -> list[dict[str, Any]]:
        return [self._bucket(name) for name in names]

    def _bucket(self, name: str) -> dict[str, Any]:
        s3 = self._client("s3")
        policy = absent_is_none(lambda: s3.get_bucket_policy(Bucket=name)["Policy"])
        return {
            "name": name,
            "public_access": absent_is_none(lambda: s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]),
            "policy": json.loads(policy) if policy else None,
            "encrypted": bool(absent_is_none(lambda: s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"])),
            "versioning": s3.get_bucket_versioning(Bucket=name).get("Status"),
        }

    def keys(self, arns: Iterable[str]) -> list[dict[str, Any]]:
        kms, found = self._client("kms"), []
        for arn in arns:
            state = kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"]
            rotates = state == "Enabled" and kms.get_key_rotation_status(KeyId=arn)["KeyRotationEnabled"]
            found.append({"arn": arn, "state": state, "rotates": rotates})
        return found

    def trail(self, arn: str) -> dict[str, Any] | None:
        cloudtrail = self._client("cloudtrail")
        trails = cloudtrail.describe_trails(trailNameList=[arn])["trailList"]
        if not trails:
            return None
        status = cloudtrail.get_trail_status(Name=arn)
        return {
            "arn": arn,
            "is_logging": bool(status["IsLogging"]),
            "validates": bool(trails[0].get("LogFileValidationEnabled")),
            "delivery_error": status.get("LatestDeliveryError") or "",
        }

    def roles(self) -> list[dict[str, Any]]:
        return [self._role(role["RoleName"]) for role in self._pages("iam", "list_roles", "Roles") if self._is_ours(role["RoleName"])]

    def _role(self, name: str) -> dict[str, Any]:
        iam = self._client("iam")
        inline = iam.list_role_policies(RoleName=name)["PolicyNames"]
        return {
            "name": name,
            "boundary": iam.get_role(RoleName=name)["Role"].get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
            "attached": [
                policy["PolicyArn"] for policy in self._pages("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=name)
            ],
            "policies": [iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"] for policy in inline],
        }

    def users(self) -> list[dict[str, Any]]:
        """Users of the whole account: they have no place in the platform, whoever made them."""
        return [
            {"name": user["UserName"], "access_keys": self._access_keys(user["UserName"])}
            for user in self._pages("iam", "list_users", "Users")
        ]

    def _access_keys(self, user: str) -> list[dict[str, Any]]:
        iam, found = self._client("iam"), []
        for key in iam.list_access_keys(UserName=user)["AccessKeyMetadata"]:
            last = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"].get("LastUsedDate")
            moments = {"created": key["CreateDate"].isoformat(), "last_used": last.isoformat() if last else None}
            found.append({"id": key["AccessKeyId"], "status": key["Status"], **moments})
        return found

    def ingress(self, groups: Iterable[str]) -> list[dict[str, Any]]:
        filters = [{"Name": "group-id", "Values": sorted(groups)}]
        rules = self._pages("ec2", "describe_security_group_rules", "SecurityGroupRules", Filters=filters)
        return [
            {
                "group": rule["GroupId"],
                "source": rule.get("CidrIpv4") or rule.get("CidrIpv6"),  # None where another group or a list of AWS's is admitted
                "protocol": rule["IpProtocol"],
                "first": rule.get("FromPort", -1),
                "last": rule.get("ToPort", -1),
            }
            for rule in rules
            if not rule["IsEgress"]
        ]

    def log_groups(self) -> list[dict[str, Any]]:
        groups = self._pages("logs", "describe_log_groups", "logGroups")
        return [
            {"name": group["logGroupName"], "retention_days": group.get("retentionInDays"), "key": group.get("kmsKeyId")}
            for group in groups
            if self._is_ours(group["logGroupName"].rsplit("/", 1)[-1])
        ]

    def functions(self) -> list[dict[str, Any]]:
        names = [function["FunctionName"] for function in self._pages("lambda", "list_functions", "Functions")]
        return [self._function(name) for name in names if self._is_ours(name)]

    def _function(self, name: str) -> dict[str, Any]:
        policies = [self._function_policy(name, qualifier) for qualifier in (None, "live")]
        return {"name": name, "policy": {"Statement": [statement for policy in policies for statement in policy.get("Statement", [])]}}

    def _function_policy(self, name: str, qualifier: str | None) -> dict[str, Any]:
        parameters = {"FunctionName": name, **({"Qualifier": qualifier} if qualifier else {})}
        text = absent_is_none(lambda: self._client("lambda").get_policy(**parameters)["Policy"])
        return json.loads(text) if text else {}

    def _is_ours(self, name: str) -> bool:
        return name.startswith(self._prefix)


def absent_is_none(read: Callable[[], Any]) -> Any:
    """What `read` gives, or None where there is no such configuration."""
    try:
        return read()
    except ClientError as error:
        if error.response["Error"]["Code"] not in ABSENT:
            raise
        return None
