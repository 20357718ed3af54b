"""The endpoint's server: GET /ping, POST /invocations for text/csv, application/json and application/jsonlines.

Rows hold the raw columns of the contract; every answer has the probability of the positive label, the label and the model's version.
CSV rows come in the order of the schema's inputs, or in that of a header with `text/csv; header=present`. HTTP/1.1 with keep-alive.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import io  # noqa: E402
import json  # noqa: E402
import socket  # noqa: E402
import sys  # noqa: E402
from collections.abc import Mapping  # noqa: E402
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from training import algorithms  # noqa: E402
from training.schema import Schema, matrix  # noqa: E402

MAXIMUM_BYTES = 25 * 1024 * 1024  # SageMaker's largest payload of a real-time endpoint
THRESHOLD = 0.5


class BadRequest(Exception):
    """A request that cannot be answered; its text goes to the client with status 400."""


class Predictor:
    """A loaded model: raw columns in, answers out."""

    def __init__(self, directory: Path, version: str, training_run: str = "") -> None:
        self.schema = Schema.load(directory)
        self.model = algorithms.algorithm(self.schema.algorithm).load(directory)
        self.version = version
        self._origin = {"model_version": version, **({"training_run": training_run} if training_run else {})}
        self.inputs = [each.name for each in self.schema.inputs]
        self._texts = {each.name for each in self.schema.inputs if each.type not in ("integer", "number")}

    def probabilities(self, columns: Mapping[str, Any]) -> np.ndarray:
        missing = [name for name in self.inputs if name not in columns]
        if missing:
            raise BadRequest(f"expected the columns {', '.join(self.inputs)}; missing: {', '.join(missing)}")
        try:
            return self.model.probability(matrix(self.schema, columns))
        except (TypeError, ValueError) as error:
            raise BadRequest(f"a value is not of its column's type: {error}") from error

    def label(self, probability: float) -> Any:
        return self.schema.positive if probability >= THRESHOLD else self.schema.negative

    def from_csv(self, body: bytes, *, header: bool) -> np.ndarray:
        types: Any = (
            dict.fromkeys(self._texts, str) if header else {index: str for index, name in enumerate(self.inputs) if name in self._texts}
        )
        frame = self._read_csv(body, header, types)
        if not header:
            if frame.shape[1] != len(self.inputs):
                raise BadRequest(f"expected {len(self.inputs)} columns without a header ({', '.join(self.inputs)}), got {frame.shape[1]}")
            frame.columns = pd.Index(self.inputs)
        return self.probabilities({name: frame[name].to_numpy() for name in frame.columns})

    @staticmethod
    def _read_csv(body: bytes, header: bool, types: Any) -> pd.DataFrame:
        # Only an empty field is missing: "NA" may be a code.
        try:
            return pd.read_csv(io.BytesIO(body), header=0 if header else None, dtype=types, keep_default_na=False, na_values=[""])
        except (ValueError, pd.errors.ParserError) as error:
            raise BadRequest(f"not a CSV table: {error}") from error

    def from_instances(self, instances: list[Any]) -> np.ndarray:
        for row, instance in enumerate(instances):
            if not isinstance(instance, dict):
                raise BadRequest(f"instance {row}: expected an object with one key a column")
        return self.probabilities({name: [instance.get(name) for instance in instances] for name in self.inputs})

    def answers(self, probabilities: np.ndarray) -> list[dict[str, Any]]:
        return [
            {"probability": probability, "prediction": self.label(probability), **self._origin}
            for probability in np.round(probabilities.astype(float), 6).tolist()
        ]

    def invoke(self, body: bytes, content_type: str) -> tuple[bytes, str]:
        """The answer to one invocation and its content type, the request's own."""
        kind, _, parameters = content_type.partition(";")
        kind = kind.strip().lower()
        if kind == "text/csv":
            labels = (f"{self.schema.negative},{self.version}", f"{self.schema.positive},{self.version}")
            probabilities = self.from_csv(body, header="header=present" in parameters.replace(" ", "").lower()).tolist()
            lines = [f"{probability:.6f},{labels[probability >= THRESHOLD]}" for probability in probabilities]
            return ("\n".join(lines) + "\n").encode(), "text/csv"
        try:
            if kind == "application/json":
                document = json.loads(body)
                instances = document.get("instances", [document]) if isinstance(document, dict) else document
                if not isinstance(instances, list) or not instances:
                    raise BadRequest('expected {"instances": [{column: value, …}, …]} with at least one instance')
                return json.dumps({"predictions": self.answers(self.from_instances(instances))}).encode(), kind
            if kind == "application/jsonlines":
                instances = [json.loads(line) for line in body.splitlines() if line.strip()]
                lines = [json.dumps(answer) for answer in self.answers(self.from_instances(instances))] if instances else []
                return "".join(line + "\n" for line in lines).encode(), kind
        except ValueError as error:
            raise BadRequest(f"not {kind}: {error}") from error
        raise BadRequest(f"expected content type text/csv, application/json or application/jsonlines, got {content_type!r}")


class Handler(BaseHTTPRequestHandler):
    """One connection; `predictor` is set on the class that `server` makes."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body in one packet
    disable_nagle_algorithm = True
    predictor: Predictor

    def do_GET(self) -> None:  # noqa: N802
        self._answer(200, b"", "text/plain") if self.path == "/ping" else self._error(404, f"expected GET /ping, got {self.path}")

    def do_POST(self) -> None:  # noqa: N802
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAXIMUM_BYTES:
            self.close_connection = True
            self._error(413, f"expected at most {MAXIMUM_BYTES} bytes, got {length}")
            return
        body = self.rfile.read(length)
        if self.path != "/invocations":
            self._error(404, f"expected POST /invocations, got {self.path}")
            return
        try:
            answer, content_type = self.predictor.invoke(body, self.headers.get("Content-Type") or "text/csv")
        except BadRequest as error:
            self._error(400, str(error))
            return
        self._answer(200, answer, content_type)

    def _error(self, status: int, message: str) -> None:
        self._answer(status, json.dumps({"error": message}).encode(), "application/json")

    def _answer(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Health checks and invocations are counted by SageMaker's own metrics, not logged line by line."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    address_family = socket.AF_INET


def server(predictor: Predictor, host: str, port: int) -> Server:
    """A server that is bound but not yet serving; port 0 takes a free one."""
    return Server((host, port), type("BoundHandler", (Handler,), {"predictor": predictor}))


def main() -> None:
    directory = Path(os.environ.get("SM_MODEL_DIR") or "/opt/ml/model")
    # In SageMaker the container's only way in is its own network; a local run is told to stay on loopback.
    host, port = os.environ.get("SAGEMAKER_BIND_TO_HOST", "0.0.0.0"), int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080"))  # noqa: S104
    version, training_run = os.environ.get("MODEL_VERSION", ""), os.environ.get("TRAINING_RUN", "")
    bound = server(Predictor(directory, version, training_run), host, port)
    line = {"level": "INFO", "message": f"serving {directory} on {host}:{bound.server_port}", "service": "serve"}
    print(json.dumps({**line, "correlation_id": training_run, "model_version": version}), flush=True)
    bound.serve_forever()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
