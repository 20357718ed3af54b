"""The cost report's arithmetic, over answers built after Cost Explorer's API reference."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from tests.workload.test_deployment_functions import load

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
costs: ModuleType = load("cost_report", "costs")


def group(tag: str, service: str, amount: str) -> dict[str, Any]:
    return {"Keys": [tag, service], "Metrics": {"UnblendedCost": {"Amount": amount, "Unit": "USD"}}}


def page(*groups: dict[str, Any]) -> dict[str, Any]:
    period = {"Start": "2025-12-01", "End": "2026-01-01"}
    return {"ResultsByTime": [{"TimePeriod": period, "Total": {}, "Groups": list(groups), "Estimated": False}]}


@pytest.mark.spec("COST-5b", "COST-5c")
def test_costs_are_told_apart_by_tag_over_all_pages_and_nothing_is_lost() -> None:
    first = page(group("Model$flights", "Amazon SageMaker", "40.5"), group("Model$", "AWS Lambda", "1.25"))
    found = costs.by_tag([first, page(group("Model$flights", "AWS Lambda", "0.5"), group("Model$flights", "Amazon SageMaker", "0.5"))])
    assert costs.totals(found) == {"(without the tag)": 1.25, "flights": 41.5}
    assert found["flights"] == {"Amazon SageMaker": 41.0, "AWS Lambda": 0.5}


def test_the_last_whole_month_is_the_default_over_the_turn_of_the_year() -> None:
    assert costs.month_of({}, NOW).name == "2025-12"
    december = costs.month_of({"month": "2025-12"}, NOW)
    assert (december.start, december.end) == (datetime(2025, 12, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
    for wrong in ("2026-02", "2025-13", "december", 7):
        with pytest.raises(ValueError, match="month:"):
            costs.month_of({"month": wrong}, NOW)


def test_a_request_asks_for_all_tags_together() -> None:
    request = costs.query(costs.month_of({}, NOW), "Model", {"Project": "mlops", "Stack": "dev"})
    assert request["TimePeriod"] == {"Start": "2025-12-01", "End": "2026-01-01"}
    assert request["Filter"]["And"] == [{"Tags": {"Key": "Project", "Values": ["mlops"]}}, {"Tags": {"Key": "Stack", "Values": ["dev"]}}]


@pytest.mark.spec("COST-3b")
def test_a_prediction_costs_the_models_bill_divided_by_its_predictions() -> None:
    (row, idle) = costs.model_rows(["flights", "other"], {"flights": 41.5}, {"flights": 40.88}, {"flights": {"3": 4000.0, "4": 150.0}})
    assert row["billed_per_prediction_usd"] == pytest.approx(0.01)
    assert (idle["billed_usd"], idle["billed_per_prediction_usd"]) == (0.0, None)
    (unknown,) = costs.model_rows(["flights"], None, {}, {"flights": {"3": 10.0}})
    assert unknown["billed_usd"] is None and unknown["billed_per_prediction_usd"] is None


PLAN = {
    "SavingsPlansPurchaseRecommendation": {
        "SavingsPlansType": "SAGEMAKER_SP",
        "SavingsPlansPurchaseRecommendationSummary": {
            "HourlyCommitmentToPurchase": "0.112",
            "EstimatedMonthlySavingsAmount": "31.5",
            "EstimatedSavingsPercentage": "27.3",
            "CurrentOnDemandSpend": "115.2",
        },
    }
}


@pytest.fixture
def report(aws: None, function: Callable[..., ModuleType]) -> ModuleType:
    boto3.client("s3").create_bucket(Bucket="the-reports", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return function(
        "cost_report",
        STACK="prod",
        STACK_TAGS=json.dumps({"Project": "mlops", "Stack": "prod"}),
        MODELS=json.dumps({"mlops-prod-flights": "flights"}),
        MODELS_NAMESPACE="mlops-prod/models",
        METRIC_NAMESPACE="mlops-prod/cost",
        REPORTS_BUCKET="the-reports",
        REPORTS_PREFIX="reports/",
        SAVINGS_PLANS="true",
    )


@pytest.mark.spec("COST-1c", "COST-1d", "COST-7b")
def test_the_report_holds_bill_environments_and_savings_plans(report: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "hosting_cost", lambda *_: None)
    answers = Stubber(report.explorer)

    def asked(tag: str, *filters: tuple[str, str], **more: str) -> dict[str, Any]:
        tags = [{"Tags": {"Key": key, "Values": [value]}} for key, value in filters]
        return {
            "TimePeriod": {"Start": "2025-12-01", "End": "2026-01-01"},
            "Granularity": "MONTHLY",
            "Metrics": ["UnblendedCost"],
            "Filter": {"And": tags} if len(tags) > 1 else tags[0],
            "GroupBy": [{"Type": "TAG", "Key": tag}, {"Type": "DIMENSION", "Key": "SERVICE"}],
            **more,
        }

    stack = (("Project", "mlops"), ("Stack", "prod"))
    first = {**page(group("Model$flights", "Amazon SageMaker", "30")), "NextPageToken": "more"}
    answers.add_response("get_cost_and_usage", first, asked("Model", *stack))
    answers.add_response(
        "get_cost_and_usage", page(group("Model$flights", "AWS Lambda", "2")), asked("Model", *stack, NextPageToken="more")
    )
    answers.add_response(
        "get_cost_and_usage",
        page(group("Environment$prod", "AWS Lambda", "50"), group("Environment$dev", "AWS Lambda", "9")),
        asked("Environment", ("Project", "mlops")),
    )
    for _ in range(2):
        answers.add_response("get_savings_plans_purchase_recommendation", PLAN)
    with answers:
        document = report.handler({"month": "2025-12"}, None)
        answers.assert_no_pending_responses()
    assert document["billed"]["by_model"] == {"flights": 32.0} and document["billed"]["by_environment"] == {"dev": 9.0, "prod": 50.0}
    assert document["savings_plans"][0] == {
        "plan": "SageMaker",
        "hourly_commitment_usd": 0.112,
        "saving_monthly_usd": 31.5,
        "saving_percent": 27.3,
        "on_demand_usd": 115.2,
    }
    text = boto3.client("s3").get_object(Bucket="the-reports", Key="reports/cost/2025-12.md")["Body"].read().decode()
    assert "| flights | $32.00 |" in text and "| SageMaker | $0.11 | $31.50 | 27 % |" in text


@pytest.mark.parametrize(("code", "raises"), [("DataUnavailableException", False), ("AccessDeniedException", True)])
def test_a_bill_that_is_not_there_yet_is_said_and_a_denial_is_an_error(
    report: ModuleType, monkeypatch: pytest.MonkeyPatch, code: str, raises: bool
) -> None:
    monkeypatch.setattr(report, "hosting_cost", lambda *_: None)
    with Stubber(report.explorer) as answers:
        answers.add_client_error("get_cost_and_usage", code, "no data")
        if raises:
            with pytest.raises(ClientError, match="AccessDenied"):
                report.handler({"month": "2025-12"}, None)
        else:
            assert report.handler({"month": "2025-12"}, None)["billed"] == {
                "available": False,
                "reason": "no data",
                "by_model": {},
                "by_model_and_service": {},
                "by_environment": {},
            }
