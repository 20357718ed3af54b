"""Which stored predictions a call is about, and their rows as columns. Pure."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from datetime import datetime
from typing import Any

BATCH = re.compile(r"[0-9a-f]{8,64}")
DAY = re.compile(r"online/\d{4}-\d{2}-\d{2}")


class BadWindow(ValueError):
    """A window that names no stored predictions."""


def requested(event: dict[str, Any], model: str, now: datetime) -> str | None:
    """The window an event names: a batch id, or `online/YYYY-MM-DD`; None for the newest batch."""
    if "detail" in event:  # a batch's summary was written
        return event["detail"]["object"]["key"].split("/")[-2]
    if event.get("reason") == "schedule":
        return f"online/{now:%Y-%m-%d}"
    window = event.get("window")
    if window is not None and not (isinstance(window, str) and (BATCH.fullmatch(window) or DAY.fullmatch(window))):
        raise BadWindow(f"expected the id of a batch prediction of {model} or online/YYYY-MM-DD, got {window!r}")
    return window


def from_csv(body: bytes) -> dict[str, list[str]]:
    """Columns of a gzipped CSV file; an empty text is a missing value."""
    with gzip.open(io.BytesIO(body), "rt", newline="") as text:
        reader = csv.reader(text)
        header = next(reader)
        columns = list(zip(*reader, strict=True)) or [()] * len(header)
    return {name: list(values) for name, values in zip(header, columns, strict=True)}


def from_records(bodies: list[bytes]) -> dict[str, list[str]]:
    """Columns of gzipped JSON lines, each a prediction record."""
    records = [json.loads(line) for body in bodies for line in gzip.decompress(body).splitlines()]
    rows = [{**record["features"], "probability": record["probability"]} for record in records]
    names = sorted({name for row in rows for name in row})
    return {name: ["" if row.get(name) is None else str(row[name]) for row in rows] for name in names}
