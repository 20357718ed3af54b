"""The page of a review: whole without anything else, and readable by everybody."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from mlops.review.markdown import markdown
from mlops.review.page import html
from tests.pages import Page
from tests.unit.review.conftest import ANSWERED

Reviewed = Callable[..., dict[str, Any]]
READABLE = 4.5  # WCAG 2.2, 1.4.3: contrast of text


@pytest.fixture
def text(reviewed: Reviewed) -> str:
    mean = {**ANSWERED, "because": '<script>alert("x")</script> & more'}
    return html(reviewed({"sqsManagedSseEnabled": False}, answers={"OPS01-BP01": mean}))


@pytest.fixture
def page(text: str) -> Page:
    return Page(text)


def test_everything_that_is_opened_is_closed(page: Page) -> None:
    assert page.open == []


@pytest.mark.spec("U6")
def test_headings_go_down_one_level_at_a_time_from_one_title(page: Page) -> None:
    levels = [int(tag[1]) for tag, _, _ in page.all("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:], strict=False))
    assert page.all("html")[0][1]["lang"] == "en" and len(page.all("main")) == 1


def test_every_table_has_a_caption_and_headers_with_a_scope(page: Page) -> None:
    tables = page.all("table")
    assert len(tables) == 1 + 57  # the summary, and one for each question of the framework
    assert len(page.all("caption")) == len(page.all("thead")) == len(tables)
    assert all(attributes.get("scope") in ("col", "row") for _, attributes, _ in page.all("th"))
    rows = [attributes for tag, attributes, around in page.elements if tag == "th" and "tbody" in around]
    assert len(rows) == 6 + 307 and {row["scope"] for row in rows} == {"row"}


def test_every_link_within_the_page_leads_somewhere_and_ids_are_unique(page: Page) -> None:
    ids = [attributes["id"] for _, attributes, _ in page.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    within = [attributes["href"][1:] for _, attributes, _ in page.all("a") if attributes["href"].startswith("#")]
    assert within and set(within) <= set(ids)
    named = {each for _, attributes, _ in page.elements for each in attributes.get("aria-labelledby", "").split()}
    assert named <= set(ids)


def test_what_scrolls_can_be_reached_by_keyboard_and_has_a_name(page: Page) -> None:
    scrolling = [attributes for _, attributes, _ in page.all("div") if attributes.get("class") == "scroll"]
    assert scrolling and all(each["tabindex"] == "0" and each["role"] == "region" for each in scrolling)
    assert all("aria-label" in each or "aria-labelledby" in each for each in scrolling)


def test_the_page_fetches_and_runs_nothing(page: Page, text: str) -> None:
    assert not page.all("script", "link", "img", "iframe", "object")
    assert "url(" not in text and "@import" not in text
    assert not [name for _, attributes, _ in page.elements for name in attributes if name.startswith("on")]


def test_what_people_write_is_text_and_never_markup(page: Page) -> None:
    assert any('<script>alert("x")</script> & more' in each for each in page.texts)


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb` (WCAG 2.2)."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.spec("U6")
@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_every_text_stands_out_from_its_ground(text: str, scheme: int) -> None:
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", re.findall(r":root \{(.*?)\}", text, re.DOTALL)[scheme]))
    used = set(re.findall(r"(?<!-)color: var\(--(\w+)\)", text))
    assert {"text", "quiet", "link", "good", "bad", "warn"} <= used <= set(colours)
    for name in used:
        for ground in ("page", "band"):
            light, dark = sorted((luminance(colours[name]), luminance(colours[ground])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= READABLE, f"{name} on {ground}"


def test_states_are_told_in_words_not_by_colour_alone(page: Page) -> None:
    states = [each for each in page.texts if each.startswith(("enforced", "shown by tests", "organisational", "not covered"))]
    assert len(states) == 307


@pytest.mark.spec("U6")
def test_the_markdown_has_every_practice_with_its_state_and_the_same_counts(reviewed: Reviewed) -> None:
    document = reviewed({"sqsManagedSseEnabled": False}, answers={"OPS01-BP01": {**ANSWERED, "because": "this | that"}})
    text = markdown(document)
    rows = [line for line in text.splitlines() if re.match(r"\| [A-Z]+\d\d-BP\d\d ", line)]
    assert len(rows) == 307 and {len(re.split(r"(?<!\\)\|", row)) for row in rows} == {6}
    assert f"| **all** | 307 | {document['counts']['enforced']} (" in text
    assert "SEC08-BP02 Enforce encryption at rest: a rule fails sqs-encrypted" in text
