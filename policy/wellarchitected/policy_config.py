"""What is configured for one policy in the engine: its section of the configuration, and the schema it has to fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pulumi_policy import PolicyConfigSchema

from .environments import DEFAULTS, Environment, environment_of
from .meta import MetaRule
from .model import Exemption, Rule
from .settings import EXEMPTION_FIELDS, Settings, parse_exemptions

_EXEMPTIONS = {
    "type": "array",
    "description": "Exceptions with reason, owner and expiry; an expired, unused or incomplete one fails",
    "items": {"type": "object", "properties": {name: {"type": "string"} for name in EXEMPTION_FIELDS}, "required": ["urn"]},
}


def config_schema(rule: Rule | MetaRule) -> PolicyConfigSchema:
    """What may be configured for a rule besides its level."""
    parameters = {
        name: {**parameter.schema, "description": parameter.description, "default": parameter.default}
        for name, parameter in rule.parameters.items()
    }
    return PolicyConfigSchema(
        {
            "environment": {"type": "string", "description": "Overrides the environment that the stack's name says"},
            "defaults": {"type": "string", "enum": list(DEFAULTS), "description": "Whose defaults an environment of another name takes"},
            "environments": {"type": "array", "items": {"type": "string"}, "description": "The only environments the rule is for"},
            "exemptions": _EXEMPTIONS,
            **parameters,
        }
    )


def environment_in(config: Mapping[str, Any], stack: str) -> Environment:
    """The environment that a policy's section names, or the stack's name."""
    name = config.get("environment") or environment_of(stack)
    return Environment(name, name if name in DEFAULTS else config.get("defaults") or "prod")


def left_out(config: Mapping[str, Any], stack: str) -> bool:
    """Whether the section limits the rule to other environments."""
    only_in = config.get("environments")
    return only_in is not None and environment_in(config, stack).name not in list(only_in)


def settings_of(
    rule: Rule | MetaRule, parameters: Mapping[str, Any], config: Mapping[str, Any], stack: str, exemptions: Sequence[Exemption]
) -> Settings:
    """The settings of one rule."""
    return Settings(environment_in(config, stack), {}, {rule.id: parameters}, exemptions)


def exemptions_in(config: Mapping[str, Any], rules: Mapping[str, Rule], rule_id: str | None = None) -> list[Exemption]:
    """The exemptions of a section: of one rule, or of those that each names itself."""
    entries = [dict(entry) | ({"rule": rule_id} if rule_id else {}) for entry in config.get("exemptions") or []]
    return parse_exemptions(entries, rules)
