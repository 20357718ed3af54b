"""Hashes of archives, equal to the CLI's: the SHA-256 of a plain tar of the contents (sdk/go/common/resource/archive)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlops.engine.errors import EngineError

_BLOCK = 512
_BOOKKEEPING = ".pulumi"
_ARCHIVE_SUFFIXES = (".tar", ".tgz", ".tar.gz", ".zip", ".jar")
_NAME_LENGTH, _PREFIX_LENGTH = 100, 155


def is_archive_file(path: Path) -> bool:
    """Whether the name says that this file is an archive."""
    return path.name.lower().endswith(_ARCHIVE_SUFFIXES)


def contents_of_directory(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of every file below `path`, in the order in which the CLI walks it."""
    yield from _walk(path, path)


def _walk(root: Path, folder: Path) -> Iterator[tuple[str, bytes]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name.encode()):
        if entry.name == _BOOKKEEPING or (entry.is_symlink() and entry.is_dir()):
            continue
        if entry.is_dir():
            yield from _walk(root, entry)
        else:
            yield entry.relative_to(root).as_posix(), entry.read_bytes()


def contents_of_assets(assets: dict[str, Any], root: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of named assets; archives among them are flattened."""
    for name, item in sorted(assets.items(), key=lambda pair: pair[0].encode()):
        if getattr(item, "assets", None) is not None:
            yield from ((f"{name}/{inner}", content) for inner, content in contents_of_assets(item.assets, root))
        elif item.path is not None and (root / item.path).is_dir():
            yield from ((f"{name}/{inner}", content) for inner, content in contents_of_directory(root / item.path))
        elif item.path is not None:
            # An archive file inside an archive counts as one file here; the CLI would unpack it.
            yield name, (root / item.path).read_bytes()
        elif getattr(item, "text", None) is not None:
            yield name, item.text.encode()
        else:
            raise EngineError(
                "unsupported-asset",
                f"'{name}' is fetched from {item.uri}, not supported in an archive offline",
                name,
                "Use a file or a text.",
            )


def tar_hash(contents: Iterator[tuple[str, bytes]]) -> str:
    """SHA-256 of a USTAR archive with mode 0600 and no times, the first of equal names only."""
    digest, seen = hashlib.sha256(), set[str]()
    for name, content in contents:
        if name not in seen:
            seen.add(name)
            digest.update(_header(name, len(content)))
            digest.update(content)
            digest.update(b"\0" * (-len(content) % _BLOCK))
    digest.update(b"\0" * (2 * _BLOCK))
    return digest.hexdigest()


def _header(name: str, size: int) -> bytes:
    prefix, base = _split(name)
    head = base.ljust(_NAME_LENGTH, b"\0") + b"0000600\0" + b"0000000\0" * 2 + b"%011o\0" % size + b"00000000000\0"
    tail = b"0" + b"\0" * 100 + b"ustar\0" + b"00" + b"\0" * 64 + b"0000000\0" * 2 + prefix.ljust(_PREFIX_LENGTH, b"\0") + b"\0" * 12
    checksum = b"%06o\0 " % (sum(head) + sum(b" " * 8) + sum(tail))
    return head + checksum + tail


def _split(name: str) -> tuple[bytes, bytes]:
    """Directory prefix and name: a long name is split at the last slash that leaves both parts short enough."""
    encoded = name.encode()
    if len(encoded) <= _NAME_LENGTH:
        return b"", encoded
    slash = encoded.rfind(b"/", 0, _PREFIX_LENGTH + 1)
    prefix, base = encoded[: max(slash, 0)], encoded[slash + 1 :]
    # Names that do not fit have an extended header in the CLI's tar: their hash is stable, but another one.
    return prefix[:_PREFIX_LENGTH], base[:_NAME_LENGTH]
