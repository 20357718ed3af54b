"""What of moto must be switched off because the authoriser judges instead, and what of IAM it leaves out by default."""

from __future__ import annotations

import json
from typing import Any

from moto.iam.access_control import PermissionResult
from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import SERVICE_NAME_CONVERSION, AWSManagedPolicy
from moto.s3.models import FakeBucket


def switch_off_bucket_policy_check() -> None:
    """moto reads bucket policies without their conditions: a policy that denies plain HTTP would deny every get and put."""

    def already_judged(bucket: FakeBucket, action: str, resource: str) -> PermissionResult:
        return PermissionResult.PERMITTED

    FakeBucket.get_permission = already_judged  # type: ignore[method-assign]


def name_service_linked_roles() -> None:
    """Names as AWS gives them, of services whose name moto would not capitalise."""
    SERVICE_NAME_CONVERSION["config"] = "Config"


def load_aws_managed_policies(iam: Any) -> None:
    """The policies AWS itself manages (`arn:aws:iam::aws:policy/…`), which moto ships but does not load: 0.2 s.

    moto's own switch would load them once more for every partition.
    """
    if iam.aws_managed_policies:
        return
    policies = json.loads(aws_managed_policies_data)
    iam.aws_managed_policies = [AWSManagedPolicy.from_data(name, iam.account_id, iam.region_name, data) for name, data in policies.items()]
    iam.managed_policies.update({policy.arn: policy for policy in iam.aws_managed_policies})
