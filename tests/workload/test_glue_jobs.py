"""The Glue jobs in Spark on small real files: nothing lost, the same verdicts as for single rows."""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow.parquet as pq
import pytest
from platform_common.contract import Contract
from platform_common.rows import RowChecker

from glue_jobs import preprocess, validate
from glue_jobs.decisions import DataRejected, RowsLost
from mlops.data import breast_cancer as samples
from mlops.data import flights as data
from mlops.sandbox import ml as sandbox

pytestmark = pytest.mark.spark


class Lake:
    """Buckets as directories, and the arguments of a run."""

    def __init__(self, folder: Path, contract: Path, model: str) -> None:
        self.folder, self.contract, self.model = folder, contract, model

    def arguments(self, file: Path, threshold: str = "0.1") -> dict[str, str]:
        return {
            "model": self.model,
            "run": file.stem,
            "input": str(file),
            "version_id": "null",
            "contract": str(self.contract),
            "processed_bucket": str(self.folder / "processed"),
            "quarantine_bucket": str(self.folder / "quarantine"),
            "maximum_rejected_fraction": threshold,
        }

    def prepare(self, spark: Any, file: Path) -> dict[str, Any]:
        validated = str(self.folder / "processed" / self.model / "validated" / f"run={file.stem}") + "/"
        return preprocess.run(spark, self.arguments(file) | {"input": validated, "source": str(file)})

    def quarantine(self, file: Path) -> list[dict[str, Any]]:
        files = sorted((self.folder / "quarantine" / self.model / f"run={file.stem}").glob("*.json"))
        return [json.loads(line) for each in files for line in each.read_text().splitlines()]

    def report(self, file: Path) -> dict[str, Any]:
        return json.loads((self.folder / "processed" / self.model / "reports" / f"run={file.stem}" / "validation.json").read_text())


@pytest.fixture
def lake(tmp_path: Path, contract_files: dict[str, Path]) -> Lake:
    return Lake(tmp_path / "lake", contract_files["flights"], "flights")


def january(folder: Path, rows: int, broken: int) -> Path:
    """The first days of January with rows broken on purpose."""
    whole = data.write_month(folder / "whole", 1).read_text().splitlines()
    data._break(lines := whole[: rows + 1], data.COLUMNS, broken)
    file = folder / "january.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.mark.spec("P1c", "P1d", "PERF-5d", "SUS-3d")
def test_every_row_is_accepted_or_quarantined_with_the_reasons_single_rows_get(
    spark: Any, lake: Lake, tmp_path: Path, flights: Contract
) -> None:
    file = january(tmp_path, 3000, 40)
    report = validate.run(spark, lake.arguments(file))

    with file.open(newline="") as text:
        reader = csv.reader(text)
        checker = RowChecker(flights, next(reader))
        expected = {number: reasons for number, row in enumerate(reader, start=2) if (reasons := checker.reasons(row))}
    found = {row["_row"]: row["_reasons"] for row in lake.quarantine(file)}
    assert found == expected
    assert report["rows"] == 3000 == report["accepted"] + report["quarantined"] and report["quarantined"] == len(expected)
    assert report["reasons"] == dict(Counter(reason for reasons in expected.values() for reason in reasons))
    assert report == lake.report(file) and report["failures"] == []

    manifest = lake.prepare(spark, file)
    assert manifest["accepted"] == report["accepted"] and manifest["rows"] == 3000
    assert [each["value"] for each in manifest["partitions"]] == ["2013-01-01", "2013-01-02", "2013-01-03", "2013-01-04"]
    assert all(len(each["files"]) == 1 for each in manifest["partitions"])

    table = pq.read_table(manifest["partitions"][1]["files"][0], partitioning=None).to_pandas()
    assert list(table.scheduled_departure) == sorted(table.scheduled_departure)
    assert (table.hour == table.scheduled_departure.dt.hour).all() and (table.weekday == 2).all()  # a Wednesday
    assert (table.minute_of_day == table.scheduled_departure.dt.hour * 60 + table.scheduled_departure.dt.minute).all()
    assert str(table.distance.dtype) == "int64" and str(table.temp.dtype) == "float64"


@pytest.mark.spec("P1c")
def test_file_above_the_threshold_fails_after_report_and_quarantine_are_written(spark: Any, lake: Lake, tmp_path: Path) -> None:
    file = january(tmp_path, 300, 60)
    with pytest.raises(DataRejected, match=r"expected at most 10\.00% of the rows"):
        validate.run(spark, lake.arguments(file))
    report = lake.report(file)
    assert report["failures"] and len(lake.quarantine(file)) == report["quarantined"] >= 60


def test_wrong_header_fails_by_name_and_leaves_a_report(spark: Any, lake: Lake, tmp_path: Path) -> None:
    file = tmp_path / "wrong.csv"
    file.write_text("flight_id,when\n1,2\n")
    with pytest.raises(DataRejected, match="unknown column 'when'"):
        validate.run(spark, lake.arguments(file))
    assert "missing column" in lake.report(file)["failures"][0]


@pytest.mark.spec("P1a")
def test_second_run_of_the_same_version_writes_the_same_rows(spark: Any, lake: Lake, tmp_path: Path) -> None:
    file = january(tmp_path, 400, 8)
    first, second = (validate.run(spark, lake.arguments(file)) for _ in range(2))
    assert {**first, "created": ""} == {**second, "created": ""}
    assert len(lake.quarantine(file)) == first["quarantined"]


def test_preprocess_stops_when_a_validated_row_is_gone(spark: Any, lake: Lake, tmp_path: Path) -> None:
    file = january(tmp_path, 300, 4)
    validate.run(spark, lake.arguments(file))
    report = lake.folder / "processed" / "flights" / "reports" / f"run={file.stem}" / "validation.json"
    document = json.loads(report.read_text())
    report.write_text(json.dumps(document | {"rows": document["rows"] + 1}))
    with pytest.raises(RowsLost, match="1 lost"):
        lake.prepare(spark, file)
    assert not (lake.folder / "processed" / "flights" / "manifests").exists()


def test_stale_and_future_rows_are_quarantined(spark: Any, tmp_path: Path, contract_files: dict[str, Path]) -> None:
    contract = json.loads(contract_files["flights"].read_text())
    contract["freshness"] = {"as_of": "2013-01-02 12:00:00", "maximum_age_days": 1}
    changed = tmp_path / "fresh.json"
    changed.write_text(json.dumps(contract))
    lake, file = Lake(tmp_path / "lake", changed, "flights"), january(tmp_path, 1900, 0)
    report = validate.run(spark, lake.arguments(file, "1"))
    assert report["reasons"]["scheduled_departure: later than the date the data is judged at"] > 100
    assert report["reasons"]["scheduled_departure: older than the contract's maximum age"] > 100


def test_data_without_a_time_column_goes_to_hash_buckets(spark: Any, tmp_path: Path, contract_files: dict[str, Path]) -> None:
    lake, file = Lake(tmp_path / "lake", contract_files["breast_cancer"], "breast_cancer"), samples.write(tmp_path / "all.csv")
    assert validate.run(spark, lake.arguments(file))["accepted"] == samples.ALL_SAMPLES
    manifest = lake.prepare(spark, file)
    assert [each["value"] for each in manifest["partitions"]] == [f"{number:02}" for number in range(16)]
    assert sum(each["rows"] for each in manifest["partitions"]) == samples.ALL_SAMPLES


def test_values_at_the_edges_of_types_get_the_same_verdict_in_spark_and_python(
    spark: Any, lake: Lake, tmp_path: Path, flights: Contract, flight: dict[str, str]
) -> None:
    numbers = [
        "",
        "1",
        "+1",
        "-0",
        "1.",
        ".5",
        "1e2",
        "1E-5",
        "1e400",
        "nan",
        "inf",
        " 1",
        "1 ",
        "1_0",
        "0x1",
        "١",
        "1d",
        "1,0",
        "--1",
        "9" * 40,
    ]
    times = ["2013-07-01T05:00", "2013-07-01 05:00:00", "2013-07-01", "2013-02-29 00:00:00", "0000-01-01 00:00:00", "2013-07-01 24:00:00",
             "2013-07-01 05:60:00", "2013-07-01 05:00:00Z", "2013-7-1 05:00:00", "2013-12-31 23:59:59"]  # fmt: skip
    changes = (
        [{"temp": text} for text in numbers] + [{"distance": text} for text in numbers] + [{"scheduled_departure": text} for text in times]
    )
    file = tmp_path / "edges.csv"
    with file.open("w", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(flight)
        rows = [list((flight | change | {"flight_id": f"20130701-US-{number}-EWR"}).values()) for number, change in enumerate(changes)]
        writer.writerows(rows + [list((flight | {"flight_id": f"20130701-US-{number}-JFK"}).values()) for number in range(100)])
    validate.run(spark, lake.arguments(file, "1"))
    checker = RowChecker(flights, list(flight))
    expected = {number: reasons for number, row in enumerate(rows, start=2) if (reasons := checker.reasons(row))}
    assert {row["_row"]: row["_reasons"] for row in lake.quarantine(file)} == expected


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Callable[[ModuleType, dict[str, str]], None]:
    """Runs a job's `main` as Glue does: with its arguments on the command line and `awsglue` to read them."""
    monkeypatch.syspath_prepend(str(Path(sandbox.__file__).parent / "awsglue_shim"))

    def run(job: ModuleType, arguments: dict[str, str]) -> None:
        monkeypatch.setattr(sys, "argv", ["job.py", *(part for name, value in arguments.items() for part in (f"--{name}", value))])
        job.main()

    return run


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]


@pytest.mark.spec("OPS-3a")
def test_a_job_says_on_lines_of_its_run_what_came_and_what_went(
    spark: Any, lake: Lake, tmp_path: Path, start: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    file = january(tmp_path, 300, 4)
    start(validate, lake.arguments(file))
    prepared = {"input": str(tmp_path / "lake/processed/flights/validated/run=january") + "/", "source": str(file)}
    start(preprocess, lake.arguments(file) | prepared)
    told = lines(capsys)
    assert [(line["service"], line["message"]) for line in told] == [
        ("validate", "validation started"),
        ("validate", "file validated"),
        ("preprocess", "features written"),
    ]
    assert {line["correlation_id"] for line in told} == {"january"} and {line["source"] for line in told} == {str(file)}
    assert all(line["rows"] == 300 == line["accepted"] + line["quarantined"] for line in told[1:])


def test_a_job_that_fails_says_why_on_a_line_of_its_run_and_fails(
    spark: Any, lake: Lake, tmp_path: Path, start: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "latin.csv"
    file.write_bytes(b"flight_id,gr\xfc\xdfe\n")
    with pytest.raises(DataRejected, match="^[^:]*latin.csv: expected UTF-8 text"):
        start(validate, lake.arguments(file))
    other = january(tmp_path, 100, 0)
    start(validate, lake.arguments(other))
    with pytest.raises(ValueError, match="argument source: expected .*january.csv as in the validation report"):
        start(preprocess, lake.arguments(other) | {"source": "other.csv"})
    failures = [line for line in lines(capsys) if line["level"] == "ERROR"]
    assert [(line["service"], line["correlation_id"], line["message"].partition(":")[0]) for line in failures] == [
        ("validate", "latin", "DataRejected"),
        ("preprocess", "january", "ValueError"),
    ]
