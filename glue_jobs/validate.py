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
from datetime import UTC, datetime
from typing import Any

from platform_common.contract import Contract, ContractError, load
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.types import StringType, StructField, StructType

from glue_jobs import decisions, expressions, storage
from glue_jobs.decisions import DataRejected

ARGUMENTS = ["model", "run", "input", "version_id", "contract", "processed_bucket", "quarantine_bucket", "maximum_rejected_fraction"]
CORRUPT, LOCAL, REASONS, ROW = "_record", "_local", "_reasons", "_row"
MILLIONS_A_FILE = 1_000_000


def run(spark: SparkSession, arguments: Mapping[str, str]) -> dict[str, Any]:
    """Validates one file; returns the report. DataRejected when the file is not acceptable."""
    spark.conf.set("spark.sql.session.timeZone", "UTC")
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

    checked = check(read(spark, source, header), contract, header).persist()
    try:
        report |= measure(checked, contract, header)
        rows = checked.withColumn(ROW, row_number(checked))
        write(rows, header, arguments, report)
    finally:
        checked.unpersist()
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


def check(rows: DataFrame, contract: Contract, header: Sequence[str]) -> DataFrame:
    """Adds `_reasons`: column checks, then freshness, then uniqueness among rows that pass everything else (the first is kept)."""
    checked = rows.withColumn(REASONS, expressions.reasons(contract, header, CORRUPT))
    if contract.freshness and contract.time_column:
        checked = with_freshness(checked, contract)
    for name in header:
        if contract.column(name).unique:
            checked = with_unique(checked, name, contract.column(name).reason("unique"))
    return checked


def with_freshness(checked: DataFrame, contract: Contract) -> DataFrame:
    """Adds the reasons of rows that are too old, or later than the date the data is judged at."""
    assert contract.freshness and contract.time_column
    column = contract.column(contract.time_column)
    moment = expressions.typed(column)
    if contract.freshness.as_of is not None:
        as_of = expressions.literal(contract.freshness.as_of, "timestamp")
    else:
        newest = checked.where(F.size(REASONS) == 0).agg(F.max(moment).cast("string")).head()
        as_of = F.lit(newest[0] if newest else None).cast("timestamp")
    oldest = as_of - F.expr(f"INTERVAL {contract.freshness.maximum_age_days} DAYS")
    found = F.when(moment > as_of, F.lit(column.reason("future"))).when(moment < oldest, F.lit(column.reason("stale")))
    fresh = F.when(F.col(CORRUPT).isNull() & found.isNotNull(), F.array_append(REASONS, found)).otherwise(F.col(REASONS))
    return checked.withColumn(REASONS, fresh)


def with_unique(checked: DataFrame, name: str, reason: str) -> DataFrame:
    """Adds the reason of rows whose value another row has before them. Only keys that occur twice are joined."""
    repeated = (
        checked.where((F.size(REASONS) == 0) & F.col(name).isNotNull())
        .groupBy(F.col(name).alias("_key"))
        .agg(F.min(LOCAL).alias("_first"), F.count("*").alias("_count"))
        .where("_count > 1")
        .drop("_count")
    )
    joined = checked.join(F.broadcast(repeated), checked[name] == repeated["_key"], "left")
    later = (F.size(REASONS) == 0) & (F.col(LOCAL) > F.col("_first"))
    return joined.withColumn(REASONS, F.when(later, F.array(F.lit(reason))).otherwise(F.col(REASONS))).drop("_key", "_first")


def row_number(checked: DataFrame) -> Any:
    """The number of each row in its file, the header being 1, from Spark's partition and position."""
    block = F.shiftright(LOCAL, 33)
    offsets, total = {}, 2
    for part, rows in sorted((row[0], row[1]) for row in checked.groupBy(block).count().collect()):
        offsets[part] = total
        total += rows
    return expressions.lookup(offsets, block) + F.col(LOCAL).bitwiseAND((1 << 33) - 1)


def measure(checked: DataFrame, contract: Contract, header: Sequence[str]) -> dict[str, Any]:
    """Counts and, of the accepted rows, each column's figures."""
    accepted = F.size(REASONS) == 0
    figures = [F.count("*").alias("rows"), F.count(F.when(accepted, 1)).alias("accepted")]
    for index, name in enumerate(header):
        value = F.when(accepted, expressions.typed(contract.column(name)))
        figures += [F.count(value).alias(f"present_{index}"), F.min(value).cast("string").alias(f"minimum_{index}")]
        figures += [F.max(value).cast("string").alias(f"maximum_{index}")]
        if contract.column(name).type in ("integer", "number"):
            figures.append(F.avg(value).alias(f"mean_{index}"))
    row = checked.agg(*figures).first()
    assert row is not None  # an aggregate over everything is always one row
    counts = row.asDict()
    columns = {
        name: {
            "missing": counts["accepted"] - counts[f"present_{index}"],
            "minimum": counts[f"minimum_{index}"],
            "maximum": counts[f"maximum_{index}"],
        }
        | ({"mean": counts[f"mean_{index}"]} if f"mean_{index}" in counts else {})
        for index, name in enumerate(header)
    }
    quarantined = counts["rows"] - counts["accepted"]
    reasons = checked.where(~accepted).select(F.explode(REASONS).alias("reason")).groupBy("reason").count().collect() if quarantined else []
    return {
        "rows": counts["rows"],
        "accepted": counts["accepted"],
        "quarantined": quarantined,
        "reasons": {row["reason"]: row["count"] for row in sorted(reasons)},
        "columns": columns,
    }


def write(rows: DataFrame, header: Sequence[str], arguments: Mapping[str, str], report: Mapping[str, Any]) -> None:
    """Accepted rows as Parquet, rejected ones as JSON; in few files, in file order."""
    accepted = rows.where(F.size(REASONS) == 0).select(*header, ROW)
    target = storage.uri(arguments["processed_bucket"], f"{arguments['model']}/validated/run={arguments['run']}/")
    files = 1 + report["accepted"] // MILLIONS_A_FILE
    accepted.coalesce(files).write.mode("overwrite").parquet(target)
    rejected = rows.where(F.size(REASONS) > 0).select(*header, CORRUPT, ROW, REASONS).orderBy(ROW)
    target = storage.uri(arguments["quarantine_bucket"], f"{arguments['model']}/run={arguments['run']}/")
    rejected.coalesce(1 + report["quarantined"] // MILLIONS_A_FILE).write.mode("overwrite").json(target)


def main() -> None:
    from awsglue.utils import getResolvedOptions

    arguments = getResolvedOptions(sys.argv, ARGUMENTS)
    report = run(SparkSession.builder.getOrCreate(), arguments)  # type: ignore[attr-defined]
    print(f"{report['rows']} rows: {report['accepted']} accepted, {report['quarantined']} quarantined")


if __name__ == "__main__":
    main()
