"""Least privilege over everything that the end-to-end tests made the platform do."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.sandbox, pytest.mark.last]


@pytest.mark.spec("SEC-1a", "CHK-SEC-1")
def test_nothing_was_denied_and_nothing_is_granted_without_use_or_reason(mlops: Any, deployed: dict[str, Any]) -> None:
    code, document = mlops("audit", "--privileges")
    judged = document["privileges"]
    findings = "\n".join(" | ".join(finding[key] for key in ("kind", "role", "action", "resource")) for finding in judged["findings"])
    assert not findings, findings
    assert judged["granted"] == judged["used"] + judged["explained"]
    assert code == 0
