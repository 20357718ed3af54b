"""Property values as rules read them: plain Python, where reading a value that is not known yet ends the evaluation honestly.

A preview knows only part of a stack. `UNKNOWN` marks such a leaf in a resource's properties. Before rules see the properties,
`readable` replaces it by an `Unreadable`: comparing it, iterating it or calling anything on it raises `NotEvaluable` with the path,
while `is not None` holds, because a value *is* given. So rules are plain code, and a rule never judges a value that nobody knows yet.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NoReturn, TypeVar

# What the Pulumi engine writes in the place of an unknown string; a JSON document may hold it in the place of an unknown leaf.
UNKNOWN_SENTINEL = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


# Properties whose value AWS takes as a JSON document.
DOCUMENTS = frozenset(
    ("policy", "policyDocument", "accessPolicies", "assumeRolePolicy", "resourcePolicy", "definition", "pipelineDefinition", "dashboardBody",
     "eventPattern", "containerDefinitions", "containerProperties", "redrivePolicy")
)  # fmt: skip


class _Unknown:
    """The type of `UNKNOWN`: a value that is known only after deployment."""

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __reduce__(self) -> str:
        return "UNKNOWN"  # copies and pickles stay the one object


UNKNOWN = _Unknown()


class Secret:
    """A secret property value. Rules read the value; no message ever shows it."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "Secret(…)"


class NotEvaluable(Exception):
    """A rule needed a value that is not known (yet): at preview, or because a state machine receives it at run time."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path} {reason}")
        self.path = path
        self.reason = reason


class Malformed(ValueError):
    """A document in a property is not what AWS accepts there: invalid JSON, or the wrong shape."""


class NotApplicable(Exception):
    """A rule has nothing to say about this resource."""


def _unreadable(self: Any, *_: Any) -> NoReturn:
    path, reason = object.__getattribute__(self, "path"), object.__getattribute__(self, "reason")
    raise NotEvaluable(path, reason)


class Unreadable:
    """A value that is given but cannot be read; every use of it raises `NotEvaluable`."""

    __slots__ = ("path", "present", "reason")

    def __init__(self, path: str, reason: str = "is not known before deployment", present: bool = False) -> None:
        self.path = path
        self.reason = reason
        self.present = present  # certain to be set, whatever the value will be

    def __repr__(self) -> str:
        return f"<{self.path} {self.reason}>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _unreadable(self)

    __bool__ = __eq__ = __ne__ = __hash__ = __iter__ = __len__ = __getitem__ = __contains__ = _unreadable  # type: ignore[assignment]
    __lt__ = __le__ = __gt__ = __ge__ = __add__ = __radd__ = __sub__ = __mul__ = __int__ = __float__ = _unreadable
    __rsub__ = __rmul__ = __truediv__ = __rtruediv__ = __neg__ = __abs__ = __round__ = __index__ = _unreadable
    __str__ = __format__ = _unreadable  # type: ignore[assignment]


def readable(value: Any, path: str = "") -> Any:
    """A copy of a property value for rules: nulls dropped (they mean absent), secrets unwrapped, unknowns made `Unreadable`."""
    kind = type(value)
    if kind is str:
        return Unreadable(path) if UNKNOWN_SENTINEL in value and not value.lstrip().startswith(("{", "[")) else value
    if kind is dict:
        prefix = f"{path}." if path else ""
        return {key: done for key, item in value.items() if (done := readable(item, f"{prefix}{key}")) is not None}
    if kind is list or kind is tuple:
        return [done for index, item in enumerate(value) if (done := readable(item, f"{path}[{index}]")) is not None]
    if value is UNKNOWN:
        return Unreadable(path)
    if isinstance(value, Secret):
        return readable(value.value, path)
    if isinstance(value, Mapping):
        return readable(dict(value), path)
    return value


def secret_texts(value: Any) -> Iterator[str]:
    """The texts and numbers of the secrets in a value."""
    if isinstance(value, Secret):
        yield from texts(value.value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from secret_texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from secret_texts(item)


def texts(value: Any) -> Iterator[str]:
    """Every text and number in a value, also inside JSON documents given as text. Truth values are none: a verdict alone tells them."""
    if isinstance(value, Secret):
        yield from texts(value.value)
    elif isinstance(value, str):
        yield value
        if value.lstrip().startswith(("{", "[")):
            try:
                yield from texts(json.loads(value))
            except ValueError:
                return  # no document: the text itself is all there is
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from {f"{value}", f"{value:g}"}


def parse_document(value: Any, path: str) -> Any:
    """A JSON document given as text or as an object; sentinel leaves become `Unreadable`. Raises `Malformed` for text that is no JSON."""
    if isinstance(value, Unreadable):
        raise NotEvaluable(value.path, value.reason)
    if not isinstance(value, str):
        return value
    try:
        parsed = json.loads(value)
    except ValueError as error:
        raise Malformed(f"{path} is not valid JSON: {error}") from None
    return readable(parsed, path) if UNKNOWN_SENTINEL in value or "null" in value else parsed


def dig(value: Any, path: str, default: Any = None) -> Any:
    """The value at a dotted path inside nested objects, `default` where something on the way is absent."""
    for part in path.split("."):
        if isinstance(value, Unreadable):
            raise NotEvaluable(value.path, value.reason)
        if not isinstance(value, dict):
            return default
        value = value.get(part)
        if value is None:
            return default
    return value


def leaves(value: Any) -> list[Any]:
    """A value that AWS lets one write as one item or as a list, as a list; items may be unreadable."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def as_list(value: Any) -> list[Any]:
    """Like `leaves`, of a value that must be readable."""
    if isinstance(value, Unreadable):
        raise NotEvaluable(value.path, value.reason)
    return leaves(value)


def as_number(value: Any, path: str) -> float:
    """A number, which AWS takes as text in some places. Raises `Malformed` for text that is none; never shows it."""
    try:
        return float(value)
    except ValueError:
        raise Malformed(f"{path} is not a number") from None


def is_set(value: Any) -> bool:
    """Whether a property is given. One that is supplied at run time is; of one that is unknown nobody can say."""
    if isinstance(value, Unreadable) and not value.present:
        raise NotEvaluable(value.path, value.reason)
    return value is not None


def holds_unreadable(value: Any) -> bool:
    """Whether a value, or anything nested in it, cannot be read."""
    if isinstance(value, Unreadable):
        return True
    if isinstance(value, dict):
        return any(holds_unreadable(item) for item in value.values())
    return isinstance(value, list) and any(holds_unreadable(item) for item in value)


def known_first(items: Iterable[Any]) -> list[tuple[int, Any]]:
    """Items with their index, those that can be read wholly first: for lists without an order, of which every item has to be right.

    A rule that meets an unknown item ends there. What is certain about the others must be found before.
    """
    return sorted(enumerate(items), key=lambda item: holds_unreadable(item[1]))


T = TypeVar("T")


def each(items: Iterable[T], judge: Callable[[T], str | None]) -> Iterator[str]:
    """The problems of all items. One that needs an unknown value hides nothing: it is raised after the last item."""
    unknown: NotEvaluable | None = None
    for item in items:
        try:
            problem = judge(item)
        except NotEvaluable as error:
            unknown = unknown or error
            continue
        if problem is not None:
            yield problem
    if unknown is not None:
        raise unknown
