"""The contract as Spark expressions: the same checks, reasons and types as `platform_common.rows` has for single rows."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from platform_common.contract import TEXT_FORMS, Column, Contract, Derived, show
from pyspark.sql import Column as Expression
from pyspark.sql import functions as F  # noqa: N812

SPARK_TYPES = {"string": "string", "integer": "long", "number": "double", "boolean": "boolean", "timestamp": "timestamp"}
BUCKETS = 16
SEPARATOR = "\x1f"


def literal(value: object, type_: str) -> Expression:
    """A constant; timestamps by way of their text, which the session's time zone (UTC) reads, not the Python process's."""
    return F.lit(show(value)).cast("timestamp") if type_ == "timestamp" else F.lit(value)  # type: ignore[arg-type]


def converted(column: Column) -> Expression:
    """The value of a text column whose texts are known to be of the type."""
    text = F.col(column.name)
    if column.type == "string":
        return F.when(text != "", text)
    return F.translate(text, "T", " ").cast("timestamp") if column.type == "timestamp" else text.cast(SPARK_TYPES[column.type])


def typed(column: Column) -> Expression:
    """The value of a text column; null where it is missing or not of the type."""
    if column.type == "string":
        return converted(column)
    return F.when(F.col(column.name).rlike(f"^(?:{TEXT_FORMS[column.type]})$"), converted(column))


def typed_name(name: str) -> str:
    """The name under which a column's typed value stands beside its text."""
    return f"_typed_{name}"


def reason(column: Column) -> Expression | None:
    """The first check a column fails, or null; None when the column has no check. Reads the text and the typed value beside it."""
    text, value = F.col(column.name), F.col(typed_name(column.name))
    checks: list[tuple[Expression, str]] = []
    if not column.nullable:
        checks.append((text.isNull() | (text == ""), "missing"))
    if column.type != "string":
        checks.append(((text != "") & value.isNull(), "type"))
    if column.minimum is not None:
        checks.append((value < literal(column.minimum, column.type), "minimum"))
    if column.maximum is not None:
        checks.append((value > literal(column.maximum, column.type), "maximum"))
    if column.allowed:
        checks.append((~value.isin([literal(each, column.type) for each in column.allowed]), "allowed"))
    if column.pattern is not None:
        checks.append((~value.rlike(f"^(?:{column.pattern})$"), "pattern"))
    chain: Expression | None = None
    for condition, check in checks:
        text_of_check = F.lit(column.reason(check))
        chain = F.when(condition, text_of_check) if chain is None else chain.when(condition, text_of_check)
    return chain


def reasons(contract: Contract, header: Sequence[str], corrupt: str) -> Expression:
    """Every reason of a row, joined by `SEPARATOR`; empty when there is none.

    A row of the wrong width has that one reason: its fields stand in the wrong columns. (Joined texts, because Spark interprets the
    filtering of arrays: one text is ten times faster.)
    """
    wrong_width = f"row: wrong number of columns, the header has {len(header)}"
    each = [found for name in header if (found := reason(contract.column(name))) is not None]
    return F.when(F.col(corrupt).isNotNull(), F.lit(wrong_width)).otherwise(F.concat_ws(SEPARATOR, *each))


def derived(each: Derived) -> Expression:
    """A derived feature of a typed row."""
    source = F.col(each.source)
    functions = {
        "hour": lambda: F.hour(source),
        "minute_of_day": lambda: F.hour(source) * 60 + F.minute(source),
        "weekday": lambda: F.weekday(source),
        "day_of_year": lambda: F.dayofyear(source),
        "month": lambda: F.month(source),
        "clock_minutes": lambda: F.floor(source / 100) * 60 + source % 100,
    }
    return functions[each.function]().cast("long")


def partition(contract: Contract) -> tuple[str, Expression]:
    """Name and value of the partition column: the day of the time column, else one of 16 buckets by the row's hash."""
    if contract.time_column:
        return "date", F.date_format(F.col(contract.time_column), "yyyy-MM-dd")
    names = [contract.id_column] if contract.id_column else [column.name for column in contract.columns]
    return "bucket", F.format_string("%02d", F.pmod(F.xxhash64(*names), F.lit(BUCKETS)))


def lookup(offsets: dict[int, int], key: Expression) -> Expression:
    """A small dictionary as an expression."""
    return functools.reduce(
        lambda expression, item: expression.when(key == item[0], F.lit(item[1])), offsets.items(), F.when(F.lit(False), F.lit(0))
    )
