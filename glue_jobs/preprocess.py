"""Glue job `preprocess`: accepted rows to typed features, partitioned Parquet, and the run's manifest.

Arguments: --model --run --contract (URI) --processed_bucket --input (validated prefix) --source (URI of the raw object).
Writes `<model>/features/run=<run>/date=YYYY-MM-DD/` (`bucket=NN` without a time column), one file a partition, sorted by time and id.
The manifest `<model>/manifests/<run>.json` is written last, from the rows that were read back, and only when
rows in = rows out + rows quarantined: a manifest that exists describes data that is there.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from json import loads
from typing import Any

from platform_common.contract import Contract, load
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from glue_jobs import decisions, expressions, logs, storage

ARGUMENTS = ["model", "run", "contract", "processed_bucket", "input", "source"]


def run(spark: SparkSession, arguments: Mapping[str, str]) -> dict[str, Any]:
    """Prepares one run's rows; returns the manifest. RowsLost when rows in are not rows out plus rows quarantined."""
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    spark.conf.set("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
    spark.conf.set("spark.sql.codegen.hugeMethodLimit", 8000)  # see validate
    model, run_id, processed = arguments["model"], arguments["run"], arguments["processed_bucket"]
    contract = load(storage.read_text(arguments["contract"]))
    report = loads(storage.read_text(storage.uri(processed, f"{model}/reports/run={run_id}/validation.json")))
    if report["source"]["uri"] != arguments["source"]:
        raise ValueError(f"argument source: expected {report['source']['uri']} as in the validation report, got {arguments['source']}")

    features = storage.uri(processed, f"{model}/features/run={run_id}/")
    name, value = expressions.partition(contract)
    rows = prepare(spark.read.parquet(arguments["input"]), contract).withColumn(name, value)
    order = [name, *(key for key in (contract.time_column, contract.id_column) if key), "_row"]
    rows.repartition(name).sortWithinPartitions(*order).drop("_row").write.mode("overwrite").partitionBy(name).parquet(features)

    document = decisions.manifest(
        model=model,
        run=run_id,
        contract=arguments["contract"],
        report=report,
        partitions=written(spark, features, name),
        features_prefix=features,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    storage.write_json(storage.uri(processed, f"{model}/manifests/{run_id}.json"), document)
    return document


def prepare(rows: DataFrame, contract: Contract) -> DataFrame:
    """Typed columns in the contract's order, derived features, `_row`."""
    typed = [expressions.typed(contract.column(column.name)).alias(column.name) for column in contract.columns]
    out = rows.select(*typed, "_row")
    for each in contract.derived:
        out = out.withColumn(each.name, expressions.derived(each))
    return out


def written(spark: SparkSession, features: str, name: str) -> list[dict[str, Any]]:
    """Each partition as it was written: its value, rows, location and files."""
    # Without inference a bucket stays "07" and a date stays a text.
    spark.conf.set("spark.sql.sources.partitionColumnTypeInference.enabled", "false")
    counted = spark.read.parquet(features).groupBy(name, F.input_file_name().alias("file")).count().collect()
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for row in counted:
        found[row[name]].append((row["file"].removeprefix("file://"), row["count"]))
    return [
        {
            "value": value,
            "rows": sum(rows for _, rows in files),
            "uri": f"{features}{name}={value}/",
            "files": sorted(file for file, _ in files),
        }
        for value, files in found.items()
    ]


def main() -> None:
    from awsglue.utils import getResolvedOptions

    arguments = getResolvedOptions(sys.argv, ARGUMENTS)
    try:
        document = run(SparkSession.builder.getOrCreate(), arguments)  # type: ignore[attr-defined]
    except Exception as error:
        print(
            logs.line("preprocess", arguments["run"], f"{type(error).__name__}: {error}", "ERROR", source=arguments["source"]), flush=True
        )
        raise
    counts = {key: document[key] for key in ("rows", "accepted", "quarantined")}
    message, partitions = "features written", len(document["partitions"])
    print(logs.line("preprocess", arguments["run"], message, "INFO", source=arguments["source"], partitions=partitions, **counts))


if __name__ == "__main__":
    main()
