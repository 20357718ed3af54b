"""The generated catalogue is fresh and says of every rule what its metadata says."""

from __future__ import annotations

import re
from pathlib import Path

from wellarchitected import CHECKLIST, RULES, best_practices
from wellarchitected.catalogue import INDEX, main, page_of, pages

FOLDER = Path(__file__).parents[2] / "docs" / "policies"


def test_the_catalogue_is_fresh() -> None:
    found = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.iterdir()}
    assert found == pages(), "run `make docs` and commit docs/policies"


def test_every_rule_has_an_entry_with_what_its_metadata_says() -> None:
    made = pages()
    for rule in RULES:
        page, anchor = page_of(rule).split("#")
        _, _, entry = made[page].partition(f"\n## {anchor}\n")
        entry = entry.partition("\n## ")[0]
        titles = [best_practices()[practice].title for practice in rule.practices]
        said = [rule.title, rule.why, f"**Fix**: {rule.fix}.", f"Severity {rule.severity}", *rule.types, *titles, *rule.sources]
        said += [f"`{name}`" for name in rule.parameters] + [f"{rule.default_level('prod')} in prod", *rule.spec, *rule.checklist]
        assert not [text for text in said if text not in entry], rule.id


def test_the_index_leads_to_every_rule_and_checklist_item() -> None:
    index = pages()[INDEX]
    assert {page_of(rule) for rule in RULES} <= set(re.findall(r"\]\(([^)]+)\)", index))
    for item in CHECKLIST:
        row = next(line for line in index.splitlines() if line.startswith(f"| {item.id} |"))
        assert all(f"[{rule.id}]" in row for rule in RULES if item.id in rule.checklist)


def test_a_browser_shows_each_page() -> None:
    too_big = {name: len(text) for name, text in pages().items() if len(text) > 200_000}
    assert not too_big, "forges do not render pages of half a megabyte: split the service"


def test_the_page_of_a_service_without_rules_is_removed(tmp_path: Path) -> None:
    (tmp_path / "gone.md").write_text("rules of a service that is not judged any more")
    assert main([str(tmp_path)]) == 0
    assert {file.name for file in tmp_path.iterdir()} == set(pages())


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert main([str(tmp_path / "file")]) == 2
    assert main([]) == 2
