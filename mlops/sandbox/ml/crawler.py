"""Glue crawlers: a crawl lists its S3 targets with the crawler's role, infers a schema and writes table and partitions to the catalog."""

from __future__ import annotations

import fnmatch
import threading
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from moto.glue.exceptions import CrawlerNotRunningException, CrawlerRunningException, GlueClientError
from moto.glue.models import FakeCrawler, GlueBackend

from mlops.sandbox.ml import jobs
from mlops.sandbox.ml.crawler_schema import Content, Unclassified, classify, merged, partitions, table_name
from mlops.sandbox.ml.jobs import JobError

if TYPE_CHECKING:
    from mlops.sandbox.context import Sandbox

SERVICE = "glue.amazonaws.com"
SAMPLE_FILES = 20
SAMPLE_BYTES = 1024 * 1024
_FORMATS = {
    "csv": (
        "org.apache.hadoop.mapred.TextInputFormat",
        "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
        "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
    ),
    "json": (
        "org.apache.hadoop.mapred.TextInputFormat",
        "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
        "org.openx.data.jsonserde.JsonSerDe",
    ),
    "parquet": (
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
        "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
    ),
}


@dataclass
class Crawl:
    """One crawl, as moto's store keeps it. `status` is RUNNING, STOPPING, COMPLETED, STOPPED or FAILED."""

    crawler_name: str
    crawl_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "RUNNING"
    start_time: datetime = field(default_factory=jobs.now)
    end_time: datetime | None = None
    error: str | None = None
    summary: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("created", "updated", "deleted", "partitions"), 0))
    stop: threading.Event = field(default_factory=threading.Event)

    log_group = "/aws-glue/crawlers"

    @property
    def log_stream(self) -> str:
        return self.crawler_name

    @property
    def message_prefix(self) -> str:
        return self.crawl_id

    def advance(self) -> None:
        """moto's clock of states: a crawl changes state only when its work does."""

    def as_dict(self) -> dict[str, Any]:
        """The CrawlerHistory structure of ListCrawls."""
        seconds = ((self.end_time or jobs.now()) - self.start_time).total_seconds()
        optional = {"EndTime": self.end_time, "ErrorMessage": self.error}
        return {
            "CrawlId": self.crawl_id,
            "State": "RUNNING" if self.status == "STOPPING" else self.status,
            "StartTime": self.start_time,
            "DPUHour": seconds / 3600,
            "LogGroup": self.log_group,
            "LogStream": self.crawler_name,
            "MessagePrefix": self.crawl_id,
            **{name: value for name, value in optional.items() if value is not None},
        }

    def last_crawl(self) -> dict[str, Any]:
        """The LastCrawl structure of GetCrawler."""
        status = {"COMPLETED": "SUCCEEDED", "STOPPED": "CANCELLED"}.get(self.status, self.status)
        described = {"Status": status, "LogGroup": self.log_group, "LogStream": self.crawler_name, "MessagePrefix": self.crawl_id}
        return {**described, "StartTime": self.start_time, **({"ErrorMessage": self.error} if self.error else {})}


class Crawling:
    """Carries crawls out."""

    def __init__(self, sandbox: Sandbox):
        self.sandbox = sandbox

    def run(self, crawler: FakeCrawler, crawl: Crawl) -> None:
        """One crawl to its end."""
        self._announce(crawler, crawl, "Started")
        status, error = "FAILED", None
        try:
            status = self._crawl(crawler, crawl)
        except JobError as failure:
            error = str(failure)
        except ClientError as failure:
            error = f"{failure.response['Error']['Code']}: {failure.response['Error']['Message']}"
        except Exception as failure:
            error = f"the sandbox failed to carry out the crawl: {type(failure).__name__}: {failure}"
            raise
        finally:
            crawl.error, crawl.end_time, crawl.status = error, jobs.now(), status
            crawler.crawl_elapsed_time = int((crawl.end_time - crawl.start_time).total_seconds() * 1000)
            self._announce(crawler, crawl, "Succeeded" if status == "COMPLETED" else "Failed" if status == "FAILED" else "Stopped")

    def _crawl(self, crawler: FakeCrawler, crawl: Crawl) -> str:
        credentials = jobs.issue(self.sandbox, crawler.role, SERVICE, "AWS-Crawler")
        log = CrawlLog(self.sandbox, credentials, crawl)
        try:
            log.line("BENCHMARK : Running Start Crawl for Crawler " + crawler.name)
            for target in crawler.targets.get("S3Targets", []):
                if crawl.stop.is_set():
                    return "STOPPED"
                Target(self.sandbox, credentials, crawler, crawl, target, log).crawl()
            log.line(f"BENCHMARK : Crawler has finished running and is in state READY: {crawl.summary}")
        except (JobError, ClientError) as error:
            log.line(f"ERROR : {error}")
            raise
        finally:
            log.send()
        return "STOPPED" if crawl.stop.is_set() else "COMPLETED"

    def _announce(self, crawler: FakeCrawler, crawl: Crawl, state: str) -> None:
        detail = {
            "accountId": self.sandbox.account,
            "crawlerName": crawler.name,
            "state": state,
            "tablesCreated": str(crawl.summary["created"]),
            "tablesUpdated": str(crawl.summary["updated"]),
            "tablesDeleted": str(crawl.summary["deleted"]),
            "partitionsCreated": str(crawl.summary["partitions"]),
            "message": crawl.error or f"Crawler {state}",
        }
        jobs.emit(self.sandbox, "aws.glue", "Glue Crawler State Change", detail, [])


class CrawlLog:
    """The crawl's lines in CloudWatch, written with the crawler's role."""

    def __init__(self, sandbox: Sandbox, credentials: Any, crawl: Crawl):
        self._file = Path(sandbox.directory) / "crawls" / f"{crawl.crawl_id}.log"
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._prefix = crawl.crawl_id
        self._stream = jobs.LogStream(sandbox, credentials, crawl.log_group, crawl.crawler_name, self._file)

    def line(self, text: str) -> None:
        with self._file.open("a") as file:
            file.write(f"[{self._prefix}] {text}\n")

    def send(self) -> None:
        self._stream.send(final=True)


class Target:
    """One S3 target: it becomes one table."""

    def __init__(self, sandbox: Sandbox, credentials: Any, crawler: FakeCrawler, crawl: Crawl, target: dict[str, Any], log: CrawlLog):
        self._crawler, self._crawl, self._target, self._log = crawler, crawl, target, log
        self._objects = jobs.Objects(sandbox, credentials)
        self._glue = sandbox.client("glue", credentials)
        self._uri = target["Path"] if target["Path"].endswith("/") else target["Path"] + "/"
        self._name = table_name(crawler.table_prefix, self._uri)

    def crawl(self) -> None:
        """List, infer, write."""
        files = self._list()
        existing = self._existing()
        if not files:
            self._log.line(f"INFO : no files under {self._uri}")
            self._gone(existing)
            return
        contents = self._classify(files)
        keys = self._partition_keys(files)
        table = self._table(files, contents, keys)
        if existing is None:
            self._glue.create_table(DatabaseName=self._crawler.database_name, TableInput=table)
            self._crawl.summary["created"] += 1
        elif self._differs(existing, table):
            self._update(table)
        if keys:
            self._write_partitions(files, table, existing)

    def _list(self) -> list[tuple[str, dict[str, Any]]]:
        bucket, prefix = jobs.split_uri(self._uri)
        exclusions = self._target.get("Exclusions", [])
        found = []
        for entry in self._objects.list(f"s3://{bucket}/{prefix}"):
            key = entry["Key"][len(prefix) :]
            hidden = any(part.startswith(("_", ".")) for part in key.split("/"))
            if entry["Size"] and not hidden and not any(fnmatch.fnmatch(key, pattern) for pattern in exclusions):
                found.append((key, entry))
        return found

    def _classify(self, files: list[tuple[str, dict[str, Any]]]) -> list[Content]:
        bucket, prefix = jobs.split_uri(self._uri)
        step = max(1, len(files) // (self._target.get("SampleSize") or SAMPLE_FILES))
        contents = []
        for key, entry in files[::step][-SAMPLE_FILES:]:
            uri = f"s3://{bucket}/{prefix}{key}"
            data = self._beginning(bucket, prefix + key)
            if data[:4] == b"PAR1" and entry["Size"] > SAMPLE_BYTES:
                data = self._objects.read(uri)
            try:
                contents.append(classify(data, uri, complete=entry["Size"] <= len(data)))
            except Unclassified as error:
                self._log.line(f"WARN : {error}")
        if not contents:
            raise JobError(f"no classifier recognises the files under {self._uri}")
        found = sorted({content.classification for content in contents})
        if len(found) > 1:
            raise JobError(
                f"the sandbox's crawler makes one table a target, and {self._uri} holds {' and '.join(found)}: give each its own target"
            )
        return contents

    def _beginning(self, bucket: str, key: str) -> bytes:
        try:
            return self._objects.client.get_object(Bucket=bucket, Key=key, Range=f"bytes=0-{SAMPLE_BYTES - 1}")["Body"].read()
        except ClientError as error:
            raise jobs.s3_error(error, "reading", f"s3://{bucket}/{key}") from error

    def _partition_keys(self, files: list[tuple[str, dict[str, Any]]]) -> list[dict[str, str]]:
        shapes = {tuple(name for name, _ in partitions(key)) for key, _ in files}
        if len(shapes) > 1:
            self._log.line(f"WARN : files lie at different depths under {self._uri}; the table has no partition keys")
            return []
        return [{"Name": name, "Type": "string"} for name in shapes.pop()]

    def _table(self, files: list[tuple[str, dict[str, Any]]], contents: list[Content], keys: list[dict[str, str]]) -> dict[str, Any]:
        first = contents[0]
        size = sum(entry["Size"] for _, entry in files)
        rows = sum(content.rows for content in contents)
        sampled = len(contents) < len(files) or any(entry["Size"] > SAMPLE_BYTES for _, entry in files)
        sampled_size = min(size, sum(min(entry["Size"], SAMPLE_BYTES) for _, entry in files))
        average = max(1, round((sampled_size if sampled else size) / max(1, rows)))
        parameters = {
            "classification": first.classification,
            "compressionType": first.compression,
            "typeOfData": "file",
            "objectCount": str(len(files)),
            "recordCount": str(round(size / average) if sampled else rows),
            "averageRecordSize": str(average),
            "sizeKey": str(size),
            "CrawlerSchemaDeserializerVersion": "1.0",
            "CrawlerSchemaSerializerVersion": "1.0",
            "UPDATED_BY_CRAWLER": self._crawler.name,
            **first.details,
        }
        reader, writer, serde = _FORMATS[first.classification]
        serde_parameters = {"field.delim": first.details["delimiter"]} if first.classification == "csv" else {"serialization.format": "1"}
        taken = {key["Name"] for key in keys}
        return {
            "Name": self._name,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": parameters,
            "PartitionKeys": keys,
            "StorageDescriptor": {
                "Columns": [{"Name": name, "Type": kind} for name, kind in merged(contents) if name not in taken],
                "Location": self._uri,
                "InputFormat": reader,
                "OutputFormat": writer,
                "Compressed": first.compression != "none",
                "SerdeInfo": {"SerializationLibrary": serde, "Parameters": serde_parameters},
                "Parameters": parameters,
            },
        }

    def _existing(self) -> dict[str, Any] | None:
        try:
            return self._glue.get_table(DatabaseName=self._crawler.database_name, Name=self._name)["Table"]
        except self._glue.exceptions.EntityNotFoundException:
            return None

    @staticmethod
    def _differs(existing: dict[str, Any], table: dict[str, Any]) -> bool:
        return (
            existing["StorageDescriptor"]["Columns"] != table["StorageDescriptor"]["Columns"]
            or existing["Parameters"] != table["Parameters"]
        )

    def _update(self, table: dict[str, Any]) -> None:
        if (self._crawler.schema_change_policy or {}).get("UpdateBehavior") == "LOG":
            self._log.line(f"INFO : table {self._name} differs; UpdateBehavior is LOG")
            return
        self._glue.update_table(DatabaseName=self._crawler.database_name, TableInput=table)
        self._crawl.summary["updated"] += 1

    def _gone(self, existing: dict[str, Any] | None) -> None:
        behavior = (self._crawler.schema_change_policy or {}).get("DeleteBehavior", "DEPRECATE_IN_DATABASE")
        if existing is None or behavior == "LOG":
            return
        if behavior == "DELETE_FROM_DATABASE":
            self._glue.delete_table(DatabaseName=self._crawler.database_name, Name=self._name)
        else:
            kept = {name: existing[name] for name in ("Name", "TableType", "PartitionKeys", "StorageDescriptor") if name in existing}
            stamp = str(jobs.epoch_milliseconds(jobs.now()))
            table = {**kept, "Parameters": {**existing["Parameters"], "DEPRECATED_BY_CRAWLER": stamp}}
            self._glue.update_table(DatabaseName=self._crawler.database_name, TableInput=table)
        self._crawl.summary["deleted"] += 1

    def _write_partitions(self, files: list[tuple[str, dict[str, Any]]], table: dict[str, Any], existing: dict[str, Any] | None) -> None:
        names = {"DatabaseName": self._crawler.database_name, "TableName": self._name}
        known: set[tuple[str, ...]] = set()
        if existing is not None:
            pages = self._glue.get_paginator("get_partitions").paginate(**names)
            known = {tuple(partition["Values"]) for page in pages for partition in page["Partitions"]}
        folders = {tuple(value for _, value in partitions(key)): key.rsplit("/", 1)[0] for key, _ in files}
        new = [
            {"Values": list(values), "StorageDescriptor": {**table["StorageDescriptor"], "Location": f"{self._uri}{folder}/"}}
            for values, folder in sorted(folders.items())
            if values not in known
        ]
        for start in range(0, len(new), 100):
            answer = self._glue.batch_create_partition(**names, PartitionInputList=new[start : start + 100])
            if answer.get("Errors"):
                raise JobError(f"partitions of {self._name}: {answer['Errors'][0]['ErrorDetail']['ErrorMessage']}")
        self._crawl.summary["partitions"] += len(new)


def install(sandbox: Sandbox) -> None:
    """Replace moto's pretended crawls."""
    crawling = Crawling(sandbox)

    def start_crawler(self: FakeCrawler) -> None:
        if self.status != "READY":
            raise CrawlerRunningException(f"Crawler with name {self.name} has already started")
        crawl = Crawl(self.name)
        self.crawls.append(crawl)  # type: ignore[arg-type]
        sandbox.submit(crawling.run, self, crawl)

    def stop_crawler(self: FakeCrawler) -> None:
        if self.status != "RUNNING":
            raise CrawlerNotRunningException(f"Crawler with name {self.name} isn't running")
        crawl: Any = self.crawls[-1]
        crawl.stop.set()
        crawl.status = "STOPPING"

    described = FakeCrawler.__dict__.get("_stored_as_dict") or FakeCrawler.as_dict

    def as_dict(self: FakeCrawler) -> dict[str, Any]:
        data = described(self)
        if self.crawls and self.status == "READY":
            last: Any = self.crawls[-1]
            data["LastCrawl"] = last.last_crawl()
        elif len(self.crawls) > 1:
            previous: Any = self.crawls[-2]
            data["LastCrawl"] = previous.last_crawl()
        else:
            data.pop("LastCrawl", None)
        return data

    stored = GlueBackend.__dict__.get("_stored_create_crawler") or GlueBackend.create_crawler

    def create_crawler(self: GlueBackend, name: str, targets: Any, schedule: Any, recrawl_policy: Any, **fields: Any) -> None:
        check_crawler(name, targets or {}, schedule, recrawl_policy or {}, fields)
        stored(self, name=name, targets=targets, schedule=schedule, recrawl_policy=recrawl_policy, **fields)

    FakeCrawler._stored_as_dict = described  # type: ignore[attr-defined]
    FakeCrawler.as_dict = as_dict  # type: ignore[method-assign]
    FakeCrawler.start_crawler = start_crawler  # type: ignore[method-assign]
    FakeCrawler.stop_crawler = stop_crawler  # type: ignore[method-assign]
    GlueBackend._stored_create_crawler = stored  # type: ignore[attr-defined]
    GlueBackend.create_crawler = create_crawler  # type: ignore[method-assign, assignment]


def check_crawler(name: str, targets: dict[str, Any], schedule: Any, recrawl_policy: dict[str, Any], fields: dict[str, Any]) -> None:
    """InvalidInputException for what the sandbox's crawler does not carry out."""
    other = sorted(kind for kind, entries in targets.items() if entries and kind != "S3Targets")
    problems = {
        f"targets of the kind {', '.join(other)}": bool(other),
        "a schedule": bool(schedule),
        "custom classifiers": bool(fields.get("classifiers")),
        "RecrawlBehavior CRAWL_EVENT_MODE": recrawl_policy.get("RecrawlBehavior") == "CRAWL_EVENT_MODE",
    }
    for problem, present in problems.items():
        if present:
            raise GlueClientError("InvalidInputException", f"the sandbox does not execute glue:CreateCrawler ({name}) with {problem}")
