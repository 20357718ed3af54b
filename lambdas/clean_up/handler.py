"""Finds what nobody uses any more, reports it with what it costs, and deletes it when told to."""

from __future__ import annotations

import json
import os
import secrets
from datetime import UTC, datetime
from typing import Any

import boto3
from account import Account
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from botocore.exceptions import ClientError
from findings import (
    DELETE,
    Finding,
    Limits,
    Stack,
    expired,
    idle_endpoints,
    old_versions,
    orphaned_log_groups,
    report,
    unused_configs,
    unused_models,
)
from platform_common.prices import AS_OF
from platform_common.reports import dollars, table, write_report

logger = Logger()
metrics = Metrics(namespace=os.environ["METRIC_NAMESPACE"], service="clean-up")
SERVICES = ("sagemaker", "cloudwatch", "dynamodb", "s3", "logs", "lambda", "stepfunctions", "resourcegroupstaggingapi")
clients = {service: boto3.client(service) for service in SERVICES}


@metrics.log_metrics
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Input: {} from the schedule (APPLY decides), or {"apply": true or false}. Output: the report and its URI. Fails when a deletion failed."""
    apply = event.get("apply", os.environ["APPLY"] == "true")
    if not isinstance(apply, bool):
        raise ValueError(f"apply: expected true or false, got {apply!r}")
    now = datetime.now(UTC)
    stack = Stack(os.environ["PROJECT"], os.environ["STACK"], os.environ["PREFIX"], json.loads(os.environ["MODELS"]))
    limits = Limits(now, int(os.environ["IDLE_HOURS"]), int(os.environ["KEEP_VERSIONS"]), int(os.environ["UNUSED_DAYS"]))
    account = Account(clients, stack, limits, os.environ["LEDGER_TABLE"])
    findings = find(account, stack, limits)
    outcomes = {each.id: delete(account, each) for each in findings if each.action == DELETE} if apply else {}
    document = report(findings, outcomes, stack, now, apply=apply)
    stem = f"{os.environ['REPORTS_PREFIX']}clean-up/{now:%Y/%m/%d}/{now:%H%M%S}-{secrets.token_hex(2)}"
    document["prices"] = AS_OF
    document["uri"] = uri = write_report(clients["s3"], os.environ["REPORTS_BUCKET"], stem, document, text(document))
    record(document)
    metrics.add_metric(name="CleanUpFindings", unit=MetricUnit.Count, value=len(findings))
    idle = sum(each.kind == "idle-endpoint" for each in findings)
    metrics.add_metric(name="IdleEndpoints", unit=MetricUnit.Count, value=idle)
    metrics.add_metric(name="CleanUpSaving", unit=MetricUnit.NoUnit, value=document["saving_monthly_usd"])
    logger.info("cleaned up", extra={key: document[key] for key in ("applied", "counts", "deleted", "failed", "uri")})
    if document["failed"]:
        raise RuntimeError(f"{document['failed']} of {len(outcomes)} deletions failed: see {uri}")
    return document


def find(account: Account, stack: Stack, limits: Limits) -> list[Finding]:
    """All findings, in the order in which they can be deleted."""
    endpoints = account.endpoints(stack.project)
    ours = [endpoint for endpoint in endpoints if endpoint["name"].startswith(f"{stack.prefix}-")]
    in_use = account.in_use(ours)
    configs = [finding for name in stack.models for finding in unused_configs(account.configs(name), in_use, stack, limits)]
    models = [model for name in stack.models for model in account.models(name)]
    unused = unused_models(models, in_use, stack, limits)
    unused_names = {each.id for each in unused}
    archives = {model["archive"] for model in models if model["name"] not in unused_names}
    bucket = os.environ["MODELS_BUCKET"]
    versions = [old_versions(account.versions(group, model, bucket), archives, limits) for group, model in stack.models.items()]
    with_expiry = [*({"arn": each["arn"], "tags": each["tags"], "fleet": each["fleet"]} for each in endpoints), *account.tagged()]
    return [
        *idle_endpoints(ours, stack, limits),
        *configs,
        *unused,
        *(finding for each in versions for finding in each),
        *orphaned_log_groups(account.log_groups(), stack, limits),
        *expired(with_expiry, stack, limits.now.date()),
    ]


def delete(account: Account, finding: Finding) -> str:
    """`deleted`, or the error that kept it: one failure does not keep the rest."""
    try:
        account.delete(finding)
    except (ClientError, RuntimeError) as error:
        logger.exception("not deleted", extra={"finding": finding.row()})
        return f"{type(error).__name__}: {error}"
    return "deleted"


def record(document: dict[str, Any]) -> None:
    """One ledger item a run: what was found, what is gone, where the report is."""
    clients["dynamodb"].put_item(
        TableName=os.environ["LEDGER_TABLE"],
        Item={
            "id": {"S": f"clean-up#{document['uri']}"},
            "kind": {"S": "clean-up"},
            "status": {"S": "failed" if document["failed"] else "succeeded"},
            "applied": {"BOOL": document["applied"]},
            "counts": {"S": json.dumps(document["counts"])},
            "deleted": {"N": str(document["deleted"])},
            "report": {"S": document["uri"]},
        },
    )


def text(document: dict[str, Any]) -> str:
    """The report for people."""
    what = "applied" if document["applied"] else "dry run: nothing was deleted"
    rows = [
        (row["kind"], row["id"], row["reason"], row["action"], dollars(row["monthly_usd"]), row["outcome"]) for row in document["findings"]
    ]
    findings = table(("kind", "what", "why", "action", "a month", "outcome"), rows) if rows else "Nothing to clean up."
    return (
        f"# Clean-up of stack {document['stack']}\n\n{document['created']}, {what}. "
        f"Saving: {dollars(document['saving_monthly_usd'])} a month ({document['prices']}).\n\n{findings}\n"
    )
