"""What is wrong with the stack's real state; pure, from what the services said about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from platform_common.exposure import is_open, is_public

SEVERITIES = ("critical", "high", "medium", "low")
Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be, and what to do about it."""

    check: str
    severity: str
    resource: str
    message: str
    fix: str


def findings(facts: Facts, now: datetime, unused_days: int) -> list[Finding]:
    """All findings, worst first."""
    found = [
        *(finding for bucket in facts["buckets"] for finding in _bucket(bucket)),
        *(finding for key in facts["keys"] for finding in _key(key)),
        *_trail(facts["trail"]),
        *(finding for role in facts["roles"] for finding in _role(role, bounded=facts["boundary"])),
        *(finding for user in facts["users"] for finding in _user(user, now, unused_days)),
        *(finding for rule in facts["ingress"] for finding in _ingress(rule)),
        *(finding for group in facts["log_groups"] for finding in _log_group(group)),
        *(finding for function in facts["functions"] for finding in _function(function)),
    ]
    return sorted(found, key=lambda each: (SEVERITIES.index(each.severity), each.check, each.resource))


def _bucket(bucket: Facts) -> Iterator[Finding]:
    name, access = bucket["name"], bucket["public_access"] or {}
    names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    if not all(access.get(each) for each in names):
        yield Finding(
            "bucket-public", "critical", name, "public access is not blocked", "run `pulumi up`, or switch the security response on"
        )
    if any(is_public(statement) for statement in statements(bucket["policy"])):
        yield Finding("bucket-public", "critical", name, "its policy admits everybody", "run `pulumi up`: it puts the declared policy back")
    if not bucket["encrypted"]:
        yield Finding("bucket-encryption", "high", name, "it has no default encryption", "run `pulumi up`")
    if bucket["versioning"] != "Enabled":
        yield Finding("bucket-versions", "medium", name, "it keeps no versions", "run `pulumi up`")
    if not any("aws:SecureTransport" in str(statement.get("Condition", {})) for statement in statements(bucket["policy"])):
        yield Finding("bucket-transport", "medium", name, "its policy does not deny plain HTTP", "run `pulumi up`")


def _key(key: Facts) -> Iterator[Finding]:
    if key["state"] != "Enabled":
        yield Finding("key-state", "critical", key["arn"], f"the key is {key['state']}", "cancel the deletion, enable the key")
    elif not key["rotates"]:
        yield Finding("key-rotation", "medium", key["arn"], "the key does not rotate", "run `pulumi up`")


def _trail(trail: Facts | None) -> Iterator[Finding]:
    if trail is None:
        yield Finding("trail", "critical", "trail", "there is no audit trail", "run `pulumi up`")
        return
    if not trail["is_logging"]:
        yield Finding("trail", "critical", trail["arn"], "the trail is not logging", "aws cloudtrail start-logging")
    if not trail["validates"]:
        yield Finding("trail-validation", "high", trail["arn"], "log files are not validated", "run `pulumi up`")
    if trail["delivery_error"]:
        yield Finding(
            "trail-delivery", "high", trail["arn"], f"delivery fails: {trail['delivery_error']}", "mend the log bucket's policy or key"
        )


def _role(role: Facts, *, bounded: bool) -> Iterator[Finding]:
    if bounded and not role["boundary"]:
        yield Finding("role-boundary", "high", role["name"], "the role carries no permissions boundary", "run `pulumi up`")
    wide = sorted({action for policy in role["policies"] for action in wide_actions(policy)})
    if wide:
        yield Finding("role-wildcard", "high", role["name"], f"its policy allows {', '.join(wide)}", "name the actions; run `pulumi up`")
    for arn in role["attached"]:
        kind = arn.rpartition(":policy/")[2].partition("/")[0]
        if kind == "quarantine":
            yield Finding("role-quarantined", "medium", role["name"], "it may do nothing", "docs/runbooks/quarantined-role.md")
        elif kind != "denial":
            yield Finding("role-attached-policy", "high", role["name"], f"{arn} is attached", "detach it: a role has its one inline policy")


def _user(user: Facts, now: datetime, unused_days: int) -> Iterator[Finding]:
    for key in user["access_keys"]:
        last = datetime.fromisoformat(key["last_used"] or key["created"])
        if key["status"] == "Active" and now - last > timedelta(days=unused_days):
            message = f"access key {key['id']} was not used for {(now - last).days} days"
            yield Finding("access-key-unused", "medium", user["name"], message, "delete the key; people and pipelines use roles")


def _ingress(rule: Facts) -> Iterator[Finding]:
    if is_open(rule["source"]):
        message = f"{rule['protocol']} {rule['first']}-{rule['last']} is open to {rule['source']}"
        yield Finding("ingress-open", "critical", rule["group"], message, "revoke the rule; groups admit other groups only")


def _log_group(group: Facts) -> Iterator[Finding]:
    if not group["retention_days"]:
        yield Finding("log-retention", "low", group["name"], "logs are kept for ever", "declare the group, or set its retention")
    if not group["key"]:
        yield Finding("log-key", "medium", group["name"], "logs are not encrypted with a key of ours", "declare the group with its key")


def _function(function: Facts) -> Iterator[Finding]:
    if any(is_public(statement) for statement in statements(function["policy"])):
        yield Finding("function-public", "critical", function["name"], "anybody may invoke it", "aws lambda remove-permission")


def statements(policy: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    found = (policy or {}).get("Statement", [])
    return [found] if isinstance(found, dict) else list(found)


def wide_actions(policy: Mapping[str, Any]) -> Iterator[str]:
    """`*`, `service:*`, or everything but a list."""
    for statement in statements(policy):
        if statement.get("Effect") != "Allow":
            continue
        actions = statement.get("Action", [])
        yield from (action for action in ([actions] if isinstance(actions, str) else actions) if action == "*" or action.endswith(":*"))
        if "NotAction" in statement:
            yield "everything but a NotAction list"


def counts(found: Iterable[Finding]) -> dict[str, int]:
    """Findings a severity, with zeros."""
    counted = Counter(finding.severity for finding in found)
    return {severity: counted[severity] for severity in SEVERITIES}


def report(stack: str, now: datetime, checked: Mapping[str, int], found: Sequence[Finding]) -> dict[str, Any]:
    return {
        "schema": 1,
        "stack": stack,
        "time": now.isoformat(),
        "checked": dict(checked),
        "counts": counts(found),
        "findings": [asdict(finding) for finding in found],
    }


def markdown(document: Mapping[str, Any]) -> str:
    """The report for people."""
    lines = [f"# Security audit of {document['stack']}", "", f"{document['time']}", ""]
    lines += [f"- checked: {', '.join(f'{number} {kind}' for kind, number in document['checked'].items())}"]
    lines += [f"- findings: {', '.join(f'{number} {severity}' for severity, number in document['counts'].items())}", ""]
    if document["findings"]:
        lines += ["| severity | check | resource | what | what to do |", "|---|---|---|---|---|"]
        lines += [f"| {f['severity']} | {f['check']} | {f['resource']} | {f['message']} | {f['fix']} |" for f in document["findings"]]
    else:
        lines.append("Nothing was found.")
    return "\n".join(lines) + "\n"
