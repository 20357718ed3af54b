"""Takes all rights from a role or user of the stack that a finding names, whose rights somebody changed, or whose key is public."""

from __future__ import annotations

import json
import os
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from platform_common.response import Plan, carry_out, succeeded
from quarantine import Subject, exposed_keys, may_be_quarantined, plan, subject_of, together

logger = Logger()
client = cache(boto3.client)


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Input: a GuardDuty finding, a CloudTrail event about a role's or user's rights, or AWS Health's word on exposed keys.

    Output: what was done, and its record.
    """
    keys = exposed_keys(event)
    subjects = [_owner(key) for key in keys] if keys else [subject_of(event)]
    ours = [each for each in subjects if each and may_be_quarantined(each, os.environ["STACK"], json.loads(os.environ["SPARED"]))]
    return carry_out(event, together([_plan(subject) for subject in ours]) if succeeded(event) else None, client, logger)


def _owner(key: str) -> Subject | None:
    """None for a key of the root user, which nobody can deactivate but the root user: people are told by a rule of its own."""
    user = client("iam").get_access_key_last_used(AccessKeyId=key).get("UserName")
    return Subject("user", user, key) if user else None


def _plan(subject: Subject) -> Plan:
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
    return plan(arn, subject, os.environ["QUARANTINE_POLICY"], [policy["PolicyArn"] for policy in attached], active)
