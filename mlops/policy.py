"""The policy pack on what the offline engine recorded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import wellarchitected

from mlops import engine, unjudged
from mlops.errors import UserError

CONFIG_FILE = "policy-config.json"


def load_config(path: Path) -> dict[str, Any]:
    """The pack's configuration, in the format of `pulumi preview --policy-pack-config`."""
    if not path.exists():
        raise UserError("no-policy-config", "expected a JSON file, found none", str(path), "name an existing file")
    try:
        return wellarchitected.read_config(path)
    except wellarchitected.ConfigurationError as error:
        raise UserError("bad-policy-config", str(error), str(path), "mend the file") from None


def configuration(config: Path | None, organisation: Path | None, stack: str) -> dict[str, Any] | None:
    """The configuration that holds for a stack: the project's, over the organisation's where there is one."""
    own = load_config(config) if config else None
    upper = wellarchitected.Layer(str(organisation), load_config(organisation)) if organisation else None
    where = ", ".join(str(file) for file in (config, organisation) if file)
    try:
        if upper:
            return wellarchitected.merged(upper, wellarchitected.Layer(str(config), own or {}), stack, wellarchitected.RULES)
        wellarchitected.parse(own, stack, wellarchitected.RULES)
    except wellarchitected.ConfigurationError as error:
        raise UserError(
            "bad-policy-config", str(error), where, "mend the file named first" if upper and config else "mend the file"
        ) from None
    return own


def plain(value: Any) -> Any:
    """An engine value as the pack reads it: unknowns and secrets as the pack's own (rules read a secret; no message shows it)."""
    if value is engine.UNKNOWN:
        return wellarchitected.UNKNOWN
    if isinstance(value, engine.Secret):
        return wellarchitected.Secret(plain(value.value))
    if isinstance(value, engine.ResourceReference):
        return plain(value.urn if value.id is None else value.id)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def judged(resources: Iterable[engine.RecordedResource]) -> list[wellarchitected.Resource]:
    """Recorded resources as the pack takes them: what was only read is not the stack's, and not judged, as under the CLI."""
    return [
        wellarchitected.Resource(
            urn=resource.urn,
            type=resource.type,
            name=resource.name,
            properties=plain(resource.inputs),
            parent=resource.parent,
            provider=resource.provider,
            dependencies=resource.dependencies,
            property_dependencies=resource.property_dependencies,
            protect=resource.protect,
            file=resource.file,
            line=resource.line,
            ignore_changes=resource.options.get("ignoreChanges", ()),
        )
        for resource in resources
        if not resource.external
    ]


def evaluate(record: engine.Record, config: dict[str, Any] | None, today: date) -> wellarchitected.Report:
    """All verdicts on a recorded preview."""
    report = verdicts(judged(record.resources), record.stack, config, today)
    unjudged.add_findings(report, record, today)
    return report


def verdicts(
    resources: Sequence[wellarchitected.Resource], stack: str, config: dict[str, Any] | None, today: date, mend: bool = True
) -> wellarchitected.Report:
    """All verdicts on a stack's resources; with `mend=False` on resources that exist, which no rule mends any more."""
    try:
        return wellarchitected.evaluate(resources, stack=stack, config=config, today=today, mend=mend)
    except wellarchitected.ConfigurationError as error:
        raise UserError("bad-policy-config", str(error), CONFIG_FILE, "mend the configuration of the policy pack") from None


def remediated(record: engine.Record, remediations: Sequence[wellarchitected.Remediation]) -> engine.Record:
    """The preview as the engine registers it once the rules of level `remediate` have mended it."""
    resources = record.by_urn()
    for remediation in remediations:
        resource = resources[remediation.urn]
        inputs = wellarchitected.with_changes(resource.inputs, remediation.changes, engine.Secret)
        changed = {key: value for key, value in inputs.items() if value is not resource.inputs.get(key)}
        resources[remediation.urn] = replace(resource, inputs=inputs, outputs={**resource.outputs, **changed})
    return replace(record, resources=list(resources.values()))
