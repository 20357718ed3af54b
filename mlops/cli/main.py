"""The entry point of `mlops`: commands, errors and exit codes (0 fine, 1 findings or failed run, 2 bad input, 130 interrupted; 3 is the doctor without credentials)."""

from __future__ import annotations

import signal
import sys
import threading
import traceback
from collections.abc import Collection
from importlib import import_module
from typing import Any

import typer
from botocore.exceptions import BotoCoreError, ClientError

from mlops.cli.output import Output
from mlops.cli.plain import settle_streams
from mlops.engine.errors import EngineError
from mlops.errors import UserError
from mlops.report.logs import documents

INTERRUPTED = 130
# Each command's module, and the group's whose commands are two words. Only what is called is loaded: all of it takes more than a second.
COMMANDS = {
    "preview": "preview",
    "check": "check",
    "comment": "comment",
    "doctor": "doctor",
    "review": "review",
    "up": "sandbox",
    "down": "sandbox",
    "env": "sandbox",
    "provider": "provider",
    "demo": "demo",
    "ingest": "workloads",
    "train": "workloads",
    "models": "models",
    "approve": "models",
    "reject": "models",
    "deploy": "models",
    "ab": "models",
    "promote": "models",
    "rollback": "models",
    "predict": "workloads",
    "drift": "workloads",
    "runs": "runs",
    "postmortem": "runs",
    "lineage": "lineage",
    "audit": "audit",
    "cost": "cost",
    "carbon": "cost",
    "efficiency": "cost",
    "cleanup": "cost",
    "drill": "recovery",
}
GROUPS = {"pipeline": "pipeline", "restore": "recovery"}


def application(names: Collection[str]) -> typer.Typer:
    """The command line with these commands and groups."""
    made = typer.Typer(
        name="mlops",
        help="Preview, check, deploy and operate the MLOps platform, in a sandbox on this machine or on AWS.",
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    made.callback()(lambda: None)  # one command is a command of its own all the same, not the whole program
    for name, module in COMMANDS.items():
        if name in names:
            made.command(name)(getattr(import_module(f"mlops.cli.{module}"), name))
    for name, module in GROUPS.items():
        if name in names:
            made.add_typer(import_module(f"mlops.cli.{module}").app, name=name)
    return made


def _terminated(*_: object) -> None:
    """What is under way ends as at Ctrl-C: whatever it has made for a while is removed."""
    sys.exit(128 + signal.SIGTERM)


def run(arguments: list[str] | None = None) -> None:
    """Runs the command line and leaves with its exit code; errors become one clear message (or one JSON document)."""
    arguments = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    settle_streams()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _terminated)
    output = Output("--json" in arguments)
    Output.printed = False
    try:
        known = {*COMMANDS, *GROUPS}
        result: Any = application(known.intersection(arguments[:1]) or known)(args=arguments, prog_name="mlops", standalone_mode=False)
    except UserError as error:
        output.error(error)
        sys.exit(error.exit_code)
    except EngineError as error:
        trace = error.full_trace if "--verbose" in arguments and error.full_trace else error.trace
        # A program that refuses its settings says so in its own words: they are the message.
        logs = documents(error.record.logs) if error.record and error.code != "bad-settings" else []
        output.error(UserError(error.code, error.message, error.where, error.hint, trace=trace), logs)
        sys.exit(2)
    except KeyboardInterrupt:
        result = INTERRUPTED
    except (ClientError, BotoCoreError) as error:
        output.error(UserError("aws", f"{type(error).__name__}: {error}", "AWS, or the sandbox", "check credentials, region and rights"))
        sys.exit(1)
    except (typer.Abort, typer.Exit) as stop:
        result = getattr(stop, "exit_code", 1)
    except Exception as error:  # noqa: BLE001 - whatever happens, --json prints one document
        usage = getattr(error, "format_message", None)  # click's usage errors; typer vendors click, so the class has no stable name
        if usage is None:
            traceback.print_exc()
            hint = "this is a fault of mlops itself: please report it, with the traceback on standard error"
            output.error(UserError("internal", f"{type(error).__name__}: {error}", " ".join(arguments[:1]), hint))
            sys.exit(1)
        output.error(UserError("usage", usage(), "command line", "see `mlops --help` or `mlops COMMAND --help`"))
        sys.exit(2)
    if result == INTERRUPTED:  # typer turns Ctrl-C into this code
        output.error(UserError("interrupted", "interrupted before the end"))
    sys.exit(result if isinstance(result, int) else 0)
