"""Project and stack files, read as the Pulumi CLI reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlops.engine import declared, go_json, interpreter, yaml_file
from mlops.engine.errors import EngineError
from mlops.engine.interpreter import Interpreter

_STACK = re.compile(r"[A-Za-z0-9_.-]{1,100}")  # as the CLI takes them
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
    empty: list[str] = field(default_factory=list)
    """Keys of the stack file without a value: the empty text, of which the CLI warns."""


def load_project(root: Path, stack: str, given: Mapping[str, str] | None = None) -> Project:
    """Read `Pulumi.yaml` and `Pulumi.<stack>.yaml` of the directory `root`; EngineError when the CLI would refuse them or misread a value.

    Values `given` go before those of the files, as those of `pulumi preview --config` do.
    """
    root = Path(root).resolve()
    if not _STACK.fullmatch(stack):
        raise EngineError(
            "bad-stack",
            f"expected a stack's name of letters, digits, '-', '_' and '.', got {stack!r}",
            "--stack",
            "Give the name alone, without organisation and project.",
        )
    file = _find(root, "Pulumi")
    if file is None:
        raise EngineError("no-project", f"no Pulumi.yaml in {root}", str(root), "Run in a Pulumi project, or name one with --project.")
    document = yaml_file.read(file)
    name = document.get("name")
    if not isinstance(name, str) or not name:
        raise EngineError("bad-project", f"expected a project 'name', got {name!r}", str(file), "Add `name: <project>`.")
    options = _runtime(document, file)
    declarations = declared.declarations(document, name, file)
    types = {declaration.key: declaration.type for declaration in declarations}
    values = {declaration.key: _scalar_text(declaration.value) for declaration in declarations if declaration.value is not None}
    secret_keys, placeholders, empty = set[str](), list[str](), list[str]()
    stack_file = _stack_file(root, document, file, stack)
    for key, value in (_stack_config(stack_file) if stack_file else {}).items():
        full = _key(key, name, stack_file)
        revealed, secret = _reveal(value, full, types.get(full, ""), placeholders)
        if secret:
            secret_keys.add(full)
        if value is None:
            empty.append(full)
        values[full] = _scalar_text(revealed)
    values |= {key if ":" in key else f"{name}:{key}": value for key, value in (given or {}).items()}
    declared.check(declarations, values, secret_keys, stack_file or file)
    return Project(
        name,
        stack,
        root,
        _program(root, document, file),
        interpreter.choose(root, options, file),
        {key: _text(value) for key, value in values.items()},
        sorted(secret_keys),
        sorted(set(placeholders)),
        empty,
    )


def interpreter_of(root: Path) -> Interpreter:
    """The interpreter that runs the program of the project in `root`."""
    file = _find(root, "Pulumi")
    if file is None:
        raise EngineError("no-project", f"no Pulumi.yaml in {root}", str(root), "Run in a Pulumi project, or name one with --project.")
    return interpreter.choose(root, _runtime(yaml_file.read(file), file), file)


def _stack_config(file: Path) -> dict[str, Any]:
    document = yaml_file.read(file)
    if document.get("environment"):
        raise EngineError(
            "unsupported-environment",
            "the stack imports environments of Pulumi ESC, whose values only Pulumi Cloud has",
            str(file),
            "Write the values into `config`, or use the Pulumi CLI.",
        )
    config = document.get("config") or {}
    if not isinstance(config, dict):
        kind = type(config).__name__
        raise EngineError("bad-config", f"'config' must be a mapping, got {kind}", str(file), "Write one key a line below it.")
    return config


def _find(folder: Path, stem: str) -> Path | None:
    return next((folder / (stem + suffix) for suffix in _SUFFIXES if (folder / (stem + suffix)).is_file()), None)


def _stack_file(root: Path, document: dict[str, Any], file: Path, stack: str) -> Path | None:
    folder = root / _folder(document, "stackConfigDir", file)
    found = _find(folder, f"Pulumi.{stack}")
    if found is None:
        stacks = sorted({path.name.split(".")[1] for suffix in _SUFFIXES for path in folder.glob(f"Pulumi.*{suffix}")})
        if stacks:
            raise EngineError(
                "no-stack", f"no stack named '{stack}'", str(folder / f"Pulumi.{stack}.yaml"), f"The project has: {', '.join(stacks)}."
            )
    return found


def _key(key: str, project: str, file: Path | None) -> str:
    """The key as programs see it: `namespace:name`, of which `namespace:config:name` is an old form; without namespace it is the project's."""
    parts = key.split(":")
    if len(parts) == 1:
        return f"{project}:{key}"
    if len(parts) == 3 and parts[1] == "config":
        return f"{parts[0]}:{parts[2]}"
    if len(parts) != 2:
        message = f"the configuration key '{key}' is not of the form <namespace>:<name>"
        raise EngineError("bad-config", message, str(file), "Write `<namespace>:<name>`.")
    return key


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


def _scalar_text(value: Any) -> Any:
    """Scalars as text, which is all that a configuration knows besides lists and mappings."""
    return value if isinstance(value, dict | list) else _text(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else go_json.encoded(value)


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
    options = (runtime.get("options") or {}) if isinstance(runtime, dict) else {}
    if not isinstance(options, dict):
        raise EngineError("bad-project", f"expected a mapping as `runtime.options`, got {options!r}", str(file), "Correct `runtime`.")
    return options


def _folder(document: dict[str, Any], key: str, file: Path) -> str:
    given = document.get(key) or "."
    if not isinstance(given, str):
        raise EngineError("bad-project", f"expected a path as `{key}`, got {given!r}", str(file), f"Correct `{key}`.")
    return given


def _program(root: Path, document: dict[str, Any], file: Path) -> Path:
    program = (root / _folder(document, "main", file)).resolve()
    entry = program if program.is_file() else program / "__main__.py"
    if not entry.is_file():
        raise EngineError("no-program", f"the program {entry} does not exist", str(file), "Correct `main`, or add __main__.py.")
    return program
