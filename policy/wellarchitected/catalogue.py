"""The catalogue of rules as Markdown, a page a service: `python -m wellarchitected.catalogue docs/policies`."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from .checklist import CHECKLIST, FRAMEWORK_SOURCE, FRAMEWORK_VERSION, best_practices, lens_practices
from .environments import DEFAULTS as ENVIRONMENTS
from .frameworks import shown
from .model import PILLARS, STACK, Example, Rule
from .rules import RULES
from .services import service_name, service_of
from .snippets import snippet

NAMES = {
    "OPS": "Operational excellence",
    "SEC": "Security",
    "REL": "Reliability",
    "PERF": "Performance efficiency",
    "COST": "Cost optimisation",
    "SUS": "Sustainability",
}
INDEX = "README.md"


def page_of(rule: Rule) -> str:
    """The page of a rule with its anchor: `s3.md#s3-versioning`."""
    return f"{service_of(rule)}.md#{rule.id}"


def pages(rules: Sequence[Rule] = RULES) -> dict[str, str]:
    """Every page by file name: an index, and one for each service."""
    by_service: dict[str, list[Rule]] = {}
    for rule in rules:
        by_service.setdefault(service_of(rule), []).append(rule)
    services = sorted(by_service, key=lambda service: service_name(service).removeprefix("Amazon ").removeprefix("AWS ").lower())
    made = {INDEX: _index(rules, {service: by_service[service] for service in services})}
    return made | {f"{service}.md": _service(service, by_service[service]) for service in services}


def _index(rules: Sequence[Rule], by_service: dict[str, list[Rule]]) -> str:
    lines = [
        "# Policy catalogue",
        "",
        f"{len(rules)} rules on {len(by_service)} pages. Generated from their metadata (`make docs`); do not edit.",
        f"Best practices are those of the [AWS Well-Architected Framework]({FRAMEWORK_SOURCE}), release of {FRAMEWORK_VERSION}.",
        "",
        "[Pillars](#pillars) · [Services](#services) · [Checklist](#checklist) · [Rules by pillar](#rules-by-pillar)",
        "",
        "## Pillars",
        "",
        f"| pillar | rules | {' | '.join(f'mandatory in {environment}' for environment in ENVIRONMENTS)} |",
        f"|---|---|{'---|' * len(ENVIRONMENTS)}",
    ]
    for pillar in PILLARS:
        own = [rule for rule in rules if rule.pillar == pillar]
        mandatory = [sum(rule.default_level(environment) == "mandatory" for rule in own) for environment in ENVIRONMENTS]
        lines.append(f"| [{NAMES[pillar]}](#{_anchor(NAMES[pillar])}) | {len(own)} | {' | '.join(map(str, mandatory))} |")
    lines += ["", "## Services", "", "| page | rules | by severity |", "|---|---|---|"]
    for service, own in by_service.items():
        severities = Counter(rule.severity for rule in own)
        counts = ", ".join(
            f"{severities[severity]} {severity}" for severity in ("critical", "high", "medium", "low") if severities[severity]
        )
        lines.append(f"| [{service_name(service)}]({service}.md) | {len(own)} | {counts} |")
    lines += ["", "## Checklist", "", "| item | | rules |", "|---|---|---|"]
    for item in CHECKLIST:
        lines.append(f"| {item.id} | {item.text} | {_links(rule for rule in rules if item.id in rule.checklist)} |")
    lines += ["", "## Rules by pillar"]
    for pillar in PILLARS:
        lines += ["", f"### {NAMES[pillar]}", "", _links(rule for rule in rules if rule.pillar == pillar)]
    return "\n".join(lines) + "\n"


def _service(service: str, rules: Sequence[Rule]) -> str:
    lines = [
        f"# {service_name(service)}",
        "",
        f"{len(rules)} rules · [all services]({INDEX}). Generated (`make docs`); do not edit. Examples show what a rule reads: other required properties are left out.",
        "",
        f"| rule | requirement | severity | {' | '.join(ENVIRONMENTS)} |",
        f"|---|---|---|{'---|' * len(ENVIRONMENTS)}",
    ]
    for rule in rules:
        levels = " | ".join(rule.default_level(environment) for environment in ENVIRONMENTS)
        lines.append(f"| [{rule.id}](#{rule.id}) | {_cell(rule.title)} | {rule.severity} | {levels} |")
    for rule in rules:
        lines += _entry(rule)
    return "\n".join(lines) + "\n"


def _entry(rule: Rule) -> list[str]:
    levels = ", ".join(f"{rule.default_level(environment)} in {environment}" for environment in ENVIRONMENTS)
    practices = "; ".join(f"{practice} {best_practices()[practice].title}" for practice in rule.practices)
    scope = "with the rest of the stack" if rule.whole_stack else "one by one"
    lines = ["", f"## {rule.id}", "", f"{rule.title} {rule.why}", "", f"**Fix**: {rule.fix}.", ""]
    lines.append(f"- Severity {rule.severity}; {levels}.")
    lines.append(f"- Judges {', '.join(f'`{type_}`' for type_ in rule.types)}, {scope}.")
    if rule.scope in ("account", "organisation"):
        where = "an account" if rule.scope == "account" else "an organisation"
        only = f": only in a program that sets {where} up" if STACK in rule.types else ""
        lines.append(f"- About {where}{only}.")
    if rule.when_types:
        lines.append(f"- Only where the stack has {' or '.join(f'`{type_}`' for type_ in rule.when_types)}.")
    lines.append(f"- Best practices: {practices}.")
    if rule.lens:
        named = "; ".join(f"{practice} {lens_practices()[practice].title}" for practice in rule.lens)
        lines.append(f"- Machine Learning Lens: {named}.")
    for label, ids in (("Checklist", rule.checklist), ("Specification", rule.spec), ("Compare", rule.sources)):
        if ids:
            lines.append(f"- {label}: {', '.join(ids)}.")
    if rule.frameworks:
        lines.append(f"- Stands for: {shown(rule.frameworks)}.")
    if rule.remediation:
        lines.append("- Can mend what breaks it: level `remediate`.")
    if rule.parameters:
        lines += ["", "| parameter | what it means | schema | default |", "|---|---|---|---|"]
    for name, parameter in rule.parameters.items():
        schema, default = json.dumps(dict(parameter.schema)), json.dumps(parameter.default)
        lines.append(f"| `{name}` | {_cell(parameter.description)} | `{_cell(schema)}` | `{_cell(default)}` |")
    return lines + _example("Compliant", rule.compliant) + _example("Violating", rule.violating)


def _example(label: str, examples: Sequence[Example]) -> list[str]:
    source = snippet(examples).strip() or "# nothing of this is in the stack"
    return ["", f"<details><summary>{label}</summary>", "", "```python", source, "```", "", "</details>"]


def _links(rules: Iterable[Rule]) -> str:
    return ", ".join(f"[{rule.id}]({page_of(rule)})" for rule in rules)


def _anchor(heading: str) -> str:
    return heading.lower().replace(" ", "-")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main(arguments: list[str]) -> int:
    """Write the pages into a folder, which is theirs alone: a page that no service has any more is removed."""
    if len(arguments) != 1:
        print("usage: python -m wellarchitected.catalogue FOLDER", file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    made = pages()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for stale in {page.name for page in folder.glob("*.md")} - set(made):
            (folder / stale).unlink()
        for name, text in made.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        print(f"{error.filename}: {error.strerror}; name a folder that can be written", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
