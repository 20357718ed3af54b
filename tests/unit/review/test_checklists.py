"""The checklists for people are fresh, whole, and name what exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mlops.cli.main import COMMANDS
from mlops.review import framework
from mlops.review.checklists import REVIEWS, pages

ROOT = Path(__file__).parents[3]


@pytest.mark.spec("OPS-6")
def test_the_checklists_are_fresh() -> None:
    for file, text in pages(ROOT).items():
        assert file.read_text() == text, f"run `make docs` and commit {file.relative_to(ROOT)}"


@pytest.mark.parametrize("pillar", REVIEWS)
def test_every_practice_of_the_pillar_is_judged_or_asked_about_once(pillar: str) -> None:
    text = (ROOT / "docs" / "checklists" / f"{REVIEWS[pillar][0]}.md").read_text()
    items = re.findall(r"^- (\[ \] )?\*\*([A-Z]+\d\d-BP\d\d)\*\* (.+)$", text, re.MULTILINE)
    assert [id_ for _, id_, _ in items] == [each.id for each in framework.practices().values() if each.pillar == pillar]
    assert all(bool(box) != bool(re.search(r": (rules|tests of) \[", rest)) for box, _, rest in items)


def test_every_rule_that_a_checklist_names_is_in_the_catalogue() -> None:
    for file in pages(ROOT):
        named = re.findall(r"\(\.\./policies/([\w-]+\.md)#([\w-]+)\)", file.read_text())
        assert named
        assert not [rule for page, rule in named if f"\n## {rule}\n" not in (ROOT / "docs" / "policies" / page).read_text()]


def test_every_command_that_a_checklist_says_to_run_exists() -> None:
    assert {command.split()[1] for _, _, commands in REVIEWS.values() for command in commands} <= set(COMMANDS)
