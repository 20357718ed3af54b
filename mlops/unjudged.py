"""Components whose provider alone knows what they create: findings, since nobody has judged that part of the program."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import wellarchitected
from wellarchitected.report import Finding

from mlops import engine
from mlops.engine.answers import FILE, Acceptance

RULE = wellarchitected.MetaRule(
    "provider-components-judged",
    "Every component of a package is built, so that the resources it creates are judged.",
    level="mandatory",
    severity="high",
    why="What a component creates on AWS passes every rule unseen where nobody can build it.",
    fix="Judge it with the policy pack under the Pulumi CLI, or in the export of a deployed stack (`mlops check`); "
    f"or accept it, with reason, owner and expiry, in `accepted` of {FILE}",
    check=lambda _: (),
    fails=True,
    practices=("OPS05-BP02",),
)


def add_findings(report: wellarchitected.Report, record: engine.Record, today: date) -> None:
    """Add what could not be built to a report; it stops a deployment unless somebody has accepted it."""
    opaque = [resource for resource in record.resources if engine.is_opaque(resource)]
    findings = [_finding(resource, record.accepted, today) for resource in opaque if engine.may_create_aws(resource)]
    if findings:
        report.add(RULE, RULE.level, findings)


def _finding(resource: engine.RecordedResource, accepted: list[Acceptance], today: date) -> Finding:
    message = f"'{resource.name}' is a {resource.type}: only its provider knows what it creates on AWS, and none of that was judged"
    acceptance = next((each for each in accepted if each.fits(resource.type, resource.urn)), None)
    if acceptance is not None and acceptance.expires < today:
        message += f" (accepted until {acceptance.expires} by {acceptance.owner}: expired)"
    finding = Finding.of_meta(RULE, resource.urn, RULE.level, f"{message}. {RULE.fix}")
    finding = replace(finding, file=resource.file or None, line=resource.line or None)
    if acceptance is None or acceptance.expires < today:
        return finding
    told = f"{message}. Accepted until {acceptance.expires} by {acceptance.owner}: {acceptance.reason}"
    return replace(finding, outcome="exempt", message=told, exemption=acceptance.to_dict())
