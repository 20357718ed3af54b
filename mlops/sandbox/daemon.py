"""The sandbox's process: `python -m mlops.sandbox.daemon --directory PROJECT`."""

from __future__ import annotations

import argparse
import faulthandler
import functools
import importlib
import importlib.util
import json
import logging
import os
import select
import signal
import sys
import tempfile
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import botocore.session
from moto.core import utils as moto_utils
from moto.core.config import default_user_config
from moto.core.routing import get_service_router
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from mlops.errors import UserError
from mlops.sandbox import levels, lifecycle
from mlops.sandbox.context import ACCOUNT, LOADER, Credentials, Sandbox, SandboxOptions
from mlops.sandbox.delivery import dispatcher
from mlops.sandbox.http import Front, QuietHandler
from mlops.sandbox.identity import Authoriser, Identity
from mlops.sandbox.processes import Processes

log = logging.getLogger("mlops.sandbox")

# In the order of their installation. A module that is not written yet is named in the log.
EXECUTORS = (
    "mlops.sandbox.stores",
    "mlops.sandbox.provider.moto_gaps",
    "mlops.sandbox.provider.moto_costs",
    "mlops.sandbox.compute.lambda_",
    "mlops.sandbox.compute.events",
    "mlops.sandbox.compute.stepfunctions",
    "mlops.sandbox.compute.queues",
    "mlops.sandbox.compute.alarms",
    "mlops.sandbox.compute.metric_filters",
    "mlops.sandbox.compute.log_insights",
    "mlops.sandbox.compute.scheduler",
    "mlops.sandbox.compute.replication",
    "mlops.sandbox.compute.table_recovery",
    "mlops.sandbox.compute.health_checks",
    "mlops.sandbox.compute.apigateway",
    "mlops.sandbox.compute.cloudtrail",
    "mlops.sandbox.compute.findings",
    "mlops.sandbox.ml",
)


def warm_up() -> None:
    """Read the service models before the first calls need them, once for moto, its routers and the gates."""
    for service in levels.SERVICES:
        if service in dispatcher.MODULES:  # read with the first call: most sandboxes run no pipeline
            continue
        try:
            get_service_router(service)
        except Exception:
            log.exception("cannot read the model of %s", service)


def level_gate(service: str, operation: str) -> str | None:
    """Why the sandbox refuses an operation; None when it executes or keeps it."""
    if levels.level_of_operation(service, operation) != levels.REFUSED:
        return None
    return (
        f"the sandbox does not support {service}:{operation or 'an operation that AWS does not have'}, and refuses it rather than pretend"
    )


class Daemon:
    """The endpoint, its gates and its executors."""

    def __init__(self, project: Path, region: str, options: SandboxOptions) -> None:
        self.files = lifecycle.Files(project)
        self.lock = lifecycle.take_lock(self.files)
        self.files.state.unlink(missing_ok=True)
        self.files.directory.mkdir(parents=True, exist_ok=True)
        self.front = Front(moto_application())
        self.server = listen(self.front)
        port = self.server.server_port
        processes = Processes()
        # Temporary files of this process and of those it starts lie where they go with the sandbox, however that ends.
        tempfile.tempdir = os.environ["TMPDIR"] = str(processes.temporary)
        # moto's own calls to itself (Step Functions) and the account that every request belongs to.
        os.environ.update(MOTO_PORT=str(port), MOTO_ACCOUNT_ID=ACCOUNT, AWS_DEFAULT_REGION=region)
        self.sandbox = Sandbox(
            region=region,
            directory=self.files.directory,
            endpoint=f"http://127.0.0.1:{port}",
            options=options,
            processes=processes,
        )

    def install(self) -> Credentials:
        """Plug in identity, levels and executors; the administrator's keys."""
        self.sandbox.identity = Identity(self.sandbox)
        self.sandbox.on_stop(self.sandbox.identity.audit.close)
        self.front.moto = Authoriser(dispatcher.Dispatcher(self.front.moto, self.sandbox), self.sandbox)
        self.front.gates.append(level_gate)
        for name in EXECUTORS:
            if is_there(name):
                importlib.import_module(name).install(self.sandbox)
            else:
                log.warning("executor %s is not there", name)
        recorder = self.sandbox.services.get("cloudtrail")
        if recorder is not None:
            self.front.observers.append(recorder.observe)
        return self.sandbox.principals.administrator()

    def serve(self) -> None:
        """Answer until SIGTERM or SIGINT."""
        threading.Thread(target=self.server.serve_forever, name="endpoint", daemon=True).start()
        try:
            administrator = self.install()
            threading.Thread(target=warm_up, name="warm-up", daemon=True).start()
            lifecycle.announce(
                self.files,
                lifecycle.Running(
                    endpoint=self.sandbox.endpoint,
                    api_url=self.sandbox.api_url,
                    pid=os.getpid(),
                    region=self.sandbox.region,
                    account=self.sandbox.account,
                    administrator=administrator,
                ),
            )
            log.info("ready on %s", self.sandbox.endpoint)
            # Not one long wait: a signal that another thread happens to receive is handled only when the main thread wakes.
            while not self.stopped.wait(0.25):
                continue
        finally:
            self.files.state.unlink(missing_ok=True)
            self.server.shutdown()
            self.sandbox.stop()

    stopped = threading.Event()

    @classmethod
    def interrupt(cls, number: int, frame: FrameType | None) -> None:
        cls.stopped.set()


class Services(DomainDispatcherApplication):
    """moto's dispatcher, which otherwise crashes on a service that moto does not have."""

    def get_backend_for_host(self, host: str | None) -> Any:
        backend = super().get_backend_for_host(host)
        if host and not backend:
            raise NotImplementedError("moto has no such service")
        return backend


def moto_application() -> Any:
    # moto makes a loader, which lists all service folders, for each service.
    moto_utils.create_loader = functools.cache(moto_utils.create_loader)  # type: ignore[attr-defined]
    # Each of the sessions that moto makes would read the list of endpoints anew.
    botocore.session.create_loader = lambda search_path_string=None: LOADER  # type: ignore[assignment]
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    return Services(create_backend_app)


def listen(application: Any) -> BaseWSGIServer:
    """A threaded server on a free port of the loopback."""
    return make_server("127.0.0.1", 0, application, threaded=True, request_handler=QuietHandler)


def is_there(name: str) -> bool:
    """Whether a module exists (a folder without __init__.py is not one)."""
    found = importlib.util.find_spec(name)
    return found is not None and found.origin is not None


def stop_with(parent: int) -> None:
    """End this process when `parent` ends."""
    try:
        descriptor = os.pidfd_open(parent)
    except ProcessLookupError:
        Daemon.stopped.set()
        return
    select.select([descriptor], [], [])
    Daemon.stopped.set()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m mlops.sandbox.daemon", description=__doc__)
    parser.add_argument("--directory", type=Path, required=True, help="the project's folder; state goes to .mlops in it")
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--options", type=json.loads, default={}, help="SandboxOptions as JSON")
    parser.add_argument("--parent", type=int, help="end with this process")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    for noisy in ("werkzeug", "botocore", "boto3", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    faulthandler.register(signal.SIGUSR1)  # what every thread is doing, into the log
    signal.signal(signal.SIGTERM, Daemon.interrupt)
    signal.signal(signal.SIGINT, Daemon.interrupt)
    try:
        daemon = Daemon(arguments.directory.resolve(), arguments.region, SandboxOptions(**arguments.options))
    except UserError as error:
        print(f"{error.message} ({error.where})", file=sys.stderr)
        return error.exit_code
    if arguments.parent:
        threading.Thread(target=stop_with, args=(arguments.parent,), daemon=True).start()
    daemon.serve()
    return 0


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    # Not sys.exit: it would wait for background threads, and there is no state left that they could finish.
    os._exit(code)
