"""The tree of resources: what is fine is counted in a line, what fails is open with its findings, nothing is left out, at any width."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from mlops.cli.plain import HANDLER
from mlops.report.tree import OPENED, Closed, Node, grown, rows
from mlops.report.tree_text import tree
from tests.unit.report.conftest import BUCKET, STACK, document, finding, reports

LAKE = "app:data:Lake"


def resource(name: str, parent: str = STACK, type_: str = BUCKET) -> dict[str, Any]:
    return {"urn": f"urn:pulumi:dev::app::{type_}::{name}", "type": type_, "name": name, "parent": parent, "file": "buckets.py", "line": 7}


def stack(*components: int, findings: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """A stack of lakes (`lake-0`, …) with so many buckets each (`data-0-0`, …), and findings about them."""
    whole = document(findings)
    resources = whole["resources"][:1]
    for number, buckets in enumerate(components):
        lake = resource(f"lake-{number}", type_=LAKE)
        resources += [lake, *(resource(f"data-{number}-{each}", lake["urn"]) for each in range(buckets))]
    return {**whole, "resources": resources}


def shown(report: dict[str, Any], width: int = 80, everything: bool = False) -> list[str]:
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(tree(report, everything))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


def test_a_component_in_which_nothing_is_wrong_is_one_line_with_its_count() -> None:
    assert shown(stack(3, 1)) == [
        "app · stack dev · 7 resources",
        "├── ✔ Lake lake-0 · 4 resources",
        "└── ✔ Lake lake-1 · 2 resources",
    ]


def test_what_fails_is_open_down_to_the_resource_with_its_finding_and_place() -> None:
    report = stack(2, 3, findings=[finding(name="data-1-1"), finding("bucket-named", name="data-1-1")])
    assert shown(report, 120) == [
        "app · stack dev · 8 resources · 1 mandatory · 1 advisory",
        "├── ✘ Lake lake-1 · 4 resources · 1 mandatory · 1 advisory  buckets.py:7",
        "│   ├── ✘ Bucket data-1-1  buckets.py:7",
        "│   │   ├── ✘ bucket-closed (mandatory, critical): acl of 'data-1-1' is public. Close it",
        "│   │   └── ! bucket-named (advisory, low): acl of 'data-1-1' is public. Close it",
        "│   └── ✔ Bucket ×2 · 2 resources",
        "└── ✔ Lake lake-0 · 3 resources",
    ]


def test_what_to_do_is_left_to_the_rule_below_which_says_it_once() -> None:
    report = stack(1, findings=[finding(name="data-0-0", message="acl of 'data-0-0' is public. Do bucket-closed")])
    assert any(line.endswith("acl of 'data-0-0' is public") for line in shown(report, 120))


def test_what_cannot_be_judged_or_is_exempt_is_told_but_not_opened() -> None:
    findings = [finding("bucket-copied", "exempt", "data-0-0"), finding("bucket-cheap", "not_evaluable", "data-1-0")]
    assert shown(stack(1, 1, findings=findings))[1:] == [
        "├── ? Lake lake-1 · 2 resources · 1 not evaluable",
        "└── ~ Lake lake-0 · 2 resources · 1 exempt",
    ]


def test_a_thousand_resources_do_not_scroll_by() -> None:
    report = stack(*[39] * 25, findings=[finding(name="data-3-17")])
    assert len(report["resources"]) == 1001
    assert len(shown(report)) <= 10


def test_of_very_many_failing_resources_the_worst_are_open_and_the_others_counted() -> None:
    findings = [finding(name=f"data-0-{each}") for each in range(20)] + [
        finding("bucket-named", name=f"data-1-{each}") for each in range(90)
    ]
    lines = shown(stack(20, 90, findings=findings), 120)
    assert len([line for line in lines if re.search(r"✘ Bucket data-0-\d+ ", line)]) == 20
    assert len([line for line in lines if re.search(r"! Bucket data-1-\d+ ", line)]) == OPENED - 20
    assert "    └── ! Bucket ×70 · 70 resources · 70 advisory" in lines


def test_everything_is_shown_on_wish() -> None:
    lines = shown(stack(3, 2, findings=[finding("bucket-copied", "exempt", "data-0-0")]), everything=True)
    assert all(sum(f"Bucket data-{name} " in line for line in lines) == 1 for name in ("0-0", "0-1", "0-2", "1-0", "1-1"))
    assert any("~ bucket-copied (exempt, high)" in line for line in lines)


def test_what_no_rule_is_for_has_no_mark_of_being_fine() -> None:
    pods = [resource(f"pod-{number}", type_="kubernetes:core/v1:Pod") for number in range(2)]
    chart = resource("chart", type_="app:x:Chart")
    inside = resource("inside", chart["urn"], "kubernetes:core/v1:Pod")
    lines = shown({**document(), "resources": [*document()["resources"][:1], resource("data"), *pods, chart, inside]})
    assert any("✔ Bucket data" in line for line in lines)
    assert any("– Pod ×2" in line for line in lines) and any("– Chart chart · 2 resources" in line for line in lines)


def test_a_terminal_without_unicode_gets_a_tree_in_ascii() -> None:
    buffer = io.BytesIO()
    console = Console(width=80, file=io.TextIOWrapper(buffer, "ascii", errors=HANDLER), color_system=None)
    console.print(tree(stack(1, 1, findings=[finding(name="data-0-0")])))
    console.file.flush()
    text = buffer.getvalue().decode("ascii")
    assert "+-- x Lake lake-0 - 2 resources" in text and "`-- v Lake lake-1 - 2 resources" in text


def test_resources_that_lie_in_themselves_or_in_nothing_do_no_harm() -> None:
    first, second = resource("a", f"urn:pulumi:dev::app::{BUCKET}::b"), resource("b", f"urn:pulumi:dev::app::{BUCKET}::a")
    report = {**document(), "resources": [first, second, resource("c", "urn:pulumi:dev::app::x:y:Z::gone")]}
    assert "Bucket c" in "\n".join(shown(report))


def told(row: Node | Closed) -> int:
    """How many resources a row accounts for."""
    return row.size if isinstance(row, Closed) else 1 + sum(told(below) for below in rows(row))


@given(reports(30), st.booleans(), st.lists(st.integers(0, 9), max_size=9))
@examples(max_examples=60)
def test_every_resource_is_shown_or_counted_and_no_line_is_too_long(report: dict[str, Any], everything: bool, parents: list[int]) -> None:
    resources = report["resources"]
    for child, parent in zip(resources[2:], parents, strict=False):  # some lie in others that come before them
        child["parent"] = resources[min(parent, resources.index(child) - 1)]["urn"]
    root = grown(report, everything)
    assert told(root) == root.size == len(resources)
    assert sum(root.kinds.values()) == len(report["policy"]["findings"])
    text = "\n".join(shown(report, 80, everything))
    assert not {each for each in text if ord(each) < 32 and each != "\n" or 127 <= ord(each) < 160}
    assert max(map(cell_len, text.splitlines())) <= 80


@given(st.integers(60, 200))
@examples(max_examples=10)
def test_no_width_cuts_anything_off(width: int) -> None:
    message = "the policy of 'data-0-0' allows " + ", ".join(f"action-{number}" for number in range(30))
    lines = shown(stack(1, findings=[finding(name="data-0-0", message=message)]), width)
    whole = re.sub(r"[\s│├└─]+", "", "".join(lines))
    assert message.replace(" ", "") in whole
