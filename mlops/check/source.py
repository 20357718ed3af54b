"""The bytes of a file or of standard input, once it is certain that they may be JSON."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from mlops.errors import UserError

STANDARD_INPUT = "-"
EXPECTED = "expected a deployment of `pulumi stack export` or a preview of `mlops preview --record` or `pulumi preview --json`"
EXPORT = "write it with `pulumi stack export --file FILE`"
_HEAD = 4096
_UTF8_MARK = b"\xef\xbb\xbf"
# First bytes, what they mean, and what to do about it.
_FORMATS = (
    (b"\x1f\x8b", "a gzip archive", "unpack it first: gunzip -c FILE | mlops check -"),
    (b"PK\x03\x04", "a zip archive", "unpack it first"),
    (b"BZh", "a bzip2 archive", "unpack it first: bunzip2 -c FILE | mlops check -"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", "unpack it first: zstd -dc FILE | mlops check -"),
    (b"\xff\xfe", "text in UTF-16", "a redirection in PowerShell writes that; " + EXPORT),
    (b"\xfe\xff", "text in UTF-16", "a redirection in PowerShell writes that; " + EXPORT),
)


@contextmanager
def opened(file: str) -> Iterator[BinaryIO]:
    """A stream that can be read again from its start; UserError where it cannot be opened or is certainly no JSON."""
    try:
        with _raw(file) as raw:
            head = raw.read(_HEAD)
            _refuse_what_is_no_json(head, file)
            if raw.seekable():
                raw.seek(0)
                yield raw
                return
            with tempfile.TemporaryFile() as copy:  # a pipe is read once only
                copy.write(head)
                shutil.copyfileobj(raw, copy)
                copy.seek(0)
                yield cast(BinaryIO, copy)
    except OSError as error:
        raise UserError("cannot-read", f"{EXPECTED}, got {error.strerror or error}", file, "name a file that can be read") from None


def start(stream: BinaryIO) -> BinaryIO:
    """The stream at its first character."""
    stream.seek(0)
    if stream.read(len(_UTF8_MARK)) != _UTF8_MARK:
        stream.seek(0)
    return stream


@contextmanager
def _raw(file: str) -> Iterator[BinaryIO]:
    if file == STANDARD_INPUT:
        yield sys.stdin.buffer
        return
    with Path(file).open("rb") as stream:
        yield stream


def _refuse_what_is_no_json(head: bytes, file: str) -> None:
    text = head.removeprefix(_UTF8_MARK).lstrip()
    if not text and len(head) < _HEAD:
        raise UserError("empty-file", f"{EXPECTED}, got nothing: {len(head)} bytes", file, EXPORT)
    for mark, name, todo in _FORMATS:
        if head.startswith(mark):
            raise UserError("not-json", f"{EXPECTED}, got {name}", file, todo)
    if b"\0" in head:
        raise UserError("not-json", f"{EXPECTED}, got a binary file", f"{file}: byte {head.index(0)}", EXPORT)
    if text[:1] not in (b"{", b"["):
        begin = text[:24].decode("utf-8", "replace").splitlines()[0]
        raise UserError("not-json", f"{EXPECTED}, got text that begins with {begin!r}", f"{file}: line 1", EXPORT)
