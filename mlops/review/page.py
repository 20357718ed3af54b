"""The review as one HTML file: no scripts, nothing fetched from elsewhere, readable with a screen reader and in print."""

from __future__ import annotations

from typing import Any

from mlops.pages import render
from mlops.review import framework, words


def html(document: dict[str, Any]) -> str:
    """The page; everything in it is escaped."""
    sections = [
        (
            pillar,
            name,
            [(question, theme, rows) for question, theme in framework.themes().items() if (rows := _rows(document, pillar, question))],
        )
        for pillar, name in framework.NAMES.items()
    ]
    return render("review/data/page.html.j2", document=document, sections=sections, words=words)


def _rows(document: dict[str, Any], pillar: str, question: str) -> list[dict[str, Any]]:
    return [row for row in document["practices"] if row["pillar"] == pillar and row["question"] == question]
