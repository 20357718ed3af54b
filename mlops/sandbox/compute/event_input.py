"""What a rule's target gets: the event, a constant, a part of it, or a transformed text."""

from __future__ import annotations

import json
import re
from typing import Any

from jsonpath_ng.ext.parser import parse

VARIABLE = re.compile(r"<([A-Za-z0-9_.\-]+)>")


def input_of(target: dict[str, Any], event: dict[str, Any], rule_arn: str) -> str:
    """The text delivered to `target` for `event` (Input, InputPath, InputTransformer, or the event itself)."""
    if target.get("Input") is not None:
        return str(target["Input"])
    if target.get("InputPath") is not None:
        return json.dumps(value_at(target["InputPath"], event))
    transformer = target.get("InputTransformer")
    if transformer:
        values = {name: value_at(path, event) for name, path in (transformer.get("InputPathsMap") or {}).items()}
        values |= {
            "aws.events.rule-arn": rule_arn,
            "aws.events.rule-name": rule_arn.rsplit("/", 1)[1],
            "aws.events.event.ingestion-time": event["time"],
            "aws.events.event": {name: value for name, value in event.items() if name != "detail"},
            "aws.events.event.json": event,
        }
        return transform(transformer["InputTemplate"], values)
    return json.dumps(event)


def value_at(path: str, event: dict[str, Any]) -> Any:
    """The value at a JSON path; None where there is nothing."""
    # EventBridge takes names with dashes as they are ($.detail-type); the parser wants them quoted.
    quoted = re.sub(r"\.([A-Za-z0-9_]*-[A-Za-z0-9_\-]*)", r'."\1"', path)
    found = parse(quoted).find(event)
    return found[0].value if found else None


def transform(template: str, values: dict[str, Any]) -> str:
    """Replace <name> in the template: inside a JSON string as text, elsewhere as a JSON value. Unknown names stay as they are."""
    text, position, quoted = [], 0, False
    while position < len(template):
        match = VARIABLE.match(template, position)
        if match and match.group(1) in values:
            text.append(as_text(values[match.group(1)]) if quoted else json.dumps(values[match.group(1)]))
            position = match.end()
            continue
        character = template[position]
        if character == "\\" and quoted:
            text.append(template[position : position + 2])
            position += 2
            continue
        if character == '"':
            quoted = not quoted
        text.append(character)
        position += 1
    return "".join(text)


def as_text(value: Any) -> str:
    """A value inside a JSON string: escaped, without quotes of its own."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value)
    return json.dumps(text)[1:-1]
