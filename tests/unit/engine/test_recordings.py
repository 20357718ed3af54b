"""Offline, a policy pack is sent what the Pulumi CLI sends it: the same requests, the same configuration, the same messages.

The recordings were made by the CLI (`python -m tests.engine.recording`); tests/engine proves that they are still what it does.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlops.engine import EngineError, Record, load_project, preview
from tests.unit.engine import awkward
from tests.unit.engine.requests import compact, requests_of, said_in

OWN_WARNINGS = ("is encrypted: a placeholder stands for it", "has no value: it is the empty text")
"""What only the offline engine says: it has no key, and the CLI says the second on standard error."""


def outcome(project: Path) -> tuple[Record | None, EngineError | None]:
    try:
        return preview(project, "dev"), None
    except EngineError as error:
        return error.record, error


def said(record: Record, project: Path) -> list[list[str]]:
    logs = [(log.severity, log.message.replace(str(project), "<project>")) for log in record.logs]
    return said_in((severity, text) for severity, text in logs if not any(own in text for own in OWN_WARNINGS))


def differences(ours: Any, theirs: Any, path: str = "") -> list[str]:
    """Where two documents differ, one line each."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        missing = object()
        return [
            line
            for key in sorted(ours.keys() | theirs.keys())
            for line in differences(ours.get(key, missing), theirs.get(key, missing), f"{path}/{key}")
        ]
    return [] if ours == theirs else [f"{path}: ours {ours!r}, the CLI's {theirs!r}"]


@pytest.mark.parametrize("name", awkward.NAMES)
def test_a_pack_is_sent_what_the_cli_sends_it(name: str, tmp_path: Path) -> None:
    theirs = json.loads(awkward.recording(name).read_text())
    project = awkward.project(name, tmp_path)
    record, error = outcome(project)
    assert (error is not None) == theirs["failed"], error
    if record is None:
        assert error is not None and error.code == "missing-config", error
        return
    ours = compact(requests_of(record))
    if error is not None:
        own = {urn for urn in theirs["analyze"] if "::default" not in urn}
        assert ours["analyze"].keys() >= own, "what was registered before the failure"
        if error.code == "program-failed":
            assert theirs["error"].splitlines()[0].rpartition(": ")[2] in error.message
        return
    settings = load_project(project, "dev")
    ours |= {"config": settings.config, "secret": settings.secret_keys, "said": said(record, project)}
    assert not (found := differences(ours, {key: theirs[key] for key in ours})), "\n".join(found)
