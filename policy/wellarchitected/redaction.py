"""Secret values in messages: taken out, whatever the rule put in."""

from __future__ import annotations

import re
from functools import lru_cache

SHOWN = "[secret]"
SHORT = 4  # shorter secrets are looked for as whole words: 'a' stands in every sentence
PART = 8  # so long a part of a secret tells about it (the password of a connection string)


def redact(text: str, secrets: frozenset[str], instead: str) -> str:
    """A text without the secrets.

    A short one is not cut out, because the gap would tell it to whoever knows the sentence: the whole text becomes `instead`.
    """
    if not secrets:
        return text
    short, long = _patterns(secrets)
    if short is not None and short.search(text):
        return instead
    return long.sub(SHOWN, text) if long is not None else text


@lru_cache(maxsize=64)
def _patterns(secrets: frozenset[str]) -> tuple[re.Pattern[str] | None, re.Pattern[str] | None]:
    words = {secret for secret in (each.strip() for each in secrets) if secret}
    parts = {part for word in words for part in re.split(r"[^A-Za-z0-9]+", word) if len(part) >= PART}
    short = _any_of({word for word in words if len(word) < SHORT})
    long = _any_of(parts | {word for word in words if len(word) >= SHORT})
    return (
        re.compile(rf"(?<![A-Za-z0-9])(?:{short})(?![A-Za-z0-9])", re.IGNORECASE) if short else None,
        re.compile(long, re.IGNORECASE) if long else None,
    )


def _any_of(words: set[str]) -> str:
    """An expression for the words, the longest first, so that a part of one leaves nothing of the whole."""
    return "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))
