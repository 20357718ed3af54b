"""Project and stack files, read as the Pulumi CLI reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from mlops.engine import interpreter
from mlops.engine.errors import EngineError
from mlops.engine.interpreter import Interpreter

_AMBIGUOUS = "tag:mlops,2026:ambiguous"
_SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class Project:
    """A project with one stack's configuration.

    `config` maps full keys (`project:key`, `aws:region`) to text, objects as compact JSON; `secret_keys` are those that hold a secret.
    `placeholders` are the keys whose encrypted value could not be read: their text is a marked stand-in.
    """

    name: str
    stack: str
    root: Path
    program: Path
    interpreter: Interpreter
    config: dict[str, str]
    secret_keys: list[str]
    placeholders: list[str] = field(default_factory=list)


def load_project(root: Path, stack: str, given: Mapping[str, str] | None = None) -> Project:
    """Read `Pulumi.yaml` and `Pulumi.<stack>.yaml` of the directory `root`; EngineError when the CLI would refuse them or misread a value.

    Values `given` go before those of the files, as those of `pulumi preview --config` do.
    """
    root = Path(root).resolve()
    file = _find(root, "Pulumi")
    if file is None:
        raise EngineError("no-project", f"no Pulumi.yaml in {root}", str(root), "Run in a Pulumi project, or name one with --project.")
    document = read_yaml(file)
    name = document.get("name")
    if not isinstance(name, str) or not name:
        raise EngineError("bad-project", f"expected a project 'name', got {name!r}", str(file), "Add `name: <project>`.")
    values, secret_keys, placeholders = _declared(document, name, file), set[str](), list[str]()
    stack_file = _stack_file(root, document, stack)
    declarations = _declarations(document, name)
    if stack_file is not None:
        for key, value in _stack_config(stack_file).items():
            full = _full(key, name)
            kind = (declarations.get(full) or {}).get("type", "string")
            revealed, secret = _reveal(value, full, kind, placeholders)
            if secret:
                secret_keys.add(full)
            values[full] = _text(revealed)
    values |= {_full(key, name): value for key, value in (given or {}).items()}
    _check_declared(declarations, values, stack_file or file)
    for full, declaration in declarations.items():
        if declaration.get("secret"):
            secret_keys.add(full)
    return Project(
        name,
        stack,
        root,
        _program(root, document, file),
        interpreter.choose(root, _runtime(document, file), file),
        values,
        sorted(secret_keys),
        sorted(set(placeholders)),
    )


def interpreter_of(root: Path) -> Interpreter:
    """The interpreter that runs the program of the project in `root`."""
    file = _find(root, "Pulumi")
    if file is None:
        raise EngineError("no-project", f"no Pulumi.yaml in {root}", str(root), "Run in a Pulumi project, or name one with --project.")
    return interpreter.choose(root, _runtime(read_yaml(file), file), file)


class _Loader(yaml.SafeLoader):
    """YAML as Go's yaml.v3 types it (1.2 core): yes, no, on and off stay strings. What it would misread is marked ambiguous."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    (
        _AMBIGUOUS,
        r"^(?:[-+]?0[0-9_]+|[0-9]{12}|[-+]?0[xobXOB][0-9a-fA-F_]+|[-+]?[0-9]+_[0-9_]*|\d{4}-\d{1,2}-\d{1,2}(?:[Tt ].*)?)$",
        list("-+0123456789"),
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


def _mapping(loader: _Loader, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
    seen: set[str] = set()
    for key, _ in node.value:
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


_Loader.add_constructor(_AMBIGUOUS, _refuse_ambiguous)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def read_yaml(file: Path) -> dict[str, Any]:
    """The mapping in a file, typed as Pulumi types it; EngineError for what it would misread."""
    try:
        with file.open(encoding="utf-8") as stream:
            document = yaml.load(stream, _Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{file}:{mark.line + 1}" if mark else str(file)
        raise EngineError("bad-yaml", f"not valid YAML: {getattr(error, 'problem', error)}", where, "Correct the file.") from error
    if document is not None and not isinstance(document, dict):
        raise EngineError("bad-yaml", f"expected a mapping, got {type(document).__name__}", str(file), "Correct the file.")
    return document or {}


def _stack_config(file: Path) -> dict[str, Any]:
    config = read_yaml(file).get("config") or {}
    if not isinstance(config, dict):
        kind = type(config).__name__
        raise EngineError("bad-config", f"'config' must be a mapping, got {kind}", str(file), "Write one key a line below it.")
    return config


def _find(folder: Path, stem: str) -> Path | None:
    return next((folder / (stem + suffix) for suffix in _SUFFIXES if (folder / (stem + suffix)).is_file()), None)


def _stack_file(root: Path, document: dict[str, Any], stack: str) -> Path | None:
    folder = root / (document.get("stackConfigDir") or ".")
    file = _find(folder, f"Pulumi.{stack}")
    if file is None:
        stacks = sorted({path.name.split(".")[1] for suffix in _SUFFIXES for path in folder.glob(f"Pulumi.*{suffix}")})
        if stacks:
            raise EngineError(
                "no-stack", f"no stack named '{stack}'", str(folder / f"Pulumi.{stack}.yaml"), f"The project has: {', '.join(stacks)}."
            )
    return file


def _full(key: str, project: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _declarations(document: dict[str, Any], project: str) -> dict[str, dict[str, Any]]:
    config = document.get("config") or {}
    return (
        {_full(key, project): declaration for key, declaration in config.items() if isinstance(declaration, dict)}
        if isinstance(config, dict)
        else {}
    )


def _declared(document: dict[str, Any], project: str, file: Path) -> dict[str, str]:
    config = document.get("config") or {}
    if not isinstance(config, dict):
        raise EngineError(
            "bad-project",
            f"'config' must be a mapping, got {type(config).__name__}",
            str(file),
            "Name the folder of stack files `stackConfigDir`.",
        )
    values = {}
    for key, declaration in config.items():
        value = declaration.get("default", declaration.get("value")) if isinstance(declaration, dict) else declaration
        if value is not None:
            values[_full(key, project)] = _text(value)
    return values


def _check_declared(declarations: dict[str, dict[str, Any]], values: dict[str, str], file: Path) -> None:
    patterns = {"integer": r"[-+]?\d+", "boolean": r"true|false"}
    for key, declaration in declarations.items():
        kind = declaration.get("type")
        if key not in values:
            if kind is not None:
                raise EngineError(
                    "missing-config", f"the configuration variable '{key}' has no value", str(file), f"Add `{key}:` to the stack's config."
                )
        elif kind in patterns and not re.fullmatch(patterns[kind], values[key]):
            raise EngineError(
                "bad-config", f"'{key}' must be of type '{kind}', got {values[key]!r}", str(file), f"Give it a value of type {kind}."
            )


def _reveal(value: Any, key: str, kind: str, placeholders: list[str]) -> tuple[Any, bool]:
    """The value with encrypted parts replaced by placeholders of the declared type, and whether there were any."""
    if isinstance(value, dict):
        if set(value) == {"secure"}:
            placeholders.append(key)
            return {"integer": 0, "boolean": False, "array": []}.get(kind, f"encrypted-value-of-{key}"), True
        pairs = {name: _reveal(item, key, "string", placeholders) for name, item in value.items()}
        return {name: item for name, (item, _) in pairs.items()}, any(secret for _, secret in pairs.values())
    if isinstance(value, list):
        items = [_reveal(item, key, "string", placeholders) for item in value]
        return [item for item, _ in items], any(secret for _, secret in items)
    return value, False


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    compact = json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    # Go's encoder escapes these three, everywhere but in plain text.
    return compact.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _runtime(document: dict[str, Any], file: Path) -> dict[str, Any]:
    runtime = document.get("runtime")
    name = runtime.get("name") if isinstance(runtime, dict) else runtime
    if name != "python":
        raise EngineError(
            "unsupported-runtime",
            f"the runtime {name!r} is not supported offline, only 'python'",
            str(file),
            "Preview this project with the Pulumi CLI.",
        )
    return (runtime.get("options") or {}) if isinstance(runtime, dict) else {}


def _program(root: Path, document: dict[str, Any], file: Path) -> Path:
    program = (root / (document.get("main") or ".")).resolve()
    entry = program if program.is_file() else program / "__main__.py"
    if not entry.is_file():
        raise EngineError("no-program", f"the program {entry} does not exist", str(file), "Correct `main`, or add __main__.py.")
    return program
