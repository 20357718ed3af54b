"""The doctor on a deployed stack: its own things are no obstacle."""

from __future__ import annotations

from typing import Any


def rows(document: dict[str, Any], status: str) -> list[dict[str, Any]]:
    return [row for row in document["checks"] if row["status"] == status]


def test_a_deployed_stack_is_no_obstacle_to_itself(mlops: Any) -> None:
    code, document = mlops("doctor")
    assert rows(document, "problem") == [] and code == 0, rows(document, "problem")
    assert (document["status"], document["account"]) == ("succeeded", "asked")
    found = {row["id"]: row for row in rows(document, "ok")}
    assert "the stack is in it" in found["sandbox"]["found"]
    assert "sandbox-deployer is allowed" in found["permissions"]["found"]
    assert {"names", "buckets", "api-log-role", "iam-quotas", "lambda-concurrency", "region"} <= set(found)
    assert {row["why"] for row in rows(document, "not_checked")} == {"the sandbox has no such quota: it would enforce none"}
