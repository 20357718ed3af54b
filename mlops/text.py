"""Text of others in what we show: whatever a name or a message holds, a page, a file or a terminal stays one that everybody can read."""

from __future__ import annotations

import re

# Control characters, line and paragraph separators, characters that change the direction of writing or have no width (soft hyphens, joiners,
# tags), halves of surrogate pairs and what is no character: XML 1.0 forbids some of them, a terminal obeys others, and all of them can hide
# what really stands there.
_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff0-\ufffb\ufffe\uffff\U000e0000-\U000e0fff]"
)
# What a terminal obeys and does not show: colours, movements of the cursor (ECMA-48, control sequences).
_SEQUENCES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_SPACES = re.compile(r"[ \t\r\n\f\v]+")


def visible(text: str) -> str:
    r"""The text on one line: white space is one space, what cannot be seen is written out (`\u001b`)."""
    return _INVISIBLE.sub(
        lambda found: f"\\u{ord(found[0]):04x}" if found[0] <= "\uffff" else f"\\U{ord(found[0]):08x}", _SPACES.sub(" ", text)
    ).strip()


def uncoloured(text: str) -> str:
    """The text as a terminal shows it, without its colours; lines stay lines."""
    return _SEQUENCES.sub("", text)


def counted(number: int, noun: str) -> str:
    """`1 finding`, `2 findings`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
