"""What the data pipeline decides from counts: pure functions, no Spark."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from typing import Any

from platform_common.contract import Contract, ContractError


class DataRejected(Exception):
    """The run stops; the message says what was expected and what came. Report and quarantine are written by then."""


class RowsLost(Exception):
    """Rows in are not rows out plus rows quarantined: a defect, never a property of the data."""


def header_of(line: str, contract: Contract) -> list[str]:
    """The column names of a CSV header line; ContractError when they are not the contract's."""
    names = next(csv.reader([line]), [])
    if not any(names):
        raise ContractError(f"header of the data: expected {', '.join(column.name for column in contract.columns)}, got an empty line")
    contract.check_header(names)
    return names


def failures(contract: Contract, rows: int, quarantined: int, maximum_rejected_fraction: float) -> list[str]:
    """Why a file as a whole is not accepted; empty when it is."""
    found = []
    if not contract.minimum_rows <= rows <= contract.maximum_rows:
        found.append(f"rows: expected {contract.minimum_rows} to {contract.maximum_rows}, got {rows}")
    fraction = quarantined / rows if rows else 0.0
    if fraction > maximum_rejected_fraction:
        found.append(
            f"quarantined: expected at most {maximum_rejected_fraction:.2%} of the rows, got {fraction:.2%} ({quarantined} of {rows})"
        )
    return found


def explain(problems: Sequence[str], reasons: Mapping[str, int], report: str) -> str:
    """The message a rejected file fails with."""
    common = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))[:3]
    detail = f"; most frequent: {', '.join(f'{reason} ({count})' for reason, count in common)}" if common else ""
    return f"{'; '.join(problems)}{detail}. See {report}"


def check_nothing_lost(rows: int, accepted: int, quarantined: int, where: str) -> None:
    """RowsLost unless rows = accepted + quarantined."""
    if rows != accepted + quarantined:
        raise RowsLost(
            f"{where}: {rows} rows in, {accepted} accepted + {quarantined} quarantined out, {rows - accepted - quarantined} lost"
        )


def column_figures(parts: Sequence[Mapping[str, Any]], index: int, accepted: int) -> dict[str, Any]:
    """A column's figures over all parts of a file: missing values and, where it has an order, smallest and largest, of numbers the mean too."""
    present = sum(part[f"present{index}"] for part in parts)
    figures: dict[str, Any] = {"missing": accepted - present}
    for name, choose in (("minimum", min), ("maximum", max)):
        if any(f"{name}{index}" in part for part in parts):
            figures[name] = choose((part[f"{name}{index}"] for part in parts if part[f"{name}{index}"] is not None), default=None)
    if any(f"sum{index}" in part for part in parts):
        figures["mean"] = sum(part[f"sum{index}"] or 0.0 for part in parts) / present if present else None
    return figures


def manifest(
    *,
    model: str,
    run: str,
    contract: str,
    report: Mapping[str, Any],
    partitions: Sequence[Mapping[str, Any]],
    features_prefix: str,
    created: str,
) -> dict[str, Any]:
    """The manifest of a run; RowsLost unless its partitions hold every accepted row."""
    accepted = sum(partition["rows"] for partition in partitions)
    check_nothing_lost(report["rows"], accepted, report["quarantined"], f"run {run}")
    return {
        "schema": 1,
        "model": model,
        "run": run,
        "contract": contract,
        "source": dict(report["source"]),
        "rows": report["rows"],
        "accepted": accepted,
        "quarantined": report["quarantined"],
        "partitions": sorted((dict(partition) for partition in partitions), key=lambda partition: partition["value"]),
        "features_prefix": features_prefix,
        "created": created,
    }
