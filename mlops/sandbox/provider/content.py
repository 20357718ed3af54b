"""Pulumi's assets and archives as bytes."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

from mlops.engine.values import UNKNOWN
from mlops.sandbox.provider.errors import ProviderError

# Zip's earliest date: the same files always give the same archive, so a code hash changes with the code only.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def asset_bytes(asset: Any) -> bytes:
    """The content of a file or text asset (a plain string is the path of a file, as some properties allow)."""
    if asset is UNKNOWN:
        return b""  # of a preview, which sends no request
    if isinstance(asset, str):
        return _read(asset)
    if getattr(asset, "text", None) is not None:
        return asset.text.encode()
    if getattr(asset, "path", None) is not None:
        return _read(asset.path)
    raise ProviderError(f"{asset!r} is not a file or text: the sandbox fetches nothing from other addresses")


def archive_bytes(archive: Any) -> bytes:
    """The zip of an archive: a zip file as it is, a directory or named assets packed in a fixed order with fixed dates."""
    if archive is UNKNOWN:
        return b""
    path = archive if isinstance(archive, str) else getattr(archive, "path", None)
    if path is not None and Path(path).is_file():
        return _read(path)
    entries: dict[str, tuple[bytes, bool]] = {}
    _collect(archive, "", entries)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, (content, executable) in sorted(entries.items()):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (0o755 if executable else 0o644) << 16
            file.writestr(info, content)
    return buffer.getvalue()


def _collect(item: Any, prefix: str, entries: dict[str, tuple[bytes, bool]]) -> None:
    assets = getattr(item, "assets", None)
    path = item if isinstance(item, str) else getattr(item, "path", None)
    if assets is not None:
        for name, child in assets.items():
            _collect(child, f"{prefix}{name}" if not _is_archive(child) else f"{prefix}{name}/", entries)
    elif path is not None and Path(path).is_dir():
        for file in sorted(Path(path).rglob("*")):
            if file.is_file():
                entries[prefix + file.relative_to(path).as_posix()] = (file.read_bytes(), bool(file.stat().st_mode & 0o100))
    elif _is_archive(item) and path is not None:
        with zipfile.ZipFile(io.BytesIO(_read(path))) as packed:
            for info in packed.infolist():
                if not info.is_dir():
                    entries[prefix + info.filename] = (packed.read(info), bool((info.external_attr >> 16) & 0o100))
    else:
        entries[prefix] = (asset_bytes(item), False)


def _is_archive(item: Any) -> bool:
    return hasattr(item, "assets")


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ProviderError(f"asset {path}: {error.strerror}") from error
