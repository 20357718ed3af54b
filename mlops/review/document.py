"""The review as one document: every best practice with its state, and honest counts per pillar."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from mlops.review import framework
from mlops.review.states import STATES, Evidence, judge

# What somebody has to look at, and why.
ATTENTION = {
    ("enforced", "fail"): "a rule fails",
    ("enforced", "error"): "a rule is defective",
    ("shown", "fail"): "a test fails",
    ("organisational", "expired"): "the answer has expired",
    ("organisational", "no"): "answered with no",
}
STOPPING = {("enforced", "error"), ("shown", "fail"), ("organisational", "expired")}


def review(stack: str, evidence: Evidence) -> dict[str, Any]:
    """The document; `findings` are what somebody has to look at, `status` is failed when one of them is not only advice."""
    rows = [judge(practice, evidence) for practice in framework.practices().values()]
    findings = [_finding(row) for row in rows if (row["state"], row["result"]) in ATTENTION]
    return {
        "status": "failed" if any(finding["stops"] for finding in findings) else "succeeded",
        "stack": stack,
        "date": evidence.today.isoformat(),
        "framework": {"version": framework.VERSION, "source": framework.SOURCE, "practices": len(rows)},
        "programs": [program.name for program in evidence.programs],
        "counts": counts(rows),
        "pillars": [
            {"pillar": pillar, "name": name, **counts([row for row in rows if row["pillar"] == pillar])}
            for pillar, name in framework.NAMES.items()
        ],
        "findings": findings,
        "practices": rows,
    }


def counts(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """How many are in which state, how those came out, and how many of high risk nobody has answered or covered."""
    states = Counter(row["state"] for row in rows)
    results: dict[str, Counter[str]] = {state: Counter() for state in STATES[:-1]}
    for row in rows:
        if row["result"]:
            results[row["state"]][row["result"]] += 1
    uncovered = [row for row in rows if row["state"] == "not_covered" or row["result"] in ("open", "expired")]
    return {
        "practices": len(rows),
        **{state: states[state] for state in STATES},
        "results": {state: dict(sorted(each.items())) for state, each in results.items()},
        "high_risk_without_evidence": sum(row["risk"] == "HIGH" for row in uncovered),
    }


def _finding(row: dict[str, Any]) -> dict[str, Any]:
    key = (row["state"], row["result"])
    mandatory = any(each["fail"] and each["level"] == "mandatory" for each in row["rules"])
    names = [each["rule"] for each in row["rules"] if each["fail"] or each["error"]] + [
        each["test"] for each in row["tests"] if each["result"] == "fail"
    ]
    return {
        "practice": row["id"],
        "title": row["title"],
        "what": ATTENTION[key],
        "by": list(dict.fromkeys(names)),
        "stops": key in STOPPING or mandatory,
    }
