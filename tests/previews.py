"""Previews of the program and its foundations, made once a run of the tests: each takes seconds."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from mlops import engine

ROOT = Path(__file__).parents[1]


@cache
def preview(stack: str, project: str = ".") -> engine.Record:
    """What the program registers for a stack. The record is shared: nobody changes it."""
    return engine.preview(ROOT / project, stack)
