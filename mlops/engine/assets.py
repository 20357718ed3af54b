"""Assets and archives: files and texts that are property values."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from mlops.engine import signatures
from mlops.engine.errors import EngineError


@dataclass(frozen=True)
class Asset:
    """One file (`path`), text or address; `hash` is the SHA-256 of the content, empty for an address."""

    path: str | None = None
    text: str | None = None
    uri: str | None = None
    hash: str = ""

    def encoded(self) -> dict[str, Any]:
        """Pulumi's encoding."""
        return _encoded(signatures.ASSET, self.hash, path=self.path, text=self.text, uri=self.uri)

    def located(self, root: Path) -> Asset:
        """The same asset with an absolute path."""
        return self if self.path is None else Asset(path=str(root / self.path), hash=self.hash)


@dataclass(frozen=True)
class Archive:
    """A directory or archive file (`path`), named assets, or an address; `hash` covers names and contents (not the CLI's own hash)."""

    path: str | None = None
    assets: dict[str, Asset | Archive] | None = None
    uri: str | None = None
    hash: str = ""

    def encoded(self) -> dict[str, Any]:
        """Pulumi's encoding."""
        assets = None if self.assets is None else {name: item.encoded() for name, item in self.assets.items()}
        return _encoded(signatures.ARCHIVE, self.hash, path=self.path, assets=assets, uri=self.uri)

    def located(self, root: Path) -> Archive:
        """The same archive with absolute paths."""
        if self.path is not None:
            return Archive(path=str(root / self.path), hash=self.hash)
        if self.assets is not None:
            return Archive(assets={name: item.located(root) for name, item in self.assets.items()}, hash=self.hash)
        return self


def _encoded(signature: str, digest: str, **content: Any) -> dict[str, Any]:
    return {signatures.SIGNATURE: signature, **({"hash": digest} if digest else {}), **{k: v for k, v in content.items() if v is not None}}


def asset_from(fields: dict[str, Any], root: Path) -> Asset:
    """An asset from its encoding, hashed; a missing file is an error, as under the CLI."""
    if "path" in fields:
        return Asset(path=fields["path"], hash=fields.get("hash") or _path_hash(root / fields["path"]))
    if "text" in fields:
        return Asset(text=fields["text"], hash=hashlib.sha256(fields["text"].encode()).hexdigest())
    return Asset(uri=fields["uri"], hash=fields.get("hash", ""))


def archive_from(fields: dict[str, Any], root: Path) -> Archive:
    """An archive from its encoding, hashed; a missing file is an error, as under the CLI."""
    if "path" in fields:
        return Archive(path=fields["path"], hash=fields.get("hash") or _path_hash(root / fields["path"]))
    if "assets" in fields:
        digest = hashlib.sha256()
        for name, item in sorted(fields["assets"].items()):
            digest.update(f"{name}\0{item.hash}\0".encode())
        return Archive(assets=fields["assets"], hash=digest.hexdigest())
    return Archive(uri=fields["uri"], hash=fields.get("hash", ""))


def _path_hash(path: Path) -> str:
    if not path.exists():
        raise EngineError(
            "asset_not_found", f"the asset '{path}' does not exist", str(path), "Build the file first, or correct the path in the program."
        )
    if path.is_file():
        return _file_hash(str(path), path.stat().st_mtime_ns, path.stat().st_size)
    digest = hashlib.sha256()
    for folder, folders, files in os.walk(path):
        folders.sort()
        for name in sorted(files):
            file = Path(folder, name)
            status = file.stat()
            digest.update(f"{file.relative_to(path)}\0{_file_hash(str(file), status.st_mtime_ns, status.st_size)}\0".encode())
    return digest.hexdigest()


@lru_cache(maxsize=4096)
def _file_hash(path: str, _modified: int, _size: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
