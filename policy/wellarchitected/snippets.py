"""A rule's examples as Pulumi programs in Python: what the catalogue shows, and what tests run through the offline engine.

A snippet shows what the rule reads. Required properties that no rule asks for are left out, as in the example it is made of.
"""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Mapping, Sequence
from typing import Any

from .asl import STATE_MACHINE
from .model import STACK, Example
from .values import DOCUMENTS

WIDTH = 100
_PROVIDERS = "pulumi:providers:"
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# Maps whose keys are the user's own words.
_MAPS = frozenset(
    ("tags", "variables", "dimensions", "defaultArguments", "connectionProperties", "configuration", "hyperParameters", "parameters",
     "requestParameters", "responseParameters", "requestModels", "labels", "options", "environment.variables")
)  # fmt: skip
# What another resource is named by, where it is not its id: by the end of the property's name.
_NAMED_BY = (
    (("uri",), "invoke_arn"),
    (("arn", "arns", "arnlists", "actions", "topic", "endpoint", "resources"), "arn"),
    (("role", "rule", "function", "functionname", "repository", "vaultname", "groupname", "configname", "budgetname"), "name"),
)  # fmt: skip
_LISTS = frozenset(("alarmActions", "monitorArnLists", "resources"))


class _Expression(str):
    """Python source that stands as it is."""

    __slots__ = ()


def snake_case(name: str) -> str:
    """The Python name of a property: `kmsMasterKeyId` → `kms_master_key_id`."""
    snake = _WORD_START.sub("_", name).lower()
    return f"{snake}_" if keyword.iskeyword(snake) else snake


def constructor(type_: str) -> str:
    """The class of a resource type: `aws:lambda/function:Function` → `aws.lambda_.Function`."""
    if type_.startswith(_PROVIDERS):
        return f"{type_.removeprefix(_PROVIDERS)}.Provider"
    package, module, name = type_.split(":")
    module = module.split("/")[0]
    return f"{package}.{module}{'_' if keyword.iskeyword(module) else ''}.{name}"


def snippet(examples: Sequence[Example]) -> str:
    """The program of an example stack; resources stand behind those they name."""
    declared = [example for example in _ordered(examples) if example.type != STACK]
    by_name = {example.name: example for example in declared}
    named = {name for example in declared for names in example.links.values() for name in names}
    blocks = [_declaration(example, by_name, example.name in named) for example in declared]
    body = "\n".join(blocks)
    packages = sorted({example.type.split(":")[2 if example.type.startswith(_PROVIDERS) else 0] for example in declared})
    imports = [f"import pulumi_{package} as {package}" for package in packages]
    if "pulumi." in body:
        imports.insert(0, "import pulumi")
    if "json." in body:
        imports[:0] = ["import json", ""]
    return "\n".join([*imports, "", body]) + "\n" if declared else ""


def _ordered(examples: Sequence[Example]) -> list[Example]:
    waiting, ordered = list(examples), []
    while waiting:
        done = {example.name for example in ordered}
        ready = [example for example in waiting if all(name in done for names in example.links.values() for name in names)]
        if not ready:
            raise ValueError(f"examples name each other in a circle, or one that is not there: {[example.name for example in waiting]}")
        ordered += ready
        waiting = [example for example in waiting if example not in ready]
    return ordered


def _declaration(example: Example, by_name: Mapping[str, Example], named: bool) -> str:
    arguments: dict[str, Any] = {key: _value(example.type, key, value) for key, value in example.properties.items()}
    for key, names in example.links.items():
        arguments[key] = _link(example.type, key, [by_name[name] for name in names])
    lines = [json.dumps(example.name)] + [f"{snake_case(key)}={_literal(value, 4)}" for key, value in arguments.items()]
    options = [
        *(["protect=True"] if example.protect else []),
        *([f"ignore_changes={json.dumps(list(example.ignore_changes))}"] if example.ignore_changes else []),
    ]
    if options:
        lines.append(f"opts=pulumi.ResourceOptions({', '.join(options)})")
    prefix = f"{_variable(example)} = " if named else ""
    one = f"{prefix}{constructor(example.type)}({', '.join(lines)})"
    if len(one) <= WIDTH and "\n" not in one:
        return one
    return f"{prefix}{constructor(example.type)}(\n" + "".join(f"    {line},\n" for line in lines) + ")"


def _variable(example: Example) -> str:
    name = re.sub(r"\W", "_", example.name).lower()
    return f"{name}_" if keyword.iskeyword(name) or name in ("aws", "json", "pulumi") or name[:1].isdigit() else name


def _value(type_: str, key: str, value: Any) -> Any:
    """A property's value with the names that Python programs use; JSON documents as text."""
    if key in DOCUMENTS and isinstance(value, dict | list):
        return _Expression(f"json.dumps({_literal(value, 4)})")
    if type_.startswith(_PROVIDERS) and isinstance(value, str) and value.startswith(("[", "{")):
        return json.loads(value)  # the engine keeps a provider's structured settings as text
    return _snake_keys(value, key)


def _snake_keys(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        verbatim = key in _MAPS
        return {name if verbatim else snake_case(name): _snake_keys(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_snake_keys(item, key) for item in value]
    return value


def _link(type_: str, key: str, targets: Sequence[Example]) -> Any:
    references = [_Expression(f"{_variable(target)}.{_attribute(type_, key)}") for target in targets]
    first = references[0]
    if key == "deadLetterConfig":
        return {"arn": _Expression(f"{_variable(targets[0])}.arn")}
    if key == "loggingConfig":
        return {"bucket": _Expression(f"{_variable(targets[0])}.bucket_domain_name")}
    if key == "lambdaFunctions":
        return [{"lambda_function_arn": _Expression(f"{_variable(targets[0])}.arn"), "events": ["s3:ObjectCreated:*"]}]
    if key == "dimensions" and targets[0].type == STATE_MACHINE:
        return {"StateMachineArn": _Expression(f"{_variable(targets[0])}.arn")}
    if key == "resourceId" and targets[0].type == "aws:ecs/service:Service":
        return _Expression(f'pulumi.Output.concat("service/main/", {_variable(targets[0])}.name)')
    return references if key in _LISTS or len(references) > 1 else first


def _attribute(type_: str, key: str) -> str:
    if type_ == "aws:lambda/function:Function" and key == "role":
        return "arn"
    if type_ == "aws:cloudwatch/logGroup:LogGroup" and key == "kmsKeyId":
        return "arn"
    if key == "resourceId":
        return "resource_id"
    return next((attribute for ends, attribute in _NAMED_BY if key.lower().endswith(ends)), "id")


def _literal(value: Any, indent: int) -> str:
    """Python source of a value, over several lines where one is too long."""
    if isinstance(value, _Expression):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        items, ends = [f"{json.dumps(key)}: {_literal(item, indent + 4)}" for key, item in value.items()], "{}"
    elif isinstance(value, list | tuple):
        items, ends = [_literal(item, indent + 4) for item in value], "[]"
    else:
        return repr(value)
    one = f"{ends[0]}{', '.join(items)}{ends[1]}"
    if len(one) + indent <= WIDTH - 20 and "\n" not in one:
        return one
    pad = " " * (indent + 4)
    return f"{ends[0]}\n" + "".join(f"{pad}{item},\n" for item in items) + " " * indent + ends[1]
