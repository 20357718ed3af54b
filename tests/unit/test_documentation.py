"""What the documents say is there, is there."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUNBOOKS = ROOT / "docs" / "runbooks"
PAGES = [ROOT / "README.md", ROOT / "policy" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@cache
def anchors(page: Path) -> frozenset[str]:
    """The anchors of a page's headings, as forges make them; a second heading of the same text has -1 behind."""
    made: list[str] = []
    for heading in re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL), re.MULTILINE):
        anchor = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        made.append(f"{anchor}-{made.count(anchor)}" if anchor in made else anchor)
    return frozenset(made)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    prose = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if "://" not in link and not (target.exists() and (not anchor or anchor in anchors(target))):
            broken.append(link)
    assert not broken


def test_every_command_of_the_readme_exists() -> None:
    from mlops.cli.main import COMMANDS, GROUPS

    named = set(re.findall(r"mlops ([a-z]+)", (ROOT / "README.md").read_text()))
    assert named <= {*COMMANDS, *GROUPS}


def test_no_file_names_a_registry_or_a_path_of_one_machine() -> None:
    wrong = re.compile(r"https?://\S*(?:pypi|simple)/|(?<!no-emit-)index-url|/root/|/home/[a-z]+/")
    text = "\n".join((ROOT / name).read_text() for name in ("requirements.lock", "requirements-uv.lock", "pyproject.toml", "Makefile"))
    assert not wrong.findall(text)


@pytest.mark.spec("OPS-6", "SEC-8h")
def test_every_runbook_says_what_one_sees_and_what_to_do_and_is_in_the_index() -> None:
    readme, index = (ROOT / "README.md").read_text(), (RUNBOOKS / "README.md").read_text()
    assert "docs/deployment.md" in readme and "docs/runbooks/README.md" in readme
    for runbook in sorted(set(RUNBOOKS.glob("*.md")) - {RUNBOOKS / "README.md"}):
        text = runbook.read_text()
        assert "**You see**" in text and re.search(r"^1\. ", text, re.MULTILINE), f"{runbook.name}: no symptom, or no steps"
        assert f"]({runbook.name})" in index, f"{runbook.name} is not in docs/runbooks/README.md"
