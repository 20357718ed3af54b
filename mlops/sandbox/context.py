"""What every part of the sandbox shares: account, region, addresses, clients, processes, background work."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.loaders import Loader

from mlops.sandbox.processes import Processes

if TYPE_CHECKING:
    from mlops.sandbox.identity import Identity

ACCOUNT = "123456789012"
# The role that deploys into a sandbox.
DEPLOYER = "sandbox-deployer"

# Services whose moto backend is one per partition, not one per region.
GLOBAL_SERVICES = frozenset({"iam", "s3", "sts", "route53", "cloudfront", "organizations", "budgets", "ce", "account", "savingsplans"})

# One for all clients: reading the service models anew for each would take longer than the calls.
LOADER = Loader()

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Credentials:
    """Keys of one sandbox principal."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None
    principal_arn: str = ""

    def environment(self) -> dict[str, str]:
        """The variables with which any AWS client takes these keys."""
        variables = {"AWS_ACCESS_KEY_ID": self.access_key_id, "AWS_SECRET_ACCESS_KEY": self.secret_access_key}
        if self.session_token:
            variables["AWS_SESSION_TOKEN"] = self.session_token
        return variables


@dataclass(frozen=True)
class SandboxOptions:
    """Waits that take minutes or hours on AWS; all in seconds. `executors` holds further options of single executors by name."""

    lambda_retry_delays: tuple[float, ...] = (1.0, 2.0)  # AWS: 60 and 120 seconds between tries of an asynchronous invocation
    event_retry_delays: tuple[float, ...] = (0.5, 1.0, 2.0)  # AWS: up to 185 tries in 24 hours, with exponential back-off
    alarm_tick: float = 2.0  # how often alarms are judged when no datapoint arrives
    schedule_tick: float = 0.5
    queue_poll: float = 0.2  # how often an event source mapping looks into its queue
    lambda_workers: int = 4  # concurrent environments of a function without reserved concurrency
    lambda_idle: float = 300.0  # an idle execution environment ends after this time
    deployment_minute: float = 2.0  # a minute of a canary or linear deployment's strategy (CodePipeline's Lambda action)
    executors: dict[str, Any] = field(default_factory=dict)


def session(credentials: Any, region: str) -> boto3.Session:
    """A session with these keys and nothing from this machine's configuration but the service models."""
    core = botocore.session.Session()
    core.register_component("data_loader", LOADER)
    return boto3.Session(
        aws_access_key_id=credentials.access_key_id,
        aws_secret_access_key=credentials.secret_access_key,
        aws_session_token=credentials.session_token,
        region_name=region,
        botocore_session=core,
    )


@dataclass
class Sandbox:
    """One running sandbox. `identity` is None only while the daemon is being put together."""

    region: str
    directory: Path
    endpoint: str
    options: SandboxOptions
    processes: Processes
    account: str = ACCOUNT
    api_url: str = ""
    identity: Identity | None = None

    def __post_init__(self) -> None:
        self._background = ThreadPoolExecutor(max_workers=256, thread_name_prefix="background")
        self._clients: dict[tuple[str, str], Any] = {}
        self._making_clients = threading.Lock()
        self._on_stop: list[Callable[[], None]] = []
        self._stop = threading.Event()
        self.services: dict[str, Any] = {}  # executors that others call directly, by service name

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    @property
    def principals(self) -> Identity:
        """The identity, once it is there."""
        if self.identity is None:
            raise RuntimeError("the sandbox's identity is not installed yet")
        return self.identity

    def client(self, service: str, credentials: Any) -> Any:
        """A boto3 client of `service` on this sandbox that calls as the owner of `credentials`; made once, safe for all threads."""
        key = (service, credentials.access_key_id)
        with self._making_clients:
            if key not in self._clients:
                self._clients[key] = session(credentials, self.region).client(
                    service, endpoint_url=self.endpoint, config=self.client_config()
                )
            return self._clients[key]

    def service_client(self, service: str) -> Any:
        """A client with the internal principal, not subject to authorisation: only for what AWS itself does behind the scenes."""
        return self.client(service, self.principals.internal())

    @staticmethod
    def client_config() -> Config:
        return Config(
            retries={"mode": "standard", "max_attempts": 1}, s3={"addressing_style": "path"}, read_timeout=900, tcp_keepalive=True
        )

    def backend(self, service: str) -> Any:
        """moto's store of `service` in this account and region (or the global one)."""
        from moto.backends import get_backend

        return get_backend(service)[self.account]["aws" if service in GLOBAL_SERVICES else self.region]  # type: ignore[call-overload, index]

    def submit(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:
        """Run `work` in the background; whatever it raises is logged with its traceback. A stopping sandbox begins nothing new."""
        if self.stopping:
            refused: Future[Any] = Future()
            refused.cancel()
            return refused
        return self._background.submit(self._logged, work, *args, **kwargs)

    @staticmethod
    def _logged(work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            return work(*args, **kwargs)
        except Exception:
            log.exception("background work failed: %s", getattr(work, "__qualname__", work))
            raise

    def later(self, delay: float, work: Callable[..., Any], *args: Any) -> None:
        """Run `work` in the background after `delay` seconds."""
        timer = threading.Timer(delay, lambda: self.submit(work, *args))
        timer.daemon = True
        timer.start()

    def every(self, interval: float, work: Callable[[], Any]) -> None:
        """Run `work` again and again, `interval` seconds after it ended, until the sandbox stops."""

        def loop() -> None:
            while not self._stop.wait(interval):
                try:
                    work()
                except Exception:
                    log.exception("recurring work failed: %s", getattr(work, "__qualname__", work))

        threading.Thread(target=loop, name=f"every-{getattr(work, '__qualname__', 'work')}", daemon=True).start()

    def on_stop(self, action: Callable[[], None]) -> None:
        """`action` runs when the sandbox stops, last registered first."""
        self._on_stop.append(action)

    def stop(self) -> None:
        """Stop every executor and process."""
        self._stop.set()
        for action in reversed(self._on_stop):
            action()
        self._background.shutdown(wait=False, cancel_futures=True)
        self.processes.stop_all()
