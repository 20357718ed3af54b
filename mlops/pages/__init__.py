"""Pages that stand alone: one HTML file each with its style in it, no scripts, nothing fetched from elsewhere.

Templates extend `pages/base.html.j2`; all pages share `pages/style.css`. They are named by their path below `mlops`.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from mlops.text import visible


def _read(name: str) -> str:
    return (files("mlops") / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_read), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_shown
    )
    environment.globals["style"] = Markup(_read("pages/style.css").strip())  # noqa: S704 - our own file
    return environment


def _shown(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def render(template: str, **context: Any) -> str:
    """The page; everything in it is escaped, and nothing in it is invisible."""
    return _environment().get_template(template).render(**context)
