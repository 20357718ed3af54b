"""Glue job `validate`: a raw CSV file against its data contract.

Arguments: --model --run --input (URI) --version_id --contract (URI) --processed_bucket --quarantine_bucket --maximum_rejected_fraction.
Writes accepted rows (texts and `_row`) to `<model>/validated/run=<run>/`, rejected rows with `_row` and `_reasons` to the quarantine,
the report to `<model>/reports/run=<run>/validation.json`; then fails when the file as a whole is not acceptable.
Every field is read as text and every row is numbered (the header is 1), so nothing is lost or guessed. A line is a row: a line break
inside quotes makes two broken rows.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from platform_common.contract import Contract, ContractError, load
from pyspark import StorageLevel
from pyspark.sql import Column as Expression
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.types import StringType, StructField, StructType

from glue_jobs import decisions, expressions, logs, storage
from glue_jobs.decisions import DataRejected

ARGUMENTS = ["model", "run", "input", "version_id", "contract", "processed_bucket", "quarantine_bucket", "maximum_rejected_fraction"]
CORRUPT, LOCAL, WHY, ROW = "_record", "_local", "_why", "_row"
ROWS_A_FILE = 1_000_000
BROADCAST_KEYS = 200_000


def run(spark: SparkSession, arguments: Mapping[str, str]) -> dict[str, Any]:
    """Validates one file; returns the report. DataRejected when the file is not acceptable."""
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    # The virtual machine does not compile methods of more than 8,000 bytes: checks of many columns in one method ran ten times slower.
    spark.conf.set("spark.sql.codegen.hugeMethodLimit", 8000)
    spark.conf.set(
        "spark.sql.inMemoryColumnarStorage.compressed", "false"
    )  # kept once, read five times: compressing costs more than it saves
    model, run_id, processed = arguments["model"], arguments["run"], arguments["processed_bucket"]
    contract = load(storage.read_text(arguments["contract"]))
    report_uri = storage.uri(processed, f"{model}/reports/run={run_id}/validation.json")
    report: dict[str, Any] = {
        "schema": 1,
        "model": model,
        "run": run_id,
        "contract": arguments["contract"],
        "source": {"uri": arguments["input"], "version": arguments["version_id"]},
        "maximum_rejected_fraction": float(arguments["maximum_rejected_fraction"]),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        **dict.fromkeys(("rows", "accepted", "quarantined")),
        "reasons": {},
        "columns": {},
        "failures": [],
    }
    name = arguments["input"].rsplit("/", 1)[-1]
    source = storage.pinned(arguments["input"], arguments["version_id"], storage.uri(processed, f"{model}/temporary/run={run_id}/{name}"))
    try:
        header = decisions.header_of(storage.first_line(source), contract)
    except (ContractError, ValueError) as error:
        storage.write_json(report_uri, report | {"failures": [str(error)]})
        raise DataRejected(f"{arguments['input']}: {error}") from error

    checked, kept = check(read(spark, source, header), contract, header)
    try:
        figures = measure(checked, contract, header)
        report |= figures.report
        write(checked.withColumn(ROW, row_number(figures.blocks)), header, arguments, report)
    finally:
        for table in kept:
            table.unpersist()
    report["failures"] = decisions.failures(contract, report["rows"], report["quarantined"], report["maximum_rejected_fraction"])
    storage.write_json(report_uri, report)
    if report["failures"]:
        raise DataRejected(f"{arguments['input']}: {decisions.explain(report['failures'], report['reasons'], report_uri)}")
    return report


def read(spark: SparkSession, source: str, header: Sequence[str]) -> DataFrame:
    """The file's rows as texts; `_record` holds the whole line of a row of another width than the header, `_local` the order of rows."""
    schema = StructType([StructField(name, StringType()) for name in (*header, CORRUPT)])
    rows = spark.read.csv(source, schema=schema, header=True, mode="PERMISSIVE", columnNameOfCorruptRecord=CORRUPT, escape='"')
    return rows.withColumn(LOCAL, F.monotonically_increasing_id())


def check(rows: DataFrame, contract: Contract, header: Sequence[str]) -> tuple[DataFrame, list[DataFrame]]:
    """Adds `_why`: column checks, then freshness, then uniqueness among rows that pass everything else (the first is kept).

    Also returns the tables that are kept in memory (or spilt to disk) so that the file is read and checked once.
    """
    typed = rows.select("*", *[expressions.typed(contract.column(name)).alias(expressions.typed_name(name)) for name in header])
    checked = typed.withColumn(WHY, expressions.reasons(contract, header, CORRUPT)).select(*header, CORRUPT, LOCAL, WHY)
    checked = checked.persist(StorageLevel.MEMORY_AND_DISK)
    kept = [checked]
    if contract.freshness and contract.time_column:
        checked = with_freshness(checked, contract)
    for name in header:
        if contract.column(name).unique:
            repeated = repeated_keys(checked, name).persist(StorageLevel.MEMORY_AND_DISK)
            kept.append(repeated)
            if keys := repeated.count():  # most files have none: no join
                checked = with_unique(
                    checked, F.broadcast(repeated) if keys <= BROADCAST_KEYS else repeated, name, contract.column(name).reason("unique")
                )
    return checked, kept


def accepted() -> Expression:
    return F.col(WHY) == ""


def with_freshness(checked: DataFrame, contract: Contract) -> DataFrame:
    """Adds the reasons of rows that are too old, or later than the date the data is judged at."""
    assert contract.freshness and contract.time_column
    column = contract.column(contract.time_column)
    moment = expressions.typed(column)
    if contract.freshness.as_of is not None:
        as_of = expressions.literal(contract.freshness.as_of, "timestamp")
    else:
        newest = checked.where(accepted()).agg(F.max(moment).cast("string")).head()
        as_of = F.lit(newest[0] if newest else None).cast("timestamp")
    oldest = as_of - F.expr(f"INTERVAL {contract.freshness.maximum_age_days} DAYS")
    found = F.when(moment > as_of, F.lit(column.reason("future"))).when(moment < oldest, F.lit(column.reason("stale")))
    joined = F.concat_ws(expressions.SEPARATOR, F.when(F.col(WHY) != "", F.col(WHY)), found)
    return checked.withColumn(WHY, F.when(F.col(CORRUPT).isNull(), joined).otherwise(F.col(WHY)))


def repeated_keys(checked: DataFrame, name: str) -> DataFrame:
    """Values that more than one acceptable row has, with the first of these rows."""
    return (
        checked.where(accepted() & F.col(name).isNotNull())
        .groupBy(F.col(name).alias("_key"))
        .agg(F.min(LOCAL).alias("_first"), F.count("*").alias("_count"))
        .where("_count > 1")
        .drop("_count")
    )


def with_unique(checked: DataFrame, repeated: DataFrame, name: str, reason: str) -> DataFrame:
    """Adds the reason of acceptable rows whose value another row has before them."""
    joined = checked.join(repeated, checked[name] == repeated["_key"], "left")
    later = accepted() & (F.col(LOCAL) > F.col("_first"))
    return joined.withColumn(WHY, F.when(later, F.lit(reason)).otherwise(F.col(WHY))).drop("_key", "_first")


def row_number(blocks: Mapping[int, int]) -> Expression:
    """The number of each row in its file, the header being 1, from the rows of Spark's partitions."""
    offsets, total = {}, 2
    for block, rows in sorted(blocks.items()):
        offsets[block] = total
        total += rows
    return expressions.lookup(offsets, F.shiftright(LOCAL, 33)) + F.col(LOCAL).bitwiseAND((1 << 33) - 1)


@dataclass(frozen=True)
class Figures:
    """The counted part of a report, and the rows of each of Spark's partitions."""

    report: dict[str, Any]
    blocks: dict[int, int]


def measure(checked: DataFrame, contract: Contract, header: Sequence[str]) -> Figures:
    """Counts and, of the accepted rows, each column's figures, in one pass; reasons in a second one over rejected rows."""
    typed = checked.select(
        WHY,
        LOCAL,
        *[F.when(accepted(), expressions.converted(contract.column(name))).alias(f"v{index}") for index, name in enumerate(header)],
    )
    wanted = [F.count("*").alias("rows"), F.count(F.when(accepted(), 1)).alias("accepted")]
    for index, name in enumerate(header):
        value, kind = F.col(f"v{index}"), contract.column(name).type
        wanted.append(F.count(value).alias(f"present{index}"))
        if kind not in ("string", "boolean"):  # texts have no useful order, and would make Spark sort all rows to find it
            low, high = (each.cast("string") if kind == "timestamp" else each for each in (F.min(value), F.max(value)))
            wanted += [low.alias(f"minimum{index}"), high.alias(f"maximum{index}")]
        if kind in ("integer", "number"):
            wanted.append(F.sum(value.cast("double")).alias(f"sum{index}"))
    parts = [row.asDict() for row in typed.groupBy(F.shiftright(LOCAL, 33).alias("block")).agg(*wanted).collect()]
    rows, taken = (sum(part[key] for part in parts) for key in ("rows", "accepted"))
    reasons: dict[str, int] = {}
    if taken < rows:
        each = checked.where(~accepted()).select(F.explode(F.split(WHY, expressions.SEPARATOR)).alias("reason"))
        reasons = {row["reason"]: row["count"] for row in sorted(each.groupBy("reason").count().collect())}
    columns = {name: decisions.column_figures(parts, index, taken) for index, name in enumerate(header)}
    report = {"rows": rows, "accepted": taken, "quarantined": rows - taken, "reasons": reasons, "columns": columns}
    return Figures(report, {part["block"]: part["rows"] for part in parts})


def write(rows: DataFrame, header: Sequence[str], arguments: Mapping[str, str], report: Mapping[str, Any]) -> None:
    """Accepted rows as Parquet, rejected ones as JSON; in few files, in file order."""
    passed = rows.where(accepted()).select(*header, ROW)
    target = storage.uri(arguments["processed_bucket"], f"{arguments['model']}/validated/run={arguments['run']}/")
    passed.coalesce(1 + report["accepted"] // ROWS_A_FILE).write.mode("overwrite").parquet(target)
    rejected = rows.where(~accepted()).select(*header, CORRUPT, ROW, F.split(WHY, expressions.SEPARATOR).alias("_reasons")).orderBy(ROW)
    target = storage.uri(arguments["quarantine_bucket"], f"{arguments['model']}/run={arguments['run']}/")
    rejected.coalesce(1 + report["quarantined"] // ROWS_A_FILE).write.mode("overwrite").json(target)


def main() -> None:
    from awsglue.utils import getResolvedOptions

    arguments = getResolvedOptions(sys.argv, ARGUMENTS)
    source = {"source": arguments["input"], "source_version": arguments["version_id"]}
    print(logs.line("validate", arguments["run"], "validation started", **source), flush=True)
    try:
        report = run(SparkSession.builder.getOrCreate(), arguments)  # type: ignore[attr-defined]
    except Exception as error:
        print(logs.line("validate", arguments["run"], f"{type(error).__name__}: {error}", "ERROR", **source), flush=True)
        raise
    counts = {key: report[key] for key in ("rows", "accepted", "quarantined")}
    print(logs.line("validate", arguments["run"], "file validated", **source, **counts))


if __name__ == "__main__":
    main()
