"""`mlops preview`: the unmodified program and the policy pack, without the Pulumi CLI."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from mlops import engine, policy
from mlops.check import Stack as Exported
from mlops.cli import base as bases
from mlops.cli import reports
from mlops.cli.configuration import given
from mlops.cli.options import Answers, ConfigValues, Json, NoColor, Organisation, ProjectDir, Stack, Verbose
from mlops.cli.output import Output
from mlops.errors import UserError
from mlops.estimate import assumed, estimates
from mlops.project import Project
from mlops.report import basis
from mlops.report import preview as report
from mlops.report.logs import show_logs
from mlops.report.tree_text import tree


def judge(
    record: engine.Record, config: Path | None, project: Project, organisation: Path | None = None
) -> tuple[engine.Record, dict[str, Any], bool]:
    """What is registered once the policy pack has mended it, the verdicts as a document, and whether they stop a deployment."""
    verdicts = policy.evaluate(record, policy_settings(config, project, organisation, record.stack), date.today())
    return policy.remediated(record, verdicts.remediations), verdicts.to_dict(), bool(verdicts.blocking)


def policy_settings(config: Path | None, project: Project, organisation: Path | None, stack: str) -> dict[str, Any] | None:
    """The configuration of the policy pack for a project's stack: its own file, unless another is named."""
    default = project.root / policy.CONFIG_FILE
    return policy.configuration(config or (default if default.is_file() else None), organisation, stack)


def previewed(
    project: Project,
    stack: str,
    config: Path | None,
    configured: Project,
    organisation: Path | None,
    values: Mapping[str, str],
    answers: Path | None,
    timeout: float,
) -> tuple[engine.Record, dict[str, Any], bool]:
    """A project's preview: what is registered, its document, and whether a deployment stops. `configured` has the policy configuration."""
    started = time.perf_counter()
    recorded = engine.preview(project.root, stack, values, answers, timeout)
    program = time.perf_counter()
    recorded, verdicts, failed = judge(recorded, config, configured, organisation)
    done = time.perf_counter()
    seconds = {"program": program - started, "policy": done - program, "total": done - started}
    assumptions = assumed(project.root, stack, values)
    return recorded, {**report.document(recorded, verdicts, seconds), **estimates(recorded, assumptions)}, failed


def preview(
    stack: Stack,
    project: ProjectDir = Path(),
    config: Annotated[
        Path | None, typer.Option(help=f"Configuration of the policy pack; default {policy.CONFIG_FILE} where it exists.")
    ] = None,
    organisation: Organisation = None,
    config_value: ConfigValues = None,
    answers: Answers = None,
    export: Annotated[Path | None, typer.Option(help="Write the preview as a `pulumi stack export` deployment.")] = None,
    record: Annotated[Path | None, typer.Option(help="Write the preview's document to a file as well.")] = None,
    report_dir: reports.ReportDir = None,
    base: bases.Base = None,
    base_optional: bases.BaseOptional = False,
    since: reports.Since = None,
    everything: Annotated[bool, typer.Option("--all", help="Show every resource, also where nothing is wrong.")] = False,
    as_json: Json = False,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds after which a program that does not end is stopped.")] = 600,
    verbose: Verbose = False,
    plain: NoColor = False,
) -> int:
    """Show what the program registers for a stack and what the policy pack says of it. Exit 1 when a mandatory rule fails."""
    output = Output(as_json)
    here = Project.at(project)
    if here.stacks:
        here.require_stack(stack)
    values = given(config_value)
    if base == "":
        raise UserError(
            "usage", "expected a revision or a file, got nothing", "--base", "leave --base away, or see that its variable is set"
        )
    if base and since:
        raise UserError("usage", "expected --base or --since, got both", "command line", "--base compares the findings as well")
    earlier = reports.earlier(since) if since else None

    def of_base(project: Project, own_policy: bool) -> bases.Previewed:
        recorded, document, _ = previewed(project, stack, config, here if own_policy else project, organisation, values, answers, timeout)
        return recorded, document

    def of_state(found: Exported) -> dict[str, Any]:
        settings = policy_settings(config, here, organisation, stack)
        return policy.verdicts(found.resources, found.name, settings, date.today(), mend=False).to_dict()

    before = None
    if base:
        with output.doing(f"previewing stack {stack} of {base}"):
            before = bases.read(base, base_optional, here, stack, of_base, of_state)
    with output.doing(f"running the program for stack {stack}, judging it by the policy pack"):
        recorded, document, failed = previewed(here, stack, config, here, organisation, values, answers, timeout)
    document = reports.with_changes(bases.with_difference(document, recorded, before), earlier)
    try:
        if export:
            export.write_text(json.dumps(engine.deployment(recorded), indent=2) + "\n")
        if record:
            record.write_text(json.dumps({"schema": 1, **document}, indent=2) + "\n")
    except OSError as error:
        raise UserError(
            "cannot-write", f"expected a writable file, got {error.strerror}", str(error.filename), "choose another path"
        ) from None
    files = reports.write(document, report_dir, reports.Source.of_project(here.root)) if report_dir else []

    def show(console: Any) -> None:
        console.print(tree(document, everything))
        basis.show(console, document)
        show_logs(console, document["logs"])
        reports.show(console, document, files)
        seconds = document["seconds"]
        console.print(f"[dim]program {seconds['program']:.1f} s · policy {seconds['policy']:.2f} s[/]")

    output.document(document, show)
    return 1 if failed else 0
