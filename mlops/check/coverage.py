"""Which resources of a stack no rule is about, by name of their types: they are not judged, which is not the same as good."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from wellarchitected import RULES, Resource
from wellarchitected.meta import named_types

_OWN = named_types(RULES)
_PULUMI = "pulumi:"


def not_judged(resources: Iterable[Resource]) -> list[dict[str, Any]]:
    """`type`, `count` and `why` of every type that no rule judges or joins, most frequent first.

    `why`: `other provider` (not of AWS; components and other clouds) or `no rule` (of AWS: only the rules for all of AWS judge it).
    """
    counts = Counter(resource.type for resource in resources if resource.type not in _OWN and not resource.type.startswith(_PULUMI))
    return [
        {"type": type_, "count": count, "why": "no rule" if type_.startswith("aws:") else "other provider"}
        for type_, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
