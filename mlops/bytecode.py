"""Where Python keeps what it compiles, for processes of ours that load thousands of files, where it may not keep it beside the sources."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import MutableMapping
from contextlib import suppress
from pathlib import Path

DAYS = 7
"""After which a cache is made anew: programs that were run from temporary folders leave theirs in it."""
_INTERPRETER = "interpreter"


def keep(environment: MutableMapping[str, str], python: Path) -> None:
    """Have `python` keep its bytecode below the user's cache, where `environment` forbids it beside the sources and names no other place.

    The SDKs of providers and moto are thousands of files: compiled anew at each start they cost seconds. Each interpreter has a folder of
    its own there, which goes when the interpreter does, and at the latest after `DAYS`.
    """
    if not environment.pop("PYTHONDONTWRITEBYTECODE", None) or "PYTHONPYCACHEPREFIX" in environment:
        return
    caches = Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mlops" / "bytecode"
    own = caches / hashlib.sha256(str(python).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    environment["PYTHONPYCACHEPREFIX"] = str(own)
    with suppress(OSError):  # Python is silent, too, about a cache that cannot be written: it only takes longer
        _prune(caches)
        own.mkdir(parents=True, exist_ok=True)
        (own / _INTERPRETER).symlink_to(python)


def _prune(caches: Path) -> None:
    """Remove what belongs to no interpreter any more, and what is too old."""
    oldest = time.time() - DAYS * 24 * 60 * 60
    for cache in caches.iterdir() if caches.is_dir() else ():
        interpreter = cache / _INTERPRETER
        if not interpreter.exists() or interpreter.lstat().st_mtime < oldest:
            shutil.rmtree(cache, ignore_errors=True)
