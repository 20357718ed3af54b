"""`mlops cost` and `mlops carbon` of anybody's program, before it is deployed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlops.cli import cost as command
from mlops.cli.main import run
from mlops.estimate import prices
from tests.pages import Page

PROGRAM = """
import pulumi_aws as aws

aws.s3.Bucket("data<b>", tags={"a": "b"})
aws.quicksight.Namespace("unheard", namespace="of")
aws.iam.Role("free", assume_role_policy="{}")
"""
USAGE = """
  estimate:usage:
    "data*": { storage_gb: { low: 1, expected: 1000, high: 2000 }, puts: 0, gets: 0 }
"""
Call = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: anybody\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  aws:region: eu-west-1\n" + USAGE)
    (tmp_path / "__main__.py").write_text(PROGRAM)
    return tmp_path


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], project: Path) -> Call:
    def run_it(*arguments: str) -> tuple[int, dict[str, Any]]:
        with pytest.raises(SystemExit) as stopped:
            run([*arguments, "--stack", "dev", "--project", str(project), "--json"])
        assert isinstance(stopped.value.code, int)
        return stopped.value.code, json.loads(capsys.readouterr().out)

    return run_it


@pytest.mark.spec("COST-6")
def test_what_is_known_is_priced_and_what_is_not_is_named(call: Call) -> None:
    code, document = call("cost")
    assert code == 0
    assert document["monthly_usd"]["expected"] == pytest.approx(23.0)  # 1000 GB × $0.023 a month in Ireland
    assert [(row["type"], row["count"]) for row in document["not_estimated"]] == [("aws:quicksight/namespace:Namespace", 1)]
    assert {"type": "aws:iam/role:Role", "count": 1} in document["without_cost"]


@pytest.mark.spec("SUS-1b")
def test_carbon_is_of_the_same_usage(call: Call) -> None:
    code, document = call("carbon")
    assert (code, document["services"][0]["lines"][0]["quantity"]["expected"]) == (0, 1000)


def test_a_preview_has_both_and_its_report_shows_them(call: Call, project: Path) -> None:
    _, document = call("preview", "--report", str(project / "report"))
    assert (document["cost"]["monthly_usd"]["expected"], document["carbon"]["region"]) == (pytest.approx(23.0), "eu-west-1")
    page = Page((project / "report" / "report.html").read_text())
    assert {attributes.get("id") for _, attributes, _ in page.all("h2")} >= {"cost", "carbon"}
    assert page.all("b") == []  # the bucket's name is text
    assert r"**\$23.00 a month**" in (project / "report" / "report.md").read_text()


@pytest.mark.parametrize(
    ("usage", "told"), [('"data*": { storage_gb: -1 }', "storage_gb"), ('"data*": { storge_gb: 1 }', "storge_gb"), ("[]", "estimate:usage")]
)
def test_assumptions_that_are_none_are_refused_by_name(call: Call, project: Path, usage: str, told: str) -> None:
    (project / "Pulumi.dev.yaml").write_text(f"config:\n  aws:region: eu-west-1\n  estimate:usage:\n    {usage}\n")
    code, document = call("cost")
    assert code == 2
    assert told in document["error"]["message"] + document["error"]["where"]


def test_prices_are_renewed_into_the_table(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    product = {
        "product": {"attributes": {"usagetype": "EU-TimedStorage-ByteHrs"}},
        "terms": {"OnDemand": {"t": {"priceDimensions": {"d": {"beginRange": "0", "pricePerUnit": {"USD": "0.02"}}}}}},
    }
    table = tmp_path / "prices.csv"
    table.write_bytes(prices.FILE.read_bytes())
    monkeypatch.setattr(prices, "FILE", table)
    monkeypatch.setattr(
        command, "aws_products", lambda: lambda offer, region: [product] if (offer, region) == ("AmazonS3", "eu-west-1") else []
    )
    code, document = call("cost", "--refresh-prices")
    assert code == 0
    assert document["updated"] == [{"item": "s3.storage_gb_month", "region": "eu-west-1", "before": 0.023, "usd": 0.02}]
    with table.open(encoding="utf-8") as lines:
        renewed = prices.read(lines).find("s3.storage_gb_month", "eu-west-1")
    assert renewed and renewed.usd == 0.02


def test_two_commands_at_once_are_refused(call: Call) -> None:
    code, document = call("cost", "--memory", "--refresh-prices")
    assert (code, document["error"]["code"]) == (2, "usage")
