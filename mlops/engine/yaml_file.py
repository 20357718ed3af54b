"""YAML as the Pulumi CLI types it; what it would misread is refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from mlops.engine.errors import EngineError

_AMBIGUOUS = "tag:mlops,2026:ambiguous"


def read(file: Path) -> dict[str, Any]:
    """The mapping in a YAML (or JSON) file; EngineError for anything else, for a key twice and for values that would not stay what they are."""
    try:
        with file.open(encoding="utf-8-sig") as stream:
            document = yaml.load(stream, _Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{file}:{mark.line + 1}" if mark else str(file)
        raise EngineError("bad-yaml", f"not valid YAML: {getattr(error, 'problem', error)}", where, "Correct the file.") from error
    except UnicodeDecodeError as error:
        raise EngineError("bad-yaml", f"not valid YAML: no UTF-8 (byte {error.start})", str(file), "Save it as UTF-8.") from None
    except OSError as error:
        raise EngineError("bad-yaml", f"cannot be read: {error.strerror}", str(file), "Make it readable.") from None
    if document is not None and not isinstance(document, dict):
        raise EngineError("bad-yaml", f"expected a mapping, got {type(document).__name__}", str(file), "Correct the file.")
    return document or {}


class _Loader(yaml.SafeLoader):
    """YAML as Go's yaml.v3 types it (1.2 core): yes, no, on and off stay strings. What it would misread is marked ambiguous."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    (
        _AMBIGUOUS,
        r"^(?:[-+]?0[0-9_]+|[0-9]{12}|[0-9]{16,}|[-+]?0[xobXOB][0-9a-fA-F_]+|[-+]?[0-9]+_[0-9_]*|\d{4}-\d{1,2}-\d{1,2}(?:[Tt ].*)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$",
        list("-+.0123456789"),
    ),
    ("tag:yaml.org,2002:int", r"^[-+]?(?:0|[1-9][0-9]*)$", list("-+0123456789")),
    ("tag:yaml.org,2002:float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", list("-+.0123456789")),
    ("tag:yaml.org,2002:merge", r"^<<$", ["<"]),
):
    _Loader.add_implicit_resolver(_tag, re.compile(_pattern), _first)


def _refuse_ambiguous(loader: _Loader, node: yaml.ScalarNode) -> Any:
    raise EngineError(
        "ambiguous_value",
        f"the unquoted value {node.value} would not be read as text: Pulumi takes digits for a number (leading zeros are lost) and dates for a time",
        f"{node.start_mark.name}:{node.start_mark.line + 1}",
        f'Quote it: "{node.value}".',
    )


def _float(loader: _Loader, node: yaml.ScalarNode) -> float:
    """A number with a fraction or an exponent: PyYAML's own reading wants a point in it."""
    return float(node.value)


def _mapping(loader: _Loader, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
    seen: set[str] = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise EngineError(
                "bad-yaml", "a key is a list or a mapping", f"{key.start_mark.name}:{key.start_mark.line + 1}", "Write a text as the key."
            )
        if key.value in seen:
            raise EngineError(
                "duplicate-key",
                f"the key '{key.value}' appears twice",
                f"{key.start_mark.name}:{key.start_mark.line + 1}",
                "Remove one of them.",
            )
        seen.add(key.value)
    loader.flatten_mapping(node)
    # Keys are text whatever they look like.
    return {key.value: loader.construct_object(value, deep=True) for key, value in node.value}


for _tag in (_AMBIGUOUS, "tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:binary"):
    _Loader.add_constructor(_tag, _refuse_ambiguous)
_Loader.add_constructor("tag:yaml.org,2002:float", _float)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
