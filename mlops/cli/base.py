"""`--base REF|FILE`: what a preview is compared with, and the comparison."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from mlops import engine
from mlops.check import Stack as CheckedStack
from mlops.check import opened
from mlops.check import read as read_stack
from mlops.check.outline import outline
from mlops.check.source import start
from mlops.cli import reports
from mlops.compare import deployment, estimates, resources
from mlops.compare.revision import Revision, checked_out
from mlops.compare.values import Seal
from mlops.engine.export import NEVER
from mlops.errors import UserError
from mlops.project import Project
from mlops.report.preview import resource_documents

Base = Annotated[
    str | None,
    typer.Option(
        metavar="REF|FILE",
        help="Say what is added, changed and removed since a git revision of the project, an earlier --record or report.json, or a `pulumi stack export`.",
    ),
]
BaseOptional = Annotated[
    bool, typer.Option("--base-optional", help="Preview without a comparison, and say why, where the base cannot be previewed.")
]
Previewed = tuple[engine.Record, dict[str, Any]]
Judges = Callable[[CheckedStack], dict[str, Any]]
"""The verdicts on what exists, as the keys of a document."""
Previews = Callable[[Project, bool], Previewed]
"""Previews a project: what is registered, and the document; the flag asks for the policy configuration of the change, not the base's."""


@dataclass(frozen=True)
class Before:
    """The base: what it is, its document, and its resources with secrets that can be compared."""

    about: dict[str, Any]
    document: dict[str, Any] | None
    resources: list[dict[str, Any]]


def read(base: str, optional: bool, project: Project, stack: str, previews: Previews, judges: Judges) -> Before:
    """The base's preview. UserError where it cannot be had; with `optional` the reason stands in its place."""
    file = Path(base)
    try:
        return _file(file, judges) if file.is_file() else _revision(base, project, stack, previews)
    except UserError as error:
        if not optional:
            raise
        about = {"kind": "file" if file.is_file() else "revision", "name": base, "commit": None, "date": None, "problem": error.to_dict()}
        return Before(about, None, [])


def _file(file: Path, judges: Judges) -> Before:
    with opened(str(file)) as stream:
        if outline(stream, str(file)).kind == "deployment":
            return _deployment(read_stack(stream, str(file)), file, stream, judges)
    document = reports.earlier(file)
    declared = document.get("resources", [])
    if not declared or not all("inputs" in resource for resource in declared):
        raise UserError(
            "bad-base", "expected a preview with the properties of its resources, got a report without them", str(file),
            "give what `mlops preview --record FILE` or `--report DIR` wrote (report.json)",
        )  # fmt: skip
    return Before({"kind": "file", "name": str(file), "commit": None, "date": document["date"]}, document, declared)


def _deployment(found: CheckedStack, file: Path, stream: BinaryIO, judges: Judges) -> Before:
    document = json.load(start(stream))
    manifest = (document.get("deployment") or document.get("checkpoint", {}).get("latest") or {}).get("manifest")
    time = manifest.get("time") if isinstance(manifest, dict) else None
    made = time[:10] if isinstance(time, str) and time != NEVER else ""
    judged = {"project": found.project, "stack": found.name, "date": made, **judges(found)}
    about = {"kind": "deployment", "name": str(file), "commit": None, "date": made or None}
    return Before(about, judged, deployment.resources(document))


def _revision(base: str, project: Project, stack: str, previews: Previews) -> Before:
    with checked_out(project.root, base, stack) as revision:
        about = {"kind": "revision", "name": base, "commit": revision.commit, "date": revision.date}
        try:
            record, document = previews(Project(revision.project), False)
        except engine.EngineError as error:
            raise _of_base(revision, error) from None
        except UserError as error:
            if error.code != "bad-policy-config":
                raise
            record, document = previews(Project(revision.project), True)
            about["judged_by"] = "this configuration"
    return Before(about, document, resource_documents(record, Seal.of))


def _of_base(revision: Revision, error: engine.EngineError) -> UserError:
    folder = f"{revision.project}/"
    texts = [text.replace(folder, "") for text in (error.message, error.where, error.hint, error.trace)]
    told = f"{revision.name} ({revision.commit[:12]})"
    return UserError(f"base-{error.code}", f"the base {told} cannot be previewed: {texts[0]}", texts[1], texts[2], trace=texts[3])


def with_difference(document: dict[str, Any], record: engine.Record, before: Before | None) -> dict[str, Any]:
    """The document with the key `difference`, and `since` for the findings; as it is without a base."""
    if before is None:
        return document
    if before.document is None:
        return {**document, "difference": {"base": before.about, "resources": None}}
    differing = resources.compared(resource_documents(record, Seal.of), before.resources, before.about["kind"] == "deployment")
    difference = {"base": before.about, "resources": differing, **estimates.compared(document, before.document, differing)}
    return reports.with_changes({**document, "difference": difference}, _renamed(before.document, differing["changed"]), "--base")


def _renamed(document: dict[str, Any], changed: list[dict[str, Any]]) -> dict[str, Any]:
    """The base's document with the findings about what has moved where that is now: they are the same findings."""
    now = {each["moved_from"]: each["urn"] for each in changed if "moved_from" in each}
    findings = [{**finding, "urn": now.get(finding["urn"], finding["urn"])} for finding in document["policy"]["findings"]]
    return {**document, "policy": {**document["policy"], "findings": findings}}
