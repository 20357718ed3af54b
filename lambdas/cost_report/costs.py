"""From Cost Explorer's answers and the predictions' metric to costs by model, environment and prediction. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

UNTAGGED = "(without the tag)"
MOST_HOURS = 24 * 15  # CloudWatch lists metrics of two weeks
PLANS = {"SAGEMAKER_SP": "SageMaker", "COMPUTE_SP": "Compute (Lambda, Fargate, EC2)"}


@dataclass(frozen=True)
class Window:
    """A time in UTC; `end` is the first moment after it."""

    start: datetime
    end: datetime

    def hours_until(self, now: datetime, since: datetime) -> float:
        """Hours of the window from `since` on, up to now."""
        return max(0.0, (min(self.end, now) - max(self.start, since)).total_seconds() / 3600)


@dataclass(frozen=True)
class Month(Window):
    """A calendar month."""

    @property
    def name(self) -> str:
        return f"{self.start:%Y-%m}"


@dataclass(frozen=True)
class Fleet:
    """The instances of a production variant and the model version on them; `hour_usd` is None for a type without a known price."""

    variant: str
    version: str
    instances: int
    hour_usd: float | None


def month_of(event: Mapping[str, Any], now: datetime) -> Month:
    """The month of {"month": "2026-10"}, or the last whole month. ValueError for anything else, and for a month to come."""
    text = event.get("month")
    if text is None:
        first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        year, number = (first.year - 1, 12) if first.month == 1 else (first.year, first.month - 1)
    else:
        match = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", str(text))
        if not match:
            raise ValueError(f"month: expected YYYY-MM, got {text!r}")
        year, number = int(match[1]), int(match[2])
    start = datetime(year, number, 1, tzinfo=UTC)
    end = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    if start > now:
        raise ValueError(f"month: {year}-{number:02} is still to come")
    return Month(start, end)


def hours_of(event: Mapping[str, Any]) -> int | None:
    """The hours of {"hours": 24}; None for an event about a month. ValueError for anything that CloudWatch has no hourly data of."""
    hours = event.get("hours")
    if hours is None:
        return None
    if "month" in event or not isinstance(hours, int) or isinstance(hours, bool) or not 1 <= hours <= MOST_HOURS:
        raise ValueError(f"hours: expected a whole number from 1 to {MOST_HOURS}, and no month beside it; got {hours!r}")
    return hours


def version_rows(fleets: Sequence[Fleet], predictions: Mapping[str, float], hours: float) -> list[dict[str, Any]]:
    """One row a version that answered: its predictions and what its variant's instances cost by list price, each.

    Versions of one variant share its instances in the order in which they came, so their predictions cost the same. A version that is on no
    variant any more was on the first one, which deployments replace. What a variant costs that answered nothing is in no row.
    """
    on = {fleet.version: fleet for fleet in fleets}
    replaced = fleets[0] if fleets else None
    shares: dict[str, float] = {}
    for version, count in predictions.items():
        fleet = on.get(version, replaced)
        if fleet is not None:
            shares[fleet.variant] = shares.get(fleet.variant, 0.0) + count
    rows = []
    for version, count in sorted(predictions.items()):
        fleet = on.get(version, replaced)
        dollars = None if fleet is None or fleet.hour_usd is None else fleet.hour_usd * fleet.instances * hours
        of_variant = shares[fleet.variant] if fleet is not None else 0.0
        rows.append({"version": version, "predictions": count, "list_price_per_prediction_usd": per_prediction(dollars, of_variant)})
    return rows


def query(month: Month, tag: str, filters: Mapping[str, str]) -> dict[str, Any]:
    """GetCostAndUsage's request: a month's cost by a tag and by service, of what carries the tags `filters`."""
    wanted: list[dict[str, Any]] = [{"Tags": {"Key": key, "Values": [value]}} for key, value in filters.items()]
    return {
        "TimePeriod": {"Start": f"{month.start:%Y-%m-%d}", "End": f"{month.end:%Y-%m-%d}"},
        "Granularity": "MONTHLY",
        "Metrics": ["UnblendedCost"],
        "GroupBy": [{"Type": "TAG", "Key": tag}, {"Type": "DIMENSION", "Key": "SERVICE"}],
        "Filter": wanted[0] if len(wanted) == 1 else {"And": wanted},
    }


def by_tag(pages: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Tag value → service → US dollars, of GetCostAndUsage's pages. What carries no such tag is under its own name, not lost."""
    found: dict[str, dict[str, float]] = {}
    for page in pages:
        for result in page["ResultsByTime"]:
            for group in result["Groups"]:
                tag, service = group["Keys"]
                value = tag.partition("$")[2] or UNTAGGED
                cost = group["Metrics"]["UnblendedCost"]
                if cost["Unit"] != "USD":
                    raise ValueError(f"expected costs in USD, got {cost['Unit']}")
                services = found.setdefault(value, {})
                services[service] = services.get(service, 0.0) + float(cost["Amount"])
    return found


def totals(costs: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Tag value → US dollars."""
    return {value: round(sum(services.values()), 6) for value, services in sorted(costs.items())}


def per_prediction(dollars: float | None, predictions: float) -> float | None:
    """Dollars a prediction; None without a cost, and without a prediction."""
    return dollars / predictions if dollars is not None and predictions else None


def recommendation(kind: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    """One line of GetSavingsPlansPurchaseRecommendation; without a recommendation AWS saw nothing that a plan would make cheaper."""
    summary = answer.get("SavingsPlansPurchaseRecommendation", {}).get("SavingsPlansPurchaseRecommendationSummary", {})
    return {
        "plan": PLANS[kind],
        "hourly_commitment_usd": float(summary.get("HourlyCommitmentToPurchase") or 0.0),
        "saving_monthly_usd": float(summary.get("EstimatedMonthlySavingsAmount") or 0.0),
        "saving_percent": float(summary.get("EstimatedSavingsPercentage") or 0.0),
        "on_demand_usd": float(summary.get("CurrentOnDemandSpend") or 0.0),
    }


def model_rows(
    models: Sequence[str],
    billed: Mapping[str, float] | None,
    hosting: Mapping[str, float | None],
    predictions: Mapping[str, Mapping[str, float]],
) -> list[dict[str, Any]]:
    """One row a model: what AWS billed (None when it does not tell), the endpoint by list price, and each per prediction."""
    rows = []
    for model in models:
        count = sum(predictions.get(model, {}).values())
        cost = billed.get(model, 0.0) if billed is not None else None
        rows.append(
            {
                "model": model,
                "predictions": count,
                "predictions_by_version": dict(predictions.get(model, {})),
                "billed_usd": cost,
                "billed_per_prediction_usd": per_prediction(cost, count),
                "hosting_list_price_usd": hosting.get(model),
                "hosting_per_prediction_usd": per_prediction(hosting.get(model), count),
            }
        )
    return rows
