"""The difference to a base on a terminal, in a comment and on the page: everything told, nothing of others obeyed."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console

from mlops.compare import estimates, resources
from mlops.report.changes import compared
from mlops.report.comment import Preview, comment
from mlops.report.difference import properties, terminal, words
from mlops.report.markdown import markdown
from mlops.report.page import html
from mlops.report.preview import UNKNOWN_TEXT
from tests.pages import Page
from tests.unit.report.conftest import BUCKET, STACK, document, finding, texts

Report = dict[str, Any]
COMMIT = "0123456789abcdef0123"


def bucket(name: str, **inputs: Any) -> Report:
    return {"urn": f"{STACK.rpartition('::')[0].rpartition('::')[0]}::{BUCKET}::{name}", "type": BUCKET, "name": name, "parent": STACK,
            "file": "a.py", "line": 3, "inputs": inputs}  # fmt: skip


def cost(expected: float, missing: str = "") -> Report:
    figures = {"low": expected / 2, "expected": expected, "high": expected * 2}
    not_estimated = [{"type": missing, "reason": "its use is not measured here", "count": 1, "elsewhere": None}] if missing else []
    return {"monthly_usd": figures, "services": [{"service": "Amazon S3", **figures}], "not_estimated": not_estimated}


def differing(
    now: list[Report], before: list[Report], base: Report | None = None, costs: tuple[float, float] | None = None, missing: str = ""
) -> Report:
    """A report with two lists of resources compared; `missing` is a type whose cost is not estimated."""
    was = document([finding(name="mended")], date="2026-11-20")
    is_ = document([finding(name="brought")], resources=now)
    if costs:
        was["cost"], is_["cost"] = cost(costs[0]), cost(costs[1], missing)
    about = base or {"kind": "revision", "name": "HEAD~1", "commit": COMMIT, "date": "2026-11-20"}
    differing = resources.compared(now, before)
    difference = {"base": about, "resources": differing, **estimates.compared(is_, was, differing)}
    return {**is_, "difference": difference, "since": compared(is_, was)}


def on_a_terminal(report: Report, width: int = 80) -> str:
    console = Console(width=width, record=True, file=io.StringIO())
    terminal.show(console, report["difference"])
    return console.export_text()


@pytest.fixture
def report() -> Report:
    before = [bucket("same"), bucket("gone"), bucket("mended", acl="public", policy='{"Statement": [{"Sid": "A", "Action": "s3:*"}]}')]
    now = [bucket("same"), bucket("mended", acl="private", policy='{"Statement": [{"Sid": "A", "Action": "s3:Get*"}]}'), bucket("new")]
    return differing(now, before, costs=(10.0, 12.5))


def test_every_form_says_what_is_added_changed_and_removed_and_what_it_costs(report: Report) -> None:
    for text in (on_a_terminal(report), markdown(report), " ".join(Page(html(report)).texts)):
        for said in ("HEAD~1 (0123456789ab, 2026-11-20)", "new", "gone", "mended", "policy.Statement[A].Action", '"s3:Get*"', "+2.50"):
            assert said in text, said
    text = markdown(report)
    assert "- resources: 1 added, 1 changed, 1 removed, 1 unchanged\n- findings: 1 new, 1 fixed," in text
    assert "- cost: +2.50 USD a month (+1.25 to +5.00): 10.00 → 12.50\n" in text
    assert '! Bucket mended  (a.py:3)\n!     acl: "public" → "private"\n' in text
    assert "| Amazon S3 | cost, USD a month | 10.00 | 12.50 | +2.50 |" in text


def test_what_no_estimate_knows_of_is_no_difference_of_nothing() -> None:
    """A larger machine whose price is not known here must not look as if it cost nothing more."""
    now, before = (
        [bucket("machine", size="large"), bucket("same", tags={"a": "2"})],
        [bucket("machine", size="small"), bucket("same", tags={})],
    )
    report = differing(now, before, costs=(10.0, 10.0), missing=BUCKET)
    assert report["difference"]["cost"]["not_estimated"] == [{"type": BUCKET, "count": 1}], "of the other only tags have changed"
    for text in (on_a_terminal(report, 160), markdown(report), " ".join(Page(html(report)).texts)):
        assert "no difference: 10.00 USD a month; not in it, wholly or in part: 1 Bucket" in text, text
    assert "10.00 (±0.00, without 1 resource)" in comment([Preview("dev", report)])
    # What a state machine starts is no resource that differs: its row does.
    rows = [{"type": BUCKET, "reason": f"no price of {each}", "count": 1, "elsewhere": None} for each in ("small", "large")]
    was, is_ = ({"cost": {**cost(10.0), "not_estimated": [row]}} for row in rows)
    nothing = {"added": [], "changed": [], "removed": []}
    assert estimates.compared(is_, was, nothing)["cost"]["not_estimated"] == [{"type": BUCKET, "count": 1}]
    assert estimates.compared(is_, is_, nothing)["cost"]["not_estimated"] == []
    known = differing(now, before, costs=(10.0, 10.0))
    assert known["difference"]["cost"]["not_estimated"] == [] and "not in it" not in markdown(known)


def test_a_base_that_could_not_be_previewed_is_told_in_every_form() -> None:
    problem = {"code": "base-no-stack", "message": "expected the stack 'new' in the base", "where": "HEAD^1 (0123)", "hint": ""}
    base = {"kind": "revision", "name": "HEAD^1", "commit": None, "date": None, "problem": problem}
    report = {**document(), "difference": {"base": base, "resources": None}}
    for text in (on_a_terminal(report), markdown(report), " ".join(Page(html(report)).texts)):
        assert re.search("not compared:", text, re.IGNORECASE) and "expected the stack 'new' in the base" in text.replace("\n", " ")


def test_what_is_not_compared_is_told() -> None:
    report = differing([bucket("a", password="[secret]", acl=1)], [bucket("a", password="[secret]", acl=2)])
    report["difference"] |= {"cost": None, "base": {**report["difference"]["base"], "judged_by": "this configuration"}}
    for text in (on_a_terminal(report, 160), markdown(report), " ".join(Page(html(report)).texts)):
        for said in ("secret not compared", "the base has no estimate of cost", "does not fit this pack"):
            assert said in text or said.replace("the", "The", 1) in text, said


def test_a_change_that_many_resources_have_is_told_once_and_their_own_changes_apart() -> None:
    before = [bucket(f"b{n}", tagsAll={"Owner": "a"}, tags={"Owner": "a"}, acl="x") for n in range(30)]
    now = [bucket(f"b{n}", tagsAll={"Owner": "b"}, tags={"Owner": "b"}, acl=f"y{n}" if n < 2 else "x") for n in range(30)]
    groups = words.alike(differing(now, before)["difference"])
    assert [([each["name"] for each in group.resources][:2], len(group.resources), [change["path"] for change in group.changes]) for group in groups] == [
        (["b0"], 1, ["acl"]), (["b1"], 1, ["acl"]), (["b0", "b1"], 30, ["tags.Owner"]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"path": "p", "after": 1}, "p: added 1"),
        ({"path": "p", "before": "x"}, 'p: removed "x"'),
        ({"path": "p", "before": 1, "after": 2, "replaces": True}, "p: 1 → 2 (replaces the resource)"),
        ({"path": "p", "before": "x", "after": UNKNOWN_TEXT}, 'p: "x" → (known after deployment)'),
        ({"path": "p", "before": f"a/{UNKNOWN_TEXT}/*", "after": "b"}, 'p: "a/(known after deployment)/*" → "b"'),
        ({"path": "p", "before": "[secret]", "after": "[secret]"}, "p: [secret] → another [secret]"),
        ({"path": "p", "before": "[secret]", "after": "[no longer a secret]"}, "p: [secret] → [no longer a secret]"),
        ({"path": "p", "before": {"asset": "archive", "hash": "a" * 64}, "after": {"asset": "asset", "hash": ""}},
         f"p: archive {'a' * 12} → asset of an address"),
        ({"path": "p", "before": '{"a": 1}', "after": '{"a":1}'}, "p: JSON → the same JSON, written differently"),
        ({"path": "p", "before": "x" * 500 + "1", "after": "x" * 500 + "2"}, f'p: …"{"x" * 20}1" → …"{"x" * 20}2"'),
        ({"path": "p", "after": ["x" * 500]}, f'p: added ["{"x" * 117}…'),
        ({"path": "a\x1b[31m", "after": "b\nc"}, 'a\\u001b[31m: added "b\\nc"'),
    ],
)  # fmt: skip
def test_a_property_is_told_on_one_short_line(change: Report, said: str) -> None:
    assert properties.change(change) == said


names = st.integers(0, 9).flatmap(lambda number: texts.map(lambda text: f"{text}n{number}n"))
listed = st.dictionaries(
    names, st.dictionaries(st.sampled_from(["acl", "tags"]) | texts, texts | st.integers(0, 2), max_size=3), max_size=6
)


@given(listed, listed, st.integers(2_000, 65_536))
@examples(max_examples=60, deadline=None)
def test_whatever_things_are_called_a_comment_is_ours_and_never_too_long(now: Report, before: Report, limit: int) -> None:
    report = differing(*([bucket(name, **inputs) for name, inputs in each.items()] for each in (now, before)))
    text = markdown(report, limit)
    assert len(text) <= limit
    tokens = MarkdownIt("gfm-like", {"linkify": False, "html": True}).parse(text)
    inline = [child for token in tokens for child in token.children or []]
    assert not [child for child in inline if child.type in ("link_open", "image", "html_inline", "s_open")]
    ours = re.compile(r"(<details><summary>[\w ,-]+: [\w ,]+</summary>|</details>|\s)+")
    assert all(ours.fullmatch(token.content) for token in tokens if token.type == "html_block")
    fenced = [token.content for token in tokens if token.type == "fence"]
    assert all(re.match(r"[+!#-] ", line) for content in fenced for line in content.splitlines())
    Page(html(report))
    assert all(len(line) <= 80 for line in on_a_terminal(report).splitlines())


def test_a_difference_of_thousands_is_counted_not_listed() -> None:
    report = differing([bucket(f"new-{n}-{'x' * 100}") for n in range(3_000)], [])
    text = markdown(report)
    shown = len(re.findall(r"^\+ Bucket", text, re.MULTILINE))
    (left,) = re.findall(r"# … ([\d,]+) more have no room here", text)
    assert len(text) <= 65_536 and shown + int(left.replace(",", "")) == 3_000 and shown > 100
    assert "… and 2,970 more added" in on_a_terminal(report) and "… and 2,000 more resources" in html(report)


@pytest.mark.parametrize("limit", [1_500, 4_000, 8_000, 65_536])
def test_a_resource_with_very_many_changes_hides_no_other(limit: int) -> None:
    """Each is named while there is room for names, and none goes without a word."""
    many = {f"property{n}": "x" * 100 for n in range(400)}
    report = differing(
        [bucket("large", **many), *(bucket(f"small{n}", acl=n) for n in range(4))],
        [bucket("large"), *(bucket(f"small{n}") for n in range(4))],
    )
    text = markdown(report, limit)
    assert len(text) <= limit
    if limit > 1_500:
        assert "! Bucket large" in text and re.search(r"! +… (380|400) more: report.html has them", text)
        assert all(f"! Bucket small{n}  (a.py:3)\n!     acl: added {n}\n" in text for n in range(4))
    else:
        assert "5 changed" in text


def test_an_instance_without_a_coefficient_saves_no_carbon() -> None:
    """The endpoint's emissions are gone from the sum because its new instance is not known, not because it emits nothing."""
    figures = {"low": 0.4, "expected": 0.4, "high": 0.4}
    hosting = {"service": "SageMaker hosting", **figures}
    was = {"kg_co2e_month": figures, "services": [hosting], "not_estimated": [], "not_measured": []}
    unknown = [{"service": "SageMaker hosting", "reason": "no coefficient", "items": ["ml.m5.4xlarge"]}]
    is_ = {"kg_co2e_month": dict.fromkeys(figures, 0.0), "services": [], "not_estimated": unknown, "not_measured": []}
    told = estimates.compared({"carbon": is_}, {"carbon": was}, {"added": [], "changed": [], "removed": []})
    assert told["carbon"]["services_not_estimated"] == ["SageMaker hosting"]
    assert words.estimate(told, "carbon").endswith("not in it, wholly or in part: SageMaker hosting")


def test_services_whose_figures_look_the_same_are_counted() -> None:
    figures = {"low": 1.0, "expected": 1.0, "high": 1.0}
    rows = [("S3", 1.5), ("SQS", 1.0000001), ("X-Ray", 1.004)]
    services = [
        {"service": name, "before": figures, "after": figures, "difference": dict.fromkeys(figures, after - 1)} for name, after in rows
    ]
    shown, less = words.services({"cost": {"services": services}}, "cost")
    assert ([each["service"] for each in shown], less) == (["S3"], 2)
    assert (words.amount(0.0000014), words.signed(-0.00012)) == ("0.0000014", "-0.00012")
