"""The platform's own stacks, estimated from their previews."""

from __future__ import annotations

from functools import cache
from io import StringIO
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from markdown_it import MarkdownIt
from rich.console import Console

from mlops import policy
from mlops.estimate import assumed, estimates
from mlops.estimate.amount import FIGURES
from mlops.estimate.measure import measure
from mlops.report.estimate_detail import show_carbon, show_cost
from mlops.report.estimate_markdown import estimate_lines
from mlops.report.estimate_text import show_estimates
from mlops.report.estimate_words import usd
from mlops.report.model import schema
from tests.previews import ROOT, preview

STACKS = ("dev", "prod")


@cache
def estimated(stack: str) -> dict[str, Any]:
    return estimates(preview(stack), assumed(ROOT, stack))


def shown(show: Any, document: dict[str, Any], width: int = 200) -> str:
    console = Console(file=StringIO(), width=width)
    show(console, document)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


@pytest.mark.spec("COST-6", "SUS-1b")
@pytest.mark.parametrize("stack", STACKS)
def test_cost_and_carbon_are_estimated_before_a_deployment(stack: str) -> None:
    document = estimated(stack)
    month, emitted = document["cost"]["monthly_usd"], document["carbon"]["kg_co2e_month"]
    assert 0 < month["low"] < month["expected"] < month["high"]
    assert 0 < emitted["low"] < emitted["expected"] < emitted["high"]
    assert document["cost"]["region"] == document["carbon"]["region"] == "eu-west-1"


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize(("part", "model"), [("cost", "Cost"), ("carbon", "Carbon")])
def test_the_document_has_the_shape_that_is_promised(stack: str, part: str, model: str) -> None:
    whole = schema()
    validator = Draft202012Validator({"$ref": f"#/$defs/{model}", "$defs": whole["$defs"]})
    assert [error.message for error in validator.iter_errors(estimated(stack)[part])] == []


@pytest.mark.parametrize("stack", STACKS)
def test_every_resource_is_measured_free_or_named(stack: str) -> None:
    record = preview(stack)
    components = frozenset(resource.urn for resource in record.resources if not resource.custom or resource.external)
    resources = policy.judged(record.resources)
    found = measure(resources, assumed(ROOT, stack).usage, components)
    told = {use.urn for use in found.uses} | {each.urn for each in found.unmeasured}
    silent = {resource.type for resource in resources if resource.urn not in told | components and not resource.type.startswith("pulumi:")}
    assert silent - set(found.free) == set()


@pytest.mark.parametrize("stack", STACKS)
def test_nothing_that_the_settings_assume_is_of_no_resource(stack: str) -> None:
    assert estimated(stack)["cost"]["unmatched_assumptions"] == []


@pytest.mark.spec("COST-6")
def test_the_specifications_table_is_beside_ours_line_by_line() -> None:
    comparison = estimated("dev")["cost"]["comparison"]
    assert len(comparison["lines"]) >= 8
    assert all(row["why"] for row in comparison["lines"])
    assert {row["service"] for row in comparison["it_leaves_out"]} >= {"NAT gateways", "KMS", "CloudTrail"}
    assert any(row["elsewhere"] and "EndpointConfiguration" in row["type"] for row in comparison["ours_leaves_out"])  # the endpoint
    assert "comparison" not in estimated("prod")["cost"]


@pytest.mark.spec("COST-7a", "COST-7b")
def test_prod_tells_what_spot_capacity_and_a_savings_plan_save() -> None:
    kinds = {row["kind"]: row for row in estimated("prod")["cost"]["savings"]}
    assert set(kinds) == {"spot", "sagemaker_savings_plan"}
    assert all(row["saving_usd"]["expected"] > 0 for row in kinds.values())


@pytest.mark.parametrize("stack", STACKS)
def test_text_has_every_service_and_sum(stack: str) -> None:
    document = estimated(stack)
    full = shown(show_cost, document["cost"])
    assert all(service["service"] in full for service in document["cost"]["services"])
    assert f"${document['cost']['monthly_usd']['expected']:,.2f}" in full
    assert all(row["reason"][:20] in full for row in document["cost"]["not_estimated"])
    carbon = shown(show_carbon, document["carbon"])
    assert all(service["service"] in carbon for service in document["carbon"]["services"])
    short = shown(show_estimates, document)
    assert document["cost"]["services"][0]["service"] in short
    assert short.count("\n") < 25


def test_markdown_is_a_line_and_a_table() -> None:
    lines = "\n".join(estimate_lines(estimated("dev")))
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(lines)
    assert sum(token.type == "tr_open" for token in tokens) == len(estimated("dev")["cost"]["services"]) + 1
    assert list(estimate_lines({})) == []


def test_no_figure_is_cut_off_at_80_columns() -> None:
    """All lines and assumptions of a stack with the longest names there are: a cut figure is a wrong one."""
    document = estimated("prod")
    for show, part in ((show_cost, document["cost"]), (show_carbon, document["carbon"]), (show_estimates, document)):
        text = shown(show, part, 80)
        assert "…" not in text and max(map(len, text.splitlines())) <= 80
    text = shown(show_cost, document["cost"], 80)
    assert all(usd(line[name]) in text for service in document["cost"]["services"] for line in service["lines"] for name in FIGURES)
