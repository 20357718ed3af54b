"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from mlops.cli.plain import no_color
from mlops.engine.answers import FILE

Stack = Annotated[str, typer.Option("--stack", "-s", help="The stack: dev, prod, local or another of the project's.")]
LocalStack = Annotated[str, typer.Option("--stack", "-s", help="The stack to work on; local is the sandbox, others are on AWS.")]
ProjectDir = Annotated[Path, typer.Option("--project", help="The project's folder; default: the current one.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Model = Annotated[str | None, typer.Option("--model", "-m", help="The model; may be left out where the stack has one.")]
Organisation = Annotated[
    Path | None,
    typer.Option("--organisation", help="The organisation's configuration of the policy pack; what it locks the project's may not touch."),
]
NoColor = Annotated[
    bool, typer.Option("--no-color", help="No colours; marks and words say the same. NO_COLOR=1 does it too.", callback=no_color)
]
ConfigValues = Annotated[
    list[str] | None,
    typer.Option(
        "--config-value", metavar="KEY=VALUE", help="A value of the program's configuration, before the stack's file; may be repeated."
    ),
]
Answers = Annotated[
    Path | None,
    typer.Option(help=f"What only you know (results of provider functions, other stacks' outputs); default {FILE} of the project."),
]
Verbose = Annotated[
    bool,
    typer.Option("--verbose", help="Where the program fails: the frames of libraries and of Pulumi as well, not only the program's own."),
]
