"""A policy pack without policies: it writes every request that the Pulumi engine sends to a pack into a file, one JSON document a line.

Run by the CLI as the analyzer of runtime `recorder` (tests/engine/recording.py); the file is named by REQUESTS_FILE.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2
from google.protobuf.json_format import MessageToDict
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc, plugin_pb2


class Recorder(analyzer_pb2_grpc.AnalyzerServicer):
    """Answers that nothing is wrong."""

    def __init__(self, file: Path) -> None:
        self._file, self._lock = file, threading.Lock()

    def _write(self, kind: str, request: Any) -> None:
        line = json.dumps({"request": kind, **MessageToDict(request)})
        with self._lock, self._file.open("a") as file:
            file.write(line + "\n")

    def Handshake(self, request: Any, context: Any) -> Any:
        return analyzer_pb2.AnalyzerHandshakeResponse()

    def ConfigureStack(self, request: Any, context: Any) -> Any:
        self._write("ConfigureStack", request)
        return analyzer_pb2.AnalyzerStackConfigureResponse()

    def Configure(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def GetAnalyzerInfo(self, request: Any, context: Any) -> Any:
        return analyzer_pb2.AnalyzerInfo(name="recorder", displayName="recorder", version="1.0.0")

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version="1.0.0")

    def Remediate(self, request: Any, context: Any) -> Any:
        return analyzer_pb2.RemediateResponse()

    def Analyze(self, request: Any, context: Any) -> Any:
        self._write("Analyze", request)
        return analyzer_pb2.AnalyzeResponse()

    def AnalyzeStack(self, request: Any, context: Any) -> Any:
        self._write("AnalyzeStack", request)
        return analyzer_pb2.AnalyzeResponse()

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()


def main() -> None:
    """Serve until the CLI ends the process; the port goes to standard output, as the engine expects."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    server = grpc.server(ThreadPoolExecutor(16), options=[("grpc.max_receive_message_length", 400 << 20)])
    analyzer_pb2_grpc.add_AnalyzerServicer_to_server(Recorder(Path(os.environ["REQUESTS_FILE"])), server)
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    signal.sigwait({signal.SIGINT, signal.SIGTERM})


main()
