"""Where a file stops to be JSON: the parser itself only says that it does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

import ijson

from mlops.check.source import start

FAULTS = (ijson.JSONError, ValueError, OverflowError)
_CHUNK = 1 << 16


class Position(NamedTuple):
    """Byte counted from 0, line and column from 1; `ended` when all of the file is JSON as far as it goes."""

    byte: int
    line: int
    column: int
    ended: bool


def position(stream: BinaryIO) -> Position:
    """The first byte that cannot be part of a JSON document, or the end of a document that is not complete."""
    begin = start(stream).tell()
    good, ended = _accepted(_parser(), _parts(stream, begin, None, _CHUNK), begin)
    if not ended:  # the chunk with the fault is known: once more up to it, and then byte by byte
        parser = _parser()
        _accepted(parser, _parts(stream, begin, good, _CHUNK), begin)
        good, _ = _accepted(parser, _parts(stream, good, good + _CHUNK, 1), good)
    return Position(good, *_line_and_column(stream, begin, good), ended)


def _parser() -> Any:
    return ijson.basic_parse_coro(_Nowhere(), use_float=True)


class _Nowhere:
    """Takes events and forgets them."""

    def send(self, event: Any) -> None:
        pass


def _accepted(parser: Any, parts: Iterator[bytes], begin: int) -> tuple[int, bool]:
    """Up to which byte the parser takes the parts, and whether it takes them all."""
    for part in parts:
        try:
            parser.send(part)
        except FAULTS:
            return begin, False
        begin += len(part)
    return begin, True


def _parts(stream: BinaryIO, begin: int, end: int | None, size: int) -> Iterator[bytes]:
    stream.seek(begin)
    while part := stream.read(size if end is None else min(size, end - stream.tell())):
        yield part


def _line_and_column(stream: BinaryIO, begin: int, end: int) -> tuple[int, int]:
    line, line_begin = 1, begin
    for part in _parts(stream, begin, end, _CHUNK):
        if breaks := part.count(b"\n"):
            line += breaks
            line_begin = stream.tell() - len(part) + part.rfind(b"\n") + 1
    return line, end - line_begin + 1
