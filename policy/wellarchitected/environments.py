"""Which environment a stack is, and whose defaults it takes.

    {"environments": {"staging": {"stacks": ["*-stage"], "defaults": "prod"}, "prod": {"stacks": ["live-*"]}}}

Development and production have defaults of their own; any other environment takes those of one of the two, production's if it says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from .errors import ConfigurationError

DEFAULTS = ("dev", "prod")
_PRODUCTION = ("prod", "production", "live")


@dataclass(frozen=True)
class Environment:
    """An environment: its name, and `dev` or `prod`, whose defaults it takes."""

    name: str
    defaults: str


def environment_of(stack: str) -> str:
    """The environment of a stack by its name: `prod`, `eu-production` → prod; everything else → dev."""
    return "prod" if any(_is_word_of(word, stack) for word in _PRODUCTION) else "dev"


def _is_word_of(word: str, stack: str) -> bool:
    return re.search(rf"(^|[-_./]){re.escape(word)}($|[-_./])", stack.lower()) is not None


def declared(given: Any) -> dict[str, Mapping[str, Any]]:
    """The environments of a configuration, checked."""
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"policy configuration: environments is {given!r}; expected an object with the names of environments")
    for name, entry in given.items():
        where = f"policy configuration: environments.{name}"
        if not isinstance(entry, Mapping):
            raise ConfigurationError(f"{where} is {entry!r}; expected an object with stacks, defaults")
        if unknown := set(entry) - {"stacks", "defaults"}:
            raise ConfigurationError(f"{where}: unknown key {sorted(unknown)[0]!r}; expected stacks, defaults")
        if entry.get("defaults", "prod") not in DEFAULTS:
            raise ConfigurationError(f"{where}.defaults is {entry['defaults']!r}; expected one of {', '.join(DEFAULTS)}")
        if name in DEFAULTS and entry.get("defaults", name) != name:
            raise ConfigurationError(f"{where}.defaults is {entry['defaults']!r}: {name} has defaults of its own")
        stacks = entry.get("stacks", [])
        if not isinstance(stacks, list) or not all(isinstance(glob, str) for glob in stacks):
            raise ConfigurationError(f"{where}.stacks is {stacks!r}; expected a list of globs such as '*-stage'")
    return dict(given)


def resolve(name: Any, environments: Mapping[str, Mapping[str, Any]], stack: str) -> Environment:
    """The environment that the configuration names, else the first whose stacks match, else what the stack's name says."""
    if name is not None and not isinstance(name, str):
        raise ConfigurationError(f"policy configuration: environment is {name!r}; expected a name such as 'prod'")
    if name is None:
        name = next((each for each, entry in environments.items() if _matches(each, entry, stack)), environment_of(stack))
    if name not in DEFAULTS and name not in environments:
        known = ", ".join(dict.fromkeys((*DEFAULTS, *environments)))
        raise ConfigurationError(f"policy configuration: environment is {name!r}; expected one of {known}, or declare it in environments")
    return Environment(name, name if name in DEFAULTS else environments[name].get("defaults", "prod"))


def _matches(name: str, entry: Mapping[str, Any], stack: str) -> bool:
    if "stacks" in entry:
        return any(fnmatchcase(stack, glob) for glob in entry["stacks"])
    return name not in DEFAULTS and _is_word_of(name.lower(), stack)
