"""The documents that `--json` prints, each with its JSON Schema in schemas/: `preview`, `check` and every command's `error`.

`python -m mlops.report.documents` writes the schemas. A report (`model`) is what preview and check have in common, so whoever reads only
that reads both. Keys are stable; more may be added, so readers leave alone what they do not know. The tests hold real output against the
schemas with every key named.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, NotRequired

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from mlops.compare.model import Resource
from mlops.report.model import Document, Remediation

FOLDER = Path(__file__).parents[2] / "schemas"


class Log(TypedDict):
    """What the program printed (info) or logged; `urn` is "" where it is about no resource. Secrets of the configuration are `[secret]`."""

    severity: Literal["info", "warning", "error"]
    message: str
    urn: str


class PreviewedResource(Resource):
    """A resource as the program registers it. `inputs`: secrets are `[secret]`, what is not known before the deployment is the CLI's text
    for an unknown. `provider` is a URN ("" for components and providers); `external` is read, not owned."""

    provider: str
    protect: bool
    inputs: dict[str, Any]
    dependencies: list[str]
    property_dependencies: dict[str, list[str]]
    external: bool
    ignore_changes: list[str]


class Interpreter(TypedDict):
    """What ran the program and why that, the Pulumi packages it has, and the requirements it lacks or has in another version."""

    python: str
    why: str
    packages: dict[str, str]
    missing: list[str]
    different: list[str]


class Answer(TypedDict):
    """Where the answer of a provider function came from: an example, computed, or the user's file."""

    function: str
    source: Literal["example", "computed", "file"]


class PreviewSeconds(TypedDict):
    program: float
    policy: float
    total: float


class Preview(Document):
    """What `mlops preview --json` prints, `--record` writes and report.json holds."""

    resources: list[PreviewedResource]  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]
    interpreter: Interpreter
    answers: list[Answer]
    logs: list[Log]
    seconds: PreviewSeconds


class Source(TypedDict):
    """The file that was judged ("-" is standard input), what it is, and the stack that it names."""

    file: str
    kind: Literal["deployment", "preview"]
    stack: str


class CheckedResource(Resource):
    """A resource of a stack, without its properties: a state holds more than a report should."""

    protect: bool


class NotJudged(TypedDict):
    """A type of resources that no rule is about."""

    type: str
    count: int
    why: Literal["other provider", "no rule"]


class CheckSeconds(TypedDict):
    reading: float
    policy: float
    total: float


class Check(Document):
    """What `mlops check --json` prints. `left_out`: why to how many resources; `mended_by_next_update`: by rules of level remediate."""

    source: Source
    resources: list[CheckedResource]  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]
    left_out: dict[str, int]
    pending_operations: list[str]
    not_judged: list[NotJudged]
    mended_by_next_update: list[Remediation]
    seconds: CheckSeconds


class Fault(TypedDict):
    """What was expected and what came, where, and what to do; `trace` are the program's own lines that led there."""

    code: str
    message: str
    where: str
    hint: str
    trace: NotRequired[str]


class Error(TypedDict):
    """What any command prints with `--json` where it cannot do its work; `logs` is what the program had said."""

    schema: Literal[1]
    error: Fault
    logs: NotRequired[list[Log]]


DOCUMENTS: dict[str, Any] = {"preview": Preview, "check": Check, "error": Error}


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of a document."""
    described = TypeAdapter(DOCUMENTS[name]).json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"mlops {name} --json" if name != "error" else "error",
        **described,
    }


def file(name: str) -> Path:
    """Where a document's schema is published."""
    return FOLDER / f"{name}.schema.json"


if __name__ == "__main__":
    for each in DOCUMENTS:
        file(each).write_text(json.dumps(schema(each), indent=2) + "\n")
