"""`mlops up`, `down`, `env`: the sandbox with the platform in it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from mlops.cli.options import Json, ProjectDir, Verbose
from mlops.cli.output import Output
from mlops.errors import UserError
from mlops.operations.deployment import Deployed, deploy
from mlops.operations.target import OUTPUTS_FILE
from mlops.project import Project
from mlops.sandbox import lifecycle


def document(deployed: Deployed) -> dict[str, Any]:
    running = deployed.running
    return {
        "endpoint": running.endpoint,
        "api_url": running.api_url,
        "region": running.region,
        "account": running.account,
        "resources": deployed.levels,
        "changes": deployed.changes,
        "seconds": round(deployed.seconds, 2),
        "outputs": deployed.outputs,
    }


def show(console: Any, deployed: Deployed) -> None:
    running, levels = deployed.running, deployed.levels
    console.print(
        f"[green]{'ready' if deployed.started else 'updated'}[/] in {deployed.seconds:.1f} s: {sum(levels.values())} resources, "
        f"{levels['executed']} executed, {levels['kept']} kept, {levels['refused']} refused"
    )
    if not deployed.started:
        console.print("  changes       " + ", ".join(f"{count} {change}" for change, count in deployed.changes.items()))
        for urn, change in sorted(deployed.record.changes.items()):
            if change in ("create", "update", "replace", "delete") and "::pulumi:" not in urn:
                console.print(f"    {change:<8} {urn.split('::', 2)[2].rpartition('$')[2]}", highlight=False)
    console.print(f"  AWS endpoint  {running.endpoint}   account {running.account}, {running.region}")
    if "api" in deployed.outputs:
        console.print(f"  API           {deployed.outputs['api']['url']}")
    console.print('  any AWS client: [bold]eval "$(mlops env)"[/]')


def up(
    project: ProjectDir = Path(),
    sandbox: Annotated[
        Path | None, typer.Option(help="Deploy into the sandbox of the project in this folder; default: the project's own.")
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Leave the sandbox running in the background.")] = False,
    verbose: Verbose = False,
    as_json: Json = False,
) -> int:
    """Deploy the local stack into the sandbox: the running one is updated, otherwise one is started and, without --detach, runs until Ctrl-C."""
    output = Output(as_json)
    here = Project.at(project)
    here.require_stack("local")
    home = Project.at(sandbox) if sandbox else here
    is_running = lifecycle.find(home.root) is not None
    with output.doing(f"{'updating' if is_running else 'starting'} the sandbox with stack local"):
        deployed = deploy(here, attached=not detach, sandbox=home)
    output.document(document(deployed), lambda console: show(console, deployed))
    if deployed.started and not detach:
        output.console.print("  Ctrl-C ends it")
        try:
            while lifecycle.find(home.root):
                time.sleep(1)
        except KeyboardInterrupt:
            output.console.print("ending the sandbox")
        finally:
            lifecycle.stop(home.root)
    return 0


def down(project: ProjectDir = Path(), as_json: Json = False) -> int:
    """End the sandbox; everything in it is gone."""
    output = Output(as_json)
    here = Project.at(project)
    was_running = lifecycle.find(here.root) is not None
    lifecycle.stop(here.root)
    (here.state / OUTPUTS_FILE).unlink(missing_ok=True)
    output.document({"stopped": was_running}, lambda console: console.print("sandbox ended" if was_running else "no sandbox was running"))
    return 0


def env(project: ProjectDir = Path(), as_json: Json = False) -> int:
    """Print the exports with which any AWS client or tool works on the sandbox."""
    here = Project.at(project)
    running = lifecycle.find(here.root)
    if running is None:
        raise UserError("no-sandbox", "expected a running sandbox, found none", str(here.root), "start one with `mlops up --detach`")
    variables = running.environment()
    if as_json:
        Output(True).document({"environment": variables}, lambda _: None)
    else:
        unset = "" if "AWS_SESSION_TOKEN" in variables else "unset AWS_SESSION_TOKEN\n"
        typer.echo(unset + "".join(f"export {name}={json.dumps(value)}\n" for name, value in variables.items()), nl=False)
    return 0
