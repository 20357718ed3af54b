"""Values of a kind that AWS takes nowhere there: told apart from defects of rules when a rule breaks on a resource.

Rules read properties as AWS documents them. Where a program writes text for an object, the provider would refuse it, and the rule cannot
judge it; that is a finding about the resource. What kinds a property has is read off the examples of the whole catalogue.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from .model import Resource
from .values import DOCUMENTS, Malformed, NotEvaluable, Unreadable, parse_document

# What rules read and no example has.
_NUMBER, _OBJECT = frozenset({"a number"}), frozenset({"an object"})
_TAGS = {"tags": _OBJECT, "tagsAll": _OBJECT}
_SELDOM: Mapping[str, Mapping[str, frozenset[str]]] = {
    "aws:apigateway/integration:Integration": {"timeoutMilliseconds": _NUMBER},
    "aws:elasticache/replicationGroup:ReplicationGroup": {"numNodeGroups": _NUMBER, "replicasPerNodeGroup": _NUMBER},
    "aws:glue/job:Job": {"nonOverridableArguments": _OBJECT},
    "aws:lambda/eventSourceMapping:EventSourceMapping": {"maximumRecordAgeInSeconds": _NUMBER},
    "aws:lambda/function:Function": {"ephemeralStorage.size": _NUMBER},
    "aws:s3/bucket:Bucket": {"lifecycleRules": frozenset({"a list"}), "lifecycleRules[]": _OBJECT},
    "aws:sqs/queue:Queue": {"delaySeconds": _NUMBER, "receiveWaitTimeSeconds": _NUMBER},
}


class Place(NamedTuple):
    """A value inside a resource: its path with and without the positions in lists."""

    path: str
    pattern: str
    value: Any


def misshapen(resource: Resource, error: Exception) -> str | None:
    """What is wrong with the shape of a resource's properties, of which a rule broke; nothing where they are as the catalogue knows them."""
    known = {**_TAGS, **_SELDOM.get(resource.type, {}), **_known().get(resource.type, {})}
    places = list(_places(resource))
    for place in places:
        kind, expected = _kind(place.value), known.get(place.pattern)
        if kind is not None and expected and kind not in expected:
            return f"{place.path} of '{resource.name}' is {kind}; expected {' or '.join(sorted(expected))}"
    if isinstance(error, AttributeError) and error.obj is not None:  # asked for what values of its kind do not have
        for place in places:
            if place.value is error.obj:
                return f"{place.path} of '{resource.name}' is {_kind(place.value)}, which it cannot be"
    return None


def misshapen_among(resources: Iterable[Resource], error: Exception) -> str | None:
    """The first such thing among several resources."""
    return next((problem for resource in resources if (problem := misshapen(resource, error))), None)


@cache
def _known() -> Mapping[str, Mapping[str, frozenset[str]]]:
    from .rules import RULES  # the catalogue imports what judges with it

    found: dict[str, dict[str, set[str]]] = {}
    for rule in RULES:
        for example in (*rule.compliant, *rule.violating):
            for place in _inside(example.properties, "", ""):
                if (kind := _kind(place.value)) is not None:
                    found.setdefault(example.type, {}).setdefault(place.pattern, set()).add(kind)
    return {type_: {pattern: frozenset(kinds) for pattern, kinds in patterns.items()} for type_, patterns in found.items()}


def _places(resource: Resource) -> Iterator[Place]:
    for key, value in resource.values.items():
        yield from _inside(_parsed(value, key), key, key)


def _parsed(value: Any, key: str) -> Any:
    """A JSON document as what it holds; anything else as it is."""
    if isinstance(value, str) and key in DOCUMENTS:
        try:
            return parse_document(value, key)
        except (Malformed, NotEvaluable):
            return value
    return value


def _inside(value: Any, path: str, pattern: str) -> Iterator[Place]:
    if path:
        yield Place(path, pattern, value)
    if isinstance(value, Mapping):
        for key, item in value.items():
            dot = "." if path else ""
            yield from _inside(item, f"{path}{dot}{key}", f"{pattern}{dot}{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _inside(item, f"{path}[{index}]", f"{pattern}[]")


def _kind(value: Any) -> str | None:
    if value is None or isinstance(value, Unreadable):
        return None
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "an object" if isinstance(value, Mapping) else "a list"
