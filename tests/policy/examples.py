"""Turning a rule's examples into stacks, and judging them."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from wellarchitected import UNKNOWN, Example, Report, Resource, Rule, evaluate

TODAY = date(2026, 11, 23)


def urn(type_: str, name: str, stack: str = "test") -> str:
    return f"urn:pulumi:{stack}::project::{type_}::{name}"


def resources(examples: Sequence[Example], prefix: str = "") -> list[Resource]:
    """The example's resources; a linked property that the example gives no value is unknown, as in a preview."""
    urns = {example.name: urn(example.type, f"{prefix}{example.name}") for example in examples}
    made = []
    for example in examples:
        properties = {**dict.fromkeys(example.links, UNKNOWN), **copy.deepcopy(example.properties)}
        made.append(
            Resource(
                urns[example.name],
                example.type,
                f"{prefix}{example.name}",
                properties,
                dependencies=[urns[name] for names in example.links.values() for name in names],
                property_dependencies={key: [urns[name] for name in names] for key, names in example.links.items()},
                protect=example.protect,
                ignore_changes=example.ignore_changes,
                file="__main__.py",
                line=1,
            )  # fmt: skip
        )
    return made


def judge_stack(
    rule: Rule, examples: Sequence[Example], exemptions: Sequence[Mapping[str, Any]] = (), environment: str | None = None
) -> Report:
    config = {"environment": environment or rule.example_environment, "exemptions": list(exemptions), "rules": {rule.id: "mandatory"}}
    return evaluate(resources(examples), stack="test", config=config, today=TODAY, rules=[rule])


def changed(examples: Sequence[Example], type_: str, path: str, value: Any) -> list[Example]:
    """The examples with the property at a path replaced in every resource of a type (taken out where `value` is None)."""
    result = []
    for example in examples:
        properties = copy.deepcopy(example.properties)
        links = dict(example.links)
        if example.type == type_:
            *parents, last = path.split(".")
            target: Any = properties
            for part in parents:
                target = target.get(part, {}) if isinstance(target, dict) else {}
            if value is None:
                target.pop(last, None)
            else:
                target[last] = value
            links.pop(path, None)
        result.append(Example(example.type, example.name, properties, links, example.protect, example.ignore_changes))
    return result
