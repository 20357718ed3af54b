"""Checks of the sandbox on this machine: locks left over, and the one that runs."""

from __future__ import annotations

import time
from collections.abc import Iterable

from botocore.exceptions import BotoCoreError, ClientError

from mlops.doctor.check import Finding, check, ok, problem, warning
from mlops.doctor.context import Context, NoSandbox
from mlops.sandbox import lifecycle

STARTING_SECONDS = 120


@check("locks", "Locks of the sandbox", "sandbox")
def locks(context: Context) -> Iterable[Finding]:
    """A daemon holds `.mlops/sandbox.lock` while it lives, an update of a stack `.mlops/stacks/….lock` while it runs."""
    if not context.local:
        return
    files = lifecycle.Files(context.project.root)
    held = lifecycle.is_locked(files.lock)
    if held and not files.state.is_file():
        age = time.time() - files.lock.stat().st_mtime
        fix = f"wait; if it stays so, look at {files.log} and end that process: `fuser {files.lock}` names it"
        if age > STARTING_SECONDS:
            yield problem(f"a daemon holds {files.lock} and has not answered for {age:.0f} s", "a daemon that answers", fix, "sandbox")
        else:
            yield warning("a sandbox is starting", "one that runs, or none", fix, "sandbox")
    elif not held and files.state.is_file():
        yield warning(
            f"{files.state} was left by a sandbox that did not end in order",
            "removed with the sandbox",
            f"nothing: `mlops up` replaces it (or rm {files.state})",
            "sandbox",
        )
    updates = [path for path in sorted((files.folder / "stacks").glob("*.lock")) if lifecycle.is_locked(path)]
    for path in updates:
        yield problem(f"an update holds {path}", "no other update", "wait until it has ended", path.stem)
    if not updates and held == files.state.is_file():
        yield ok("held by the running sandbox" if held else "none")


@check("sandbox", "The running sandbox", "sandbox")
def running(context: Context) -> Iterable[Finding]:
    """It answers, is in the stack's region, and what is in it."""
    if not context.local:
        return
    found = lifecycle.find(context.project.root)
    if found is None:
        yield ok("none runs: `mlops up` starts one")
        return
    region = context.configuration.config.get("aws:region")
    if region and region != found.region:
        fix = f"set aws:region to {found.region} in Pulumi.local.yaml, or `mlops down`"
        yield problem(f"it is in {found.region}", f"{region}, the stack's region", fix, "region")
    try:
        context.account.caller  # noqa: B018
    except (ClientError, BotoCoreError, NoSandbox) as error:
        log = lifecycle.Files(context.project.root).log
        yield problem(
            f"{found.endpoint} (process {found.pid}) does not answer: {error}",
            "an answer",
            f"mlops down && mlops up --detach; its log is {log}",
            "endpoint",
        )
        return
    deployed = len(context.state.ids)
    yield ok(
        f"process {found.pid} at {found.endpoint}: {'the stack is in it, `mlops up` updates it' if deployed else 'no stack of this project is in it yet'}"
    )
