"""The month's cost by model and environment as AWS billed it, the cost of a prediction, and what a savings plan would save."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit, single_metric
from botocore.exceptions import ClientError
from costs import PLANS, Month, by_tag, model_rows, month_of, query, recommendation, totals
from platform_common.in_service import describe_endpoint
from platform_common.prices import AS_OF, HOURS_A_MONTH, instances_month
from platform_common.reports import dollars, table, write_report

logger = Logger()
metrics = Metrics(namespace=os.environ["METRIC_NAMESPACE"], service="cost-report")
sagemaker, cloudwatch, s3 = (boto3.client(service) for service in ("sagemaker", "cloudwatch", "s3"))
# Cost Explorer answers in one region for the whole account.
explorer = boto3.client("ce", region_name="us-east-1")
# AWS has no data yet (an account's first day), or this is the sandbox, where nothing is billed. Any other error is an error.
NO_BILL = ("DataUnavailableException", "UnsupportedOperation")


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Input: {} (the last whole month) or {"month": "YYYY-MM"}. Output: the report and its URI."""
    now = datetime.now(UTC)
    month = month_of(event, now)
    models: dict[str, str] = json.loads(os.environ["MODELS"])  # endpoint → model
    stack: dict[str, str] = json.loads(os.environ["STACK_TAGS"])
    billed, environments, plans, reason = None, None, [], ""
    try:
        billed = by_tag(bill(query(month, "Model", stack)))
        environments = by_tag(bill(query(month, "Environment", {"Project": stack["Project"]})))
        plans = savings_plans() if os.environ["SAVINGS_PLANS"] == "true" else []
    except ClientError as error:
        if error.response["Error"]["Code"] not in NO_BILL:
            raise
        reason = error.response["Error"]["Message"]
        logger.warning("no bill", extra={"reason": reason})
    names = sorted(models.values())
    counted = {model: predictions(model, month) for model in names}
    hosting = {model: hosting_cost(endpoint, month, now) for endpoint, model in models.items()}
    document = {
        "schema": 1,
        "stack": os.environ["STACK"],
        "month": month.name,
        "created": now.isoformat(timespec="seconds"),
        "billed": {
            "available": billed is not None,
            "reason": reason,
            "by_model": totals(billed) if billed is not None else {},
            "by_model_and_service": billed or {},
            "by_environment": totals(environments) if environments is not None else {},
        },
        "models": model_rows(names, totals(billed) if billed is not None else None, hosting, counted),
        "savings_plans": plans,
        "prices": AS_OF,
    }
    stem = f"{os.environ['REPORTS_PREFIX']}cost/{month.name}"
    document["uri"] = write_report(s3, os.environ["REPORTS_BUCKET"], stem, document, text(document))
    put_metrics(document)
    logger.info("cost reported", extra={"month": month.name, "billed": billed is not None, "uri": document["uri"]})
    return document


def bill(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All pages of GetCostAndUsage."""
    token: dict[str, str] = {}
    while True:
        page = explorer.get_cost_and_usage(**request, **token)
        yield page
        if not page.get("NextPageToken"):
            return
        token = {"NextPageToken": page["NextPageToken"]}


def savings_plans() -> list[dict[str, Any]]:
    """What AWS recommends to buy for one year without payment in advance, from the last 30 days."""
    terms = {"TermInYears": "ONE_YEAR", "PaymentOption": "NO_UPFRONT", "LookbackPeriodInDays": "THIRTY_DAYS"}
    return [
        recommendation(kind, explorer.get_savings_plans_purchase_recommendation(SavingsPlansType=kind, **terms))  # type: ignore[arg-type]
        for kind in PLANS
    ]


def predictions(model: str, month: Month) -> dict[str, float]:
    """Predictions of the month by model version. CloudWatch lists metrics of the last two weeks: an older version shows while it answers."""
    of_model = {"Name": "service", "Value": model}
    namespace = os.environ["MODELS_NAMESPACE"]
    pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace=namespace, MetricName="Predictions", Dimensions=[of_model])
    found: dict[str, float] = {}
    for metric in (metric for page in pages for metric in page["Metrics"]):
        version = next((each["Value"] for each in metric["Dimensions"] if each["Name"] == "ModelVersion"), "")
        answer = cloudwatch.get_metric_statistics(
            Namespace=namespace,
            MetricName="Predictions",
            Dimensions=metric["Dimensions"],
            StartTime=month.start,
            EndTime=month.end,
            Period=int(timedelta(days=1).total_seconds()),
            Statistics=["Sum"],
        )
        count = sum(point["Sum"] for point in answer["Datapoints"])
        if count:
            found[version] = found.get(version, 0.0) + count
    return found


def hosting_cost(endpoint: str, month: Month, now: datetime) -> float | None:
    """The endpoint's instances by list price, for the hours of the month since it was made; None where there is no endpoint or no price."""
    described = describe_endpoint(sagemaker, endpoint)
    if described is None:
        return None
    variants = described.get("ProductionVariants", [])
    counts = {each["VariantName"]: each.get("CurrentInstanceCount", 0) for each in variants}
    config = sagemaker.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
    fleet = [(each.get("InstanceType", "serverless"), counts.get(each["VariantName"], 0)) for each in config["ProductionVariants"]]
    monthly = instances_month(fleet)
    return None if monthly is None else round(monthly / HOURS_A_MONTH * month.hours_until(now, described["CreationTime"]), 4)


def put_metrics(document: dict[str, Any]) -> None:
    """Cost and cost per prediction by model; billed where AWS tells, else by list price, and never one under the other's name."""
    namespace = os.environ["METRIC_NAMESPACE"]
    for row in document["models"]:
        for name, key in (
            ("BilledCost", "billed_usd"),
            ("BilledCostPerPrediction", "billed_per_prediction_usd"),
            ("HostingListPrice", "hosting_list_price_usd"),
            ("HostingListPricePerPrediction", "hosting_per_prediction_usd"),
        ):
            if row[key] is not None:
                with single_metric(name=name, unit=MetricUnit.NoUnit, value=row[key], namespace=namespace) as metric:
                    metric.add_dimension(name="Model", value=row["model"])


def text(document: dict[str, Any]) -> str:
    """The report for people."""
    billed = document["billed"]
    parts = [f"# Cost of {document['month']}, stack {document['stack']}"]
    if billed["available"]:
        parts += ["## By environment", table(("environment", "billed"), ((k, dollars(v)) for k, v in billed["by_environment"].items()))]
        parts += ["## By model", table(("model", "billed"), ((k, dollars(v)) for k, v in billed["by_model"].items()))]
    else:
        parts.append(f"AWS told no costs: {billed['reason']}")
    rows = [
        (
            row["model"],
            f"{row['predictions']:.0f}",
            dollars(row["billed_per_prediction_usd"]),
            dollars(row["hosting_list_price_usd"]),
            dollars(row["hosting_per_prediction_usd"]),
        )
        for row in document["models"]
    ]
    header = ("model", "predictions", "billed per prediction", "endpoint by list price", "endpoint per prediction")
    parts += [f"## By prediction\n\nList prices: {document['prices']}.", table(header, rows)]
    if document["savings_plans"]:
        plans = [
            (each["plan"], dollars(each["hourly_commitment_usd"]), dollars(each["saving_monthly_usd"]), f"{each['saving_percent']:.0f} %")
            for each in document["savings_plans"]
        ]
        parts += [
            "## Savings plans (one year, no upfront)",
            table(("plan", "commitment an hour", "saving a month", "saving"), plans),
        ]
    return "\n\n".join(parts) + "\n"
