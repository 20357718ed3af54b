"""What a JSON file is, found by its content: one pass over it that keeps nothing but a few words, and checks that it is JSON to the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, BinaryIO

import ijson

from mlops.check.position import FAULTS, position
from mlops.check.source import EXPECTED, EXPORT, start
from mlops.errors import UserError

# Where resources are → what the file is.
_RESOURCES = {
    "deployment.resources": "deployment",
    "checkpoint.latest.resources": "deployment",
    "resources": "deployment",
    "steps": "preview steps",
}
_NAME = "resources"
# Top-level keys by which files of others are known.
_FOREIGN = {
    "terraform_version": "a state or plan of Terraform",
    "planned_values": "a plan of Terraform",
    "AWSTemplateFormatVersion": "a CloudFormation template",
    "Resources": "a CloudFormation template",
    "contentVersion": "a template of Azure Resource Manager",
    "apiVersion": "an object of Kubernetes",
    "runs": "a SARIF report",
    "bomFormat": "a CycloneDX bill of materials",
}
_KEPT = frozenset(
    {
        "version", "schema", "stack", "project", "deployment", "checkpoint", "changeSummary.same", "checkpoint.stack", "deployment.pending_operations.item.type",
        "checkpoint.latest.pending_operations.item.type", "pending_operations.item.type",
    }
)  # fmt: skip
_KEPT_NAMES = frozenset(path.rpartition(".")[2] for path in _KEPT)
_FOLLOWED = 5
DEEPEST = 200
_VERSIONS = (1, 2, 3, 4)


@dataclass
class Outline:
    """The kind of a document, the path of its resources (ijson's prefix), and the words of it that were kept."""

    kind: str
    path: str
    words: dict[str, list[Any]] = field(default_factory=dict)

    def word(self, path: str) -> Any:
        """The value at a path, if it was there."""
        return self.words.get(path, [None])[0]

    @property
    def pending_operations(self) -> list[str]:
        """What an interrupted update was doing (creating, updating, deleting, …)."""
        return [operation for path, values in self.words.items() if "pending_operations" in path for operation in values]


def outline(stream: BinaryIO, file: str) -> Outline:
    """UserError where it is no JSON, or nothing of Pulumi's."""
    scan = _Scan(file)
    try:
        for event, value in ijson.basic_parse(start(stream), use_float=True):
            scan.take(event, value)
    except FAULTS as error:
        raise _not_json(stream, file, scan.reached, error) from None
    return _recognised(scan, file)


class _Scan:
    """Follows the events of a parser. Paths are kept as far down as something is looked for there, whatever the depth."""

    def __init__(self, file: str) -> None:
        self.keys: set[str] = set()
        self.arrays: list[str] = []
        self.no_lists: dict[str, str] = {}
        self.words: dict[str, list[Any]] = {}
        self._file = file
        self._depth = 0
        self._names = [""] * (_FOLLOWED + 1)
        self._items = self._resource = -1
        self._index, self._urn = -1, ""

    @property
    def reached(self) -> str:
        """The last resource that was begun, for messages."""
        return f", after {self.arrays[-1]}[{self._index}] {self._urn}".rstrip() if self._index >= 0 else ""

    def take(self, event: str, value: Any) -> None:
        """One event of ijson's `basic_parse`."""
        depth = self._depth
        if event == "map_key":
            if depth <= _FOLLOWED:
                self._names[depth] = value
                if depth == 1:
                    self.keys.add(value)
        elif event == "end_map" or event == "end_array":
            self._depth = depth - 1
            if depth == self._items:
                self._items = -1
        elif event == "start_map" or event == "start_array":
            if event == "start_map" and depth <= _FOLLOWED and self._names[depth] == _NAME:
                self._no_list("an object", depth)
            self._open(event, depth)
        elif depth <= _FOLLOWED:
            self._word(value, depth, event)

    def _open(self, event: str, depth: int) -> None:
        if depth >= DEEPEST:
            raise UserError(
                "too-deep", f"expected objects and lists nested less than {DEEPEST} deep, got more{self.reached}", self._file, EXPORT
            )
        if depth == 0 and event == "start_array":
            raise UserError("foreign-file", f"{EXPECTED}, got a JSON list", self._file, EXPORT)
        if event == "start_array" and depth < _FOLLOWED and (path := self._path(depth)) in _RESOURCES:
            self.arrays.append(path)
            self._items, self._index, self._urn = depth + 1, -1, ""
        elif depth == self._items:
            self._index += 1
        self._depth = depth + 1
        if depth < _FOLLOWED:
            self._names[depth + 1] = "item" if event == "start_array" else ""

    def _word(self, value: Any, depth: int, event: str) -> None:
        if depth == 0:
            raise UserError("foreign-file", f"{EXPECTED}, got a JSON {event}", self._file, EXPORT)
        name = self._names[depth]
        if name == _NAME and event != "null":
            self._no_list(f"a {event}", depth)
        if name == "urn" and depth == self._items + 1:
            self._urn = value
        elif name in _KEPT_NAMES and (path := self._path(depth)) in _KEPT:
            self.words.setdefault(path, []).append(value)

    def _no_list(self, kind: str, depth: int) -> None:
        if (path := self._path(depth)) in _RESOURCES:
            self.no_lists[path] = kind

    def _path(self, depth: int) -> str:
        return ".".join(self._names[1 : depth + 1])


def _recognised(scan: _Scan, file: str) -> Outline:
    keys, words = scan.keys, scan.words
    for key, name in _FOREIGN.items():
        if key in keys:
            raise UserError("foreign-file", f"{EXPECTED}, got {name}", f"{file}: key {key!r}", EXPORT)
    found = [path for path in _RESOURCES if path in scan.arrays]
    if words.get("deployment") or words.get("checkpoint"):
        raise UserError("foreign-file", f"{EXPECTED}, got a file of Pulumi's with no deployment in it", f"{file}: key 'deployment'", EXPORT)
    for path, kind in scan.no_lists.items():
        if path.startswith(("deployment.", "checkpoint.")):
            raise UserError("broken-state", f"expected a list of resources, got {kind}", f"{file}: {path}", EXPORT)
    if not found and "deployment" in keys and "version" in keys:
        found = ["deployment.resources"]  # a stack without resources: Pulumi leaves the empty list out
    elif not found and "checkpoint" in keys:
        found = ["checkpoint.latest.resources"]
    if not found:
        raise UserError("foreign-file", f"{EXPECTED}, got a JSON object with {', '.join(sorted(keys)[:6]) or 'no keys'}", file, EXPORT)
    shape = Outline(_RESOURCES[found[0]], found[0], words)
    if shape.path == "resources" and "schema" in keys:
        shape.kind = "recorded preview"
    version = shape.word("version")
    if shape.kind == "deployment" and version is not None and version not in _VERSIONS:
        raise UserError(
            "unknown-version", f"expected a deployment of version {_VERSIONS[0]} to {_VERSIONS[-1]}, got version {version!r}", f"{file}: key 'version'",
            "export it with a version of Pulumi that writes one of these",
        )  # fmt: skip
    return shape


def _not_json(stream: BinaryIO, file: str, after: str, error: Exception) -> UserError:
    found = position(stream)
    what = "a document that is not complete (is the file truncated?)" if found.ended else _reason(error)
    where = f"{file}:{found.line}:{found.column} (byte {found.byte}){after}"
    return UserError("bad-json", f"expected JSON, got {what}", where, "export it again: " + EXPORT)


def _reason(error: Exception) -> str:
    """The parser's own words without its picture of the place; they are bytes where the file is no text."""
    words = error.args[0] if error.args else error
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
    return text.splitlines()[0]
