"""Text of others in what we show: nothing that cannot be seen stands in it."""

import pytest
from rich.cells import cell_len

from mlops.text import uncoloured, visible


@pytest.mark.parametrize(
    ("hidden", "told"),
    [("\u200b", r"\u200b"), ("\u00ad", r"\u00ad"), ("\u2060", r"\u2060"), ("\u202e", r"\u202e"), ("\U000e0041", r"\U000e0041"), ("\x1b", r"\u001b")],
)  # fmt: skip
def test_what_cannot_be_seen_is_written_out(hidden: str, told: str) -> None:
    """Two names that look alike are two names: `admin` with a soft hyphen, or with a tag that only a machine reads."""
    assert visible(f"ad{hidden}min") == f"ad{told}min"


def test_what_can_be_seen_stays() -> None:
    for text in ("größe", "naïve", "模型", "क्षि", "x ≤ 2 → y"):
        assert visible(text) == text and cell_len(text)


def test_what_a_terminal_obeys_is_left_out_and_lines_stay() -> None:
    assert uncoloured("\x1b[1;31merror\x1b[0m\n  \x1b[2K\x1b[?25hnext") == "error\n  next"
