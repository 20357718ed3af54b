"""`mlops provider`: the Pulumi CLI against the sandbox."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from pathlib import Path
from typing import Annotated

import typer

from mlops.cli.options import Json, ProjectDir
from mlops.cli.output import Output
from mlops.errors import UserError
from mlops.operations.deployment import running_for_the_cli
from mlops.project import Project
from mlops.sandbox.provider import protocol
from mlops.sandbox.provider.protocol.sandbox import SandboxProviders


def provider(
    command: Annotated[
        list[str] | None,
        typer.Argument(
            help="A command to run with the provider, as in `mlops provider -- pulumi up --stack local`; its exit code is this one's."
        ),
    ] = None,
    project: ProjectDir = Path(),
    sandbox: Annotated[
        Path | None, typer.Option(help="Deploy into the sandbox of the project in this folder; default: the project's own.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Serve the sandbox's resource provider to the Pulumi CLI, for one command or until Ctrl-C; a sandbox is started where none runs."""
    output = Output(as_json)
    here = Project.at(project)
    home = Project.at(sandbox) if sandbox else here
    if command and as_json:
        raise UserError(
            "usage", "expected --json or a command, got both", "command line", "a command prints what it prints: leave --json out"
        )
    if command and shutil.which(command[0]) is None:
        raise UserError(
            "no-command", f"expected a command on PATH, found no {command[0]!r}", "command line", "install it, or correct its name"
        )
    running, started = running_for_the_cli(here, home)
    with protocol.served(SandboxProviders(running), here.root) as addresses:
        variables = addresses.environment()
        if command:
            return run(command, here.root, variables)
        document = {"endpoint": running.endpoint, "region": running.region, "account": running.account, "environment": variables}
        output.document(
            {**document, "started": started}, lambda _: typer.echo("".join(f"export {key}={value}\n" for key, value in variables.items()))
        )
        output.note("in another terminal, with these variables: pulumi up --stack local")
        output.note("serving until Ctrl-C; the sandbox stays until `mlops down`")
        until_interrupted()
    return 0


def run(command: list[str], folder: Path, variables: dict[str, str]) -> int:
    """Run a command in the program's folder; its exit code."""
    process = subprocess.Popen(command, cwd=folder, env={**os.environ, **variables})
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # the command got it, too, and decides how to end


def until_interrupted() -> None:
    """Wait for Ctrl-C or a request to end."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    try:
        ended.wait()
    except KeyboardInterrupt:
        return
