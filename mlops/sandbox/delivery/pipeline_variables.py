"""`#{namespace.name}` in an action's configuration. Source: "Working with variables" in the CodePipeline user guide."""

from __future__ import annotations

import re
from collections.abc import Mapping

REFERENCE = re.compile(r"#\{([A-Za-z0-9@\-_]+)\.([A-Za-z0-9@\-_]+)\}")


class UnknownVariable(Exception):
    """A reference to a variable that nothing has produced."""


def resolved(text: str, namespaces: Mapping[str, Mapping[str, str]]) -> str:
    """The text with every reference replaced; UnknownVariable names the first that nothing has produced."""

    def value(match: re.Match[str]) -> str:
        found = namespaces.get(match[1], {}).get(match[2])
        if found is None:
            known = ", ".join(f"{name}.{key}" for name in sorted(namespaces) for key in sorted(namespaces[name])) or "none"
            raise UnknownVariable(f"the variable {match[0]} is not there; there are: {known}")
        return found

    return REFERENCE.sub(value, text)
