"""`mlops demo`: the whole story on real data."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer
from rich._export_format import CONSOLE_SVG_FORMAT

from mlops.cli.options import Json, ProjectDir
from mlops.cli.output import Output
from mlops.demo.runner import Story
from mlops.operations.target import OUTPUTS_FILE
from mlops.project import Project
from mlops.sandbox import lifecycle

# A picture that loads nothing from the web.
WITHOUT_WEB_FONTS = re.sub(r"@font-face\s*\{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


def demo(
    project: ProjectDir = Path(),
    keep: Annotated[bool, typer.Option("--keep", help="Leave the sandbox running afterwards, to look around in it.")] = False,
    picture: Annotated[Path | None, typer.Option(help="Write what was shown as an SVG picture.")] = None,
    as_json: Json = False,
) -> int:
    """Preview the platform, deploy it into the sandbox and send a year of real flights through its pipelines."""
    from mlops.demo.flights import FlightsStory  # pandas and scikit-learn take a second to import: only this command needs them

    output = Output(as_json)
    output.console.record = picture is not None
    here = Project.at(project)
    was_running = lifecycle.find(here.root) is not None
    story = Story(output.console)
    try:
        FlightsStory(here, story, keep=keep).tell()
    finally:
        if not was_running and not (keep and story.status == "succeeded"):
            lifecycle.stop(here.root)
            (here.state / OUTPUTS_FILE).unlink(missing_ok=True)
    if picture:
        picture.write_text(output.console.export_svg(title="mlops demo", code_format=WITHOUT_WEB_FONTS))
    output.document(
        story.to_dict(), lambda console: console.print(f"[bold]{story.status}[/] in {sum(step.seconds for step in story.steps):.0f} s")
    )
    if keep and story.status == "succeeded":
        output.console.print('the sandbox is still running: eval "$(mlops env)" for any AWS client, `mlops down` to end it')
    elif not as_json:
        output.console.print("the sandbox has ended; `mlops demo --keep` leaves it running, to look around in it")
    return 0 if story.status == "succeeded" else 1
