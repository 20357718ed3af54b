"""Reads the stack's settings once; a mistake ends the program with one error and exit status 2 before anything is registered."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar, get_args

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env
from pydantic import BaseModel, ValidationError

from components.base.contracts import Contract, ContractError, load_contract
from components.settings.name_lengths import too_long
from components.settings.settings import Settings

REQUIRED_TAGS = ("Project", "Environment", "CostCenter", "Owner", "ManagedBy")
MARKER = "MLOPS-SETTINGS-ERROR"

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, kw_only=True)
class SettingsError(ValueError):
    """A setting is wrong: `where` names file and key, `message` the value, `hint` what is allowed."""

    message: str
    where: str
    hint: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message} ({self.hint})"


@dataclass(frozen=True)
class StackConfig:
    """Settings plus what the AWS provider itself is configured with."""

    project: str
    stack: str
    region: str
    settings: Settings
    contracts: dict[str, Contract]
    default_tags: dict[str, str]


def read() -> StackConfig:
    """The settings of the running stack. Prints the error and raises `SystemExit(2)` when they are wrong."""
    try:
        return parse(_running(), project=pulumi.get_project(), stack=pulumi.get_stack(), root=Path.cwd())
    except SettingsError as error:
        _exit(error)


def read_as(model: type[Model]) -> tuple[Model, str]:
    """The running stack's settings as the model of another program, and the region; errors as in `read`. The model has a `stack` with tags' values."""
    try:
        return parse_as(model, _running(), project=pulumi.get_project(), stack=pulumi.get_stack())
    except SettingsError as error:
        _exit(error)


def parse(config: Mapping[str, str], *, project: str, stack: str, root: Path) -> StackConfig:
    """Settings from Pulumi's flat configuration (objects are JSON text), contracts from below `root`. Raises SettingsError."""
    settings, region = parse_as(Settings, config, project=project, stack=stack)
    _check_name_lengths(settings, project, stack)
    _check_accelerated_name(settings, project, stack, f"Pulumi.{stack}.yaml: {project}:performance.transfer_acceleration")
    _check_functions(settings, root, f"Pulumi.{stack}.yaml: {project}:performance.concurrency.reserved")
    contracts = _contracts(settings, root, f"Pulumi.{stack}.yaml: {project}:models")
    tags = _value(config.get("aws:defaultTags", "{}"))["tags"]
    return StackConfig(project=project, stack=stack, region=region, settings=settings, contracts=contracts, default_tags=tags)


def parse_as(model: type[Model], config: Mapping[str, str], *, project: str, stack: str) -> tuple[Model, str]:
    """Settings and region from Pulumi's flat configuration. Raises SettingsError."""
    file = f"Pulumi.{stack}.yaml"
    values = {key.split(":", 1)[1]: _value(text) for key, text in config.items() if key.startswith(f"{project}:")}
    try:
        settings = model.model_validate(values)
    except ValidationError as error:
        raise _explain(error, model, file=file, project=project) from None
    region = config.get("aws:region", "")
    if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", region):
        raise SettingsError(message=f"{region!r} is not a region", where=f"{file}: aws:region", hint="for example eu-west-1")
    _check_default_tags(config.get("aws:defaultTags", "{}"), settings, stack, file)
    return settings, region


def _check_accelerated_name(settings: Settings, project: str, stack: str, where: str) -> None:
    # The bucket's name becomes one label of a host name with a certificate for one label.
    if settings.performance.transfer_acceleration and "." in f"{project}{stack}":
        message = f"the raw bucket's name begins with {project}-{stack}, and S3 accelerates no bucket with a dot in its name"
        raise SettingsError(message=message, where=where, hint="set it to false, or name project and stack without dots")


def _check_functions(settings: Settings, root: Path, where: str) -> None:
    for handler in settings.performance.concurrency.reserved:
        if not (root / "lambdas" / handler / "handler.py").is_file():
            found = ", ".join(sorted(path.parent.name for path in root.glob("lambdas/*/handler.py")))
            raise SettingsError(message=f"{handler!r} is no function of the platform", where=where, hint=f"allowed: {found}")


def _running() -> dict[str, str]:
    return {**get_config_env(), **CONFIG.get()}


def _value(text: Any) -> Any:
    # Pulumi hands objects and lists over as JSON text and leaves every other value a string.
    return json.loads(text) if isinstance(text, str) and text[:1] in "{[" and text else text


def _contracts(settings: Settings, root: Path, where: str) -> dict[str, Contract]:
    contracts = {}
    for number, model in enumerate(settings.models):
        try:
            contracts[model.name] = load_contract(root / model.contract)
        except ContractError as error:
            message = f"value {_short(model.contract)}: {error}"
            hint = "name a file of the folder contracts"
            raise SettingsError(message=message, where=f"{where}[{number}].contract", hint=hint) from None
    return contracts


def _check_name_lengths(settings: Settings, project: str, stack: str) -> None:
    """Names are made of project, stack and model: AWS refuses those that are too long, one by one and half-way through a deployment."""
    models = [model.name for model in settings.models] if "data" in settings.stack.parts else []
    worst = too_long(f"{project}-{stack}", models)
    if worst is None:
        return
    message = f"the {worst.length.kind} {worst.name!r} would have {len(worst.name)} characters"
    shorten = "project, stack or model" if worst.length.of_model else "project or stack"
    hint = f"allowed: {worst.length.limit}; shorten the name of {shorten} by {worst.over}"
    raise SettingsError(message=message, where=f"Pulumi.{stack}.yaml: names of project {project!r} and stack {stack!r}", hint=hint)


def _check_default_tags(text: str, settings: Any, stack: str, file: str) -> None:
    """The provider's default tags: it puts them on everything, awsx's children too, so they must say what the settings say."""
    value = _value(text)
    tags: dict[str, Any] = value.get("tags", {}) if isinstance(value, dict) else {}
    where = f"{file}: aws:defaultTags.tags"
    expected = {"Environment": settings.stack.environment, "Owner": settings.stack.owner, "CostCenter": settings.stack.cost_center}
    expected |= getattr(settings.stack, "extra_tags", {})
    # Two stacks of one environment are told apart by it; where it is missing, costs are told apart by environment only.
    if "Stack" in tags:
        expected["Stack"] = stack
    for name in REQUIRED_TAGS:
        if not isinstance(tags.get(name), str) or not tags[name]:
            hint = f"every stack sets {', '.join(REQUIRED_TAGS)} as strings"
            raise SettingsError(message=f"the tag {name} is {tags.get(name)!r}", where=where, hint=hint)
    for name, wanted in expected.items():
        if tags.get(name) != wanted:
            raise SettingsError(message=f"the tag {name} is {tags.get(name)!r}", where=where, hint=f"it must be the stack's {wanted!r}")


def _explain(error: ValidationError, model: type[BaseModel], *, file: str, project: str) -> SettingsError:
    problems = error.errors(include_url=False)
    first = problems[0]
    location = list(first["loc"])
    message, hint = first["msg"], ""
    value = first["input"]
    if first["type"] == "extra_forbidden":
        hint = f"allowed keys: {', '.join(_keys_at(model, location[:-1]))}"
        message = f"the key {location[-1]!r} (value {_short(value)}) is unknown"
    elif first["type"] == "missing":
        message, hint = "the key is missing", "it has no default: set it"
    elif first["type"] == "value_error":
        message = str(first["ctx"]["error"])  # type: ignore[typeddict-item]
        named = re.match(r"([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*): (.*)", message, re.DOTALL)
        if named:
            location += named[1].split(".")
            found = _look_up(value, named[1].split("."))
            message = f"value {'null (not set)' if found is None else _short(found)}: {named[2]}"
        message, _, hint = message.partition("; ")
        hint = hint or "see schemas/settings.schema.json"
    else:
        hint = re.sub(r"a valid dictionary or instance of \w+", "an object with keys", first["msg"]).replace("Input should be", "allowed:")
        message = f"value {_short(value)} is not allowed"
        if first["type"] == "string_type" and isinstance(value, int | float):
            hint += "; put the digits in quotes"
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return SettingsError(message=message + more, where=f"{file}: {project}:{_path(location)}", hint=hint)


def _path(location: list[Any]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).removeprefix(".")


def _look_up(value: Any, path: list[str]) -> Any:
    for part in path:
        value = value.get(part) if isinstance(value, dict) else getattr(value, part, None)
    return value


def _short(value: Any) -> str:
    if isinstance(value, BaseModel):
        value = value.model_dump()
    text = json.dumps(value, default=str)
    return text if len(text) <= 80 else text[:77] + "..."


def _keys_at(model: type[BaseModel], location: list[Any]) -> list[str]:
    for part in location:
        if isinstance(part, str):
            model = next(m for m in _models_in(model.model_fields[part].annotation))
    return sorted(model.model_fields)


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]


def _exit(error: SettingsError) -> NoReturn:
    document = {"code": "settings", "message": error.message, "where": error.where, "hint": error.hint}
    print(f"{error.where}\n  {error.message}\n  {error.hint}\n{MARKER} {json.dumps(document)}", file=sys.stderr, flush=True)
    raise SystemExit(2)
