"""The pages of a report and of a review as people meet them: with keyboard, screen reader and printer, in light and dark, on a small screen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cache
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from wellarchitected import evaluate

from mlops.compare import estimates, resources
from mlops.policy import judged
from mlops.report.changes import compared
from mlops.report.page import html
from mlops.report.preview import document as preview_document
from mlops.review.answers import Answers
from mlops.review.document import review as reviewed_by
from mlops.review.drills import Results
from mlops.review.page import html as review_html
from mlops.review.states import Evidence
from tests.previews import preview
from tests.unit.report.conftest import NASTY, document, finding
from tests.unit.review.conftest import program

Opened = Callable[..., Page]


@cache
def report() -> str:
    """A page with every kind of finding, names that nobody should give, and changes."""
    findings = [finding("bucket-closed", "fail", f"{text}-{n}") for n, text in enumerate(NASTY)]
    findings += [finding("bucket-copied", "exempt", "copied", file=None, line=None), finding("bucket-named", name="named")]
    findings += [finding("bucket-cheap", "not_evaluable", "cheap" * 30), finding("bucket-copied", "error", "broken")]
    now = document(findings)
    was = document([finding(name="mended")], date="2026-11-20")
    now["since"] = compared(now, was)
    named, before = (
        [{**each, "inputs": {name: name}} for each in report["resources"]] for report, name in ((now, NASTY[0]), (was, "x" * 300))
    )
    about = {"kind": "revision", "name": NASTY[0], "commit": "0" * 40, "date": "2026-11-20"}
    figures = {
        "monthly_usd": {"low": 1.0, "expected": 2.0, "high": 3.0},
        "services": [{"service": NASTY[0], "low": 1.0, "expected": 2.0, "high": 3.0}],
    }
    missing = [{"type": NASTY[0], "reason": "", "count": 1, "elsewhere": None}]
    differing = resources.compared(named, before)
    costs = estimates.compared(
        {"cost": {**figures, "not_estimated": missing}, "carbon": {}}, {"cost": {**figures, "services": [], "not_estimated": []}}, differing
    )
    now["difference"] = {"base": about, "resources": differing, **costs}
    return html(now)


@cache
def review() -> str:
    """The page of a review of a small stack."""
    evidence = Evidence([program({})], Answers(shown={}, answers={}), {}, Results(), date(2027, 3, 1))
    return review_html(reviewed_by("dev", evidence))


def real() -> str:
    """The page of this project's stack dev."""
    record = preview("dev")
    verdicts = evaluate(judged(record.resources), stack="dev", config=None, today=date(2026, 11, 26))
    return html(preview_document(record, verdicts.to_dict(), {}))


def problems(page: Page, rule: str | None = None) -> list[str]:
    """What axe finds by the rules of WCAG and of good practice, or by one of them."""
    options = {"runOnly": {"type": "rule", "values": [rule]}} if rule else None
    return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in Axe().run(page, options=options).response["violations"]]


@pytest.mark.spec("U6")
@pytest.mark.parametrize("text", [report, review], ids=["report", "review"])
def test_axe_finds_nothing_to_complain_about_in_light_or_dark(opened: Opened, text: Callable[[], str]) -> None:
    for scheme, rule in (("light", None), ("dark", "color-contrast")):
        page = opened(text(), scheme=scheme)
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert problems(page, rule) == []


def test_axe_sees_what_it_is_there_for(opened: Opened) -> None:
    page = opened(report().replace('<html lang="en">', "<html>").replace("--quiet: #4b535d", "--quiet: #cccccc"))
    assert {each.partition(":")[0] for each in problems(page)} >= {"html-has-lang", "color-contrast"}


def test_the_page_of_a_whole_stack_fetches_nothing_and_fits_a_small_screen(opened: Opened) -> None:
    fetched: list[str] = []
    page = opened(real(), width=400, fetched=fetched)
    assert [url.rpartition("/")[2] for url in fetched] == ["page.html"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


@pytest.mark.parametrize("text", [report, review], ids=["report", "review"])
def test_nothing_but_tables_scrolls_sideways_on_a_small_screen(opened: Opened, text: Callable[[], str]) -> None:
    page = opened(text(), width=320)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def visible_rules(page: Page) -> set[str]:
    rules = page.locator("details.rule").all()
    return {(each.get_attribute("id") or "").removeprefix("finding-") for each in rules if each.is_visible()}


def test_findings_are_filtered_by_keyboard_and_without_scripts(opened: Opened) -> None:
    page = opened(report(), scripts=False)
    everything = {"bucket-closed", "bucket-copied", "bucket-named", "bucket-cheap"}
    assert visible_rules(page) == everything
    page.locator("#show-mandatory").focus()
    page.keyboard.press("Space")
    assert visible_rules(page) == everything - {"bucket-closed"}
    page.keyboard.press("Shift+Tab")  # to rule defects
    page.keyboard.press("Space")
    page.locator("#show-low").uncheck()
    assert visible_rules(page) == {"bucket-copied"}, "its exempt finding is left"
    assert not page.locator("#SEC").is_visible() and page.locator("#REL").is_visible()
    page.locator("#show-exempt").uncheck()
    assert visible_rules(page) == set()
    for each in ("mandatory", "error", "exempt", "low"):
        page.locator(f"#show-{each}").check()
    assert visible_rules(page) == everything


def focused(page: Page) -> dict[str, Any]:
    return page.evaluate(
        """() => { const element = document.activeElement, style = getComputedStyle(element), box = element.getBoundingClientRect();
        return {tag: element.tagName, href: element.getAttribute('href'), outline: style.outlineStyle, width: box.width}; }"""
    )


def test_everything_that_acts_is_reached_by_keyboard_and_shows_that_it_is(opened: Opened) -> None:
    page = opened(report())
    expected = page.evaluate(
        "[...document.querySelectorAll('a[href], input, summary, [tabindex=\"0\"]')].filter(each => each.checkVisibility()).length"
    )
    page.keyboard.press("Tab")
    assert focused(page)["href"] == "#summary", "the first stop skips what comes before the content"
    reached = 1
    while focused(page)["tag"] != "BODY" and reached <= expected:
        assert focused(page)["outline"] != "none" and focused(page)["width"] > 0, focused(page)
        page.keyboard.press("Tab")
        reached += 1
    assert reached - 1 == expected


def test_a_closed_finding_opens_by_keyboard_and_by_a_link_to_it(opened: Opened) -> None:
    page = opened(report(), scripts=False)
    said = page.locator("#finding-bucket-cheap .said")
    assert not said.is_visible()
    page.locator("#finding-bucket-cheap > summary").focus()
    page.keyboard.press("Enter")
    assert said.is_visible()


def test_a_link_to_a_resource_in_a_closed_part_of_the_tree_leads_to_it(opened: Opened) -> None:
    page = opened(report())
    page.evaluate("document.querySelectorAll('.tree details').forEach(each => each.open = false)")
    page.locator("#finding-bucket-named a").first.click()
    target = page.locator(page.evaluate("location.hash"))
    assert "named" in target.inner_text() and target.is_visible()


def test_what_is_closed_on_the_screen_is_there_in_print_and_what_acts_is_not(opened: Opened) -> None:
    page = opened(report())
    said = page.locator("#finding-bucket-cheap .said")
    assert not said.is_visible() and page.locator("nav").is_visible()
    page.emulate_media(media="print")
    assert said.is_visible()
    assert not page.locator("nav").is_visible() and not page.locator(".filter").is_visible()


def test_a_browser_without_has_shows_everything(opened: Opened) -> None:
    page = opened(report().replace("selector(:has(a))", "selector(:does-not-exist(a))"))
    page.locator("#show-mandatory").uncheck()
    assert "bucket-closed" in visible_rules(page)
