"""Which requests bring a bucket back to what the stack declared for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from platform_common.response import Action, Plan

PRIVATE = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
CASE = "bucket exposed"


def bucket_of(event: Mapping[str, Any]) -> str:
    return str(event["detail"]["requestParameters"]["bucketName"])


def plan(bucket: str, declared: str, policy: str | None, public_access: Mapping[str, bool] | None) -> Plan:
    """`declared` is the policy the program gave the bucket; `policy` and `public_access` are what it has now, None where it has none."""
    actions = []
    if {name: bool((public_access or {}).get(name)) for name in PRIVATE} != PRIVATE:
        undo = "a bucket of the stack is never public; change the program if this one has to be"
        parameters = {"Bucket": bucket, "PublicAccessBlockConfiguration": PRIVATE}
        actions.append(Action(f"public access to {bucket} is blocked again", "s3", "put_public_access_block", parameters, undo))
    if policy is None or json.loads(policy) != json.loads(declared):
        undo = "the policy as it was is in this record under `before`; `pulumi up` with a changed program is the way to change it"
        parameters = {"Bucket": bucket, "Policy": declared}
        actions.append(Action(f"the policy of {bucket} is the declared one again", "s3", "put_bucket_policy", parameters, undo))
    before = {"policy": json.loads(policy) if policy else None, "public_access": dict(public_access) if public_access else None}
    return Plan(CASE, f"arn:aws:s3:::{bucket}", actions, before)
