"""Brings the stack's audit trail back when somebody stops, deletes or changes it."""

from __future__ import annotations

import json
import os
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from platform_common.response import carry_out, succeeded
from trail import plan

logger = Logger()
client = cache(boto3.client)


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Input: a CloudTrail event about a trail. Output: what was done, and its record."""
    declared, arn = json.loads(os.environ["TRAIL"]), os.environ["TRAIL_ARN"]
    asked = event["detail"]["requestParameters"] or {}
    named = asked.get("name") or asked.get("trailName") or ""
    if not succeeded(event) or named not in (arn, declared["settings"]["Name"]):
        return carry_out(event, None, client, logger)
    cloudtrail = client("cloudtrail")
    trails = cloudtrail.describe_trails(trailNameList=[arn], includeShadowTrails=False)["trailList"]
    selectors: list[dict[str, Any]] = []
    is_logging = False
    if trails:
        selectors = cloudtrail.get_event_selectors(TrailName=arn).get("AdvancedEventSelectors") or []
        is_logging = bool(cloudtrail.get_trail_status(Name=arn)["IsLogging"])
    found = plan(arn, declared["settings"], declared["selectors"], trails[0] if trails else None, selectors, is_logging)
    return carry_out(event, found, client, logger)
