"""The month's cost by model and environment as AWS billed it, the cost of a prediction, and what a savings plan would save."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError
from costs import PLANS, Fleet, Month, Window, by_tag, hours_of, model_rows, month_of, query, recommendation, totals, version_rows
from platform_common import embedded_metrics, metric_sums
from platform_common.in_service import describe_endpoint
from platform_common.prices import AS_OF, HOURS_A_MONTH, INSTANCE_HOUR, instances_month
from platform_common.reports import dollars, table, write_report

logger = Logger()
sagemaker, cloudwatch, s3 = (boto3.client(service) for service in ("sagemaker", "cloudwatch", "s3"))
# Cost Explorer answers in one region for the whole account.
explorer = boto3.client("ce", region_name="us-east-1")
PRIMARY = "primary"  # the variant of every deployment; an A/B test adds another
# AWS has no data yet (an account's first day), or this is the sandbox, where nothing is billed. Any other error is an error.
NO_BILL = ("DataUnavailableException", "UnsupportedOperation")


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Input: {} (the last whole month), {"month": "YYYY-MM"}, or {"hours": 24} for what a prediction of each version cost in the last hours.

    Output: the report and its URI; of the last hours one row a model, and metrics.
    """
    now = datetime.now(UTC)
    models: dict[str, str] = json.loads(os.environ["MODELS"])  # endpoint → model
    hours = hours_of(event)
    if hours is not None:
        return lately(models, Window(now - timedelta(hours=hours), now), now)
    month = month_of(event, now)
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


def lately(models: dict[str, str], window: Window, now: datetime) -> dict[str, Any]:
    """Instance hours of each model and the cost of a prediction of each of its versions, by list price: a bill is a day behind and knows no versions."""
    namespace, rows = os.environ["METRIC_NAMESPACE"], []
    for endpoint, model in models.items():
        fleets, since = fleet(endpoint)
        hours = window.hours_until(now, since) if since else 0.0
        versions = version_rows(fleets, predictions(model, window, timedelta(hours=1)), hours)
        instance_hours = round(sum(each.instances for each in fleets) * hours, 4)
        rows.append({"model": model, "instance_hours": instance_hours, "versions": versions})
        embedded_metrics.put(namespace, {"InstanceHours": instance_hours}, [{"Model": model}])
        for row in versions:
            if row["list_price_per_prediction_usd"] is not None:
                cost = {"CostPerPrediction": row["list_price_per_prediction_usd"]}
                embedded_metrics.put(namespace, cost, [{"Model": model, "ModelVersion": row["version"]}])
    logger.info("unit costs", extra={"hours": round((window.end - window.start).total_seconds() / 3600), "models": rows})
    return {"schema": 1, "stack": os.environ["STACK"], "start": window.start.isoformat(), "end": window.end.isoformat(), "models": rows}


def fleet(endpoint: str) -> tuple[list[Fleet], datetime | None]:
    """The endpoint's variants, the one that deployments replace first, and since when it is there; nothing where there is none."""
    described = describe_endpoint(sagemaker, endpoint)
    if described is None:
        return [], None
    counts = {each["VariantName"]: each.get("CurrentInstanceCount", 0) for each in described.get("ProductionVariants", [])}
    config = sagemaker.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
    fleets = []
    for each in config["ProductionVariants"]:
        container = sagemaker.describe_model(ModelName=each["ModelName"])["PrimaryContainer"]
        version = container.get("Environment", {}).get("MODEL_VERSION", "")
        price = INSTANCE_HOUR.get(each.get("InstanceType", "serverless"))
        fleets.append(Fleet(each["VariantName"], version, counts.get(each["VariantName"], 0), price))
    return sorted(fleets, key=lambda each: each.variant != PRIMARY), described["CreationTime"]


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


def predictions(model: str, window: Window, period: timedelta = timedelta(days=1)) -> dict[str, float]:
    """Predictions of a time by model version. CloudWatch lists metrics of the last two weeks: an older version shows while it answers."""
    of_model = {"Name": "service", "Value": model}
    namespace = os.environ["MODELS_NAMESPACE"]
    pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace=namespace, MetricName="Predictions", Dimensions=[of_model])
    found: dict[str, float] = {}
    for metric in (metric for page in pages for metric in page["Metrics"]):
        version = next((each["Value"] for each in metric["Dimensions"] if each["Name"] == "ModelVersion"), None)
        if version is None:
            continue  # of all versions together
        dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
        number = metric_sums.total(cloudwatch, namespace, "Predictions", dimensions, window.start, window.end, period)
        if number:
            found[version] = found.get(version, 0.0) + number
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
    names = {
        "BilledCost": "billed_usd",
        "BilledCostPerPrediction": "billed_per_prediction_usd",
        "HostingListPrice": "hosting_list_price_usd",
        "HostingListPricePerPrediction": "hosting_per_prediction_usd",
    }
    for row in document["models"]:
        known = {name: row[key] for name, key in names.items() if row[key] is not None}
        embedded_metrics.put(os.environ["METRIC_NAMESPACE"], known, [{"Model": row["model"]}])


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
