"""Keeps the stack's keys: a deletion is cancelled, a disabled key enabled, rotation switched on again."""

from __future__ import annotations

import json
import os
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from platform_common.response import carry_out, succeeded
from rescue import is_ours, key_of, plan

logger = Logger()
client = cache(boto3.client)


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Input: a CloudTrail event about a key. Output: what was done, and its record."""
    arn = is_ours(key_of(event), json.loads(os.environ["KEYS"]))
    if not succeeded(event) or arn is None:
        return carry_out(event, None, client, logger)
    state = client("kms").describe_key(KeyId=arn)["KeyMetadata"]["KeyState"]
    rotates = client("kms").get_key_rotation_status(KeyId=arn)["KeyRotationEnabled"] if state == "Enabled" else None
    return carry_out(event, plan(arn, state, rotates, int(os.environ["ROTATION_DAYS"])), client, logger)
