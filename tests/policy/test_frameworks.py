"""Framework columns: what AWS says a control of Security Hub stands for."""

from __future__ import annotations

import re

from wellarchitected import RULES, evaluate
from wellarchitected.checklist import security_hub_controls
from wellarchitected.frameworks import FRAMEWORKS, frameworks, requirements, shown

from .examples import TODAY
from .test_evaluate import bucket

NUMBERS = {
    "NIST-800-53-5": r"[A-Z]{2}-\d+(\(\d+\))?",
    "CIS-5.0.0": r"\d(\.\d+){1,2}",
    "CIS-3.0.0": r"\d(\.\d+){1,2}",
    "PCI-4.0.1": r"\d+(\.\d+){1,2}",
}


def test_a_rule_names_the_requirements_of_its_controls() -> None:
    assert frameworks(("checkov:CKV_AWS_7", "securityhub:KMS.4")) == {
        "NIST-800-53-5": ("SC-12", "SC-12(2)", "SC-28(3)"), "CIS-5.0.0": ("3.6",), "CIS-3.0.0": ("3.6",), "PCI-4.0.1": ("3.7.4",)
    }  # fmt: skip
    assert frameworks(("checkov:CKV_AWS_7",)) == {}


def test_a_standard_without_recorded_numbers_is_named_all_the_same() -> None:
    assert shown(frameworks(("securityhub:Lambda.2",))).startswith("AWS Foundational Security Best Practices (Lambda.2), NIST SP 800-53 r5")


def test_recorded_numbers_are_of_controls_that_are_part_of_the_standard() -> None:
    for (control, standard), numbers in requirements().items():
        assert standard in security_hub_controls()[control], (control, standard)
        assert numbers and all(re.fullmatch(NUMBERS[standard], number) for number in numbers), (control, numbers)


def test_every_cis_requirement_that_security_hub_supports_has_its_number() -> None:
    manual = {"S3.22", "S3.23"}  # object-level logging: not in AWS's comparison of the versions
    for standard in ("CIS-5.0.0", "CIS-3.0.0"):
        members = {control for control, standards in security_hub_controls().items() if standard in standards}
        assert members - {control for control, of in requirements() if of == standard} <= manual


def test_the_frameworks_of_a_rule_are_in_the_report_and_at_least_a_hundred_rules_have_some() -> None:
    rules = {rule["id"]: rule for rule in evaluate([bucket()], stack="dev", today=TODAY).to_dict()["rules"]}
    assert {standard for rule in rules.values() for standard in rule["frameworks"]} == set(FRAMEWORKS)
    assert sum("NIST-800-53-5" in rule.frameworks for rule in RULES) >= 100
    assert rules["exemptions-valid"]["frameworks"] == {}
