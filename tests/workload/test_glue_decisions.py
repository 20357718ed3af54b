"""What the data pipeline decides, without Spark."""

from __future__ import annotations

from pathlib import Path

import pytest
from platform_common.contract import Contract, ContractError

from glue_jobs import storage
from glue_jobs.decisions import RowsLost, check_nothing_lost, column_figures, explain, failures, header_of, manifest


def test_header_line_is_read_as_csv(breast_cancer: Contract) -> None:
    names = [column.name for column in breast_cancer.columns]
    assert header_of(",".join(f'"{name}"' for name in names), breast_cancer) == names


@pytest.mark.parametrize(("line", "words"), [("", "got an empty line"), ("a;b;c", "unknown column 'a;b;c'")])
def test_header_that_is_none_is_refused(flights: Contract, line: str, words: str) -> None:
    with pytest.raises(ContractError, match=words):
        header_of(line, flights)


@pytest.mark.spec("P1c")
def test_file_fails_above_the_threshold_and_not_at_it(flights: Contract) -> None:
    assert failures(flights, 1000, 100, 0.1) == []
    assert failures(flights, 1000, 101, 0.1) == ["quarantined: expected at most 10.00% of the rows, got 10.10% (101 of 1000)"]


def test_file_with_too_few_rows_fails(flights: Contract) -> None:
    assert failures(flights, 99, 0, 0.1) == ["rows: expected 100 to 5000000, got 99"]


def test_message_names_the_most_frequent_reasons_and_the_report() -> None:
    text = explain(["quarantined: …"], {"a": 1, "b": 5, "c": 3, "d": 2}, "s3://p/report.json")
    assert "b (5), c (3), d (2)" in text and "a (1)" not in text and text.endswith("See s3://p/report.json")


@pytest.mark.spec("P1d")
def test_lost_row_stops_the_run() -> None:
    with pytest.raises(RowsLost, match="10 rows in, 7 accepted \\+ 2 quarantined out, 1 lost"):
        check_nothing_lost(10, 7, 2, "run r")


def report(rows: int, quarantined: int) -> dict[str, object]:
    return {"source": {"uri": "s3://raw/x.csv", "version": "v"}, "rows": rows, "quarantined": quarantined}


@pytest.mark.spec("P1d")
def test_manifest_is_refused_when_written_rows_do_not_add_up() -> None:
    partitions = [{"value": "2013-01-02", "rows": 3}, {"value": "2013-01-01", "rows": 4}]
    common = {"model": "m", "run": "r", "contract": "c", "partitions": partitions, "features_prefix": "f", "created": "now"}
    good = manifest(report=report(9, 2), **common)  # type: ignore[arg-type]
    assert good["accepted"] == 7 and [each["value"] for each in good["partitions"]] == ["2013-01-01", "2013-01-02"]
    with pytest.raises(RowsLost):
        manifest(report=report(10, 2), **common)  # type: ignore[arg-type]


def test_column_figures_are_those_of_all_parts_together() -> None:
    parts = [
        {"present0": 2, "minimum0": 1.0, "maximum0": 5.0, "sum0": 6.0},
        {"present0": 1, "minimum0": -3.0, "maximum0": -3.0, "sum0": -3.0},
        {"present0": 0, "minimum0": None, "maximum0": None, "sum0": None},
    ]
    assert column_figures(parts, 0, 4) == {"missing": 1, "minimum": -3.0, "maximum": 5.0, "mean": 1.0}


def test_first_line_ends_at_the_first_line_end_whatever_its_form(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("\ufeffa,b\r\n1,2\r\n".encode())
    (tmp_path / "empty.csv").write_bytes(b"")
    assert storage.first_line(str(tmp_path / "a.csv")) == "a,b"
    assert storage.first_line(str(tmp_path / "empty.csv")) == ""


def test_binary_file_is_no_header(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00\n")
    (tmp_path / "long.csv").write_bytes(b"x" * 100_000)
    with pytest.raises(ValueError, match="UTF-8"):
        storage.first_line(str(tmp_path / "x.csv"))
    with pytest.raises(ValueError, match="is this a CSV file"):
        storage.first_line(str(tmp_path / "long.csv"))


def test_older_object_version_is_copied_before_it_is_read(aws: None) -> None:
    import boto3

    s3 = boto3.client("s3")
    for bucket in ("raw", "processed"):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_bucket_versioning(Bucket="raw", VersioningConfiguration={"Status": "Enabled"})
    old = s3.put_object(Bucket="raw", Key="a.csv", Body=b"old\n")["VersionId"]
    new = s3.put_object(Bucket="raw", Key="a.csv", Body=b"new\n")["VersionId"]
    assert storage.pinned("s3://raw/a.csv", new, "s3://processed/t/a.csv") == "s3://raw/a.csv"
    copy = storage.pinned("s3://raw/a.csv", old, "s3://processed/t/a.csv")
    assert copy == "s3://processed/t/a.csv" and storage.first_line(copy) == "old"
    storage.write_json("s3://processed/x.json", {"a": 1})
    assert storage.read_text("s3://processed/x.json") == '{\n "a": 1\n}\n'
