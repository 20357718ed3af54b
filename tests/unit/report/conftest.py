"""Reports of made-up findings whose counts add up as those of an evaluation do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from wellarchitected import CHECKLIST

# A busy machine must not fail a true invariant.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

OUTCOMES = ("pass", "fail", "exempt", "not_applicable", "not_evaluable", "error")
STACK = "urn:pulumi:dev::app::pulumi:pulumi:Stack::app-dev"
BUCKET = "aws:s3/bucket:Bucket"


def rule(id_: str, pillar: str, **changes: Any) -> dict[str, Any]:
    """A rule as a document holds it, judged and passed once."""
    entry = {
        "id": id_, "title": f"Title of {id_}.", "level": "mandatory", "severity": "high", "pillar": pillar,
        "practices": [f"{pillar}01-BP01"], "checklist": [f"CHK-{pillar}-1"], "spec": [f"{pillar}-1a"], "sources": ["cdk-nag:X"],
        "types": [BUCKET], "why": f"Why of {id_}.", "fix": f"Do {id_}", "counts": {"pass": 1},
    }  # fmt: skip
    return entry | changes


RULES = [
    rule("bucket-closed", "SEC", severity="critical"),
    rule("bucket-named", "SEC", level="advisory", severity="low", checklist=["CHK-SEC-2"]),
    rule("bucket-copied", "REL"),
    rule("bucket-cheap", "COST", level="advisory", severity="low", checklist=[]),
    rule("bucket-unseen", "SUS", counts={}),
    rule("bucket-off", "OPS", level="disabled", counts={}),
]
BY_ID = {entry["id"]: entry for entry in RULES}


def finding(rule_id: str = "bucket-closed", outcome: str = "fail", name: str = "data", **changes: Any) -> dict[str, Any]:
    """A finding of one of `RULES` about a bucket."""
    of = BY_ID.get(rule_id, rule(rule_id, "OPS"))
    entry = {
        "rule": rule_id, "urn": f"urn:pulumi:dev::app::{BUCKET}::{name}", "outcome": outcome, "level": of["level"],
        "severity": of["severity"], "message": f"acl of '{name}' is public. Close it", "pillar": of["pillar"],
        "practice": of["practices"][0], "checklist": (of["checklist"] or [None])[0], "spec": of["spec"][0], "file": "buckets.py", "line": 7,
        "state": None, "exemption": None,
    }  # fmt: skip
    if outcome == "exempt":
        entry["exemption"] = {"urn": f"*::{name}", "reason": "it is public data", "owner": "lake", "expires": "2027-06-30"}
    return entry | changes


def document(findings: Sequence[Mapping[str, Any]] = (), **changes: Any) -> dict[str, Any]:
    """A whole report with these findings; every resource that is named in them is declared."""
    rules = []
    for entry in RULES:
        counts = Counter({**entry["counts"]})
        counts.update(each["outcome"] for each in findings if each["rule"] == entry["id"])
        rules.append({**entry, "counts": {outcome: counts[outcome] for outcome in OUTCOMES}})
    total = Counter({outcome: sum(entry["counts"][outcome] for entry in rules) for outcome in OUTCOMES})
    total.update(each["outcome"] for each in findings if each["rule"] not in BY_ID)
    total["not_applicable"] += sum(not any(entry["counts"].values()) for entry in rules if entry["level"] != "disabled")
    pillars = []
    for pillar in ("OPS", "SEC", "REL", "PERF", "COST", "SUS"):
        found = Counter(each["outcome"] for each in findings if each["pillar"] == pillar)
        found["pass"] = sum(entry["counts"]["pass"] for entry in rules if entry["pillar"] == pillar)
        pillars.append({"pillar": pillar, **{name: found[name] for name in ("pass", "fail", "exempt", "not_evaluable", "error")}})
    resources = [{"urn": STACK, "type": "pulumi:pulumi:Stack", "name": "app-dev", "parent": "", "file": "", "line": 0}]
    for urn in dict.fromkeys(each["urn"] for each in findings):
        name = urn.split("::", 3)[-1]
        resources.append({"urn": urn, "type": BUCKET, "name": name, "parent": STACK, "file": "buckets.py", "line": 7})
    entry = {
        "project": "app", "stack": "dev", "date": "2026-11-26", "resources": resources,
        "policy": {
            "rules": len(rules) - 1, "evaluations": sum(total.values()), **{outcome: total[outcome] for outcome in OUTCOMES},
            "environment": "dev", "findings": list(findings),
        },
        "pillars": pillars,
        "checklist": [
            {
                "id": item.id, "pillar": item.pillar, "item": item.text, "status": "not_applicable",
                "rules": [each["id"] for each in rules if item.id in each["checklist"]],
            }
            for item in CHECKLIST
        ],
        "rules": rules,
    }  # fmt: skip
    return entry | changes


# Whatever somebody may have called a thing: quotes, brackets, control characters, halves of surrogate pairs, emojis, Markdown, HTML.
NASTY = [
    "<script>alert(1)</script>",
    "a\x1b[31mb",
    "`` ` ``",
    "|",
    "@team",
    "]](x)",
    "&amp;",
    "\ud800",
    "\u202egnp",
    "🪣",
    "]]>",
    "\x00",
    "$x$",
    "'\"",
]
texts = st.one_of(st.sampled_from(NASTY), st.text(st.characters(exclude_categories=()), max_size=12))


@st.composite
def reports(draw: st.DrawFn, at_most: int = 12) -> dict[str, Any]:
    """A report with findings of every kind and any text; the number at the end of each name makes it one of its kind."""
    findings = []
    for number in range(draw(st.integers(0, at_most))):
        of = draw(st.sampled_from([each for each in RULES if each["level"] != "disabled"]))
        text = draw(texts)
        file, line = draw(st.sampled_from([(None, None), ("", 0), ("a b/c%.py", 3), ("naïve#?.py", 1)]))
        changes: dict[str, Any] = {"file": file, "line": line, "message": draw(st.sampled_from([text, f"{text} of '{text}n{number}n'"]))}
        outcome = draw(st.sampled_from(["fail", "exempt", "not_evaluable", "error"]))
        entry = finding(of["id"], outcome, f"{text}n{number}n", state=draw(st.sampled_from([None, text])), **changes)
        if entry["exemption"]:
            entry["exemption"] = {**entry["exemption"], "reason": text, "owner": text}
        findings.append(entry)
    return document(findings)
