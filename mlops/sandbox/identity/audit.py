"""What was judged: who, which action, which resource, allowed or not. Proves least privilege: what was denied, what is granted and never used."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from mlops.sandbox.identity.actions import reference
from mlops.sandbox.identity.documents import Document, matcher

MEMORY = 20_000  # judged pairs kept in memory; all of them are in the file


@dataclass(frozen=True)
class Entry:
    """One judged pair. `principal` is the ARN of the role or user, `session` the session's name, `operation` the call it belonged to."""

    time: str
    principal: str
    session: str
    operation: str
    action: str
    resource: str
    allowed: bool
    reason: str


class Audit:
    """Entries in memory (the last MEMORY of them) and, all of them, as JSON lines in `path`."""

    def __init__(self, path: Path | None) -> None:
        self._entries: deque[Entry] = deque(maxlen=MEMORY)
        self._used: dict[str, dict[str, int]] = {}
        self._lock = threading.Lock()
        self._file: IO[str] | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("w", buffering=1)

    def record(self, principal: str, session: str, operation: str, action: str, resource: str, allowed: bool, reason: str) -> None:
        """Keep one judged pair."""
        entry = Entry(
            datetime.now(UTC).isoformat(timespec="milliseconds"), principal, session, operation, action, resource, allowed, reason
        )
        with self._lock:
            self._entries.append(entry)
            if allowed:
                used = self._used.setdefault(principal, {})
                used[action] = used.get(action, 0) + 1
            if self._file is not None:
                self._file.write(json.dumps(asdict(entry)) + "\n")

    def entries(self, principal: str = "") -> list[Entry]:
        """The last judged pairs, oldest first; of one principal when its ARN is given."""
        with self._lock:
            return [entry for entry in self._entries if not principal or entry.principal == principal]

    def denied(self, principal: str = "") -> list[Entry]:
        """The denied ones among them."""
        return [entry for entry in self.entries(principal) if not entry.allowed]

    def used(self, principal: str) -> dict[str, int]:
        """Action → how often it was allowed, since the sandbox started."""
        with self._lock:
            return dict(self._used.get(principal, {}))

    def principals(self) -> list[str]:
        """All principals that were allowed anything."""
        with self._lock:
            return sorted(self._used)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None


@dataclass(frozen=True)
class UnusedGrant:
    """An action that a policy of the role allows and that the role never used."""

    action: str
    policy: str
    statement: str
    resources: tuple[str, ...]


def unused(documents: Iterable[Document], used: Iterable[str]) -> list[UnusedGrant]:
    """Granted but never used actions: every action of every allow statement, wildcards spelt out by IAM's reference."""
    seen = {action.lower() for action in used}
    found: dict[tuple[str, str, str], UnusedGrant] = {}
    for document in documents:
        for statement in document.statements:
            if statement.effect != "Allow" or statement.negated_actions:
                continue
            for pattern in statement.actions:
                for action in _spelt_out(pattern, seen):
                    grant = UnusedGrant(action, document.name, statement.sid, statement.resources or ())
                    found.setdefault((action, document.name, statement.sid), grant)
    return sorted(found.values(), key=lambda grant: (grant.action, grant.policy, grant.statement))


def _spelt_out(pattern: str, seen: set[str]) -> list[str]:
    if pattern.strip("*") in ("", ":"):
        # Everything: naming each of 20,000 actions would say less than the pattern does.
        return [pattern]
    if "*" not in pattern and "?" not in pattern:
        return [] if pattern.lower() in seen else [pattern]
    return [
        action
        for action in reference.expand(pattern)
        if action.lower() not in seen and matcher(pattern, None, ignore_case=True).match(action)
    ]


def as_json(entries: Iterable[Any]) -> list[dict[str, Any]]:
    """Entries or grants as plain objects."""
    return [asdict(entry) for entry in entries]
