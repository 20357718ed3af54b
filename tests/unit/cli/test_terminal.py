"""`mlops preview` on a terminal, in a pipe and where the encoding is no Unicode: the same words."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mlops.cli.main import run

PROJECT = Path(__file__).parents[1] / "engine" / "programs" / "buckets"
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
Shown = Callable[..., str]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    """What the command writes to a terminal of 100 columns with these variables in its environment."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.setenv(name, "")  # what the command sets is put back after the test
    monkeypatch.setenv("COLUMNS", "100")

    def show(*options: str, encoding: str = "utf-8", **environment: str) -> str:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        written = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding))
        with pytest.raises(SystemExit) as left:
            run(["preview", "--stack", "dev", "--project", str(PROJECT), *options])
        sys.stdout.flush()
        assert left.value.code == 1
        return written.getvalue().decode(encoding)

    return show


def words(text: str) -> list[str]:
    """What is said of the stack: neither the spinner before nor the seconds after it."""
    plain = ESCAPES.sub("", text)
    return plain[plain.index("example · stack dev") : plain.rindex("program ")].splitlines()


def test_colours_say_nothing_that_words_do_not(shown: Shown) -> None:
    coloured = shown(FORCE_COLOR="1", TERM="xterm-256color")
    plain = shown("--no-color")
    assert re.search(r"\x1b\[[0-9;]*3\dm", coloured) and not re.search(r"\x1b\[[0-9;]*3\dm", plain)
    assert words(coloured) == words(plain)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_an_encoding_that_lacks_our_marks_ends_nothing(shown: Shown, encoding: str) -> None:
    text = shown(encoding=encoding)
    assert "x Queue queue" in text and "mandatory" in text
