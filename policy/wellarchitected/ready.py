"""Ready configurations for `--policy-pack-config`: `python -m wellarchitected.ready policy` writes them, and enters new rules in since.tsv.

`dev.json` and `prod.json` fix the environment whatever a stack is called; under `first-week.json` everything advises and nothing stops, in
the environment that the stack's name says.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .environments import DEFAULTS, Environment
from .meta import META_RULES
from .model import Rule
from .sections import sections_of
from .settings import Settings
from .since import FILE, table


def configurations(rules: Sequence[Rule]) -> dict[str, dict[str, Any]]:
    """The configurations by the names of their files."""
    fixed = {f"{name}.json": sections_of(Settings(Environment(name, name)), rules) for name in DEFAULTS}
    return {**fixed, "first-week.json": _first_week(rules)}


def _first_week(rules: Sequence[Rule]) -> dict[str, Any]:
    sections: dict[str, Any] = {}
    for rule in (*rules, *(meta for meta in META_RULES if not meta.offline)):
        judged = [name for name in DEFAULTS if rule.default_level(name) != "disabled"]
        sections[rule.id] = {"enforcementLevel": "advisory" if judged else "disabled"}
        if len(judged) == 1:
            sections[rule.id]["environments"] = judged
    return sections


def text(sections: Mapping[str, Any]) -> str:
    """A configuration with a line for each policy."""
    lines = ",\n".join(f"  {json.dumps(policy)}: {json.dumps(section)}" for policy, section in sections.items())
    return f"{{\n{lines}\n}}\n"


if __name__ == "__main__":
    from .rules import RULES

    pack = Path(sys.argv[1])
    (pack / "wellarchitected" / "data" / FILE).write_text(table(rule.id for rule in RULES), encoding="utf-8")
    (pack / "configs").mkdir(exist_ok=True)
    for name, sections in configurations(RULES).items():
        (pack / "configs" / name).write_text(text(sections), encoding="utf-8")
