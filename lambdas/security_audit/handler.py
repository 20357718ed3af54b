"""Checks the stack's real state against what it should be, and reports."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from checks import counts, findings, markdown, report
from facts import Collector

logger = Logger()
client = cache(boto3.client)


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Input: anything. Output: the report with its findings, and where it is kept (JSON and Markdown)."""
    stack, now, environment = os.environ["STACK"], datetime.now(UTC), os.environ
    collector, stands = Collector(client, stack), json.loads(environment["RESOURCES"])
    facts = {
        "boundary": environment["BOUNDARY"] == "true",
        "buckets": collector.buckets(stands["buckets"]),
        "keys": collector.keys(stands["keys"]),
        "trail": collector.trail(stands["trail"]),
        "roles": collector.roles(),
        "users": collector.users(),
        "ingress": collector.ingress(arn.rsplit("/", 1)[-1] for arn in stands["security_groups"]),
        "log_groups": collector.log_groups(),
        "functions": collector.functions(),
    }
    found = findings(facts, now, int(environment["UNUSED_DAYS"]))
    checked = {kind: len(facts[kind]) for kind in ("buckets", "keys", "roles", "users", "log_groups", "functions")}
    document = report(stack, now, checked, found)
    key = f"{environment['REPORT_PREFIX']}date={now:%Y-%m-%d}/{now:%H%M%S}-{os.urandom(3).hex()}"
    write(f"{key}.json", json.dumps(document, indent=1), "application/json")
    write(f"{key}.md", markdown(document), "text/markdown")
    put_metrics(counts(found))
    logger.info("audited", extra={"counts": document["counts"], "report": key})
    return {**document, "report": f"s3://{environment['AUDIT_BUCKET']}/{key}.json"}


def write(key: str, text: str, content_type: str) -> None:
    client("s3").put_object(Bucket=os.environ["AUDIT_BUCKET"], Key=key, Body=text.encode(), ContentType=content_type, IfNoneMatch="*")


def put_metrics(counted: dict[str, int]) -> None:
    data = [
        {"MetricName": "findings", "Dimensions": [{"Name": "Severity", "Value": severity}], "Value": float(number), "Unit": "Count"}
        for severity, number in counted.items()
    ]
    client("cloudwatch").put_metric_data(Namespace=os.environ["METRIC_NAMESPACE"], MetricData=data)
