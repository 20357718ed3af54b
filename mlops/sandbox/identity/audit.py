"""What was judged: who, which action, which resource, allowed or not. Proves least privilege: what was denied, what is granted and never used."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from mlops.sandbox.identity.actions import reference
from mlops.sandbox.identity.documents import ConditionTest, Document, matcher
from mlops.sandbox.identity.evaluation import Grant

MEMORY = 20_000  # judged pairs kept in memory; all of them are in the file
DENIED_MEMORY = 2_000  # denied ones are kept for longer: a busy sandbox must not forget them


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
        self._denied: deque[Entry] = deque(maxlen=DENIED_MEMORY)
        self._used: dict[str, dict[str, int]] = {}
        self._grants: dict[str, dict[Grant, int]] = {}
        self._lock = threading.Lock()
        self._file: IO[str] | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("w", buffering=1)

    def record(
        self,
        principal: str,
        session: str,
        operation: str,
        action: str,
        resource: str,
        allowed: bool,
        reason: str,
        grants: Iterable[Grant] = (),
    ) -> None:
        """Keep one judged pair, and what of the principal's own policies allowed it."""
        entry = Entry(
            datetime.now(UTC).isoformat(timespec="milliseconds"), principal, session, operation, action, resource, allowed, reason
        )
        with self._lock:
            self._entries.append(entry)
            if allowed:
                used = self._used.setdefault(principal, {})
                used[action] = used.get(action, 0) + 1
                uses = self._grants.setdefault(principal, {})
                for grant in grants:
                    uses[grant] = uses.get(grant, 0) + 1
            else:
                self._denied.append(entry)
            if self._file is not None:
                self._file.write(json.dumps(asdict(entry)) + "\n")

    def entries(self, principal: str = "") -> list[Entry]:
        """The last judged pairs, oldest first; of one principal when its ARN is given."""
        with self._lock:
            return [entry for entry in self._entries if not principal or entry.principal == principal]

    def denied(self, principal: str = "") -> list[Entry]:
        """The denied ones, oldest first."""
        with self._lock:
            return [entry for entry in self._denied if not principal or entry.principal == principal]

    def used(self, principal: str) -> dict[str, int]:
        """Action → how often it was allowed, since the sandbox started."""
        with self._lock:
            return dict(self._used.get(principal, {}))

    def uses(self, principal: str) -> dict[Grant, int]:
        """What the principal's own policies gave it when it was allowed something → how often."""
        with self._lock:
            return dict(self._grants.get(principal, {}))

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
class JudgedGrant:
    """One action on one resource pattern that a policy of a role allows, and how often it was what allowed a call."""

    action: str
    policy: str
    statement: str
    resource: str
    conditions: tuple[ConditionTest, ...]
    calls: int


def judged(documents: Iterable[Document], uses: Mapping[Grant, int]) -> list[JudgedGrant]:
    """Every granted action on every resource pattern it is granted on, with the calls that needed just that.

    Actions with wildcards are spelt out by IAM's reference, except those that stand for everything.
    """
    counted: dict[tuple[str, str, tuple[ConditionTest, ...]], int] = {}
    for grant, calls in uses.items():
        counted[grant.action.lower(), grant.resource, grant.conditions] = calls
    found: dict[tuple[str, str, tuple[ConditionTest, ...]], JudgedGrant] = {}
    for document in documents:
        for statement in document.statements:
            if statement.effect != "Allow" or statement.negated_actions:
                continue
            for action in (action for pattern in statement.actions for action in _spelt_out(pattern)):
                for resource in statement.resources or ("*",):
                    key = (action.lower(), resource, statement.conditions)
                    calls = counted.get(key, 0) if "*" not in action else sum(counted.values())
                    found.setdefault(key, JudgedGrant(action, document.name, statement.sid, resource, statement.conditions, calls))
    return sorted(found.values(), key=lambda grant: (grant.action, grant.resource, grant.policy))


def _spelt_out(pattern: str) -> list[str]:
    # Everything: naming each of 20,000 actions would say less than the pattern does.
    if pattern.strip("*") in ("", ":") or ("*" not in pattern and "?" not in pattern):
        return [pattern]
    return [action for action in reference.expand(pattern) if matcher(pattern, None, ignore_case=True).match(action)]


def as_json(entries: Iterable[Any]) -> list[dict[str, Any]]:
    """Entries or grants as plain objects."""
    return [asdict(entry) for entry in entries]
