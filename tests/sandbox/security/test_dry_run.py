"""With dry-run the responses change nothing and say what they would have done."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from .test_responses import OPEN, PUBLIC, attached, give_rights, role_of, stack_group, world_rules

pytestmark = [pytest.mark.sandbox, pytest.mark.spec("SEC-7c")]


@pytest.fixture
def put_back(watching: Any) -> Iterator[None]:
    """Other tests audit the same stack: it is left as it was deployed."""
    s3, ec2, iam, prefix = watching.client("s3"), watching.client("ec2"), watching.client("iam"), watching.outputs["prefix"]
    bucket = watching.outputs["buckets"]["raw"]
    policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    access = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    yield
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=access)
    ec2.revoke_security_group_ingress(GroupId=stack_group(watching), IpPermissions=OPEN)
    kms = watching.client("kms")
    kms.enable_key(KeyId=kms.describe_key(KeyId=f"alias/{prefix}-data")["KeyMetadata"]["KeyId"])
    iam.delete_role_policy(RoleName=f"{prefix}-watched", PolicyName="more")
    iam.delete_role(RoleName=f"{prefix}-watched")
    watching.client("cloudtrail").start_logging(Name=f"{prefix}-trail")


@pytest.mark.usefixtures("put_back")
def test_nothing_is_changed_and_the_records_say_what_would_have_been(watching: Any, until: Any) -> None:
    s3, prefix = watching.client("s3"), watching.outputs["prefix"]
    bucket, group = watching.outputs["buckets"]["raw"], stack_group(watching)
    key = watching.client("kms").describe_key(KeyId=f"alias/{prefix}-data")["KeyMetadata"]["Arn"]
    role = role_of(watching, f"{prefix}-watched")
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(PUBLIC))
    watching.client("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=OPEN)
    watching.client("kms").disable_key(KeyId=key)
    give_rights(watching, role)
    watching.client("cloudtrail").stop_logging(Name=f"{prefix}-trail")
    cases = {
        "bucket exposed": bucket,
        "security group opened": group,
        "key disabled or to be deleted": key,
        "rights abused or changed": role,
        "trail tampered with": "trail",
    }
    for case, resource in cases.items():
        found = until(lambda case=case, resource=resource: watching.records(case, resource))
        assert {record["status"] for record in found} == {"dry-run"} and found[0]["actions"], case
    time.sleep(1)
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == PUBLIC
    assert world_rules(watching, group) and attached(watching, role) == []
    assert watching.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"
    assert watching.client("cloudtrail").get_trail_status(Name=f"{prefix}-trail")["IsLogging"] is False
    assert "dry-run" in watching.told("would have been done")["Subject"]
