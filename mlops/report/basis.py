"""What a preview rests on: the interpreter that ran the program, and where the answers came from that AWS would have given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from mlops import engine
from mlops.text import visible

_SOURCES = {"example": "answered by example", "computed": "computed", "file": "answered by you"}


def document(record: engine.Record) -> dict[str, Any]:
    """`interpreter` and `answers` of a preview's document."""
    answers = [{"function": function, "source": source} for function, source in sorted(record.answers.items())]
    return {"interpreter": record.interpreter, "answers": answers}


def show(console: Console, document: Mapping[str, Any]) -> None:
    """A line for the interpreter, one for each kind of answer, and one for what it lacks."""
    interpreter = document["interpreter"]
    if interpreter:
        sdks = ", ".join(f"{name} {version}" for name, version in interpreter["packages"].items())
        console.print(Text(visible(f"run by {interpreter['python']} ({interpreter['why']}): {sdks}"), style="dim"))
        for key, told in (("missing", "not installed there"), ("different", "installed there in another version")):
            if interpreter[key]:
                console.print(Text.assemble((f"{told}: ", "yellow"), visible(", ".join(interpreter[key]))))
    for source, told in _SOURCES.items():
        functions = [each["function"].rpartition(":")[2] for each in document["answers"] if each["source"] == source]
        if functions:
            console.print(Text(visible(f"{told}: {', '.join(functions)}"), style="dim"))
    if not any(resource["type"].startswith("aws:") for resource in document["resources"]):
        console.print(Text.assemble(("nothing to judge: ", "yellow"), "the program registers no resource of the package aws"))
