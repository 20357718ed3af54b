"""`mlops up`, `down`, `env`: the sandbox with the platform in it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from mlops.cli.options import Json, ProjectDir
from mlops.cli.output import Output
from mlops.errors import UserError
from mlops.operations.deployment import Deployed, deploy_local
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
        "seconds": round(deployed.seconds, 2),
        "outputs": deployed.outputs,
    }


def show(console: Any, deployed: Deployed) -> None:
    running, levels = deployed.running, deployed.levels
    console.print(
        f"[green]ready[/] in {deployed.seconds:.1f} s: {sum(levels.values())} resources, "
        f"{levels['executed']} executed, {levels['kept']} kept, {levels['refused']} refused"
    )
    console.print(f"  AWS endpoint  {running.endpoint}   account {running.account}, {running.region}")
    console.print(f"  API           {deployed.outputs['api']['url']}")
    console.print('  any AWS client: [bold]eval "$(mlops env)"[/]')


def up(
    project: ProjectDir = Path(),
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Leave the sandbox running in the background.")] = False,
    as_json: Json = False,
) -> int:
    """Start the sandbox on this machine and deploy the local stack into it. Without --detach it runs until Ctrl-C."""
    output = Output(as_json)
    here = Project.at(project)
    here.require_stack("local")
    with output.doing("starting the sandbox and deploying stack local"):
        deployed = deploy_local(here, attached=not detach)
    output.document(document(deployed), lambda console: show(console, deployed))
    if not detach:
        output.console.print("  Ctrl-C ends it")
        try:
            while lifecycle.find(here.root):
                time.sleep(1)
        except KeyboardInterrupt:
            output.console.print("ending the sandbox")
        finally:
            lifecycle.stop(here.root)
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
