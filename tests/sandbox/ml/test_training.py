"""Training jobs run the submitted script, move its data with the role's rights and report what really happened."""

from __future__ import annotations

import io
import json
import tarfile

import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.sandbox

TRAIN = """
import csv, json, os, sys
from pathlib import Path
import joblib
from sklearn.linear_model import LogisticRegression

rows = [row for file in sorted(Path(os.environ["SM_CHANNEL_TRAIN"]).rglob("*.csv")) for row in csv.reader(file.open())]
x, y = [[float(v) for v in row[1:]] for row in rows], [int(row[0]) for row in rows]
model = LogisticRegression(max_iter=int(os.environ["SM_HP_ITERATIONS"])).fit(x, y)
print(f"metric accuracy={model.score(x, y):.4f};", flush=True)
target = Path(os.environ["SM_MODEL_DIR"])
joblib.dump(model, target / "model.joblib")
(target / "seen.json").write_text(json.dumps({
    "rows": len(rows), "arguments": sys.argv[1:], "channels": json.loads(os.environ["SM_CHANNELS"]), "threads": os.environ["OMP_NUM_THREADS"],
    "hyperparameters": json.loads(Path(os.environ["SM_INPUT_CONFIG_DIR"], "hyperparameters.json").read_text()),
    "resources": json.loads(Path(os.environ["SM_INPUT_CONFIG_DIR"], "resourceconfig.json").read_text()),
    "principal": __import__("boto3").client("sts").get_caller_identity()["Arn"],
}))
Path(os.environ["SM_OUTPUT_DATA_DIR"], "notes.txt").write_text("fine")
"""


@pytest.fixture(scope="module")
def data(world):
    from sklearn.datasets import load_breast_cancer

    x, y = load_breast_cancer(return_X_y=True)
    lines = [",".join(map(str, [label, *row])) for row, label in zip(x, y, strict=True)]
    world.put("cancer/train/part-0.csv", "\n".join(lines[:300]))
    world.put("cancer/train/deep/part-1.csv", "\n".join(lines[300:]))
    world.put("cancer/manifest", json.dumps([{"prefix": f"s3://{world.bucket}/cancer/train/"}, "deep/part-1.csv"]))
    return f"s3://{world.bucket}/cancer"


def start(world, script, **changes):
    """Start a job; its name."""
    name = world.name("job")
    code = world.put(f"code/{name}.tar.gz", world.archive(train_py=script))
    request = {
        "TrainingJobName": name,
        "AlgorithmSpecification": {
            "TrainingImage": world.image,
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "accuracy", "Regex": "metric accuracy=([0-9.]+);"}],
        },
        "HyperParameters": {"sagemaker_program": "train.py", "sagemaker_submit_directory": code, "iterations": "200"},
        "RoleArn": world.sagemaker_role,
        "OutputDataConfig": {"S3OutputPath": f"s3://{world.bucket}/models"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
    }
    world.client("sagemaker").create_training_job(**{**request, **changes})
    return name


def finished(world, name):
    """The description of a job that has ended."""
    sagemaker = world.client("sagemaker")

    def ended():
        job = sagemaker.describe_training_job(TrainingJobName=name)
        return job if job["TrainingJobStatus"] not in ("InProgress", "Stopping") else None

    return world.eventually(ended, 90)


def channel(uri, kind="S3Prefix", name="train"):
    return {
        "ChannelName": name,
        "DataSource": {"S3DataSource": {"S3DataType": kind, "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}},
    }


def model_files(world, job):
    with tarfile.open(fileobj=io.BytesIO(world.get(job["ModelArtifacts"]["S3ModelArtifacts"]))) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}


@pytest.mark.spec("PERF-1a")
def test_script_trains_on_the_channel_and_leaves_its_model(world, data):
    events = world.events("aws.sagemaker")
    name = start(world, TRAIN, InputDataConfig=[channel(f"{data}/train/")])
    job = finished(world, name)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    files = model_files(world, job)
    seen = json.loads(files["seen.json"])
    assert seen["rows"] == 569
    assert seen["arguments"] == ["--iterations", "200"]
    assert seen["channels"] == ["train"]
    assert seen["threads"] == "1"
    assert seen["hyperparameters"]["iterations"] == "200"
    assert seen["resources"]["current_host"] == "algo-1"
    assert f"assumed-role/{world.sagemaker_role.split('/')[-1]}/" in seen["principal"]
    assert "model.joblib" in files
    assert world.keys(f"models/{name}/output/") == [f"models/{name}/output/model.tar.gz", f"models/{name}/output/output.tar.gz"]
    assert 0.9 < job["FinalMetricDataList"][0]["Value"] <= 1
    phases = [entry["Status"] for entry in job["SecondaryStatusTransitions"]]
    assert phases == ["Starting", "Pending", "Downloading", "Training", "Uploading", "Completed"]
    assert job["TrainingEndTime"] > job["TrainingStartTime"]
    assert job["BillableTimeInSeconds"] >= 1
    assert "metric accuracy=" in world.log("/aws/sagemaker/TrainingJobs", name)
    states = world.eventually(lambda: [event for event in events() if event["detail"]["TrainingJobStatus"] == "Completed"])
    assert states[0]["detail-type"] == "SageMaker Training Job State Change"
    assert states[0]["detail"]["TrainingJobName"] == name


def test_manifest_channel_has_only_the_listed_objects(world, data):
    job = finished(world, start(world, TRAIN, InputDataConfig=[channel(f"{data}/manifest", "ManifestFile")]))
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert json.loads(model_files(world, job)["seen.json"])["rows"] == 269


def test_raised_error_becomes_the_failure_reason(world):
    job = finished(world, start(world, "raise ValueError('no rows')"))
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError")
    assert "ValueError: no rows" in job["FailureReason"]
    assert job["FailureReason"].endswith("exit code: 1")
    assert "ModelArtifacts" not in job


def test_failure_file_is_the_failure_reason(world):
    script = "import os, sys\nopen(os.path.join(os.environ['SM_OUTPUT_DIR'], 'failure'), 'w').write('schema differs')\nsys.exit(3)"
    job = finished(world, start(world, script))
    assert job["FailureReason"] == "AlgorithmError: schema differs, exit code: 3"


def test_empty_channel_fails_before_the_script_runs(world):
    job = finished(world, start(world, "print('ran')", InputDataConfig=[channel(f"s3://{world.bucket}/nothing/here/")]))
    assert job["TrainingJobStatus"] == "Failed"
    assert "No S3 objects found" in job["FailureReason"]
    assert [entry["Status"] for entry in job["SecondaryStatusTransitions"]][-2:] == ["Downloading", "Failed"]


def test_role_without_read_access_cannot_download_its_channel(world, data):
    role = world.role("sagemaker.amazonaws.com", "s3:ListBucket", "s3:PutObject", "logs:*")
    job = finished(world, start(world, TRAIN, RoleArn=role, InputDataConfig=[channel(f"{data}/train/")]))
    assert job["TrainingJobStatus"] == "Failed"
    assert "AccessDenied" in job["FailureReason"] or "403" in job["FailureReason"]


def test_job_beyond_its_run_time_is_stopped_and_keeps_its_model(world):
    script = "import os, time\nopen(os.path.join(os.environ['SM_MODEL_DIR'], 'half'), 'w').write('x')\ntime.sleep(60)"
    job = finished(world, start(world, script, StoppingCondition={"MaxRuntimeInSeconds": 3}))
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert "half" in model_files(world, job)


def test_stopped_job_continues_from_its_checkpoint(world):
    script = """
import os, time
from pathlib import Path
checkpoint = Path(os.environ["SM_CHECKPOINT_DIR"], "step")
if checkpoint.exists():
    Path(os.environ["SM_MODEL_DIR"], "resumed").write_text(checkpoint.read_text())
else:
    checkpoint.write_text("7")
    print("saved", flush=True)
    time.sleep(60)
"""
    place = {"CheckpointConfig": {"S3Uri": f"s3://{world.bucket}/checkpoints/{world.name('run')}"}}
    first = start(world, script, **place)
    world.eventually(lambda: world.keys(place["CheckpointConfig"]["S3Uri"].split("/", 3)[3]), 30)
    world.client("sagemaker").stop_training_job(TrainingJobName=first)
    assert finished(world, first)["TrainingJobStatus"] == "Stopped"
    job = finished(world, start(world, script, **place))
    assert model_files(world, job)["resumed"] == b"7"


def test_third_job_waits_for_one_of_two_slots(world, tmp_path):
    go = tmp_path / "go"
    script = "import os, time\nfrom pathlib import Path\n"
    script += f"while not Path({str(go)!r}).exists():\n    time.sleep(0.05)\n"
    script += "Path(os.environ['SM_MODEL_DIR'], 'm').write_text('x')"
    names = [start(world, script) for _ in range(3)]
    describe = world.client("sagemaker").describe_training_job

    def statuses():
        return sorted(describe(TrainingJobName=name)["SecondaryStatus"] for name in names)

    world.eventually(lambda: statuses() == ["Pending", "Training", "Training"], 30)
    go.touch()
    assert all(finished(world, name)["TrainingJobStatus"] == "Completed" for name in names)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"TrainingJobName": "under_score"}, "regular expression pattern"),
        ({"AlgorithmSpecification": {"TrainingImage": "python:3.11", "TrainingInputMode": "File"}}, "does not run the image 'python:3.11'"),
        ({"HyperParameters": {}}, "sagemaker_program is missing"),
        ({"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 5, "VolumeSizeInGB": 10}}, "more than 4 instances"),
        ({"EnableManagedSpotTraining": True}, "Invalid MaxWaitTimeInSeconds"),
        ({"RoleArn": "arn:aws:iam::123456789012:role/nobody"}, "Could not assume role"),
        ({"OutputDataConfig": {"S3OutputPath": "s3://ml-data/m", "KmsKeyId": "alias/none"}}, "there is no KMS key"),
        (
            {"TensorBoardOutputConfig": {"S3OutputPath": "s3://ml-data/t"}},
            "does not execute sagemaker:CreateTrainingJob with TensorBoardOutputConfig",
        ),
    ],
)
def test_impossible_request_is_refused_by_name(world, change, message):
    with pytest.raises(ClientError, match=message) as error:
        start(world, "print()", **change)
    assert error.value.response["Error"]["Code"] == "ValidationException"


def test_job_name_is_unique(world):
    name = start(world, "print()")
    with pytest.raises(ClientError) as error:
        start(world, "print()", TrainingJobName=name)
    assert error.value.response["Error"]["Code"] == "ResourceInUse"


def test_encrypted_artifacts_carry_their_key(world):
    key = world.client("kms").create_key()["KeyMetadata"]["Arn"]
    role = world.role("sagemaker.amazonaws.com", "s3:*", "logs:*", "kms:*")
    script = "import os\nopen(os.path.join(os.environ['SM_MODEL_DIR'], 'm'), 'w').write('x')"
    output = {"S3OutputPath": f"s3://{world.bucket}/encrypted", "KmsKeyId": key}
    job = finished(world, start(world, script, RoleArn=role, OutputDataConfig=output))
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    artifact = job["ModelArtifacts"]["S3ModelArtifacts"].split("/", 3)[3]
    head = world.client("s3").head_object(Bucket=world.bucket, Key=artifact)
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", key)


def test_isolated_job_gets_its_source_as_a_channel(world, data):
    code = world.put(f"code/{world.name('source')}/sourcedir.tar.gz", world.archive(train_py=TRAIN))
    submitted = {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": "/opt/ml/input/data/code/sourcedir.tar.gz",
        "iterations": "200",
    }
    channels = [channel(f"{data}/train/"), channel(code, name="code")]
    job = finished(world, start(world, TRAIN, InputDataConfig=channels, HyperParameters=submitted, EnableNetworkIsolation=True))
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")


def test_isolated_job_cannot_fetch_its_source_from_s3(world, data):
    job = finished(world, start(world, TRAIN, InputDataConfig=[channel(f"{data}/train/")], EnableNetworkIsolation=True))
    assert job["TrainingJobStatus"] == "Failed"
    assert "with EnableNetworkIsolation the container cannot fetch sagemaker_submit_directory s3://" in job["FailureReason"]
