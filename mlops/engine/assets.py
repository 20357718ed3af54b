"""Assets and archives: files and texts that are property values."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from mlops.engine import archives, signatures
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
    """A directory or archive file (`path`), named assets, or an address; `hash` is the CLI's."""

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
    # As the CLI encodes it: an asset that is neither a file nor at an address is the empty text.
    given = {name: value for name, value in content.items() if value is not None and value != ""}
    return {signatures.SIGNATURE: signature, **({"hash": digest} if digest else {}), **given}


def asset_from(fields: dict[str, Any], root: Path) -> Asset:
    """An asset from its encoding, hashed; a missing file is an error, as under the CLI."""
    if "path" in fields:
        return Asset(path=fields["path"], hash=fields.get("hash") or _asset_hash(root / fields["path"]))
    if "uri" in fields:
        return Asset(uri=fields["uri"], hash=fields.get("hash", ""))
    text, known = fields.get("text", ""), fields.get("hash", "")
    digest = hashlib.sha256(text.encode()).hexdigest()
    if "text" not in fields and known not in ("", digest):
        return Asset(hash=known)  # a state may keep no more than the hash
    return Asset(text=text, hash=known or digest)


def archive_from(fields: dict[str, Any], root: Path) -> Archive:
    """An archive from its encoding, hashed; a missing file is an error, as under the CLI."""
    known = fields.get("hash", "")
    if "path" in fields:
        return Archive(path=fields["path"], hash=known or _archive_hash(root / fields["path"]))
    if "assets" in fields:
        return Archive(assets=fields["assets"], hash=known or archives.tar_hash(archives.contents_of_assets(fields["assets"], root)))
    return Archive(uri=fields.get("uri"), hash=known)  # a state may keep no more than the hash


def _existing(path: Path) -> Path:
    if not path.exists():
        raise EngineError(
            "asset_not_found", f"the asset '{path}' does not exist", str(path), "Build the file first, or correct the path in the program."
        )
    return path


def _asset_hash(path: Path) -> str:
    if _existing(path).is_dir():
        raise EngineError("bad-asset", f"the asset '{path}' is a directory", str(path), "Use a FileArchive for a directory.")
    return _file_hash(str(path), path.stat().st_mtime_ns, path.stat().st_size)


def _archive_hash(path: Path) -> str:
    if _existing(path).is_dir():
        return archives.tar_hash(archives.contents_of_directory(path))
    if not archives.is_archive_file(path):
        raise EngineError(
            "bad-asset", f"'{path}' is neither an archive nor a directory", str(path), "Name it .zip or .tar.gz, or use a FileAsset."
        )
    return _asset_hash(path)


@lru_cache(maxsize=4096)
def _file_hash(path: str, _modified: int, _size: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
