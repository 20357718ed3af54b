"""The pack's configuration: environment, levels, parameters and exemptions.

    {"environment": "prod",
     "rules": {"s3-versioning": {"level": "advisory"}, "allowed-regions": {"regions": ["eu-west-1"]}},
     "exemptions": [{"rule": "s3-versioning", "urn": "*::scratch-*", "reason": "…", "owner": "team", "expires": "2027-01-31"}]}

`crossguard_config` turns it into the file that `pulumi preview --policy-pack-config` wants, in which every policy has a section of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fnmatch import translate
from typing import Any

from .model import Exemption, Level, Rule

ENVIRONMENTS = ("dev", "prod")
LEVELS: tuple[Level, ...] = ("mandatory", "advisory", "disabled", "remediate")
EXEMPTION_FIELDS = ("rule", "urn", "reason", "owner", "expires")
EXEMPTIONS_RULE = "exemptions-valid"
_PRODUCTION = re.compile(r"(^|[-_./])(prod|production|live)($|[-_./])")


class ConfigurationError(ValueError):
    """The pack's configuration is wrong; the message names key, value and what is allowed."""


def environment_of(stack: str) -> str:
    """The environment of a stack by its name: `prod`, `eu-production` → prod; everything else → dev."""
    return "prod" if _PRODUCTION.search(stack.lower()) else "dev"


@dataclass(frozen=True)
class Settings:
    """The parsed configuration."""

    environment: str
    levels: Mapping[str, Level] = field(default_factory=dict)
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    exemptions: Sequence[Exemption] = ()

    def level(self, rule: Rule) -> Level:
        """The level of a rule in this environment."""
        return self.levels.get(rule.id, rule.default_level(self.environment))


def parse(config: Mapping[str, Any] | None, stack: str, rules: Sequence[Rule]) -> Settings:
    """Read a configuration. Raises `ConfigurationError` for an unknown key, rule, level or parameter."""
    config = _from_crossguard(config or {}, rules)
    if unknown := set(config) - {"environment", "rules", "exemptions"}:
        raise ConfigurationError(
            f"policy configuration: unknown key {sorted(unknown)[0]!r}; expected environment, rules, exemptions, or the ids of rules"
        )
    _check_kinds(config)
    environment = config.get("environment") or environment_of(stack)
    if environment not in ENVIRONMENTS:
        raise ConfigurationError(f"policy configuration: environment is {environment!r}; expected one of {', '.join(ENVIRONMENTS)}")
    by_id = {rule.id: rule for rule in rules}
    levels: dict[str, Level] = {}
    parameters: dict[str, Mapping[str, Any]] = {}
    for rule_id, given in (config.get("rules") or {}).items():
        if rule_id not in by_id:
            raise ConfigurationError(f"policy configuration: rules.{rule_id}: there is no such rule")
        section = {"level": given} if isinstance(given, str) else dict(given)
        level = section.pop("level", None)
        if level is not None:
            if level not in LEVELS:
                raise ConfigurationError(f"policy configuration: rules.{rule_id}.level is {level!r}; expected one of {', '.join(LEVELS)}")
            levels[rule_id] = level
        known = by_id[rule_id].parameters
        if unknown := set(section) - set(known):
            raise ConfigurationError(
                f"policy configuration: rules.{rule_id}.{sorted(unknown)[0]}: no such parameter; expected {', '.join(['level', *known])}"
            )
        parameters[rule_id] = section
    return Settings(environment, levels, parameters, parse_exemptions(config.get("exemptions") or [], by_id))


def _check_kinds(config: Mapping[str, Any]) -> None:
    rules, exemptions = config.get("rules") or {}, config.get("exemptions") or []
    if not isinstance(rules, Mapping):
        raise ConfigurationError(f"policy configuration: rules is {rules!r}; expected an object with the ids of rules")
    for rule_id, given in rules.items():
        if not isinstance(given, str | Mapping):
            raise ConfigurationError(f"policy configuration: rules.{rule_id} is {given!r}; expected a level or an object")
    if not isinstance(exemptions, list):
        raise ConfigurationError(f"policy configuration: exemptions is {exemptions!r}; expected a list of objects")


def _from_crossguard(config: Mapping[str, Any], rules: Sequence[Rule]) -> Mapping[str, Any]:
    """A file written for `--policy-pack-config` (a section per policy) in the pack's own form; anything else as it is."""
    ids = {rule.id for rule in rules} | {EXEMPTIONS_RULE, "all"}
    if not config or not set(config) <= ids:
        return config
    sections: dict[str, Any] = {}
    exemptions: list[Any] = []
    environment = None
    everywhere = config.get("all")
    for rule in rules:
        given = config.get(rule.id, everywhere)
        section: dict[str, Any] = {"enforcementLevel": given} if isinstance(given, str) else dict(given or {})
        environment = environment or section.pop("environment", None)
        section.pop("environment", None)
        exemptions += [{"rule": rule.id, **dict(entry)} for entry in list(section.pop("exemptions", None) or [])]
        if level := section.pop("enforcementLevel", None):
            section["level"] = level
        if section:
            sections[rule.id] = section
    own = config.get(EXEMPTIONS_RULE)
    for entry in (own.get("exemptions") or []) if isinstance(own, Mapping) else []:
        if entry not in exemptions:
            exemptions.append(entry)
    return {"rules": sections, "exemptions": exemptions} | ({"environment": environment} if environment else {})


def parse_exemptions(given: Sequence[Mapping[str, Any]], rules: Mapping[str, Rule]) -> list[Exemption]:
    """Read exemptions. What is missing in one (reason, owner, expiry) is a finding, not an error; an unknown rule or field is an error."""
    exemptions = []
    for index, entry in enumerate(given):
        where = f"policy configuration: exemptions[{index}]"
        if not isinstance(entry, Mapping):
            raise ConfigurationError(f"{where} is {entry!r}; expected an object with {', '.join(EXEMPTION_FIELDS)}")
        if unknown := set(entry) - set(EXEMPTION_FIELDS):
            raise ConfigurationError(f"{where}: unknown key {sorted(unknown)[0]!r}; expected {', '.join(EXEMPTION_FIELDS)}")
        if entry.get("rule") not in rules:
            raise ConfigurationError(f"{where}.rule is {entry.get('rule')!r}: there is no such rule")
        if not entry.get("urn"):
            raise ConfigurationError(f"{where}.urn is missing; expected a glob such as '*::scratch-*'")
        expires = entry.get("expires")
        if isinstance(expires, str):
            try:
                expires = date.fromisoformat(expires)
            except ValueError:
                raise ConfigurationError(f"{where}.expires is {expires!r}; expected a date such as 2027-01-31") from None
        exemptions.append(Exemption(entry["rule"], entry["urn"], str(entry.get("reason") or ""), str(entry.get("owner") or ""), expires))
    return exemptions


def crossguard_config(config: Mapping[str, Any] | None, stack: str, rules: Sequence[Rule]) -> dict[str, Any]:
    """The configuration as `--policy-pack-config` takes it: one section per policy, each with its level, parameters and exemptions."""
    settings = parse(config, stack, rules)
    sections: dict[str, Any] = {}
    for rule in rules:
        section: dict[str, Any] = {"enforcementLevel": settings.level(rule), "environment": settings.environment}
        section |= settings.parameters.get(rule.id, {})
        if exemptions := [_as_json(exemption) for exemption in settings.exemptions if exemption.rule == rule.id]:
            section["exemptions"] = exemptions
        sections[rule.id] = section
    sections[EXEMPTIONS_RULE] = {
        "enforcementLevel": "mandatory",
        "environment": settings.environment,
        "exemptions": [_as_json(exemption) for exemption in settings.exemptions],
    }
    return sections


def _as_json(exemption: Exemption) -> dict[str, Any]:
    entry = {"rule": exemption.rule, "urn": exemption.urn, "reason": exemption.reason, "owner": exemption.owner}
    return entry | ({"expires": exemption.expires.isoformat()} if exemption.expires else {})


def urn_pattern(glob: str) -> re.Pattern[str]:
    """A URN glob (`*`, `?`) as a pattern."""
    return re.compile(translate(glob))
