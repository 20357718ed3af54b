"""`mlops comment`: the previews of several stacks as one comment on a pull request."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from mlops.cli.options import Json
from mlops.cli.output import Output
from mlops.errors import UserError
from mlops.report.changes import printed
from mlops.report.comment import FRAME, Preview
from mlops.report.comment import comment as composed
from mlops.report.markdown import LIMIT
from mlops.text import counted


def comment(
    files: Annotated[list[Path], typer.Argument(help="What `mlops preview --json` printed, or report.json, of each stack.")],
    aws: Annotated[list[Path] | None, typer.Option(help="What `pulumi preview` printed of a stack, in a file of the stack's name.")] = None,
    run: Annotated[str, typer.Option(help="Address of the run that keeps the whole reports.")] = "",
    limit: Annotated[int, typer.Option(min=2_000, max=LIMIT, help="Characters; GitHub takes 65,536.")] = LIMIT - FRAME,
    out: Annotated[Path | None, typer.Option(help="File for the comment; default: standard output.")] = None,
    as_json: Json = False,
) -> int:
    """Compose one Markdown comment from the previews of several stacks: what changes, what is found, what it costs, in what GitHub takes."""
    output = Output(as_json)
    if run and (urlsplit(run).scheme != "https" or set(run) & set(" ()<>\"'\n")):
        raise UserError("bad-address", f"expected an address that begins with https://, got {run!r}", "--run", "leave it out")
    previews = [Preview(file.resolve().parent.name, printed(file)) for file in files]
    logs = {file.stem: _read(file) for file in aws or ()}
    text = composed(previews, logs, run, limit)
    if out:
        try:
            out.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UserError("cannot-write", f"expected a writable file, got {error.strerror}", str(out), "choose another path") from None
    told = f"{counted(len(previews), 'stack')} in {len(text):,} characters"
    document = {
        "characters": len(text),
        "stacks": [{"name": preview.name, "previewed": not preview.failed, "stops": preview.stops} for preview in previews],
        "comment": text,
    }
    output.document(document, lambda console: console.print(told) if out else print(text, end=""))
    return 0


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UserError(
            "cannot-read", f"expected a text file, got {error.strerror}", str(file), "name what `pulumi preview` printed"
        ) from None
