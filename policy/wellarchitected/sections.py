"""The configuration as `pulumi preview --policy-pack-config` takes it: one section per policy, each complete in itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .environments import DEFAULTS
from .errors import ConfigurationError
from .meta import EXEMPTIONS_RULE, META_RULES
from .model import Exemption, Rule
from .settings import LEVELS, Settings, configurable_rules, parse


def crossguard_config(config: Mapping[str, Any] | None, stack: str, rules: Sequence[Rule]) -> dict[str, Any]:
    """The configuration of a stack with a section per policy: its level, environment, parameters and exemptions."""
    return sections_of(parse(config, stack, rules), rules)


def sections_of(settings: Settings, rules: Sequence[Rule]) -> dict[str, Any]:
    """The sections of all policies. Those that only the offline evaluation has are left out: the CLI does not know them."""
    environment: dict[str, Any] = {"environment": settings.environment.name}
    if settings.environment.defaults != settings.environment.name:
        environment["defaults"] = settings.environment.defaults
    sections: dict[str, Any] = {}
    for rule in (*rules, *(meta for meta in META_RULES if not meta.offline)):
        section: dict[str, Any] = {"enforcementLevel": settings.level(rule), **environment, **settings.parameters.get(rule.id, {})}
        exemptions = [_as_json(exemption) for exemption in settings.exemptions if rule.id in (exemption.rule, EXEMPTIONS_RULE)]
        if exemptions:
            section["exemptions"] = exemptions
        sections[rule.id] = section
    return sections


def of_sections(config: Mapping[str, Any], rules: Sequence[Rule]) -> Mapping[str, Any]:
    """A file with a section per policy in the pack's own form; anything else as it is."""
    if not config or not set(config) <= {*configurable_rules(rules), "all"}:
        return config
    sections: dict[str, Any] = {}
    exemptions: list[Any] = []
    environment, defaults = None, None
    for policy, given in config.items():
        _require_section(policy, given)
    everywhere = config.get("all")
    for rule in (*rules, *META_RULES):
        given = config.get(rule.id, everywhere)
        section: dict[str, Any] = {"enforcementLevel": given} if isinstance(given, str) else dict(given or {})
        own = section.pop("environment", None)
        environment, defaults = environment or own, section.pop("defaults", None) or defaults
        listed = [{"rule": rule.id, **dict(entry)} for entry in list(section.pop("exemptions", None) or [])]
        exemptions += [entry for entry in listed if entry not in exemptions]
        if level := section.pop("enforcementLevel", None):
            section["level"] = level
        if section:
            sections[rule.id] = section
    found: dict[str, Any] = {"rules": sections, "exemptions": exemptions}
    if environment:
        found |= {"environment": environment}
        found |= {} if environment in DEFAULTS else {"environments": {environment: {"defaults": defaults or "prod"}}}
    return found


def _require_section(policy: str, given: Any) -> None:
    where = f"policy configuration: {policy}"
    if policy == "all" and isinstance(given, str) and given not in LEVELS:
        raise ConfigurationError(f"{where} is {given!r}; expected one of {', '.join(LEVELS)}")
    if not isinstance(given, str | Mapping):
        raise ConfigurationError(f"{where} is {given!r}; expected a level or an object")
    if isinstance(given, str):
        return
    for key in ("environment", "defaults"):
        if given.get(key) is not None and not isinstance(given[key], str):
            raise ConfigurationError(f"{where}.{key} is {given[key]!r}; expected a name such as 'prod'")
    exemptions = given.get("exemptions") or []
    if not isinstance(exemptions, list) or not all(isinstance(entry, Mapping) for entry in exemptions):
        raise ConfigurationError(f"{where}.exemptions is {exemptions!r}; expected a list of objects")


def _as_json(exemption: Exemption) -> dict[str, Any]:
    entry = {"rule": exemption.rule, "urn": exemption.urn, "reason": exemption.reason, "owner": exemption.owner}
    return entry | ({"expires": exemption.expires.isoformat()} if exemption.expires else {})
