"""Text of others in Markdown, as GitHub reads it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mlops.text import visible

# What GitHub reads as markup within a line, the start of a link (`https://`, `www.`) and of mathematics included.
_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~$&]|:(?=//)|(?<=www)\.)", re.IGNORECASE)
_REFERENCE = re.compile(r"@(?=\w)")


def plain(text: str) -> str:
    """Text of others as text: no markup, no HTML, no link, and nobody is notified by an @."""
    return mentionless(_SPECIAL.sub(r"\\\1", visible(text)))


def mentionless(text: str) -> str:
    """The text with nobody notified by an @: a word joiner stands behind it."""
    return _REFERENCE.sub("@\u2060", text)


def code(text: str) -> str:
    """Text of others as code, whatever backticks it holds; a bar would end the cell of a table."""
    shown = visible(text).replace("|", "\u00a6") or " "
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    padding = " " if len(fence) > 1 or shown.startswith("`") else ""
    return f"{fence}{padding}{shown}{padding}{fence}"


def fence(lines: Iterable[str]) -> str:
    """What a block of code is fenced by: more backticks than any of its lines has."""
    return "`" * max(3, *(len(run) + 1 for line in lines for run in re.findall("`+", line)), 0)
