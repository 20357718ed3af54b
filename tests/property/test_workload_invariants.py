"""Invariants of the workloads on generated data."""

from __future__ import annotations

import copy
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from platform_common.contract import ContractError, load, parse
from platform_common.rows import RowChecker, instance_errors
from platform_common.split import MINIMUM_PARTITIONS, split_by_time

from glue_jobs.decisions import RowsLost, manifest
from training import container
from training.baseline import sketch
from training.evaluation import auc
from training.train import cluster

pytestmark = pytest.mark.spec("REL-2b")
ROOT = Path(__file__).parents[2]
DOCUMENT = yaml.safe_load((ROOT / "contracts" / "flights.yaml").read_text())
CONTRACT = parse(DOCUMENT)
HEADER = [column.name for column in CONTRACT.columns if column.name != "late"]
GOOD = [
    "20130701-US-1431-EWR",
    "2013-07-01 05:00:00",
    "640",
    "US",
    "1431",
    "EWR",
    "CLT",
    "529",
    "75",
    "71",
    "87",
    "160",
    "3",
    "",
    "0",
    "1012",
    "10",
]


def module(function: str, name: str) -> ModuleType:
    """A function's pure module under a name of its own."""
    spec = importlib.util.spec_from_file_location(f"{function}_{name}", ROOT / "lambdas" / function / f"{name}.py")
    assert spec and spec.loader
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = loaded
    spec.loader.exec_module(loaded)
    return loaded


CHUNKS, DECIDE = module("batch_predict", "chunks"), module("training_trigger", "decide")

days = st.dates().map(lambda day: day.isoformat())
partitions = st.dictionaries(days, st.integers(0, 2000), min_size=MINIMUM_PARTITIONS, max_size=60)


@pytest.mark.spec("REL-2b", "P3b")
@given(partitions)
def test_split_is_disjoint_complete_and_ordered_in_time(rows: dict[str, int]) -> None:
    split = split_by_time(rows)
    assert [*split.train, *split.validation, *split.test] == sorted(rows)
    assert split.train and split.validation and split.test


@given(partitions)
def test_split_does_not_depend_on_the_order_files_came_in(rows: dict[str, int]) -> None:
    assert split_by_time(rows) == split_by_time(dict(reversed(rows.items())))


fields = st.one_of(
    st.text(st.characters(blacklist_characters="\n\r\x00", codec="utf-8"), max_size=8),
    st.sampled_from(["", "1", "-1", "999.9", '"', "a,b"]),
)
changes = st.lists(st.tuples(st.integers(0, len(GOOD) - 1), fields), max_size=3)
# Each row: changed fields, how it is broken in width, or nothing at all.
lines = st.lists(st.tuples(changes, st.sampled_from(["", ",x", "cut"])), max_size=40)


@pytest.mark.spec("REL-2b", "P4b")
@given(lines)
def test_every_line_of_a_batch_is_predicted_or_rejected_exactly_once(rows: list[tuple[list[tuple[int, str]], str]]) -> None:
    text = []
    for number, (changed, width) in enumerate(rows):
        values = list(GOOD)
        values[0] = f"20130701-US-{number}-EWR"
        for index, value in changed:
            values[index] = value
        line = ",".join(values)
        text.append(line[: len(line) // 2] if width == "cut" else line + width)
    where = CHUNKS.layout(CONTRACT, HEADER)
    made = list(CHUNKS.chunks((line + "\n" for line in text), CONTRACT, HEADER, where))
    numbers = [int(row.split(",", 1)[0]) for chunk in made for row in chunk.rows]
    rejected = [json.loads(line) for chunk in made for line in chunk.rejected]
    kept = [line for line in text if line.strip("\r\n")]
    assert sorted(numbers + [row["_row"] for row in rejected]) == list(range(2, 2 + len(kept)))
    assert numbers == sorted(numbers) and all(row["_reasons"] for row in rejected)
    for chunk in made:
        assert chunk.body.count(b"\n") == 1 + len(chunk.rows)


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.lists(st.integers(0, 500), min_size=1, max_size=20))
def test_manifest_exists_only_when_rows_in_are_rows_out_plus_quarantined(rows: int, quarantined: int, written: list[int]) -> None:
    report: dict[str, Any] = {"source": {"uri": "u", "version": "v"}, "rows": rows, "quarantined": quarantined}
    arguments: dict[str, Any] = {
        "model": "m",
        "run": "r",
        "contract": "c",
        "report": report,
        "partitions": [{"value": str(number), "rows": count} for number, count in enumerate(written)],
        "features_prefix": "f",
        "created": "now",
    }
    if rows == sum(written) + quarantined:
        assert manifest(**arguments)["accepted"] == rows - quarantined
    else:
        with pytest.raises(RowsLost):
            manifest(**arguments)


@pytest.mark.spec("REL-2b", "P3a")
@given(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=8, unique=True), st.randoms(use_true_random=False))
def test_training_run_depends_on_the_data_alone_not_on_the_order_of_listing(runs: list[str], random: Any) -> None:
    documents = {
        f"s3://p/{run}.json": {
            "source": {"uri": f"s3://raw/{run}.csv", "version": run},
            "created": "2013-01-01",
            "contract": "c",
            "partitions": [{"value": f"2013-01-0{day}", "rows": 100, "files": [f"s3://p/{run}/{day}.parquet"]} for day in range(1, 6)],
        }
        for run in runs
    }
    shuffled = list(documents.items())
    random.shuffle(shuffled)
    chosen: dict[str, Any] = {"reason": "data", "train_on_data": "always", "minimum_rows": 1, "in_service": False, "contract": None}
    one, two = DECIDE.decide(documents, **chosen), DECIDE.decide(dict(shuffled), **chosen)
    assert one == two and DECIDE.training_run(one, "data", 0) == DECIDE.training_run(two, "data", 0)
    assert len({DECIDE.training_run(one, reason, attempt) for reason in DECIDE.REASONS for attempt in range(3)}) == 12


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every leaf of a document."""
    if isinstance(value, dict):
        return [path for key, each in value.items() for path in paths(each, (*here, key))]
    if isinstance(value, list):
        return [path for index, each in enumerate(value) for path in paths(each, (*here, index))]
    return [here]


def test_contract_survives_its_json_form() -> None:
    assert load(json.dumps(DOCUMENT)) == CONTRACT and parse(dict(CONTRACT.document)) == CONTRACT


junk = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10), st.lists(st.integers(), max_size=2), st.just({})
)


@pytest.mark.spec("REL-2b")
@given(st.sampled_from(paths(DOCUMENT)), junk)
def test_contract_with_any_value_replaced_parses_or_is_refused_with_a_contract_error(path: tuple[Any, ...], value: Any) -> None:
    document: Any = copy.deepcopy(DOCUMENT)
    target = document
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    try:
        parse(document)
    except ContractError as error:
        assert "expected" in str(error)  # noqa: PT017


@pytest.mark.spec("REL-2b", "P4b")
@given(st.dictionaries(st.sampled_from([*HEADER, "unknown"]), junk))
def test_any_instance_is_judged_without_an_exception(instance: dict[str, Any]) -> None:
    for error in instance_errors(CONTRACT, instance, 0):
        assert error.field and error.reason


@given(st.lists(fields, max_size=20))
def test_any_row_is_judged_without_an_exception(row: list[str]) -> None:
    found = RowChecker(CONTRACT, HEADER).reasons(row)
    assert found if len(row) != len(HEADER) else isinstance(found, list)


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=6000))
def test_sketch_weighs_exactly_the_values_it_stands_for(values: list[float]) -> None:
    levels = sketch(np.sort(np.array(values)))
    assert sum(len(level) << number for number, level in enumerate(levels)) == len(values)
    assert {value for level in levels for value in level} <= set(values)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 5)), min_size=2, max_size=60))
def test_auc_is_the_chance_that_a_positive_ranks_above_a_negative(pairs: list[tuple[int, int]]) -> None:
    labels, scores = (np.array(column) for column in zip(*pairs, strict=True))
    positives, negatives = scores[labels == 1], scores[labels == 0]
    expected = 0.5
    if len(positives) and len(negatives):
        expected = float(np.mean([(a > b) + (a == b) / 2 for a in positives for b in negatives]))
    assert auc(labels, scores) == pytest.approx(expected)


@given(name=st.text(max_size=63), hosts=st.integers(2, 16), fit=st.integers(0, 1), step=st.integers(0, 7))
def test_hosts_listen_on_ports_that_the_system_gives_to_nobody_else(name: str, hosts: int, fit: int, step: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRAINING_JOB_NAME", name.replace("\0", ""))
        patch.setattr(container, "address", lambda host: host)
        ports = set()
        for rank in range(hosts):
            found = cluster([f"algo-{number}" for number in range(hosts)], rank, fit)
            assert found is not None
            ports.add(found.parameters(step)["local_listen_port"])
    assert len(ports) == hosts and min(ports) >= 20_000 and max(ports) < 32_768
