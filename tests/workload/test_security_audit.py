"""What the audit of a stack's real state finds: nothing where all is as declared, and one thing for each way to differ."""

from __future__ import annotations

import importlib.util
import sys
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

NOW = datetime(2026, 11, 25, tzinfo=UTC)
SECURE = {
    "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}
}  # fmt: skip
EVERYBODY = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}
POLICY = "arn:aws:iam::123456789012:policy"
SOUND: dict[str, Any] = {
    "buckets": [
        {
            "name": "raw", "encrypted": True, "versioning": "Enabled", "policy": {"Statement": SECURE},
            "public_access": dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True),
        }
    ],
    "keys": [{"arn": "key", "state": "Enabled", "rotates": True}],
    "trail": {"arn": "trail", "is_logging": True, "validates": True, "delivery_error": ""},
    "roles": [
        {
            "name": "role", "boundary": "arn", "attached": [f"{POLICY}/denial/app"],
            "policies": [{"Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"]}, {"Effect": "Deny", "Action": "*"}]}],
        }
    ],
    "users": [],
    "ingress": [{"group": "sg-1", "protocol": "tcp", "first": 443, "last": 443, "source": "10.0.0.0/8"}],
    "log_groups": [{"name": "group", "retention_days": 30, "key": "key"}],
    "functions": [{"name": "function", "policy": None}],
    "boundary": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def checks() -> ModuleType:
    file = Path(__file__).parents[2] / "lambdas" / "security_audit" / "checks.py"
    spec = importlib.util.spec_from_file_location("security_audit_checks", file)
    assert spec and spec.loader
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def differing(part: str, **changes: Any) -> dict[str, Any]:
    """The sound stack, of which one thing differs."""
    facts = deepcopy(SOUND)
    (facts[part] if isinstance(facts[part], dict) else facts[part][0]).update(changes)
    return facts


def test_a_stack_as_declared_has_no_findings(checks: ModuleType) -> None:
    assert checks.findings(SOUND, NOW, 90) == []


@pytest.mark.parametrize(
    ("part", "change", "check", "severity"),
    [
        ("buckets", {"public_access": None}, "bucket-public", "critical"),
        ("buckets", {"public_access": {"BlockPublicAcls": True}}, "bucket-public", "critical"),
        ("buckets", {"policy": {"Statement": [SECURE, EVERYBODY]}}, "bucket-public", "critical"),
        ("buckets", {"policy": None}, "bucket-transport", "medium"),
        ("buckets", {"encrypted": False}, "bucket-encryption", "high"),
        ("buckets", {"versioning": "Suspended"}, "bucket-versions", "medium"),
        ("keys", {"state": "PendingDeletion", "rotates": None}, "key-state", "critical"),
        ("keys", {"rotates": False}, "key-rotation", "medium"),
        ("trail", {"is_logging": False}, "trail", "critical"),
        ("trail", {"validates": False}, "trail-validation", "high"),
        ("trail", {"delivery_error": "AccessDenied"}, "trail-delivery", "high"),
        ("roles", {"boundary": None}, "role-boundary", "high"),
        ("roles", {"policies": [{"Statement": {"Effect": "Allow", "Action": "iam:*"}}]}, "role-wildcard", "high"),
        ("roles", {"policies": [{"Statement": [{"Effect": "Allow", "NotAction": "iam:*"}]}]}, "role-wildcard", "high"),
        ("roles", {"attached": [f"{POLICY}/quarantine/app"]}, "role-quarantined", "medium"),
        ("roles", {"attached": ["arn:aws:iam::aws:policy/AdministratorAccess"]}, "role-attached-policy", "high"),
        ("ingress", {"source": "0.0.0.0/0"}, "ingress-open", "critical"),
        ("log_groups", {"retention_days": None}, "log-retention", "low"),
        ("log_groups", {"key": None}, "log-key", "medium"),
        ("functions", {"policy": {"Statement": [EVERYBODY]}}, "function-public", "critical"),
    ],
)
def test_each_difference_is_one_finding_with_what_to_do(
    checks: ModuleType, part: str, change: dict[str, Any], check: str, severity: str
) -> None:
    (finding,) = checks.findings(differing(part, **change), NOW, 90)
    assert (finding.check, finding.severity) == (check, severity)
    assert finding.resource and finding.message and finding.fix


def test_a_stack_without_a_trail_is_told_so_and_a_role_without_a_boundary_only_where_there_is_one(checks: ModuleType) -> None:
    assert [each.message for each in checks.findings({**SOUND, "trail": None}, NOW, 90)] == ["there is no audit trail"]
    assert checks.findings({**differing("roles", boundary=None), "boundary": None}, NOW, 90) == []


def test_the_report_has_the_worst_first_counts_every_severity_and_is_readable(checks: ModuleType) -> None:
    facts = {**differing("keys", rotates=False), "trail": None}
    document = checks.report("prod", NOW, {"buckets": 1, "keys": 1}, checks.findings(facts, NOW, 90))
    assert [each["check"] for each in document["findings"]] == ["trail", "key-rotation"]
    assert document["counts"] == {"critical": 1, "high": 0, "medium": 1, "low": 0}
    text = checks.markdown(document)
    assert "- checked: 1 buckets, 1 keys" in text and text.index("there is no audit trail") < text.index("the key does not rotate")
    assert "Nothing was found." in checks.markdown(checks.report("prod", NOW, {"buckets": 1}, []))
