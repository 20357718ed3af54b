"""What a Glue crawler infers from files: format, columns, types, header, compression, partition folders. No I/O here.

Follows the built-in classifiers: Parquet by its footer, JSON by its first character, CSV by a delimiter that gives the same number of
fields in every row. A CSV header is only recognised when some column's data are not text, as on AWS.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

DELIMITERS = (",", "|", "\t", ";", "\x01")


class Unclassified(Exception):
    """No classifier recognises the content."""


@dataclass(frozen=True)
class Content:
    """What one file, or the beginning of one, holds."""

    classification: str
    columns: tuple[tuple[str, str], ...]
    rows: int
    compression: str = "none"
    details: dict[str, str] = field(default_factory=dict)


def classify(data: bytes, key: str, complete: bool) -> Content:
    """The content of a file from its first bytes (`complete` when these are all of them; Parquet needs all)."""
    if data[:4] == b"PAR1":
        return _parquet(data)
    compression = "none"
    if data[:2] == b"\x1f\x8b":
        data, compression = _gunzip(data), "gzip"
    try:
        text = data.decode("utf-8-sig", errors="strict" if complete else "ignore")
    except UnicodeDecodeError as error:
        raise Unclassified(f"{key} is neither Parquet nor text in UTF-8") from error
    if not complete:
        text = text[: text.rfind("\n") + 1] or text
    if text.lstrip()[:1] in ("{", "["):
        return _json(text, key, compression)
    return _csv(text, key, compression)


def _gunzip(data: bytes) -> bytes:
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
        try:
            while chunk := stream.read(65536):
                out.write(chunk)
        except EOFError:
            # Only the beginning of the file was read.
            return out.getvalue()
    return out.getvalue()


def _parquet(data: bytes) -> Content:
    try:
        file = pq.ParquetFile(io.BytesIO(data))
    except pa.ArrowInvalid as error:
        raise Unclassified(f"the Parquet footer cannot be read: {error}") from error
    columns = tuple((name.lower(), arrow_type(kind)) for name, kind in zip(file.schema_arrow.names, file.schema_arrow.types, strict=True))
    return Content("parquet", columns, file.metadata.num_rows)


def arrow_type(kind: Any) -> str:
    """The Glue type of an Arrow type."""
    simple = (
        (pa.types.is_boolean, "boolean"),
        (pa.types.is_int8, "tinyint"),
        (pa.types.is_int16, "smallint"),
        (pa.types.is_int64, "bigint"),
        (pa.types.is_integer, "int"),
        (pa.types.is_float64, "double"),
        (pa.types.is_floating, "float"),
        (pa.types.is_timestamp, "timestamp"),
        (pa.types.is_date, "date"),
        (pa.types.is_string, "string"),
        (pa.types.is_large_string, "string"),
        (pa.types.is_binary, "binary"),
    )
    for test, name in simple:
        if test(kind):
            return name
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    if pa.types.is_list(kind):
        return f"array<{arrow_type(kind.value_type)}>"
    if pa.types.is_map(kind):
        return f"map<{arrow_type(kind.key_type)},{arrow_type(kind.item_type)}>"
    if pa.types.is_struct(kind):
        return f"struct<{','.join(f'{entry.name}:{arrow_type(entry.type)}' for entry in kind)}>"
    if pa.types.is_dictionary(kind):
        return arrow_type(kind.value_type)
    raise Unclassified(f"the Parquet type {kind} has no Glue type here")


def _json(text: str, key: str, compression: str) -> Content:
    try:
        rows = json.loads(text) if text.lstrip().startswith("[") else [json.loads(line) for line in text.splitlines() if line.strip()]
    except ValueError as error:
        raise Unclassified(f"{key} begins like JSON and is none: {error}") from error
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise Unclassified(f"{key} is JSON without objects as rows")
    columns: dict[str, str] = {}
    for row in rows:
        for name, value in row.items():
            columns[name.lower()] = wider(columns.get(name.lower()), json_type(value))
    return Content("json", tuple((name, kind or "string") for name, kind in columns.items()), len(rows), compression)


def json_type(value: Any) -> str:
    """The Glue type of a JSON value; empty for null."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "int" if -(2**31) <= value < 2**31 else "bigint"
    if isinstance(value, float):
        return "double"
    if isinstance(value, list):
        inner = ""
        for item in value:
            inner = wider(inner, json_type(item))
        return f"array<{inner or 'string'}>"
    if isinstance(value, dict):
        fields = [f"{name}:{json_type(item) or 'string'}" for name, item in value.items()]
        return f"struct<{','.join(fields)}>"
    return "string"


def _csv(text: str, key: str, compression: str) -> Content:
    for delimiter in DELIMITERS:
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row]
        if len(rows) >= 2 and len(rows[0]) >= 2 and all(len(row) == len(rows[0]) for row in rows):
            break
    else:
        raise Unclassified(f"{key}: no delimiter of , | tab ; gives every row the same number of fields")
    kinds = [column_type(column) for column in zip(*rows[1:], strict=True)]
    header = has_header(rows[0], kinds)
    names = unique_names(rows[0]) if header else [f"col{number}" for number in range(len(rows[0]))]
    if not header:
        kinds = [wider(kind, column_type([cell])) or "string" for kind, cell in zip(kinds, rows[0], strict=True)]
    details = {
        "delimiter": delimiter,
        "skip.header.line.count": "1" if header else "0",
        "areColumnsQuoted": "true" if text.startswith('"') else "false",
        "columnsOrdered": "true",
    }
    return Content(
        "csv", tuple((name, kind or "string") for name, kind in zip(names, kinds, strict=True)), len(rows) - header, compression, details
    )


def has_header(first: Sequence[str], kinds: Sequence[str]) -> bool:
    """AWS: every heading reads as text, is no longer than 150 characters, and some column's data are not text."""
    texts = all(cell.strip() and len(cell) <= 150 and column_type([cell]) == "string" for cell in first)
    return texts and any(kind not in ("string", "") for kind in kinds)


def unique_names(headings: Sequence[str]) -> list[str]:
    """Column names of the catalog: lower case, letters, digits and underscores, no two the same."""
    names: list[str] = []
    for heading in headings:
        name = "".join(character if character.isalnum() or character == "_" else "_" for character in heading.strip().lower()) or "col"
        names.append(name if name not in names else f"{name}_{len(names)}")
    return names


def column_type(cells: Iterable[str]) -> str:
    """bigint, double, boolean or string; empty when every cell is empty."""
    kind = ""
    for cell in cells:
        kind = wider(kind, _cell_type(cell.strip()))
        if kind == "string":
            break
    return kind


def _cell_type(cell: str) -> str:
    if not cell:
        return ""
    if cell.lower() in ("true", "false"):
        return "boolean"
    for convert, kind in ((int, "bigint"), (float, "double")):
        try:
            convert(cell)
        except ValueError:
            continue
        # int() and float() also take 1_000, nan and infinity, which the classifier reads as text.
        return kind if "_" not in cell and cell.lower().lstrip("+-") not in ("nan", "inf", "infinity") else "string"
    return "string"


def wider(one: str | None, other: str | None) -> str:
    """The type that holds both."""
    if not one or not other or one == other:
        return one or other or ""
    order = ["tinyint", "smallint", "int", "bigint", "float", "double"]
    if one in order and other in order:
        return order[max(order.index(one), order.index(other))]
    return "string"


def merged(contents: Sequence[Content]) -> tuple[tuple[str, str], ...]:
    """The columns of several files of one table: the union, in order of appearance, with the wider type."""
    columns: dict[str, str] = {}
    for content in contents:
        for name, kind in content.columns:
            columns[name] = wider(columns.get(name), kind)
    return tuple(columns.items())


def partitions(relative_key: str) -> tuple[tuple[str, str], ...]:
    """(name, value) of the folders a file lies in: `name=value`, or partition_0, partition_1, … for other folders."""
    found = []
    for number, folder in enumerate(relative_key.split("/")[:-1]):
        name, separator, value = folder.partition("=")
        found.append((name.lower(), value) if separator else (f"partition_{number}", folder))
    return tuple(found)


def table_name(prefix: str | None, uri: str) -> str:
    """TablePrefix and the target's last folder (or the bucket), as a catalog name."""
    last = uri.removeprefix("s3://").rstrip("/").split("/")[-1].lower()
    return (prefix or "") + "".join(character if character.isalnum() or character == "_" else "_" for character in last)
