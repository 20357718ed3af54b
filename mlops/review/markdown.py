"""The review as Markdown."""

from __future__ import annotations

from typing import Any

from mlops.review import framework, words


def markdown(document: dict[str, Any]) -> str:
    """The document as text for a repository or a pull request."""
    lines = [
        f"# Well-Architected review of {', '.join(document['programs'])}",
        "",
        f"{document['date']} · AWS Well-Architected Framework of {document['framework']['version']}, {document['framework']['practices']} best practices"
        f" ([source]({document['framework']['source']})) · written by `mlops review` from evidence.",
        "",
        *(f"- **{words.STATES[state]}**: {meaning}" for state, meaning in words.MEANINGS.items()),
        "",
        "## Summary",
        "",
        f"| pillar | practices | {' | '.join(words.STATES.values())} | high risk without evidence |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in [*document["pillars"], {"name": "**all**", **document["counts"]}]:
        cells = [row["name"], str(row["practices"]), *(text for _, text in words.results_of(row)), str(row["high_risk_without_evidence"])]
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "## To look at", ""]
    lines += [f"- {each['practice']} {each['title']}: {each['what']} {', '.join(each['by'])}".rstrip() for each in document["findings"]]
    lines += [] if document["findings"] else ["Nothing failed, no answer is expired."]
    for pillar, name in framework.NAMES.items():
        lines += ["", f"## {name}"]
        for question, theme in framework.themes().items():
            rows = [row for row in document["practices"] if row["question"] == question and row["pillar"] == pillar]
            if rows:
                lines += ["", f"### {question} {theme}", "", "| practice | risk | state | evidence |", "|---|---|---|---|"]
                lines += [_row(row) for row in rows]
    return "\n".join(lines) + "\n"


def _row(row: dict[str, Any]) -> str:
    cells = (f"{row['id']} {row['title']}", row["risk"].lower(), words.standing(row), "<br>".join(words.evidence(row)))
    return f"| {' | '.join(cell.replace('|', chr(92) + '|').replace(chr(10), ' ') for cell in cells)} |"
