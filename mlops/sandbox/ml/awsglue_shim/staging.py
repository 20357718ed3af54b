"""`s3://` paths for Spark without Hadoop's S3 connector.

On AWS, Spark reads and writes S3 itself. Here a reader gets a local copy, downloaded with the job's role, and a writer writes to a local
directory that is uploaded with the job's role afterwards. Scripts stay as they are: only DataFrameReader, DataFrameWriter and
SparkContext.textFile/wholeTextFiles are wrapped, in the job's process. A task never sees S3, so a job's input must fit the disk.
"""

from __future__ import annotations

import functools
import shutil
import uuid
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from pyspark import SparkContext
from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrameReader, DataFrameWriter
from pyspark.sql import functions as sql_functions

_SCHEMES = ("s3://", "s3a://", "s3n://")
_GLOB = set("*?[{")
_PARALLEL = 4


def is_s3(path: Any) -> bool:
    """Whether `path` is an S3 URI."""
    return isinstance(path, str) and path.startswith(_SCHEMES)


def split(uri: str) -> tuple[str, str]:
    """Bucket and key of an S3 URI."""
    bucket, _, key = uri.split("://", 1)[1].partition("/")
    return bucket, key


class Staging:
    """Copies objects between S3 and `directory`, which mirrors `<bucket>/<key>` under `in/`."""

    def __init__(self, directory: Path, encryption: dict[str, str]):
        self._encryption = encryption
        self._in = directory / "in"
        self._out = directory / "out"
        self._etags: dict[Path, str] = {}
        self._client: Any = None

    @property
    def client(self) -> Any:
        if self._client is None:
            self._client = boto3.client("s3", config=Config(max_pool_connections=_PARALLEL))
        return self._client

    def fetch(self, uri: str) -> str:
        """A local path with the same content; a path without objects raises what Spark raises."""
        bucket, key = split(uri)
        prefix = key
        if _GLOB & set(key):
            prefix = key[: min(key.index(character) for character in _GLOB & set(key))]
            objects = self._list(bucket, prefix)
        else:
            folder = key if key.endswith("/") or not key else f"{key}/"
            objects = [entry for entry in self._list(bucket, key) if entry["Key"] == key or entry["Key"].startswith(folder)]
        if not objects:
            raise AnalysisException(f"[PATH_NOT_FOUND] Path does not exist: {uri}.")
        self._forget(bucket, prefix, {entry["Key"] for entry in objects})
        with ThreadPoolExecutor(_PARALLEL) as pool:
            for _ in pool.map(lambda entry: self._download(bucket, entry), objects):
                pass
        return str(self._in / bucket / key)

    def _list(self, bucket: str, prefix: str) -> list[dict[str, Any]]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [entry for page in pages for entry in page.get("Contents", []) if not entry["Key"].endswith("/")]

    def _forget(self, bucket: str, prefix: str, keys: set[str]) -> None:
        # Copies of objects that have been deleted since an earlier read would still be found by Spark.
        root = (self._in / bucket).resolve()
        known = {path.relative_to(root).as_posix(): path for path in self._etags if root in path.parents}
        for key, path in known.items():
            if key.startswith(prefix) and key not in keys:
                path.unlink()
                del self._etags[path]

    def _download(self, bucket: str, entry: dict[str, Any]) -> None:
        target = (self._in / bucket / entry["Key"]).resolve()
        if self._in.resolve() not in target.parents:
            raise AnalysisException(f"the key s3://{bucket}/{entry['Key']} leaves its directory and cannot be staged")
        if self._etags.get(target) == entry["ETag"]:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        self.client.download_file(bucket, entry["Key"], str(target))
        self._etags[target] = entry["ETag"]

    def original(self, column: Column) -> Column:
        """The S3 URI of a staged file's URI, for input_file_name()."""
        return sql_functions.regexp_replace(column, rf"^file:/*{self._in.as_posix().lstrip('/')}/", "s3://")

    def write(self, uri: str, mode: str, dynamic: bool, save: Callable[[str], Any]) -> None:
        """Let `save` write to a local directory, then upload it under `uri` with the semantics of Spark's save mode."""
        bucket, key = split(uri)
        folder = key.rstrip("/") + "/"
        existing = {entry["Key"] for entry in self._list(bucket, folder)} if mode != "append" else set()
        if existing and mode == "ignore":
            return
        if existing and mode in ("error", "errorifexists"):
            raise AnalysisException(
                f"[PATH_ALREADY_EXISTS] Path {uri} already exists. Set mode as 'overwrite' to overwrite the existing path."
            )
        local = self._out / uuid.uuid4().hex
        save(str(local))
        # Spark leaves checksum files and nothing else that starts with a dot.
        files = sorted(file for file in local.rglob("*") if file.is_file() and not file.name.startswith("."))
        keys = [folder + file.relative_to(local).as_posix() for file in files]
        with ThreadPoolExecutor(_PARALLEL) as pool:
            for _ in pool.map(lambda pair: self._upload(bucket, *pair), zip(files, keys, strict=True)):
                pass
        if mode == "overwrite":
            written = {name.rsplit("/", 1)[0] for name in keys}
            old = [name for name in existing - set(keys) if not dynamic or name.rsplit("/", 1)[0] in written]
            self._delete(bucket, sorted(old))
        shutil.rmtree(local)

    def _upload(self, bucket: str, file: Path, key: str) -> None:
        self.client.upload_file(str(file), bucket, key, ExtraArgs=self._encryption or None)

    def _delete(self, bucket: str, keys: Sequence[str]) -> None:
        for start in range(0, len(keys), 1000):
            batch = [{"Key": key} for key in keys[start : start + 1000]]
            errors = self.client.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True}).get("Errors", [])
            if errors:
                raise PermissionError(f"{errors[0]['Code']} deleting s3://{bucket}/{errors[0]['Key']}: {errors[0].get('Message', '')}")


def _paths(value: Any, stage: Callable[[str], str]) -> Any:
    if is_s3(value):
        return stage(value)
    if isinstance(value, list | tuple):
        return [stage(item) if is_s3(item) else item for item in value]
    return value


def _wrap_reader(staging: Staging, name: str) -> None:
    original = getattr(DataFrameReader, name)

    @functools.wraps(original)
    def read(self: DataFrameReader, *args: Any, **options: Any) -> Any:
        if name == "parquet" or name == "orc" and len(args) > 1:
            args = tuple(_paths(arg, staging.fetch) for arg in args)
        elif args:
            args = (_paths(args[0], staging.fetch), *args[1:])
        if "path" in options:
            options["path"] = _paths(options["path"], staging.fetch)
        return original(self, *args, **options)

    setattr(DataFrameReader, name, read)


def _wrap_option(target: type) -> None:
    original = target.option  # type: ignore[attr-defined]

    @functools.wraps(original)
    def option(self: Any, key: str, value: Any) -> Any:
        if key.lower() == "path" and is_s3(value):
            raise NotImplementedError(
                f"the sandbox does not stage .option('path', '{value}'): pass the path to load(), save() or the format's method"
            )
        if key.lower() == "partitionoverwritemode":
            self._partition_overwrite = str(value).lower()
        return original(self, key, value)

    target.option = option  # type: ignore[attr-defined]


def _wrap_writer(staging: Staging, name: str) -> None:
    original = getattr(DataFrameWriter, name)

    @functools.wraps(original)
    def write(self: Any, path: Any = None, *args: Any, **options: Any) -> Any:
        if not is_s3(path):
            return original(self, path, *args, **options)
        if name == "save":
            position, mode_arguments = 1, args[1:2]
        else:
            position, mode_arguments = 0, args[0:1] if name != "text" else ()
        explicit = options.pop("mode", None) or (mode_arguments[0] if mode_arguments else None)
        if mode_arguments:
            args = (*args[:position], None, *args[position + 1 :])
        mode = (explicit or getattr(self, "_save_mode", None) or "error").lower()
        configured = self._spark.conf.get("spark.sql.sources.partitionOverwriteMode", "static")
        dynamic = (getattr(self, "_partition_overwrite", None) or configured or "static").lower() == "dynamic"
        self.mode("overwrite")
        return staging.write(path, mode, dynamic, lambda local: original(self, local, *args, **options))

    setattr(DataFrameWriter, name, write)


def _wrap_mode() -> None:
    original = DataFrameWriter.mode

    @functools.wraps(original)
    def mode(self: Any, saveMode: str | None) -> Any:  # noqa: N803  (PySpark's name)
        if saveMode:
            self._save_mode = saveMode
        return original(self, saveMode)

    DataFrameWriter.mode = mode  # type: ignore[method-assign]


def _refuse(target: type, names: Iterable[str]) -> None:
    for name in names:
        original = getattr(target, name)

        def refused(self: Any, *args: Any, _original: Any = original, _name: str = name, **options: Any) -> Any:
            if any(is_s3(value) for value in [*args, *options.values()]):
                raise NotImplementedError(
                    f"the sandbox does not stage s3:// paths of {target.__name__}.{_name}: use spark.read and DataFrame.write"
                )
            return _original(self, *args, **options)

        setattr(target, name, functools.wraps(original)(refused))


def install(directory: Path, encryption: dict[str, str]) -> Staging:
    """Wrap PySpark's path methods in this process; staged files live in `directory`, objects are written with `encryption`."""
    staging = Staging(directory, encryption)
    for name in ("load", "csv", "json", "parquet", "orc", "text"):
        _wrap_reader(staging, name)
    for name in ("save", "csv", "json", "parquet", "orc", "text"):
        _wrap_writer(staging, name)
    _wrap_mode()
    _wrap_option(DataFrameReader)
    _wrap_option(DataFrameWriter)
    for name in ("textFile", "wholeTextFiles"):
        original = getattr(SparkContext, name)
        setattr(
            SparkContext,
            name,
            functools.wraps(original)(
                lambda self, path, *a, _original=original, **o: _original(self, _paths(path, staging.fetch), *a, **o)
            ),
        )
    _refuse(
        SparkContext,
        ("addFile", "addPyFile", "binaryFiles", "binaryRecords", "pickleFile", "sequenceFile", "newAPIHadoopFile", "hadoopFile"),
    )
    input_file_name = sql_functions.input_file_name
    sql_functions.input_file_name = lambda: staging.original(input_file_name())
    return staging
