"""docs/traceability.md: every id of the specification, and what proves it. `make docs` writes it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import wellarchitected
from wellarchitected.catalogue import page_of

from mlops import policy
from tests.previews import preview
from tests.traceability.evidence import ROOT, Evidence, Place, collect, specification

PAGE = ROOT / "docs" / "traceability.md"
SHOWN = 4


def proving_rules() -> dict[str, tuple[str, ...]]:
    """Rules that passed on a resource of stack dev or prod and failed on none, with the ids they enforce."""
    config = ROOT / policy.CONFIG_FILE
    reports = [
        policy.evaluate(preview(stack), policy.load_config(config) if config.is_file() else None, date.today()) for stack in ("dev", "prod")
    ]
    found = {}
    for rule in wellarchitected.RULES:
        outcomes = [report.outcomes(rule.id) for report in reports]
        if any(each["pass"] for each in outcomes) and not any(each["fail"] or each["error"] for each in outcomes):
            found[rule.id] = (*rule.spec, *rule.checklist)
    return found


def page(evidence: Mapping[str, Evidence]) -> str:
    """The page; links are relative to docs/."""
    wanted = specification()
    proven = [id_ for id_, requirement in wanted.items() if id_ in evidence and requirement.proven_by(evidence[id_])]
    catalogued = {rule.id: page_of(rule) for rule in wellarchitected.RULES}
    open_ = [id_ for id_ in wanted if id_ not in proven]
    lines = [
        "# Traceability",
        "",
        "Every id of the specification with what proves it: a test that shows the effect or, where the id is a setting, a policy rule that judged the stacks",
        "dev and prod and found nothing wrong. Components say where to look. Generated from markers (`make docs`); a stale page fails the tests.",
        "",
        f"**{len(proven)} of {len(wanted)} ids are proven.** Not yet: {', '.join(open_) or 'none'}.",
        "",
        "| id | what | components | rules | tests |",
        "|---|---|---|---|---|",
    ]
    for id_, requirement in wanted.items():
        found = evidence.get(id_, Evidence())
        name = id_ if id_ in proven else f"**{id_}** (unproven)"
        cells = (
            name,
            requirement.text.replace("|", "\\|"),
            _places(found.components),
            _listed([f"[{rule}](policies/{catalogued[rule]})" for rule in sorted(found.rules)]),
            _places(found.tests),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _places(places: list[Place]) -> str:
    return _listed([f"[{place.name.removeprefix('test_').replace('_', ' ')}](../{place.file})" for place in sorted(set(places))])


def _listed(items: list[str]) -> str:
    more = f" and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
    return ", ".join(items[:SHOWN]) + more


if __name__ == "__main__":
    PAGE.write_text(page(collect(proving_rules().items())))
