"""Why a run failed is told in words, and wrong input to a prediction is told before anything is sent."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mlops.errors import UserError
from mlops.operations.failures import explain, text
from mlops.operations.ingest import require_file
from mlops.operations.models import METRIC
from mlops.operations.predictions import read_instances
from mlops.report.terminal import fitting

GLUE_RUN = {
    "Id": "jr_1",
    "JobName": "validate",
    "Arguments": {"--run": "1"},
    "ErrorMessage": "Error Category: UNCLASSIFIED_ERROR; Failed Line Number: 77; DataRejected: s3://raw/x.csv: rows: expected 100, got 0",
}


def test_a_failed_glue_job_is_told_by_its_own_message_and_run() -> None:
    cause = json.dumps({"Error": "States.TaskFailed", "Cause": json.dumps(GLUE_RUN)})
    assert explain("DataPipelineFailed", cause) == {
        "code": "DataRejected",
        "message": "s3://raw/x.csv: rows: expected 100, got 0",
        "where": "Glue job validate, run jr_1",
    }


def test_a_failed_function_is_told_by_its_exception() -> None:
    cause = json.dumps({"errorMessage": "no manifest", "errorType": "ValueError", "stackTrace": []})
    assert explain("Lambda.Unknown", cause) == {"code": "ValueError", "message": "no manifest", "where": ""}


def test_a_failed_training_job_is_told_by_its_reason() -> None:
    cause = json.dumps({"TrainingJobName": "flights-1", "FailureReason": "AlgorithmError: exit code 1"})
    assert text("SageMaker.TrainingFailed", cause) == "AlgorithmError: exit code 1 (SageMaker flights-1)"


@pytest.mark.parametrize("cause", ["it timed out", '["a list"]', '{"other": 1}', ""])
def test_a_cause_of_another_form_comes_back_as_it_is(cause: str) -> None:
    assert explain("States.Timeout", cause) == {"code": "States.Timeout", "message": cause, "where": ""}


def test_what_did_not_fail_has_no_text() -> None:
    assert text("", "") == ""


@pytest.mark.parametrize(
    ("source", "code", "named"),
    [
        ("flights.txt", "bad-source", "flights.txt"),
        ("missing.json", "no-file", "none"),
        ('{"a"', "bad-json", "line 1, column 5"),
        ("[1]", "bad-json", "objects"),
        ('{"instances": 3}', "bad-json", "objects"),
    ],
)
def test_wrong_instances_are_refused_by_name(source: str, code: str, named: str) -> None:
    with pytest.raises(UserError) as raised:
        read_instances(source)
    assert (raised.value.code, named in raised.value.message) == (code, True), raised.value
    assert raised.value.hint


def test_a_json_file_that_is_no_text_is_refused_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "instances.json"
    file.write_bytes(b'{"a": "\xff"}')
    with pytest.raises(UserError, match="at byte 7") as raised:
        read_instances(str(file))
    assert raised.value.where == str(file)


@pytest.mark.parametrize("source", ['{"a": 1}', '[{"a": 1}]', ' {"instances": [{"a": 1}]}'])
def test_instances_come_as_object_list_or_request(source: str) -> None:
    assert read_instances(source) == [{"a": 1}]


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=re.escape("found a folder")):
        require_file(tmp_path)


def test_metrics_that_are_no_numbers_are_passed_over() -> None:
    assert METRIC.findall("auc=0.71 rows=12 loss=1e-3 note=good =5 x=") == [("auc", "0.71"), ("rows", "12"), ("loss", "1e-3")]


def test_as_many_rules_are_named_as_have_room() -> None:
    names = ["alpha", "beta", "gamma"]
    assert fitting(names, 80) == "alpha, beta, gamma"
    assert fitting(names, 15) == "alpha, beta +1"
    assert fitting(names, 3) == "alpha +2"
