"""What of moto must be switched off because the authoriser judges instead, and what of IAM it leaves out by default."""

from __future__ import annotations

from typing import Any

from moto.core.config import default_user_config
from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket


def switch_off_bucket_policy_check() -> None:
    """moto reads bucket policies without their conditions: a policy that denies plain HTTP would deny every get and put."""

    def already_judged(bucket: FakeBucket, action: str, resource: str) -> PermissionResult:
        return PermissionResult.PERMITTED

    FakeBucket.get_permission = already_judged  # type: ignore[method-assign]


def load_aws_managed_policies(iam: Any) -> None:
    """The policies AWS itself manages (`arn:aws:iam::aws:policy/…`), which moto ships but does not load: 0.2 s."""
    if iam.aws_managed_policies:
        return
    default_user_config["iam"] = {"load_aws_managed_policies": True}
    iam.aws_managed_policies = iam._init_aws_policies()
    iam.managed_policies.update({policy.arn: policy for policy in iam.aws_managed_policies})
