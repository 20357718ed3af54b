"""What of moto must be switched off because the authoriser judges instead."""

from __future__ import annotations

from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket


def switch_off_bucket_policy_check() -> None:
    """moto reads bucket policies without their conditions: a policy that denies plain HTTP would deny every get and put."""

    def already_judged(bucket: FakeBucket, action: str, resource: str) -> PermissionResult:
        return PermissionResult.PERMITTED

    FakeBucket.get_permission = already_judged  # type: ignore[method-assign]
