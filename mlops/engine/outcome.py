"""What ended a program as an error that its author can act on: their own lines, what is wrong with them, what to do."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

from mlops.engine.config import Project
from mlops.engine.errors import EngineError
from mlops.engine.program_errors import explained
from mlops.engine.record import Record

_SETTINGS_MARKER = "MLOPS-SETTINGS-ERROR "
"""Before a JSON document with message, where and hint: how a program says on standard error that its configuration is wrong."""
_HEADER = "Traceback (most recent call last):\n"


def program_error(project: Project, outcome: dict[str, Any], record: Record, timeout: float | None = None) -> EngineError:
    """The error for the outcome of a program's process (`program_failure.describe`, or its exit code where it could not say anything)."""
    told = _settings_error(record)
    if outcome["type"] in ("SystemExit", "exit") and told is not None:
        fields = {name: masked(project, str(told.get(name, ""))) for name in ("message", "where", "hint")}
        return EngineError("bad-settings", fields["message"], fields["where"], fields["hint"], record)
    if outcome["type"] == "exit":
        return _crashed(project, outcome["code"], record, timeout)
    where = _place(project, outcome) or str(project.program)
    trace, full = (masked(project, outcome[key].removeprefix(_HEADER).rstrip()) for key in ("traceback", "full_traceback"))
    if outcome["type"] == "timeout":
        hint = "Mend what it waits for there, or allow it more time with --timeout SECONDS."
        return EngineError("program-timeout", _late(timeout), where, hint, record, trace or _UNRESOLVED, full)
    if outcome["type"] == "SystemExit":
        hint = "Mend what it complains of: what it said is told before." if record.logs else "Nothing was said: look at the line."
        return EngineError("program-failed", _exited(masked(project, outcome["message"])), where, hint, record, "", full)
    if (remedy := explained(project, outcome, where)) is not None:
        remedy.record, remedy.trace, remedy.full_trace = record, "" if "RunError" in outcome["kinds"] else trace, full
        return remedy
    message, hint = _told(project, outcome)
    if "RunError" in outcome["kinds"]:  # meant for the user: Pulumi shows no frames of it either
        return EngineError("program-failed", f"the program failed: {message}", where, hint, record, "", full)
    if outcome["left_out"]:
        hint += f" --verbose shows the {outcome['left_out']} frames of libraries as well."
    return EngineError("program-failed", f"the program failed: {outcome['type']}: {message}", where, hint, record, trace, full)


def refused(error: EngineError, project: Project, outcome: dict[str, Any], record: Record) -> EngineError:
    """An error of the engine's, with the place in the program where it came up if it does not name one itself."""
    error.record = record
    if "traceback" in outcome:
        error.full_trace = masked(project, outcome["full_traceback"].rstrip())
        place = _place(project, outcome)
        if place and ".py:" not in error.where:
            error.where = f"{place} ({error.where})" if error.where else place
    return error


_UNRESOLVED = "The program's own code has ended: it waits for outputs that never get a value, or for a thread of its own."


def _late(timeout: float | None) -> str:
    return f"the program did not end within {timeout:g} s"


def _exited(code: str) -> str:
    """`sys.exit(3)` gives a number, `sys.exit("why")` a text."""
    return f"the program ended itself with exit code {code}" if code.lstrip("-").isdigit() else f"the program ended itself: {code}"


def _crashed(project: Project, code: int, record: Record, timeout: float | None) -> EngineError:
    if timeout and code == -signal.SIGKILL:
        hint = "It could not say where it stands: look at calls of native code, or allow it more time with --timeout SECONDS."
        return EngineError("program-timeout", _late(timeout), str(project.program), hint, record)
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    hint = "It was ended without an exception: by os._exit, by a fault in native code, or by the system (memory?)."
    return EngineError("program-failed", f"the program's process ended with {how}", str(project.program), hint, record)


def _told(project: Project, outcome: dict[str, Any]) -> tuple[str, str]:
    """The exception's message, and what to do about it."""
    message, kinds = masked(project, outcome["message"]), outcome["kinds"]
    if "ConfigTypeError" in kinds:
        return message, f"Correct the value in Pulumi.{project.stack}.yaml."
    if "RunError" in kinds:
        return message, ""
    if "ImportError" in kinds:
        return (
            message,
            f"Correct the import, or install another version of the package where the program runs ({project.interpreter.python}).",
        )
    if "SyntaxError" in kinds:
        return message.partition(" (")[0], "Correct the line."
    return message, "Correct the program there."


def _place(project: Project, outcome: dict[str, Any]) -> str:
    file = outcome.get("file") or ""
    if file and Path(file).is_relative_to(project.root):
        file = str(Path(file).relative_to(project.root))
    return f"{file}:{outcome['line']}" if file else ""


def _settings_error(record: Record) -> dict[str, Any] | None:
    """What the program itself said of its configuration, if it did; it is no message for a person then."""
    for log in reversed(record.logs):
        if log.message.startswith(_SETTINGS_MARKER):
            record.logs.remove(log)
            try:
                told = json.loads(log.message.removeprefix(_SETTINGS_MARKER))
            except json.JSONDecodeError:
                return None
            return told if isinstance(told, dict) else None
    return None


def masked(project: Project, text: str) -> str:
    """Text of the program's without the secrets of its configuration."""
    for key in project.secret_keys:
        secret = project.config[key]
        text = text.replace(secret, "[secret]") if len(secret) > 3 else text
    return text
