"""docs/traceability.md is fresh, and markers name ids that exist."""

from __future__ import annotations

from pathlib import Path

import pytest
import wellarchitected

from tests.traceability import evidence
from tests.traceability.page import PAGE, page, proving_rules


def test_every_marker_names_an_id_of_the_specification() -> None:
    rules = [(rule.id, (*rule.spec, *rule.checklist)) for rule in wellarchitected.RULES]
    unknown = {id_: found for id_, found in evidence.collect(rules).items() if id_ not in evidence.specification()}
    assert not unknown


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text() == page(evidence.collect(proving_rules().items())), "run `make docs` and commit docs/traceability.md"


def test_an_id_with_a_component_alone_is_listed_as_unproven() -> None:
    component = evidence.Evidence(components=[evidence.Place("Recovery", "components/recovery/recovery.py")])
    text = page({"REL-1d": component})
    assert "**REL-1d** (unproven)" in text
    assert "REL-1d" in text.split("Not yet: ")[1].split("\n")[0]


def test_a_rule_proves_a_setting_but_no_effect() -> None:
    rule = evidence.Evidence(rules=["lambda-published"])
    wanted = evidence.specification()
    assert wanted["SEC-3b"].proven_by(rule)
    assert not wanted["P2d"].proven_by(rule)


def test_markers_of_modules_classes_and_functions_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "ROOT", tmp_path)
    (tmp_path / "test_example.py").write_text(
        "import pytest\n"
        'pytestmark = [pytest.mark.sandbox, pytest.mark.spec("P1a")]\n'
        'class TestThings:\n    @pytest.mark.spec("P1b", "P1c")\n    def test_one(self): ...\n'
        "def test_two(): ...\n"
        "def helper(): ...\n"
    )
    found = {(place.name, id_) for place, id_ in evidence.marked_tests(tmp_path)}
    assert found == {("test_one", "P1a"), ("test_one", "P1b"), ("test_one", "P1c"), ("test_two", "P1a")}
