"""What a terminal, a pipe or a log can take: characters that its encoding lacks are written in those it has, colours are left out on wish."""

from __future__ import annotations

import codecs
import os
import sys
from io import TextIOWrapper

# Marks and lines of ours in ASCII; rich draws trees and tables in ASCII by itself where the encoding is no Unicode.
_ASCII = {
    "✔": "v", "✘": "x", "‼": "!!", "·": "-", "…": "...", "–": "-", "—": "-", "×": "x", "≤": "<=", "≥": ">=", "→": "->", "±": "+-", "€": "EUR",
    "“": '"', "”": '"', "’": "'", "₂": "2", "µ": "u",
}  # fmt: skip
HANDLER = "mlops.plain"
"""Name of the error handler, as `open` and streams take it."""


def _written_out(error: UnicodeError) -> tuple[str | bytes, int]:
    """A codec's error handler: what stands for the characters that an encoding lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(_ASCII.get(character) or _escaped(character) for character in missing), error.end


def _escaped(character: str) -> str:
    return character.encode("ascii", "backslashreplace").decode()


codecs.register_error(HANDLER, _written_out)


def settle_streams() -> None:
    """No character of ours or of a program's ends a command because the locale's encoding lacks it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=HANDLER)


def no_color(asked: bool) -> None:
    """`--no-color` is `NO_COLOR=1`, of which rich and other programs know."""
    if asked:
        os.environ["NO_COLOR"] = "1"
