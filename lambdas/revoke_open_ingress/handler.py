"""Revokes rules that open a security group of the stack to the whole world."""

from __future__ import annotations

import json
import os
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from ingress import groups_of, plan
from platform_common.response import carry_out, succeeded

logger = Logger()
client = cache(boto3.client)


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Input: a CloudTrail event about security group rules. Output: what was done, and its record."""
    ours: dict[str, str] = {arn.rsplit("/", 1)[-1]: arn for arn in json.loads(os.environ["SECURITY_GROUPS"])}
    group = next(iter(sorted(groups_of(event) & set(ours))), None)
    if not succeeded(event) or group is None:
        return carry_out(event, None, client, logger)
    pages = client("ec2").get_paginator("describe_security_group_rules").paginate(Filters=[{"Name": "group-id", "Values": [group]}])
    rules = [rule for page in pages for rule in page["SecurityGroupRules"]]
    return carry_out(event, plan(ours[group], group, rules), client, logger)
