"""`mlops pipeline`: the stack's CI/CD pipeline: show it, follow it, start it, answer its approval, retry or stop it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from mlops.cli.options import Json, LocalStack, ProjectDir
from mlops.cli.output import Output
from mlops.operations import pipeline as operations
from mlops.operations.target import Target
from mlops.project import Project

Execution = Annotated[str | None, typer.Option("--execution", "-e", help="Id of an execution; default: the newest.")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Stay until the execution has ended.")]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why; it is recorded with the answer.")]

app = typer.Typer(help="Show, follow, start, approve, retry or stop the CI/CD pipeline.", add_completion=False, rich_markup_mode=None)
_STYLES = {"succeeded": "green", "failed": "red", "running": "yellow", "waiting": "dim", "skipped": "dim"}


def _opened(project: Path, stack: str) -> tuple[Target, str, dict[str, Any]]:
    target = Target.open(Project.at(project), stack)
    pipeline = operations.pipeline_of(target)
    return target, pipeline["pipeline"], pipeline


@app.callback(invoke_without_command=True)
def pipeline(
    context: typer.Context,
    execution: Execution = None,
    follow: Follow = False,
    stack: LocalStack = "local",
    project: ProjectDir = Path(),
    as_json: Json = False,
) -> int:
    """Show the CI/CD pipeline: stages, actions, revision, test reports, and the end of the log of a failed build. Exit 1 when it failed."""
    if context.invoked_subcommand:
        return 0
    target, name, _ = _opened(project, stack)
    return _shown(Output(as_json), target, name, execution, follow)


@app.command()
def start(
    follow: Follow = False,
    stack: LocalStack = "local",
    project: ProjectDir = Path(),
    as_json: Json = False,
) -> int:
    """Start an execution with the newest source."""
    target, name, _ = _opened(project, stack)
    return _shown(Output(as_json), target, name, operations.start(target, name), follow)


@app.command()
def push(
    folder: Annotated[Path | None, typer.Option(help="A git folder; default: the project's.")] = None,
    follow: Follow = False,
    stack: LocalStack = "local",
    project: ProjectDir = Path(),
    as_json: Json = False,
) -> int:
    """Bring the last commit of a git folder to the pipeline's source (S3 or CodeCommit), which starts it."""
    target, name, found = _opened(project, stack)
    output = Output(as_json)
    with output.doing("bringing the last commit to the source"):
        started = operations.push(target, found, folder or Project.at(project).root)
    return _shown(output, target, name, started, follow)


@app.command()
def approve(reason: Reason, stack: LocalStack = "local", project: ProjectDir = Path(), as_json: Json = False) -> int:
    """Approve what waits before the deployment."""
    return _answered(True, reason, stack, project, as_json)


@app.command()
def reject(reason: Reason, stack: LocalStack = "local", project: ProjectDir = Path(), as_json: Json = False) -> int:
    """Reject what waits before the deployment; the execution ends as failed."""
    return _answered(False, reason, stack, project, as_json)


def _answered(approved: bool, reason: str, stack: str, project: Path, as_json: bool) -> int:
    target, name, _ = _opened(project, stack)
    found = operations.answer(target, name, approved, reason)
    word = "approved" if approved else "rejected"
    text = f"{word} {found['stage']}/{found['action']} of execution {found['execution']}"
    Output(as_json).document({"approval": {**found, "answer": word, "reason": reason}}, lambda console: console.print(escape(text)))
    return 0


@app.command()
def retry(
    execution: Execution = None,
    everything: Annotated[bool, typer.Option("--all", help="All actions of the failed stage, not only those that failed.")] = False,
    follow: Follow = False,
    stack: LocalStack = "local",
    project: ProjectDir = Path(),
    as_json: Json = False,
) -> int:
    """Run the failed stage of an execution again."""
    target, name, _ = _opened(project, stack)
    return _shown(Output(as_json), target, name, operations.retry(target, name, execution, everything=everything), follow)


@app.command()
def stop(
    reason: Reason = "stopped by hand",
    execution: Execution = None,
    abandon: Annotated[bool, typer.Option("--abandon", help="Do not wait for the actions that run; their builds are stopped.")] = False,
    stack: LocalStack = "local",
    project: ProjectDir = Path(),
    as_json: Json = False,
) -> int:
    """Stop an execution."""
    target, name, _ = _opened(project, stack)
    stopped = operations.stop(target, name, execution, reason, abandon=abandon)
    document = operations.describe(target, name, stopped)
    Output(as_json).document(document, lambda console: show(console, document))
    return 0


def _shown(output: Output, target: Target, name: str, execution: str | None, follow: bool) -> int:
    document = operations.describe(target, name, execution)
    if follow and document["execution"]:
        followed = document["execution"]["id"]
        for state in operations.follow(target, name, followed, operations.poll_seconds(target)):
            output.console.print(_line(state))
        document = operations.describe(target, name, followed)
    output.document(document, lambda console: show(console, document))
    return 1 if document["execution"] and document["execution"]["status"] == "failed" else 0


def _line(document: dict[str, Any]) -> str:
    """One line of progress."""
    stages = document["execution"]["stages"]
    told = [f"[{_STYLES[stage['status']]}]{stage['name']}[/]" for stage in stages]
    now = [action for stage in stages for action in stage["actions"] if action["status"] == "running"]
    words = ", ".join(
        f"{action['name']}: {'waits for an approval' if action['approval'] else action['summary'] or 'running'}" for action in now
    )
    return " → ".join(told) + (f"   {escape(words)}" if words else "")


def show(console: Any, document: dict[str, Any]) -> None:
    """The execution as a table, with what failed below it."""
    execution = document["execution"]
    if execution is None:
        console.print(f"{document['pipeline']['name']}: nothing has run yet; start it with `mlops pipeline start` or `mlops pipeline push`")
        return
    style = _STYLES[execution["status"]]
    console.print(f"{document['pipeline']['name']}  [{style}]{execution['status']}[/]  {execution['id']}  ({execution['trigger']})")
    for revision in execution["revisions"]:
        console.print(f"  {escape(revision['artifact'])} {escape(revision['revision'][:40])} {escape(revision['summary'][:80])}")
    table = Table("stage", "action", "status", "seconds", "detail")
    for stage in execution["stages"]:
        for action in stage["actions"]:
            table.add_row(
                stage["name"],
                action["name"],
                f"[{_STYLES[action['status']]}]{action['status']}[/]",
                "" if action["seconds"] is None else str(action["seconds"]),
                escape(detail(action)),
            )
    console.print(table)
    if execution["detail"]:
        console.print(escape(execution["detail"]), soft_wrap=True)
    if execution["rollback"]:
        console.print(f"put back by execution {execution['rollback']['id']}: {execution['rollback']['status']}")
    for stage in execution["stages"]:
        for action in stage["actions"]:
            for line in (action["build"] or {}).get("log", []):
                console.print(f"  [dim]{escape(action['name'])}[/]  {escape(line)}", soft_wrap=True)


def detail(action: dict[str, Any]) -> str:
    """What there is to say of an action in one cell."""
    if action["approval"]:
        return "waits: mlops pipeline approve --reason …"
    parts = [action["error"]["message"]] if action["error"] else [action["summary"]] if action["summary"] else []
    for report in (action["build"] or {}).get("reports", []):
        if "total" in report:
            parts.append(f"{report['passed']} of {report['total']} tests passed, {report['failed']} failed, {report['skipped']} skipped")
        elif "line_coverage" in report:
            parts.append(f"{report['line_coverage']:.1f} % of lines covered")
    return "; ".join(parts)
