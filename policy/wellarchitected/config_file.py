"""A configuration as a file: JSON in which nothing stands twice, because of two levels for one rule somebody means the other one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .errors import ConfigurationError


def read_config(path: Path) -> dict[str, Any]:
    """The configuration in a file. Raises `ConfigurationError`, which names the file and what is wrong with it."""
    try:
        config = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=_once)
    except OSError as error:
        raise ConfigurationError(f"{path}: expected a file with JSON, got {error.strerror or error}") from None
    except json.JSONDecodeError as error:
        raise ConfigurationError(f"{path}:{error.lineno}:{error.colno}: expected JSON, got {error.msg}") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: expected JSON, got something that is no text in UTF-8 (byte {error.start})") from None
    except RecursionError:
        raise ConfigurationError(f"{path}: expected JSON, got lists or objects nested hundreds deep") from None
    except _Twice as twice:
        raise ConfigurationError(f"{path}: expected every key once in its object, got {twice.key!r} twice") from None
    if not isinstance(config, dict):
        raise ConfigurationError(f"{path}: expected an object, got {type(config).__name__}")
    return config


class _Twice(Exception):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _Twice(key)
        found[key] = value
    return found
