"""The JSON schema of `Pulumi.<stack>.yaml`, for editors. `python -m components.settings.schema` writes schemas/settings.schema.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from components.settings.settings import Settings
from components.settings.source import REQUIRED_TAGS

PROJECT = "mlops"
FILE = Path("schemas/settings.schema.json")


def schema() -> dict[str, Any]:
    """The settings under their project's keys, beside what the AWS provider reads."""
    settings = Settings.model_json_schema()
    properties = {f"{PROJECT}:{name}": value for name, value in settings["properties"].items()}
    tags = {name: {"type": "string", "minLength": 1} for name in REQUIRED_TAGS}
    properties["aws:region"] = {"type": "string", "pattern": r"^[a-z]{2}(-[a-z]+)+-\d$"}
    properties["aws:defaultTags"] = {
        "type": "object",
        "properties": {"tags": {"type": "object", "properties": tags, "required": list(REQUIRED_TAGS)}},
        "required": ["tags"],
    }
    # What `mlops cost` reads (mlops/estimate): it checks the names of usages itself, by the types of the resources.
    figure = {"type": "number", "minimum": 0}
    spread = {
        "type": "object",
        "properties": {"low": figure, "expected": figure, "high": figure},
        "required": ["low", "expected", "high"],
        "additionalProperties": False,
    }
    usage = {"type": "object", "additionalProperties": {"anyOf": [figure, spread]}}
    properties["estimate:usage"] = {"type": "object", "additionalProperties": usage}
    properties["estimate:reference"] = {"type": "string", "minLength": 1}
    config = {
        "type": "object",
        "properties": properties,
        "required": ["aws:region", "aws:defaultTags", *(f"{PROJECT}:{name}" for name in settings["required"])],
        # Other namespaces belong to other providers.
        "propertyNames": {"anyOf": [{"enum": sorted(properties)}, {"not": {"pattern": f"^{PROJECT}:"}}]},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Settings of a stack",
        "type": "object",
        "properties": {"config": config},
        "required": ["config"],
        "$defs": settings["$defs"],
    }


def text() -> str:
    return json.dumps(schema(), indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(text())
