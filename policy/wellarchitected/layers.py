"""An organisation's configuration under a project's.

The project may set everything the organisation has not locked: its levels, parameters and environments win, rule by rule and key by key, and
the exemptions of both hold. `"locked": ["s3-*", "iam-*"]` in the organisation's file locks rules: the project's file may then not name them,
neither under `rules` nor in an exemption, and may not choose its environment or cap levels, which would weaken them all the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .errors import ConfigurationError
from .model import Rule
from .sections import of_sections
from .settings import configurable_rules, locked_rules, parse


class Layer(NamedTuple):
    """A configuration and the file it is from."""

    name: str
    config: Mapping[str, Any]


def merged(organisation: Layer, project: Layer, stack: str, rules: Sequence[Rule]) -> dict[str, Any]:
    """The configuration that holds for a stack. Raises `ConfigurationError`, which names the file that is wrong, and who locked what."""
    upper, lower = (dict(of_sections(layer.config, rules)) for layer in (organisation, project))
    _check(organisation.name, upper, stack, rules)
    environments = {**(upper.get("environments") or {}), **(lower.get("environments") or {})}
    _check(project.name, lower | ({"environments": environments} if environments else {}), stack, rules)
    _check_locks(organisation.name, upper, project.name, lower, rules)
    together: dict[str, Any] = {**upper, **lower, "environments": environments}
    together["rules"] = _sections(upper.get("rules") or {}) | {
        rule: _sections(upper.get("rules") or {}).get(rule, {}) | section for rule, section in _sections(lower.get("rules") or {}).items()
    }
    together["exemptions"] = [*(upper.get("exemptions") or []), *(lower.get("exemptions") or [])]
    if "advisory" in (upper.get("maximum_level"), lower.get("maximum_level")):
        together["maximum_level"] = "advisory"
    return together


def _sections(rules: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {rule: {"level": given} if isinstance(given, str) else dict(given) for rule, given in rules.items()}


def _check(name: str, config: Mapping[str, Any], stack: str, rules: Sequence[Rule]) -> None:
    try:
        parse(config, stack, rules)
    except ConfigurationError as error:
        raise ConfigurationError(f"{name}: {error}") from None


def _check_locks(upper_name: str, upper: Mapping[str, Any], lower_name: str, lower: Mapping[str, Any], rules: Sequence[Rule]) -> None:
    if "locked" in lower:
        raise ConfigurationError(f"{lower_name}: locked: only an organisation's file locks rules; {upper_name} is the one here")
    locked = locked_rules(upper, configurable_rules(rules))
    if not locked:
        return
    for key in ("environment", "environments", "maximum_level"):
        if lower.get(key):
            raise ConfigurationError(
                f"{lower_name}: {key} is set; {upper_name} locks rules, so it alone decides about environments and levels"
            )
    named = [(f"rules.{rule}", rule) for rule in lower.get("rules") or {}]
    named += [(f"exemptions[{index}]", entry["rule"]) for index, entry in enumerate(lower.get("exemptions") or [])]
    for where, rule in named:
        if rule in locked:
            raise ConfigurationError(f"{lower_name}: {where}: {rule} is locked by {upper_name}; remove it, or ask whoever owns that file")
