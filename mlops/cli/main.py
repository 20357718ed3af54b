"""The entry point of `mlops`: commands, errors and exit codes (0 fine, 1 findings or failed run, 2 bad input)."""

from __future__ import annotations

import sys
from typing import Any

import typer

from mlops.cli import demo, models, preview, sandbox, workloads
from mlops.cli.output import Output
from mlops.engine import EngineError
from mlops.errors import UserError

app = typer.Typer(
    name="mlops",
    help="Preview, check, deploy and operate the MLOps platform, in a sandbox on this machine or on AWS.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (
    preview.preview,
    sandbox.up,
    sandbox.down,
    sandbox.env,
    demo.demo,
    workloads.ingest,
    workloads.train,
    models.models,
    models.approve,
    models.reject,
    models.deploy,
    workloads.predict,
    workloads.drift,
):
    app.command()(command)


def run(arguments: list[str] | None = None) -> None:
    """Runs the command line and leaves with its exit code; errors become one clear message (or one JSON document)."""
    arguments = sys.argv[1:] if arguments is None else arguments
    output = Output("--json" in arguments)
    try:
        result: Any = app(args=arguments, standalone_mode=False)
    except UserError as error:
        output.error(error)
        sys.exit(error.exit_code)
    except EngineError as error:
        output.error(UserError(error.code, error.message, error.where, error.hint))
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except (typer.Abort, typer.Exit) as stop:
        sys.exit(getattr(stop, "exit_code", 1))
    except Exception as error:
        usage = getattr(error, "format_message", None)  # click's usage errors; typer vendors click, so the class has no stable name
        if usage is None:
            raise
        output.error(UserError("usage", usage(), "command line", "see `mlops --help` or `mlops COMMAND --help`"))
        sys.exit(2)
    sys.exit(result if isinstance(result, int) else 0)
