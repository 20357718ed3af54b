"""The offline engine: runs an unmodified Pulumi Python program without the Pulumi CLI.

`preview` records what the program would register, with unknowns where only a provider could tell; `up` sends each registration to a
provider; `destroy` deletes what an update created. What the engine cannot do it refuses by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from mlops.engine import session
from mlops.engine.answers import Answers
from mlops.engine.assets import Archive, Asset
from mlops.engine.components import is_opaque, may_create_aws
from mlops.engine.config import load_project
from mlops.engine.errors import EngineError
from mlops.engine.export import deployment, from_document, to_document
from mlops.engine.preview import PreviewSteps
from mlops.engine.program_errors import MISSING_CONFIG
from mlops.engine.provider import Provider, ProviderError
from mlops.engine.record import Invoke, Log, Record, RecordedResource
from mlops.engine.update import UpdateSteps, destroy
from mlops.engine.values import UNKNOWN, ResourceReference, Secret

__all__ = [
    "UNKNOWN",
    "Archive",
    "Asset",
    "EngineError",
    "Invoke",
    "Log",
    "Provider",
    "ProviderError",
    "Record",
    "RecordedResource",
    "ResourceReference",
    "Secret",
    "deployment",
    "destroy",
    "from_document",
    "is_opaque",
    "load_project",
    "may_create_aws",
    "preview",
    "to_document",
    "up",
]


def preview(
    project: Path, stack: str, config: Mapping[str, str] | None = None, answers: Path | None = None, timeout: float | None = None
) -> Record:
    """Run the program of the directory `project` for `stack` without creating anything: what it registers, in order.

    `config` goes before the stack's file; `answers` is a file of what only the user knows (default: the project's own, `answers.FILE`). A program
    that takes longer than `timeout` seconds is ended; the EngineError says where it stood.
    """
    loaded = load_project(project, stack, config)
    record = Record(loaded.name, stack)
    given = Answers.beside(loaded.root, answers)
    steps, failure = PreviewSteps(given), None
    try:
        session.run(loaded, record, steps, timeout)
    except EngineError as error:
        failure = error
        if error.code == MISSING_CONFIG:
            # A value at a time would be tiresome: a second run, which does not count, finds what else is missing.
            record, steps = Record(loaded.name, stack), PreviewSteps(given)
            with suppress(EngineError):
                session.run(loaded, record, steps, timeout, survey=True)
    steps.finish(record, failure)
    return record


def up(project: Path, stack: str, provider: Provider, previous: Record | None = None) -> Record:
    """Run the program and let `provider` create what it registers; against `previous`, the record of the last update, only what differs.

    The record of a failed update is in the error (`EngineError.record`): it is what exists now.
    """
    loaded = load_project(project, stack)
    record = Record(loaded.name, stack)
    steps = UpdateSteps(record, provider, previous, loaded.program if loaded.program.is_dir() else loaded.program.parent)
    try:
        session.run(loaded, record, steps)
        steps.finish()
    except EngineError as error:
        steps.leave_out_unfinished()
        error.record = record
        raise
    return record
