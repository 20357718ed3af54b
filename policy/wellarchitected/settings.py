"""The pack's configuration: environment, levels, parameters and exemptions.

    {"environment": "prod",
     "rules": {"s3-versioning": {"level": {"dev": "advisory", "prod": "mandatory"}},
               "green-region": {"regions": ["eu-north-1"], "environments": ["prod"]}},
     "exemptions": [{"rule": "s3-versioning", "urn": "*::scratch-*", "reason": "…", "owner": "team", "expires": "2027-01-31"}]}

`environments` names environments besides dev and prod (`environments`), `maximum_level` caps every level, `locked` is for an organisation's
file (`layers`). The file for the Pulumi CLI, in which every policy has a section of its own, is read as well (`sections`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any

from .environments import Environment, declared, resolve
from .errors import ConfigurationError
from .meta import META_RULES, MetaRule
from .model import Exemption, Level, Parameter, Rule
from .since import is_new

LEVELS: tuple[Level, ...] = ("mandatory", "advisory", "disabled", "remediate")
KEYS = ("environment", "environments", "maximum_level", "locked", "rules", "exemptions")
EXEMPTION_FIELDS = ("rule", "urn", "reason", "owner", "expires")
_KINDS = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": Mapping}


@dataclass(frozen=True)
class Settings:
    """The parsed configuration."""

    environment: Environment
    levels: Mapping[str, Level] = field(default_factory=dict)
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    exemptions: Sequence[Exemption] = ()
    maximum_level: Level = "mandatory"

    def level(self, rule: Rule | MetaRule) -> Level:
        """The level of a rule in this environment. A rule that is new in this version of the pack advises unless it is configured."""
        level = self.levels.get(rule.id)
        if level is None:
            level = rule.default_level(self.environment.defaults)
            level = "advisory" if level == "mandatory" and isinstance(rule, Rule) and is_new(rule.id) else level
        return "advisory" if self.maximum_level == "advisory" and level in ("mandatory", "remediate") else level

    def values(self, rule: Rule | MetaRule) -> dict[str, Any]:
        """The parameters of a rule: the defaults, and what is configured over them."""
        return {name: parameter.default for name, parameter in rule.parameters.items()} | dict(self.parameters.get(rule.id, {}))


def parse(config: Mapping[str, Any] | None, stack: str, rules: Sequence[Rule]) -> Settings:
    """Read a configuration. Raises `ConfigurationError` for an unknown key, rule, environment, level or parameter."""
    from .sections import of_sections  # it writes what is read here

    config = of_sections(config or {}, rules)
    if unknown := set(config) - set(KEYS):
        raise ConfigurationError(
            f"policy configuration: unknown key {sorted(unknown)[0]!r}; expected {', '.join(KEYS)}, or the ids of rules"
        )
    _check_kinds(config)
    environments = declared(config.get("environments") or {})
    environment = resolve(config.get("environment"), environments, stack)
    names = tuple(dict.fromkeys(("dev", "prod", *environments)))
    configurable = configurable_rules(rules)
    levels: dict[str, Level] = {}
    parameters: dict[str, Mapping[str, Any]] = {}
    for rule_id, given in (config.get("rules") or {}).items():
        if rule_id not in configurable:
            raise ConfigurationError(f"policy configuration: rules.{rule_id}: there is no such rule{_meant(rule_id, configurable)}")
        section = {"level": given} if isinstance(given, str) else dict(given)
        level = _level(f"policy configuration: rules.{rule_id}.level", section.pop("level", None), environment.name, names)
        only_in = _names(f"policy configuration: rules.{rule_id}.environments", section.pop("environments", None), names)
        if only_in is not None and environment.name not in only_in:
            level = "disabled"
        if level is not None:
            levels[rule_id] = level
        _check_parameters(rule_id, section, configurable[rule_id].parameters)
        parameters[rule_id] = section
    maximum = config.get("maximum_level", "mandatory")
    if maximum not in ("mandatory", "advisory"):
        raise ConfigurationError(f"policy configuration: maximum_level is {maximum!r}; expected mandatory or advisory")
    locked_rules(config, configurable)
    exemptions = parse_exemptions(config.get("exemptions") or [], {rule.id: rule for rule in rules})
    return Settings(environment, levels, parameters, exemptions, maximum)


def configurable_rules(rules: Sequence[Rule]) -> dict[str, Rule | MetaRule]:
    """Everything that can be configured, by id."""
    return {rule.id: rule for rule in (*rules, *META_RULES)}


def locked_rules(config: Mapping[str, Any], rules: Mapping[str, Rule | MetaRule]) -> frozenset[str]:
    """The ids of the rules that `locked` names (globs)."""
    given = config.get("locked") or []
    if not isinstance(given, list) or not all(isinstance(glob, str) for glob in given):
        raise ConfigurationError(f"policy configuration: locked is {given!r}; expected a list of rules such as 's3-*'")
    found: set[str] = set()
    for glob in given:
        matching = {rule_id for rule_id in rules if fnmatchcase(rule_id, glob)}
        if not matching:
            raise ConfigurationError(f"policy configuration: locked: {glob!r} matches no rule")
        found |= matching
    return frozenset(found)


def _level(where: str, given: Any, environment: str, names: Sequence[str]) -> Level | None:
    if isinstance(given, Mapping):
        _names(where, list(given), names)
        for name, level in given.items():
            _level(f"{where}.{name}", level, name, names)
        given = given.get(environment)
    if given is not None and given not in LEVELS:
        raise ConfigurationError(f"{where} is {given!r}; expected one of {', '.join(LEVELS)}, or one for each environment")
    return given


def _names(where: str, given: Any, names: Sequence[str]) -> list[str] | None:
    if given is None:
        return None
    if not isinstance(given, list):
        raise ConfigurationError(f"{where} is {given!r}; expected a list of environments")
    if unknown := [name for name in given if name not in names]:
        raise ConfigurationError(f"{where}: there is no environment {unknown[0]!r}; expected {', '.join(names)}")
    return given


def _check_parameters(rule_id: str, section: Mapping[str, Any], known: Mapping[str, Parameter]) -> None:
    if unknown := set(section) - set(known):
        raise ConfigurationError(
            f"policy configuration: rules.{rule_id}.{sorted(unknown)[0]}: no such parameter; expected "
            f"{', '.join(['level', 'environments', *known])}"
        )
    for name, value in section.items():
        schema = known[name].schema
        if not _fits(value, schema):
            raise ConfigurationError(f"policy configuration: rules.{rule_id}.{name} is {value!r}; expected {_described(schema)}")


def _fits(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether a value is of a parameter's schema; of JSON Schema, what parameters use."""
    if not isinstance(value, _KINDS[schema["type"]]) or (isinstance(value, bool) and schema["type"] != "boolean"):
        return False
    if isinstance(value, list):
        return all(_fits(item, schema["items"]) for item in value)
    if isinstance(value, Mapping):
        return all(_fits(item, schema["additionalProperties"]) for item in value.values())
    if isinstance(value, int | float):
        return schema.get("minimum", value) <= value <= schema.get("maximum", value)
    return True


def _described(schema: Mapping[str, Any]) -> str:
    of = schema.get("items") or schema.get("additionalProperties")
    limits = [f"{word} {schema[key]}" for key, word in (("minimum", "at least"), ("maximum", "at most")) if key in schema]
    return " ".join([schema["type"] + (f" of {_described(of)}" if of else ""), *limits])


def _check_kinds(config: Mapping[str, Any]) -> None:
    rules, exemptions = config.get("rules") or {}, config.get("exemptions") or []
    if not isinstance(rules, Mapping):
        raise ConfigurationError(f"policy configuration: rules is {rules!r}; expected an object with the ids of rules")
    for rule_id, given in rules.items():
        if not isinstance(given, str | Mapping):
            raise ConfigurationError(f"policy configuration: rules.{rule_id} is {given!r}; expected a level or an object")
    if not isinstance(exemptions, list):
        raise ConfigurationError(f"policy configuration: exemptions is {exemptions!r}; expected a list of objects")


def _meant(rule_id: str, rules: Mapping[str, Any]) -> str:
    """A hint at the rule that somebody may have meant."""
    close = get_close_matches(rule_id, rules, n=1, cutoff=0.7)
    return f"; is {close[0]} meant?" if close else "; the catalogue (docs/policies) lists them"


def parse_exemptions(given: Sequence[Mapping[str, Any]], rules: Mapping[str, Rule]) -> list[Exemption]:
    """Read exemptions. What is missing in one (reason, owner, expiry) is a finding, not an error; an unknown rule or field is an error."""
    exemptions = []
    for index, entry in enumerate(given):
        where = f"policy configuration: exemptions[{index}]"
        if not isinstance(entry, Mapping):
            raise ConfigurationError(f"{where} is {entry!r}; expected an object with {', '.join(EXEMPTION_FIELDS)}")
        if unknown := set(entry) - set(EXEMPTION_FIELDS):
            raise ConfigurationError(f"{where}: unknown key {sorted(unknown)[0]!r}; expected {', '.join(EXEMPTION_FIELDS)}")
        for name, value in entry.items():
            if value is not None and not isinstance(value, str):
                raise ConfigurationError(f"{where}.{name} is {value!r}; expected a text")
        if entry.get("rule") not in rules:
            raise ConfigurationError(
                f"{where}.rule is {entry.get('rule')!r}: there is no such rule{_meant(entry.get('rule') or '', rules)}"
            )
        if not entry.get("urn"):
            raise ConfigurationError(f"{where}.urn is missing; expected a glob such as '*::scratch-*'")
        expires = entry.get("expires") or None
        if expires:
            try:
                expires = date.fromisoformat(expires)
            except ValueError:
                raise ConfigurationError(f"{where}.expires is {expires!r}; expected a date such as 2027-01-31") from None
        exemptions.append(Exemption(entry["rule"], entry["urn"], entry.get("reason") or "", entry.get("owner") or "", expires))
    return exemptions
