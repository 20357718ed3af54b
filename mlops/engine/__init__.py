"""The offline engine: runs an unmodified Pulumi Python program without the Pulumi CLI.

`preview` records what the program would register, with unknowns where only a provider could tell; `up` sends each registration to a
provider; `destroy` deletes what an update created. What the engine cannot do it refuses by name.
"""

from __future__ import annotations

from pathlib import Path

from mlops.engine import session
from mlops.engine.assets import Archive, Asset
from mlops.engine.config import load_project
from mlops.engine.errors import EngineError
from mlops.engine.preview import PreviewSteps
from mlops.engine.provider import Provider, ProviderError
from mlops.engine.record import Invoke, Log, Record, RecordedResource
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
    "preview",
]


def preview(project: Path, stack: str) -> Record:
    """Run the program of the directory `project` for `stack` without creating anything: what it registers, in order."""
    loaded = load_project(project, stack)
    record = Record(loaded.name, stack)
    session.run(loaded, record, PreviewSteps())
    return record
