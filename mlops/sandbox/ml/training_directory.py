"""The `/opt/ml` directory of one training job: configuration, channels, source, checkpoints, artifacts."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

from mlops.sandbox.ml.jobs import JobError, Objects, read_json, split_uri

CHANNELS = "/opt/ml/input/data/"
_PARALLEL = 8


def decoded(value: str) -> Any:
    """A hyperparameter as SageMaker's training toolkit reads it: JSON when it is JSON, else the text."""
    try:
        return json.loads(value)
    except ValueError:
        return value


def relative_key(key: str, prefix: str) -> str:
    """Where an object of a channel's S3 prefix lies below the channel's directory."""
    if key == prefix:
        return PurePosixPath(key).name
    if prefix.endswith("/") or not prefix or key[len(prefix)] == "/":
        return key[len(prefix) :].lstrip("/")
    return key[prefix.rfind("/") + 1 :]


def manifest_uris(document: Any, uri: str) -> list[tuple[str, str]]:
    """(object URI, relative path) of a SageMaker manifest: `[{"prefix": "s3://…"}, "path", …]`."""
    if not isinstance(document, list) or not document or not isinstance(document[0], dict) or "prefix" not in document[0]:
        raise JobError(f'the manifest {uri} must be a list that begins with {{"prefix": "s3://…"}}')
    prefix, paths = document[0]["prefix"], document[1:]
    wrong = [path for path in paths if not isinstance(path, str)]
    if wrong:
        raise JobError(f"the manifest {uri} has an entry that is not a path: {wrong[0]!r}")
    return [(prefix + path, path.lstrip("/")) for path in paths]


class TrainingDirectory:
    """Lays out `<root>/opt/ml` and moves data in and out with the job's role."""

    def __init__(self, root: Path, objects: Objects):
        self.root = root
        self.base = root / "opt" / "ml"
        self._objects = objects
        self._synchronised: dict[Path, tuple[float, int]] = {}
        for name in ("input/config", "input/data", "model", "output/data", "code", "checkpoints"):
            (self.base / name).mkdir(parents=True, exist_ok=True)

    @property
    def failure(self) -> str:
        """What the script wrote to `/opt/ml/output/failure`."""
        path = self.base / "output" / "failure"
        return path.read_text(errors="replace")[:1024].strip() if path.is_file() else ""

    def write_configuration(
        self, hyperparameters: Mapping[str, str], channels: list[dict[str, Any]], instance_type: str, host: str, hosts: list[str]
    ) -> None:
        """The three JSON files that SageMaker mounts."""
        config = self.base / "input" / "config"
        config.joinpath("hyperparameters.json").write_text(json.dumps(dict(hyperparameters)))
        data = {
            channel["ChannelName"]: {
                "TrainingInputMode": "File",
                "S3DistributionType": channel["DataSource"]["S3DataSource"].get("S3DataDistributionType", "FullyReplicated"),
                "RecordWrapperType": "None",
                "ContentType": channel.get("ContentType"),
            }
            for channel in channels
        }
        config.joinpath("inputdataconfig.json").write_text(json.dumps(data))
        resources = {"current_host": host, "hosts": hosts, "network_interface_name": "lo", "current_instance_type": instance_type}
        config.joinpath("resourceconfig.json").write_text(json.dumps(resources))

    def download_channel(self, channel: dict[str, Any], rank: int = 0, hosts: int = 1) -> None:
        """All objects of one channel, or with ShardedByS3Key this host's share of them: every `hosts`-th by key."""
        source = channel["DataSource"]["S3DataSource"]
        uri = source["S3Uri"]
        target = self.base / "input" / "data" / channel["ChannelName"]
        target.mkdir(parents=True, exist_ok=True)
        if source["S3DataType"] == "ManifestFile":
            files = manifest_uris(read_json(self._objects, uri), uri)
        else:
            bucket, prefix = split_uri(uri)
            files = [(f"s3://{bucket}/{entry['Key']}", relative_key(entry["Key"], prefix)) for entry in self._objects.list(uri)]
        if not files:
            raise JobError(f"ClientError: Data download failed:No S3 objects found under S3 URL {uri!r} given in input data source.")
        if source.get("S3DataDistributionType") == "ShardedByS3Key":
            files = sorted(files)[rank::hosts]
        self._download_all([(object_uri, self._inside(target, path)) for object_uri, path in files])

    @staticmethod
    def _inside(target: Path, path: str) -> Path:
        file = (target / path).resolve()
        if target.resolve() not in file.parents:
            raise JobError(f"the path {path!r} leaves its channel's directory")
        return file

    def _download_all(self, files: list[tuple[str, Path]]) -> None:
        with ThreadPoolExecutor(_PARALLEL) as pool:
            for _ in pool.map(lambda pair: self._objects.download(*pair), files):
                pass

    def unpack_source(self, uri: str) -> None:
        """`sagemaker_submit_directory`, an object or a file of an input channel, into the code directory."""
        if uri.startswith(CHANNELS):
            archive = self._inside(self.base / "input" / "data", uri.removeprefix(CHANNELS))
        else:
            archive = self.root / "sourcedir.tar.gz"
            self._objects.download(uri, archive)
        unpack(archive, self.base / "code", uri)

    def restore_checkpoints(self, uri: str, target: Path) -> None:
        """What an earlier job left under the checkpoint prefix."""
        target.mkdir(parents=True, exist_ok=True)
        bucket, prefix = split_uri(uri)
        folder = prefix.rstrip("/") + "/" if prefix else ""
        keys = [entry["Key"] for entry in self._objects.list(f"s3://{bucket}/{folder}")]
        self._download_all([(f"s3://{bucket}/{key}", self._inside(target, key[len(folder) :])) for key in keys])
        for file in (path for path in target.rglob("*") if path.is_file()):
            self._synchronised[file] = (file.stat().st_mtime, file.stat().st_size)

    def save_checkpoints(self, uri: str, source: Path) -> None:
        """Files that are new or changed since the last call."""
        for file in sorted(path for path in source.rglob("*") if path.is_file()):
            try:
                state = (file.stat().st_mtime, file.stat().st_size)
                if self._synchronised.get(file) != state:
                    self._objects.upload(file, f"{uri.rstrip('/')}/{file.relative_to(source).as_posix()}")
                    self._synchronised[file] = state
            except FileNotFoundError:
                continue  # a draft that has its name by now, or an old checkpoint that the script took away

    def upload_archive(self, sources: list[Path], uri: str, kms_key_id: str | None) -> bool:
        """Directories of the job's hosts as one `.tar.gz` object (of files with one name the main host's); nothing happens when all are empty."""
        files = {path.relative_to(source).as_posix(): path for source in reversed(sources) for path in source.rglob("*") if path.is_file()}
        if not files:
            return False
        archive = self.root / uri.rsplit("/", 1)[1]
        with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
            for name, path in sorted(files.items()):
                tar.add(path, arcname=name)
        self._objects.upload(archive, uri, kms_key_id)
        archive.unlink()
        return True


def unpack(archive: Path, target: Path, uri: str) -> None:
    """A `.tar.gz` into a directory; JobError when it is none, or when it would write elsewhere."""
    target.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(archive, "r:gz") as tar:
            tar.extractall(target, filter="data")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise JobError(f"{uri} is not a .tar.gz archive that can be unpacked: {error}") from error


def environment(
    base: Path, job: dict[str, Any], arn: str, hyperparameters: Mapping[str, Any], checkpoints: Path, host: str, hosts: list[str]
) -> dict[str, str]:
    """The SM_* variables of SageMaker's training toolkit."""
    user = {name: value for name, value in hyperparameters.items() if not name.startswith("sagemaker_")}
    channels = sorted(channel["ChannelName"] for channel in job.get("InputDataConfig", []))
    variables = {
        "SM_MODEL_DIR": base / "model",
        "SM_INPUT_DIR": base / "input",
        "SM_INPUT_CONFIG_DIR": base / "input" / "config",
        "SM_OUTPUT_DIR": base / "output",
        "SM_OUTPUT_DATA_DIR": base / "output" / "data",
        "SM_CHECKPOINT_DIR": checkpoints,
        "SM_MODULE_DIR": hyperparameters["sagemaker_submit_directory"],
        "SM_MODULE_NAME": Path(hyperparameters["sagemaker_program"]).stem,
        "SM_USER_ENTRY_POINT": hyperparameters["sagemaker_program"],
        "SM_CHANNELS": json.dumps(channels),
        "SM_HPS": json.dumps(user),
        "SM_USER_ARGS": json.dumps(user_arguments(user)),
        "SM_CURRENT_HOST": host,
        "SM_HOSTS": json.dumps(hosts),
        "SM_NUM_CPUS": 1,
        "SM_NUM_GPUS": 0,
        "SM_JOB_NAME": job["TrainingJobName"],
        "SM_CURRENT_INSTANCE_TYPE": job["ResourceConfig"]["InstanceType"],
        "TRAINING_JOB_NAME": job["TrainingJobName"],
        "TRAINING_JOB_ARN": arn,
        "PYTHONPATH": base / "code",
    }
    variables |= {f"SM_CHANNEL_{name.upper().replace('-', '_')}": base / "input" / "data" / name for name in channels}
    variables |= {
        f"SM_HP_{name.upper().replace('-', '_')}": value if isinstance(value, str) else json.dumps(value) for name, value in user.items()
    }
    return {name: str(value) for name, value in variables.items()} | job.get("Environment", {})


def user_arguments(hyperparameters: Mapping[str, Any]) -> list[str]:
    """The script's command line: `--name value` for each hyperparameter that is not SageMaker's own."""
    arguments: list[str] = []
    for name, value in sorted(hyperparameters.items()):
        arguments += [f"--{name}" if len(name) > 1 else f"-{name}", value if isinstance(value, str) else json.dumps(value)]
    return arguments
