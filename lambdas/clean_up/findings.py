"""What may go, and what must stay: decided from descriptions of what there is. Pure.

Nothing that is in service or that a rollback needs is ever a finding to delete; what does not say by its tags that it belongs to this stack
is reported at most.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from platform_common.prices import instances_month, stored_month

DELETE, REPORT = "delete", "report"


@dataclass(frozen=True)
class Limits:
    """How old and how idle is too much."""

    now: datetime
    idle_hours: int
    keep_versions: int
    unused_days: int

    def unused_since(self) -> datetime:
        return self.now - timedelta(days=self.unused_days)


@dataclass(frozen=True)
class Stack:
    """Whose things these are: `models` maps a model's endpoint to its name."""

    project: str
    name: str
    prefix: str
    models: Mapping[str, str]

    def owns(self, tags: Mapping[str, str]) -> bool:
        """Whether the tags say that a thing was made by this stack."""
        return tags.get("Project") == self.project and tags.get("Stack") == self.name


@dataclass(frozen=True)
class Finding:
    """`action` is what applying would do; `monthly_usd` what that saves by list prices, None where no price is known."""

    kind: str
    id: str
    reason: str
    action: str
    monthly_usd: float | None = 0.0
    details: dict[str, Any] = field(default_factory=dict)

    def row(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class InUse:
    """What must stay: configurations and models behind endpoints, or held for one that is switched off, or for a rollback."""

    configs: frozenset[str]
    models: frozenset[str]


def idle_endpoints(endpoints: Iterable[Mapping[str, Any]], stack: Stack, limits: Limits) -> list[Finding]:
    """Endpoints without one invocation in `idle_hours`. The one that a model is served by is only reported: the API answers with it."""
    found = []
    for endpoint in endpoints:
        old = endpoint["created"] <= limits.now - timedelta(hours=limits.idle_hours)
        if endpoint["status"] != "InService" or not old or endpoint["invocations"]:
            continue
        serving = endpoint["name"] in stack.models
        reason = f"no invocation in {limits.idle_hours} hours"
        if serving:
            reason += "; it serves a model, so it stays: office hours switch it off at night"
        elif not stack.owns(endpoint["tags"]):
            reason += "; its tags do not name this stack, so it stays"
        action = REPORT if serving or not stack.owns(endpoint["tags"]) else DELETE
        fleet = endpoint["fleet"]
        details = {"fleet": [list(each) for each in fleet]}
        found.append(Finding("idle-endpoint", endpoint["name"], reason, action, instances_month(fleet), details))
    return found


def old_versions(versions: Iterable[Mapping[str, Any]], archives: Collection[str], limits: Limits) -> list[Finding]:
    """Versions of one model beyond the newest `keep_versions`, without those whose archive a model still uses; with the objects of their job."""
    newest_first = sorted(versions, key=lambda version: version["version"], reverse=True)
    old = [version for version in newest_first[limits.keep_versions :] if version["archive"] not in archives]
    folders = {version["objects"] for version in newest_first if version not in old}
    found = []
    for version in old:
        shared = version["objects"] in folders  # another version of the same job stays
        details = {
            "version": version["version"],
            "model": version["model"],
            "archive": version["archive"],
            "objects": "" if shared else version["objects"],
        }
        reason = f"{version['status']}, not in service, and older than the newest {limits.keep_versions} versions"
        saving = 0.0 if shared else stored_month("s3", version["size"])
        found.append(Finding("old-version", version["arn"], reason, DELETE, saving, details))
    return found


def unused_configs(configs: Iterable[Mapping[str, Any]], in_use: InUse, stack: Stack, limits: Limits) -> list[Finding]:
    """Endpoint configurations that no endpoint uses and no rollback needs."""
    return _unused("endpoint-config", configs, in_use.configs, stack, limits)


def unused_models(models: Iterable[Mapping[str, Any]], in_use: InUse, stack: Stack, limits: Limits) -> list[Finding]:
    """SageMaker models behind no configuration that stays."""
    return _unused("model", models, in_use.models, stack, limits)


def _unused(kind: str, things: Iterable[Mapping[str, Any]], used: frozenset[str], stack: Stack, limits: Limits) -> list[Finding]:
    return [
        Finding(kind, thing["name"], f"unused, and older than {limits.unused_days} days", DELETE)
        for thing in things
        if thing["name"] not in used and thing["created"] <= limits.unused_since() and stack.owns(thing["tags"])
    ]


OWNERS = {
    "function": re.compile(r"^/aws/lambda/(?P<name>.+)$"),
    "state machine": re.compile(r"^/aws/vendedlogs/states/(?P<name>.+)$"),
    "endpoint": re.compile(r"^/aws/sagemaker/Endpoints/(?P<name>.+)$"),
}


def owner_of(group: str) -> tuple[str, str] | None:
    """(kind, name) of what writes a log group; None for a group of another kind."""
    for kind, pattern in OWNERS.items():
        match = pattern.match(group)
        if match:
            return kind, match["name"]
    return None


def orphaned_log_groups(groups: Iterable[Mapping[str, Any]], stack: Stack, limits: Limits) -> list[Finding]:
    """Log groups whose function, state machine or endpoint is gone. A model's endpoint may come and go: its group stays."""
    found = []
    for group in groups:
        owner = owner_of(group["name"])
        if owner is None or group["owner_exists"] or group["created"] > limits.unused_since():
            continue
        kind, name = owner
        # Lambda makes a group without tags where there is none; then only the name of a model of ours tells whose it was.
        known = stack.owns(group["tags"]) or (not group["tags"] and any(name.startswith(f"{endpoint}-") for endpoint in stack.models))
        if name in stack.models or not known:
            continue
        size = group["size"]
        found.append(Finding("log-group", group["name"], f"its {kind} {name} is gone", DELETE, stored_month("logs", size), {"bytes": size}))
    return found


def expired(resources: Iterable[Mapping[str, Any]], stack: Stack, today: date) -> list[Finding]:
    """Resources of this project, outside production, whose tag `ExpiresOn` (YYYY-MM-DD) has passed. Only endpoints of theirs are deleted.

    Everything else belongs to the stack's own state: `pulumi destroy` takes it away without leaving half of it.
    """
    found = []
    for resource in resources:
        tags = resource["tags"]
        if tags.get("Project") != stack.project or tags.get("Environment") == "prod" or "ExpiresOn" not in tags:
            continue
        try:
            expires = date.fromisoformat(tags["ExpiresOn"])
        except ValueError:
            found.append(Finding("expired", resource["arn"], f"ExpiresOn is {tags['ExpiresOn']!r}, expected YYYY-MM-DD", REPORT))
            continue
        if expires >= today:
            continue
        name = tags.get("Stack", "")
        endpoint = ":endpoint/" in resource["arn"]
        reason = f"expired on {expires}; remove its stack with `pulumi destroy --stack {name or '<its stack>'}`"
        price = instances_month(resource["fleet"]) if endpoint else 0.0
        found.append(Finding("expired", resource["arn"], reason, DELETE if endpoint else REPORT, price, {"stack": name}))
    return found


def report(findings: Sequence[Finding], outcomes: Mapping[str, str], stack: Stack, now: datetime, *, apply: bool) -> dict[str, Any]:
    """The report's document. `outcomes` maps a finding's id to `deleted` or to the error that kept it; empty in a dry run."""
    rows = [{**finding.row(), "outcome": outcomes.get(finding.id, "reported")} for finding in findings]
    deletable = [row for row in rows if row["action"] == DELETE]
    failed = [row for row in deletable if row["outcome"] not in ("deleted", "reported")]
    return {
        "schema": 1,
        "stack": stack.name,
        "created": now.isoformat(timespec="seconds"),
        "applied": apply,
        "findings": rows,
        "counts": {kind: sum(row["kind"] == kind for row in rows) for kind in sorted({row["kind"] for row in rows})},
        "deleted": sum(row["outcome"] == "deleted" for row in rows),
        "failed": len(failed),
        "saving_monthly_usd": round(sum(row["monthly_usd"] or 0.0 for row in deletable if row not in failed), 4),
    }
