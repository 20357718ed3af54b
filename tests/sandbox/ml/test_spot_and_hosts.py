"""Spot instances that are taken away, and jobs of several hosts: with the platform's own training code."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import lightgbm
import pandas as pd
import pytest

from mlops.data import flights as data
from tests.sandbox.ml.test_training import channel, finished, model_files, start

pytestmark = pytest.mark.sandbox
ROOT = Path(__file__).parents[3]
SPOT = {"EnableManagedSpotTraining": True, "StoppingCondition": {"MaxRuntimeInSeconds": 300, "MaxWaitTimeInSeconds": 600}}
LOG_GROUP = "/aws/sagemaker/TrainingJobs"


@pytest.fixture(scope="module")
def source(world) -> str:
    """The platform's training code, packed as the program packs it."""
    files = {f"training/{file.name}": file for file in (ROOT / "training").glob("*.py")}
    files |= {name: ROOT / "training" / name for name in ("train.py", "serve.py")}
    files |= {f"platform_common/{name}": ROOT / "lambdas/layer/platform_common" / name for name in ("__init__.py", "contract.py")}
    return world.put("code/platform/sourcedir.tar.gz", world.archive_of({name: path.read_bytes() for name, path in files.items()}))


@pytest.fixture(scope="module")
def channels(world, tmp_path_factory) -> list[dict[str, Any]]:
    """12,000 flights of January in time order, with the contract."""
    import yaml

    frame: Any = data.flights()
    frame = frame[(frame["month"] == 1) & (frame["late"] != "")].iloc[:12000].drop(columns="month").astype({"late": int})
    frame["scheduled_departure"] = pd.to_datetime(frame["scheduled_departure"])
    folder = tmp_path_factory.mktemp("rows")
    for name, first, last in (("train", 0, 9000), ("validation", 9000, 10500), ("test", 10500, 12000)):
        frame.iloc[first:last].to_parquet(folder / f"{name}.parquet", index=False)
        world.put(f"flights/{name}/part.parquet", (folder / f"{name}.parquet").read_bytes())
    contract = yaml.safe_load((ROOT / "contracts/flights.yaml").read_text())
    world.put("flights/contract/flights.json", json.dumps(contract, default=str))
    return [channel(f"s3://{world.bucket}/flights/{name}/", name=name) for name in ("train", "validation", "test", "contract")]


def train(world, source: str, channels: list[dict[str, Any]], algorithm: str, **changes: Any) -> str:
    parameters = {"sagemaker_program": "train.py", "sagemaker_submit_directory": source, "algorithm": algorithm, "seed": "7"}
    return start(world, "", HyperParameters=parameters, InputDataConfig=channels, **changes)


def checkpoints(world) -> dict[str, Any]:
    return {"CheckpointConfig": {"S3Uri": f"s3://{world.bucket}/checkpoints/{world.name('run')}/"}}


@pytest.mark.spec("P3d", "REL-1c", "COST-2c", "SUS-3b")
@pytest.mark.parametrize("algorithm", ["hist_gradient_boosting", "lightgbm"])
def test_a_job_whose_spot_instance_is_taken_away_resumes_and_ends_in_the_same_model(world, source, channels, algorithm) -> None:
    whole = finished(world, train(world, source, channels, algorithm, **checkpoints(world), **SPOT))
    assert whole["TrainingJobStatus"] == "Completed", whole.get("FailureReason")
    assert [each["Status"] for each in whole["SecondaryStatusTransitions"]].count("Downloading") == 1
    place = checkpoints(world)
    prefix = place["CheckpointConfig"]["S3Uri"].split("/", 3)[3]
    name = train(world, source, channels, algorithm, **place, **SPOT)
    world.eventually(lambda: world.keys(prefix), 60, interval=0.02)
    status, answer = world.interrupt(name)
    assert (status, answer.get("instances")) == (200, 1), answer
    job = finished(world, name)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    phases = [each["Status"] for each in job["SecondaryStatusTransitions"]]
    assert phases == ["Starting", "Pending", "Downloading", "Training", "Interrupted", "Downloading", "Training", "Uploading", "Completed"]
    lines = [json.loads(line) for line in world.log(LOG_GROUP, f"{name}/").splitlines() if line.startswith("{")]
    resumed = [line for line in lines if line["message"] == "resumed from checkpoint"]
    assert resumed and resumed[0]["rounds"] >= 50
    assert job["BillableTimeInSeconds"] <= job["TrainingTimeInSeconds"]
    first, second = model_files(world, whole), model_files(world, job)
    if algorithm == "lightgbm":
        assert first["model.lightgbm.txt"] == second["model.lightgbm.txt"]
    # The statistics hold the distribution of the model's probabilities on the test rows.
    assert first["statistics.json"] == second["statistics.json"]
    assert json.loads(first["evaluation.json"])["metrics"] == json.loads(second["evaluation.json"])["metrics"]


def test_an_interrupted_job_that_has_waited_too_long_is_stopped(world) -> None:
    spot = {**SPOT, "StoppingCondition": {"MaxRuntimeInSeconds": 2, "MaxWaitTimeInSeconds": 2}}
    name = start(world, "import time\ntime.sleep(60)", **spot)
    describe = world.client("sagemaker").describe_training_job
    while describe(TrainingJobName=name)["TrainingJobStatus"] == "InProgress":
        world.interrupt(name)  # refused while there is no instance
        time.sleep(0.05)
    job = finished(world, name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxWaitTimeExceeded")
    assert [each["Status"] for each in job["SecondaryStatusTransitions"]].count("Interrupted") >= 2
    assert job["BillableTimeInSeconds"] < job["TrainingTimeInSeconds"]


def test_only_a_running_spot_job_can_lose_its_instances(world) -> None:
    name = start(world, "import time\ntime.sleep(1)\nopen('/dev/null')")
    for job, words in ((name, "does not run on spot instances"), ("nobody", "there is no training job nobody")):
        status, answer = world.interrupt(job)
        assert status == 400 and words in json.dumps(answer)
    finished(world, name)


EXCHANGE = """
import json, os, socket, sys, time
from pathlib import Path
hosts, me = json.loads(os.environ["SM_HOSTS"]), os.environ["SM_CURRENT_HOST"]
resources = json.loads(Path(os.environ["SM_INPUT_CONFIG_DIR"], "resourceconfig.json").read_text())
numbers = [int(line) for file in sorted(Path(os.environ["SM_CHANNEL_TRAIN"]).rglob("*.csv")) for line in file.read_text().split()]
whole = [file.name for file in sorted(Path(os.environ["SM_CHANNEL_WHOLE"]).rglob("*.csv"))]
port = 23456
if me == hosts[0]:
    server = socket.create_server((socket.gethostbyname(me), port))
    sums = {me: sum(numbers)}
    while len(sums) < len(hosts):
        peer, _ = server.accept()
        sums |= json.loads(peer.makefile().readline())
    Path(os.environ["SM_MODEL_DIR"], "sums.json").write_text(json.dumps({"sums": sums, "resources": resources, "whole": whole}))
else:
    for _ in range(100):
        try:
            peer = socket.create_connection((hosts[0], port))
            break
        except ConnectionRefusedError:
            time.sleep(0.1)
    peer.sendall((json.dumps({me: sum(numbers)}) + "\\n").encode())
    Path(os.environ["SM_MODEL_DIR"], f"{me}.json").write_text(json.dumps({"hosts": hosts, "mine": numbers, "whole": whole}))
"""


@pytest.mark.spec("REL-3b")
def test_two_hosts_know_each_other_and_combine_what_each_made_of_its_share(world) -> None:
    for number in range(5):
        world.put(f"shards/part-{number}.csv", f"{10**number}\n")
    sharded, whole = channel(f"s3://{world.bucket}/shards/"), channel(f"s3://{world.bucket}/shards/", name="whole")
    sharded["DataSource"]["S3DataSource"]["S3DataDistributionType"] = "ShardedByS3Key"
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 10}
    name = start(world, EXCHANGE, InputDataConfig=[sharded, whole], ResourceConfig=resources)
    job = finished(world, name)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    files = {name: json.loads(body) for name, body in model_files(world, job).items()}
    assert files["sums.json"]["sums"] == {"algo-1": 10101, "algo-2": 1010}
    assert files["algo-2.json"]["mine"] == [10, 1000]
    assert files["sums.json"]["resources"]["hosts"] == files["algo-2.json"]["hosts"] == ["algo-1", "algo-2"]
    assert len(files["sums.json"]["whole"]) == len(files["algo-2.json"]["whole"]) == 5


def test_a_host_that_fails_ends_the_job_with_its_reason(world) -> None:
    script = "import os, time\nif os.environ['SM_CURRENT_HOST'] == 'algo-2':\n    raise RuntimeError('no memory left')\ntime.sleep(60)"
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 10}
    job = finished(world, start(world, script, ResourceConfig=resources))
    assert job["TrainingJobStatus"] == "Failed" and "RuntimeError: no memory left" in job["FailureReason"]


def trees(files: dict[str, bytes], folder: Path) -> list[dict[str, Any]]:
    (folder / "model.txt").write_bytes(files["model.lightgbm.txt"])
    return lightgbm.Booster(model_file=str(folder / "model.txt")).dump_model()["tree_info"]


@pytest.mark.spec("REL-3b", "P3d", "REL-1c")
def test_two_hosts_fit_one_lightgbm_model_on_the_rows_of_both_with_and_without_interruption(world, source, channels, tmp_path) -> None:
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 10}
    name = train(world, source, channels, "lightgbm", ResourceConfig=resources, **checkpoints(world), **SPOT)
    job = finished(world, name)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    lines = [json.loads(line) for line in world.log(LOG_GROUP, f"{name}/algo-2").splitlines() if line.startswith("{")]
    (share,) = [line for line in lines if line["message"] == "share trained"]
    assert (share["host"], share["rows"], share["hosts"]) == ("algo-2", 5250, 2)
    files = model_files(world, job)
    whole = trees(files, tmp_path)
    # A root counts the rows of its tree: those of both hosts.
    assert {tree["tree_structure"]["internal_count"] for tree in whole} == {10500}
    metrics = json.loads(files["evaluation.json"])["metrics"]
    assert metrics["auc"] > 0.55 > metrics["baseline:auc"]

    place = checkpoints(world)
    name = train(world, source, channels, "lightgbm", ResourceConfig=resources, **place, **SPOT)
    world.eventually(lambda: world.keys(place["CheckpointConfig"]["S3Uri"].split("/", 3)[3]), 60, interval=0.02)
    assert world.interrupt(name)[1].get("instances") == 2
    job = finished(world, name)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert "Interrupted" in [each["Status"] for each in job["SecondaryStatusTransitions"]]
    for host in ("algo-1", "algo-2"):
        assert "resumed from checkpoint" in world.log(LOG_GROUP, f"{name}/{host}")
    assert trees(model_files(world, job), tmp_path) == whole


def test_an_algorithm_of_one_host_refuses_two(world, source, channels) -> None:
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 10}
    job = finished(world, train(world, source, channels, "logistic_regression", ResourceConfig=resources))
    assert "algorithm logistic_regression fits on one host, the job has 2" in job["FailureReason"]
