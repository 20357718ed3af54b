"""Batch prediction: a CSV file, streamed in chunks through the endpoint, two requests in flight.

Started by an object under batch/<model>/, by POST /models/<model>/batches (answers 202 and goes on by itself), or directly. Writes
`<model>/batch/<id>/predictions.csv.gz` in the file's order, `rejected.jsonl.gz` with reasons, and `summary.json` last: who sees the
summary sees everything. rows = predicted + rejected, checked. The ledger makes a second event for the same object version do nothing.
"""

from __future__ import annotations

import functools
import gzip
import io
import json
import os
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config
from botocore.exceptions import ClientError
from chunks import Chunk, batch_id, chunks, layout, parse_header, results
from claims import Claims
from platform_common import embedded_metrics
from platform_common.api import ApiError, body_of, respond
from platform_common.contract import Contract, ContractError, load
from platform_common.objects import split_uri, write_json
from sources import Source, is_api, requested, source_of
from uploads import GzipUpload

logger = Logger()
IN_FLIGHT = 2
PRIMARY = "primary"  # the variant of the version in service, as the deployment names it
s3, functions = boto3.client("s3"), boto3.client("lambda")
runtime = boto3.client("sagemaker-runtime", config=Config(max_pool_connections=IN_FLIGHT, retries={"mode": "standard", "max_attempts": 5}))
claims = Claims(boto3.client("dynamodb"), os.environ["LEDGER_TABLE"])


class RowsLost(Exception):
    """Rows in are not predicted plus rejected rows: a defect, never a property of the data."""


@functools.lru_cache(maxsize=1)
def contract() -> Contract:
    bucket, key = split_uri(os.environ["CONTRACT_URI"])
    return load(s3.get_object(Bucket=bucket, Key=key)["Body"].read())


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Output: the summary; of an API request status 202 with the batch's id."""
    bucket, model = os.environ["RAW_BUCKET"], os.environ["MODEL"]
    if is_api(event):
        try:
            return accept(event, bucket, model, context)
        except ApiError as error:
            return error.answer()
    source = pinned(source_of(event, bucket, model))
    identifier = batch_id(source.bucket, source.key, source.version or "null")
    claim = f"batch#{identifier}"
    logger.set_correlation_id(identifier)
    if not claims.take(claim, model=model, uri=source.uri, run=identifier):
        logger.info("batch is done or under way", extra={"batch": identifier})
        return {"id": identifier, "status": "duplicate", "source": source.uri}
    try:
        summary = predict(source, identifier)
    except Exception as error:
        claims.end(claim, "failed", f"{type(error).__name__}: {error}")
        if isinstance(error, ContractError):
            # For good, whatever is tried again: told where the results would be.
            refused = {"schema": 1, "id": identifier, "error": {"code": "bad-file", "message": f"{source.uri}: {error}"}}
            write_json(s3, f"s3://{os.environ['PREDICTIONS_BUCKET']}/{model}/batch/{identifier}/failed.json", refused)
        raise
    claims.end(claim, "succeeded", "")
    return summary


def accept(event: dict[str, Any], bucket: str, model: str, context: Any) -> dict[str, Any]:
    """Checks the request, starts an invocation of its own for the work, and answers."""
    source = requested(body_of(event), bucket, model)
    try:
        source = pinned(source)
    except ClientError as error:
        # S3 answers 403 for a missing object to who may not list the whole bucket.
        if error.response["Error"]["Code"] in ("403", "404", "AccessDenied", "NoSuchKey", "NotFound"):
            raise ApiError(404, "no-object", f"there is no object {source.uri}", "put the file there first") from error
        raise
    work = {"input": source.uri, "version": source.version}
    functions.invoke(FunctionName=context.invoked_function_arn, InvocationType="Event", Payload=json.dumps(work).encode())
    identifier = batch_id(source.bucket, source.key, source.version or "null")
    logger.set_correlation_id(identifier)
    logger.info("batch accepted", extra={"source": source.uri, "source_version": source.version})
    results_at = f"s3://{os.environ['PREDICTIONS_BUCKET']}/{model}/batch/{identifier}/"
    return respond(202, {"id": identifier, "status": "running", "source": source.uri, "results": results_at})


def pinned(source: Source) -> Source:
    """The source with the version that is current now."""
    if source.version:
        return source
    version = s3.head_object(Bucket=source.bucket, Key=source.key).get("VersionId", "null")
    return Source(source.bucket, source.key, version)


def predict(source: Source, identifier: str) -> dict[str, Any]:
    started = time.perf_counter()
    bucket, prefix = os.environ["PREDICTIONS_BUCKET"], f"{os.environ['MODEL']}/batch/{identifier}"
    lines = read_lines(source)
    header = parse_header(next(lines, ""))
    where = layout(contract(), header)
    predicted = rejected = 0
    versions: set[str] = set()
    with (
        GzipUpload(s3, bucket, f"{prefix}/predictions.csv.gz", "text/csv") as good,
        GzipUpload(s3, bucket, f"{prefix}/rejected.jsonl.gz", "application/jsonlines") as bad,
    ):
        good.write(",".join(where.output_header) + "\n")
        counted = Counted(lines)
        for chunk, answer in in_order(chunks(counted, contract(), header, where)):
            text, answered = results(chunk, answer)
            good.write(text)
            bad.write("".join(line + "\n" for line in chunk.rejected))
            predicted, rejected, versions = predicted + len(chunk.rows), rejected + len(chunk.rejected), versions | answered
        if counted.rows != predicted + rejected:
            raise RowsLost(f"{source.uri}: {counted.rows} rows in, {predicted} predicted + {rejected} rejected out")
    summary = {
        "schema": 1,
        "id": identifier,
        "status": "succeeded",
        "model": os.environ["MODEL"],
        "source": {"uri": source.uri, "version": source.version},
        "rows": counted.rows,
        "predicted": predicted,
        "rejected": rejected,
        "model_version": ",".join(sorted(versions)),
        "results": f"s3://{bucket}/{prefix}/",
        "seconds": round(time.perf_counter() - started, 3),
    }
    write_json(s3, f"s3://{bucket}/{prefix}/summary.json", summary)
    if predicted:
        count(predicted, summary["model_version"])
    logger.info(
        "batch predicted",
        extra={key: summary[key] for key in ("id", "rows", "predicted", "rejected", "seconds", "model_version", "source")},
    )
    return summary


def count(predicted: int, version: str) -> None:
    """The same metrics as of predictions over the API, which the cost of a prediction is counted by: of the model, and of the version."""
    of_model = {"service": os.environ["MODEL"]}
    of_version = {**of_model, "ModelVersion": version}
    embedded_metrics.put(os.environ["METRIC_NAMESPACE"], {"Predictions": predicted}, [of_model, of_version], unit="Count")


class Counted:
    """Lines as they come, and how many of them were rows (a line without text is none)."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines, self.rows = lines, 0

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            if line.strip("\r\n"):
                self.rows += 1
            yield line


def read_lines(source: Source) -> Iterator[str]:
    """The object's lines, one at a time; .gz files are unpacked on the way. A line is a row, as in validation."""
    version = {"VersionId": source.version} if source.version and source.version != "null" else {}
    body: Any = s3.get_object(Bucket=source.bucket, Key=source.key, **version)["Body"]
    binary = gzip.GzipFile(fileobj=body) if source.key.endswith(".gz") else io.BufferedReader(body, 1 << 20)
    return iter(io.TextIOWrapper(binary, encoding="utf-8-sig", errors="replace", newline="\n"))


def in_order(parts: Iterator[Chunk]) -> Iterator[tuple[Chunk, bytes]]:
    """Each chunk with the endpoint's answer, in the file's order; never more than two requests and three chunks at a time."""
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        waiting: deque[tuple[Chunk, Future[bytes]]] = deque()
        for chunk in parts:
            waiting.append((chunk, pool.submit(invoke, chunk)))
            if len(waiting) > IN_FLIGHT:
                first, answer = waiting.popleft()
                yield first, answer.result()
        while waiting:
            first, answer = waiting.popleft()
            yield first, answer.result()


def invoke(chunk: Chunk) -> bytes:
    if not chunk.rows:
        return b""
    # One version answers a whole file, during an A/B test too.
    response = runtime.invoke_endpoint(
        EndpointName=os.environ["ENDPOINT"],
        TargetVariant=PRIMARY,
        ContentType="text/csv; header=present",
        Accept="text/csv",
        Body=chunk.body,
    )
    return response["Body"].read()
