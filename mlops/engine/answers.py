"""Answers that only the user knows, in a file beside Pulumi.yaml: results of provider functions, outputs of other stacks, accepted parts.

functions:
  - function: aws:route53/getZone:getZone
    arguments: {name: example.com}          # those given must be equal; without any, every call of the function is meant
    result: {zoneId: Z0123456789, ...}
stacks:
  organisation/network/prod:
    vpcId: vpc-0a1b2c3d
accepted:
  - component: eks:index:Cluster            # or its URN; * stands for anything
    reason: reviewed with the platform team
    owner: platform@example.com
    expires: "2027-01-31"
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from mlops.engine import yaml_file
from mlops.engine.errors import EngineError
from mlops.engine.values import without_secrets

FILE = "mlops-answers.yaml"
TO_FILL_IN = ("<text>", "<number>", "<true or false>", "<list>", "<map>", "<any>", "<value>")
"""What stands in an entry to paste where a value is to be filled in."""

_KINDS: Mapping[str, Callable[[Any], bool]] = {
    "text": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "true or false": lambda value: isinstance(value, bool),
    "list": lambda value: isinstance(value, list),
    "map": lambda value: isinstance(value, dict),
}

FunctionOutputs = Sequence[tuple[str, str, bool]]
"""What the SDK says of a function's result: name, kind (text, number, true or false, list, map, any), whether it is always there."""


@dataclass
class Answer:
    """One entry for a provider function."""

    function: str
    arguments: Mapping[str, Any]
    result: Mapping[str, Any]
    used: bool = False

    def fits(self, token: str, arguments: Mapping[str, Any]) -> bool:
        """Whether the entry is about this call."""
        return self.function == token and all(arguments.get(name) == value for name, value in self.arguments.items())


@dataclass(frozen=True)
class Acceptance:
    """Somebody takes the risk of what a component creates unjudged."""

    component: str
    reason: str
    owner: str
    expires: date

    def fits(self, type_: str, urn: str) -> bool:
        """Whether the component is meant, by type or URN."""
        return fnmatchcase(type_, self.component) or fnmatchcase(urn, self.component)

    @classmethod
    def of(cls, exemption: Mapping[str, str]) -> Acceptance:
        """The reverse of `to_dict`."""
        return cls(exemption["urn"], exemption["reason"], exemption["owner"], date.fromisoformat(exemption["expires"]))

    def to_dict(self) -> dict[str, str]:
        """In the shape of an exemption of the policy pack."""
        return {"urn": self.component, "reason": self.reason, "owner": self.owner, "expires": self.expires.isoformat()}


@dataclass(frozen=True)
class Answers:
    """Everything the file says; empty where there is none."""

    file: str = FILE
    functions: Sequence[Answer] = ()
    stacks: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    accepted: Sequence[Acceptance] = ()

    @classmethod
    def beside(cls, root: Path, file: Path | None = None) -> Answers:
        """The answers of `file`, or of the project's own file where it has one; EngineError when an entry is none."""
        path = file or root / FILE
        if not path.is_file():
            if file is not None:
                raise EngineError("no-answers", "expected a file with answers, found none", str(file), "Name an existing file.")
            return cls()
        return _parsed(yaml_file.read(path), str(path))

    def function(self, token: str, arguments: Mapping[str, Any], outputs: FunctionOutputs) -> Mapping[str, Any] | None:
        """The result for a call, checked against what the SDK knows of it; None when the file has none."""
        plain = without_secrets(dict(arguments))
        for answer in self.functions:
            if answer.fits(token, plain):
                answer.used = True
                _check(answer, outputs, self.file)
                return answer.result
        return None

    def unused(self) -> list[str]:
        """The functions of the entries that no call needed."""
        return [answer.function for answer in self.functions if not answer.used]


def _check(answer: Answer, outputs: FunctionOutputs, file: str) -> None:
    kinds = {name: kind for name, kind, _ in outputs}
    for name, value in answer.result.items():
        where = f"{file}: {answer.function}: {name}"
        if isinstance(value, str) and value in TO_FILL_IN:
            raise EngineError(
                "bad-answer", f"'{name}' still says {value}", where, "Fill in the value, or delete the line if nothing reads it."
            )
        if outputs and name not in kinds:
            known = ", ".join(sorted(kinds))
            raise EngineError("bad-answer", f"{answer.function} has no output '{name}'", where, f"It has: {known}.")
        fits = _KINDS.get(kinds.get(name, ""))
        if value is not None and fits is not None and not fits(value):
            raise EngineError("bad-answer", f"expected {kinds[name]}, got {value!r}", where, "Correct the value.")


def _parsed(document: Mapping[str, Any], file: str) -> Answers:
    _only(document, {"functions", "stacks", "accepted"}, file)
    functions = [
        Answer(_part(entry, "function", str, place), _part(entry, "arguments", dict, place, {}), _part(entry, "result", dict, place))
        for entry, place in _entries(document, "functions", {"function", "arguments", "result"}, file)
    ]
    stacks = _part(document, "stacks", dict, file, {})
    for name, outputs in stacks.items():
        if not isinstance(outputs, dict):
            raise _bad(f"{file}: stacks: {name}", f"expected the outputs as a map, got {outputs!r}")
        if left := [output for output, value in outputs.items() if isinstance(value, str) and value in TO_FILL_IN]:
            raise _bad(f"{file}: stacks: {name}", f"'{left[0]}' still says {outputs[left[0]]}")
    accepted = [
        Acceptance(_text(entry, "component", place), _text(entry, "reason", place), _text(entry, "owner", place), _date(entry, place))
        for entry, place in _entries(document, "accepted", {"component", "reason", "owner", "expires"}, file)
    ]
    return Answers(file, functions, stacks, accepted)


def _entries(document: Mapping[str, Any], key: str, names: set[str], file: str) -> list[tuple[Mapping[str, Any], str]]:
    entries = _part(document, key, list, file, [])
    found = []
    for number, entry in enumerate(entries, 1):
        place = f"{file}: {key}, entry {number}"
        if not isinstance(entry, dict):
            raise _bad(place, f"expected a map, got {entry!r}")
        _only(entry, names, place)
        found.append((entry, place))
    return found


def _only(given: Mapping[str, Any], names: set[str], place: str) -> None:
    other = sorted(set(given) - names)
    if other:
        raise _bad(place, f"'{other[0]}' is not known; expected {', '.join(sorted(names))}")


def _part(entry: Mapping[str, Any], name: str, kind: type, place: str, default: Any = None) -> Any:
    value = entry.get(name)
    value = default if value is None else value
    if not isinstance(value, kind):
        names = {str: "text", dict: "a map", list: "a list"}
        raise _bad(place, f"expected {names[kind]} as '{name}', got {'nothing' if value is None else repr(value)}")
    return value


def _text(entry: Mapping[str, Any], name: str, place: str) -> str:
    text = _part(entry, name, str, place)
    if not text.strip():
        raise _bad(place, f"expected text as '{name}', got an empty one")
    return text


def _date(entry: Mapping[str, Any], place: str) -> date:
    text = _part(entry, "expires", str, place)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _bad(place, f"expected a date as YYYY-MM-DD, got {text!r}") from None


def _bad(where: str, message: str) -> EngineError:
    return EngineError("bad-answers", message, where, "Correct the file; docs/architecture.md shows its form.")
