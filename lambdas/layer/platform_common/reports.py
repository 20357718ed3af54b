"""A report as two objects of one name: JSON for programs, Markdown for people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def write_report(s3: Any, bucket: str, stem: str, document: Mapping[str, Any], text: str) -> str:
    """Writes `<stem>.json` and `<stem>.md`; the URI of the JSON."""
    body = json.dumps(document, indent=2, default=str).encode()
    s3.put_object(Bucket=bucket, Key=f"{stem}.json", Body=body, ContentType="application/json")
    s3.put_object(Bucket=bucket, Key=f"{stem}.md", Body=text.encode(), ContentType="text/markdown; charset=utf-8")
    return f"s3://{bucket}/{stem}.json"


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table; cells are made safe for it."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in line) + " |" for line in lines)


def dollars(amount: float | None) -> str:
    """`$1.20`, small amounts with more digits, and `unknown` for None."""
    if amount is None:
        return "unknown"
    return f"${amount:,.2f}" if amount == 0 or abs(amount) >= 0.01 else f"${amount:.2g}"
