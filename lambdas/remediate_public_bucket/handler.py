"""Closes a bucket of the stack that somebody opened: public access blocked, the declared policy back."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError
from exposure import bucket_of, plan
from platform_common.objects import read_json
from platform_common.response import carry_out, succeeded

logger = Logger()
client = cache(boto3.client)
NONE_THERE = {"NoSuchBucketPolicy", "NoSuchPublicAccessBlockConfiguration"}


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Input: a CloudTrail event about a bucket's policy, ACL or public access block. Output: what was done, and its record."""
    declared = read_json(client("s3"), os.environ["BUCKET_POLICIES"])
    bucket = bucket_of(event)
    if not succeeded(event) or bucket not in declared:
        return carry_out(event, None, client, logger)
    policy = _or_none(lambda: client("s3").get_bucket_policy(Bucket=bucket)["Policy"])
    access = _or_none(lambda: client("s3").get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"])
    return carry_out(event, plan(bucket, declared[bucket], policy, access), client, logger)


def _or_none(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except ClientError as error:
        if error.response["Error"]["Code"] not in NONE_THERE:
            raise
        return None
