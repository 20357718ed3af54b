"""How a service takes the tags of an existing resource, read from its own model: nearly all have TagResource and UntagResource."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def parameters(shape: Any, id_: str, arn: str, tags: Mapping[str, str] | Sequence[str]) -> dict[str, Any]:
    """The input of TagResource (`tags` with their values), or of UntagResource (`tags` by their names)."""
    made: dict[str, Any] = {}
    for name in shape.required_members:
        member = shape.members[name]
        if member.type_name == "string":
            made[name] = id_ if name.endswith("Id") else arn
        elif member.type_name == "list" and isinstance(tags, Mapping):
            key, value = sorted(member.member.members)  # Key and Value, key and value, TagKey and TagValue
            made[name] = [{key: each, value: tags[each]} for each in tags]
        else:
            made[name] = tags
    return made
