"""Every id that a rule names exists where it says: Security Hub, checkov, cdk-nag, the Machine Learning Lens."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from wellarchitected import RULES
from wellarchitected.checklist import CHECKLIST, lens_practices, security_hub_controls
from wellarchitected.model import PILLARS

DATA = Path(__file__).parent / "data"
KNOWN = {
    "securityhub": frozenset(security_hub_controls()),
    "checkov": frozenset((DATA / "checkov_ids.txt").read_text().split()),
    "cdk-nag": frozenset((DATA / "cdk_nag_ids.txt").read_text().split()),
}


@pytest.mark.parametrize("catalogue", KNOWN)
def test_ids_of_other_catalogues_exist_there(catalogue: str) -> None:
    named = {(rule.id, source) for rule in RULES for source in rule.sources if source.startswith(f"{catalogue}:")}
    assert len(named) > 50
    assert {(rule, source) for rule, source in named if source.partition(":")[2] not in KNOWN[catalogue]} == set()


def test_every_source_says_which_catalogue_it_is_of() -> None:
    assert {source.partition(":")[0] for rule in RULES for source in rule.sources} == set(KNOWN)


def test_tables_hold_what_their_readme_says() -> None:
    assert len(security_hub_controls()) == 589
    assert len(lens_practices()) == 105
    assert security_hub_controls()["S3.8"] >= {"FSBP", "NIST-800-53-5"}


def test_rules_about_machine_learning_name_practices_of_the_lens_that_exist() -> None:
    assert {practice for rule in RULES for practice in rule.lens} <= set(lens_practices())
    of_sagemaker = [rule for rule in RULES if rule.id.startswith(("sagemaker-training", "sagemaker-endpoint", "sagemaker-model"))]
    without = {rule.id for rule in of_sagemaker if not rule.lens}
    assert without <= {"sagemaker-endpoint-serverless-deployable"}  # about what AWS accepts, not about practices
    assert len({practice for rule in RULES for practice in rule.lens}) >= 30
    assert {lens_practices()[practice].pillar for rule in RULES for practice in rule.lens} == set(PILLARS)


@pytest.mark.parametrize("pillar", [pillar for pillar in PILLARS if pillar != "SEC"])
def test_no_pillar_is_thin(pillar: str) -> None:
    assert Counter(rule.pillar for rule in RULES)[pillar] >= 20


def test_there_are_more_than_300_rules_and_each_item_of_the_checklist_has_one() -> None:
    assert len(RULES) >= 300
    assert {item for rule in RULES for item in rule.checklist} == {item.id for item in CHECKLIST}
