"""An estimate beside somebody else's table: line by line, with reasons that are reckoned, and what the table leaves out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlops.errors import UserError
from mlops.estimate.comparison import Reference, compared, read
from tests.previews import ROOT

TABLE = ROOT / "estimates" / "development.yaml"


def reference(**more: Any) -> Reference:
    line = {"name": "Storage", "low": 5, "high": 15, "assumes": "100 GB", "services": ["S3"], **more}
    return Reference.model_validate({"source": "somebody", "total": {"low": 5, "high": 15}, "lines": [line]})


def cost(expected: float = 2.3, quantity: float = 100.0) -> dict[str, Any]:
    figures = {"low": expected / 2, "expected": expected, "high": expected * 2}
    line = {
        "item": "s3.storage_gb_month",
        "what": "storage",
        "unit": "GB-month",
        "price_usd": 0.023,
        "quantity": {"expected": quantity},
        **figures,
    }
    other = {"service": "NAT gateways", "low": 35.0, "expected": 36.0, "high": 37.0, "lines": []}
    return {"services": [{"service": "S3", **figures, "lines": [line]}, other], "monthly_usd": figures, "not_estimated": []}


def why(expected: float, **more: Any) -> list[str]:
    return compared(reference(**more), cost(expected))["lines"][0]["why"]


@pytest.mark.parametrize(("expected", "told"), [(2.3, "ours is below it"), (7.0, "ours lies within it"), (20.0, "ours is above it")])
def test_a_line_says_where_ours_lies(expected: float, told: str) -> None:
    assert why(expected)[0] == told


def test_a_line_with_a_volume_is_held_against_the_list_price_and_our_volume() -> None:
    assert why(2.3, volume={"items": ["s3.storage_gb_month"], "quantity": 100})[1:3] == [
        "it comes to $0.05 to $0.15 for each GB-month, everything included, where the list price is $0.023",
        "it takes 100 × GB-month, ours 100",
    ]


def test_a_line_without_a_volume_says_so_and_what_ours_consists_of() -> None:
    assert why(2.3)[1:] == ["it states no volume", "ours: storage $2.30"]


def test_a_line_that_the_stack_has_nothing_of_says_so() -> None:
    assert why(2.3, services=["Quantum"]) == ["ours has none of it: no resource of the stack is billed so"]


@pytest.mark.spec("COST-6")
def test_what_the_table_leaves_out_is_listed() -> None:
    found = compared(reference(), cost())
    assert [row["service"] for row in found["it_leaves_out"]] == ["NAT gateways"]


@pytest.mark.spec("COST-6")
def test_the_table_of_the_specification_is_quoted_as_it_is() -> None:
    table = read(TABLE, "test")
    assert {line.name: (line.low, line.high) for line in table.lines} == {
        "Lambda": (5, 10), "SageMaker training": (20, 50), "Glue": (10, 20), "S3": (5, 15), "DynamoDB": (5, 10), "API Gateway": (3.5, 3.5),
        "data transfer": (5, 10), "CloudWatch": (5, 10),
    }  # fmt: skip
    assert (table.total.low, table.total.high) == (58, 125)
    found = compared(table, cost())
    assert found["sum_of_lines"] == {"low": 58.5, "high": 128.5}
    assert found["total"] == {"low": 58, "high": 125}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lines: []", "expected a table of costs, got source: Field required"),
        ("{", "expected YAML: "),
        (
            "source: a\ntotal: {low: 1, high: 2}\nlines: [{name: a, low: -1, high: 2, services: [S3]}]",
            "expected a table of costs, got lines.0.low:",
        ),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "table.yaml").write_text(text)
    with pytest.raises(UserError) as refused:
        read(tmp_path / "table.yaml", "Pulumi.dev.yaml: estimate:reference")
    assert refused.value.message.startswith(message)
    with pytest.raises(UserError, match="No such file"):
        read(tmp_path / "none.yaml", "Pulumi.dev.yaml: estimate:reference")
