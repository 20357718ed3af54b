"""Takes all rights from a role or user of the stack that a finding names or whose rights somebody changed."""

from __future__ import annotations

import json
import os
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from platform_common.response import carry_out, succeeded
from quarantine import may_be_quarantined, plan, subject_of

logger = Logger()
client = cache(boto3.client)


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Input: a GuardDuty finding, or a CloudTrail event about a role's or user's rights. Output: what was done, and its record."""
    subject = subject_of(event)
    if not succeeded(event) or subject is None or not may_be_quarantined(subject, os.environ["STACK"], json.loads(os.environ["SPARED"])):
        return carry_out(event, None, client, logger)
    iam = client("iam")
    if subject.kind == "role":
        attached = iam.list_attached_role_policies(RoleName=subject.name)["AttachedPolicies"]
    else:
        attached = iam.list_attached_user_policies(UserName=subject.name)["AttachedPolicies"]
    active = False
    if subject.access_key:
        keys = iam.list_access_keys(UserName=subject.name)["AccessKeyMetadata"]
        active = any(key["AccessKeyId"] == subject.access_key and key["Status"] == "Active" for key in keys)
    arn = f"arn:{os.environ['PARTITION']}:iam::{os.environ['ACCOUNT']}:{subject.kind}/{subject.name}"
    found = plan(arn, subject, os.environ["QUARANTINE_POLICY"], [policy["PolicyArn"] for policy in attached], active)
    return carry_out(event, found, client, logger)
