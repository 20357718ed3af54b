"""What checks look at: the project's files, the previewed program, the state of the last deployment, and the account."""

from __future__ import annotations

import copy
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from mlops import engine
from mlops.doctor.check import NotChecked
from mlops.engine.config import Project as Configuration
from mlops.engine.invokes import ACCOUNT as PREVIEW_ACCOUNT
from mlops.errors import UserError
from mlops.operations.deployment import STACK as LOCAL
from mlops.operations.deployment import StateFile
from mlops.project import Project
from mlops.sandbox import lifecycle
from mlops.sandbox.provider.deployer import deployer

CALLS = Config(retries={"max_attempts": 4, "mode": "standard"}, connect_timeout=5, read_timeout=20, max_pool_connections=32)
SANDBOX_CALLS = Config(
    retries={"max_attempts": 1, "mode": "standard"}, s3={"addressing_style": "path"}, read_timeout=60, max_pool_connections=32
)
_STATE_SECONDS = 60
# STS's answers in a region that is not enabled in the account, or to a token for other regions only:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_enable-regions.html
_NOT_HERE = ("InvalidClientTokenId", "UnrecognizedClientException")
_HOMES = {"cn-": "cn-north-1", "us-gov-": "us-gov-west-1"}
_PROVIDER = "pulumi:providers:aws"


class Account:
    """An account as its credentials see it. Clients are made once and are safe for all threads."""

    def __init__(self, session: boto3.Session, endpoint: str | None = None) -> None:
        self.session, self.endpoint, self.region = session, endpoint, str(session.region_name)
        self.refusal = ""  # why the region does not answer to credentials that are good elsewhere
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()

    def client(self, service: str, region: str | None = None) -> Any:
        """A client of the service in the stack's region, or in another one."""
        key = (service, region or self.region)
        with self._lock:
            if key not in self._clients:
                settings = SANDBOX_CALLS if self.endpoint else CALLS
                client = self.session.client(service, region_name=key[1], endpoint_url=self.endpoint, config=settings)
                if service == "s3control":
                    client.meta.events.register("before-sign.s3-control", _no_account_before_an_address)
                self._clients[key] = client
            return self._clients[key]

    @cached_property
    def caller(self) -> dict[str, Any]:
        """GetCallerIdentity's answer, with the response's metadata. Where the region does not know the caller, its partition's first region is asked."""
        try:
            return self.client("sts").get_caller_identity()
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and error.response["Error"]["Code"] not in _NOT_HERE:
                raise
            try:
                answer = self.client("sts", self.home).get_caller_identity()
            except (ClientError, BotoCoreError):
                raise error from None
            self.refusal = str(error)
            return answer

    @property
    def home(self) -> str:
        """A region of the partition that no account can switch off."""
        return next((home for prefix, home in _HOMES.items() if self.region.startswith(prefix)), "us-east-1")

    def in_region(self, region: str) -> Account:
        """The same account, looked at in another region."""
        if region == self.region:
            return self
        other = copy.copy(self)
        other.region = region
        return other

    @property
    def id(self) -> str:
        return self.caller["Account"]

    @property
    def is_sandbox(self) -> bool:
        """Whether calls go to a sandbox, be it by AWS_ENDPOINT_URL."""
        return str(self.client("sts").meta.endpoint_url).startswith("http://127.0.0.1")

    @property
    def partition(self) -> str:
        return self.caller["Arn"].split(":")[1]

    def pages(self, service: str, operation: str, key: str, region: str | None = None, **parameters: Any) -> list[Any]:
        """All items of a list operation, pages together."""
        client = self.client(service, region)
        if client.can_paginate(operation):
            return [item for page in client.get_paginator(operation).paginate(**parameters) for item in page.get(key, [])]
        return list(getattr(client, operation)(**parameters).get(key, []))


def _no_account_before_an_address(request: Any, **_: Any) -> None:
    # S3's control plane puts the account in front of the host's name, which a loopback address cannot have.
    request.url = re.sub(r"//\d{12}\.(127\.0\.0\.1:)", r"//\1", request.url)


@dataclass(frozen=True)
class State:
    """The stack as it was deployed last: names and ids of what it owns. Empty before the first deployment."""

    ids: frozenset[tuple[str, str]] = frozenset()
    types: Mapping[str, int] = field(default_factory=dict)
    arns: frozenset[str] = frozenset()

    @classmethod
    def of(cls, resources: Iterable[tuple[str, Any, Mapping[str, Any]]]) -> State:
        """From (type, id, outputs) of each resource."""
        ids, types, arns = set[tuple[str, str]](), dict[str, int](), set[str]()
        for type_, id_, outputs in resources:
            types[type_] = types.get(type_, 0) + 1
            ids.add((type_, str(id_)))
            for name in ("name", "bucket", "arn"):
                if isinstance(value := outputs.get(name), str):
                    ids.add((type_, value))
            if isinstance(arn := outputs.get("arn"), str):
                arns.add(arn)
        return cls(frozenset(ids), types, frozenset(arns))

    def has(self, type_: str, name: str) -> bool:
        """Whether the stack owns the thing of this name or id."""
        return (type_, name) in self.ids


@dataclass
class Context:
    """One examination of one stack. What costs time is looked at once, when the first check needs it; what failed fails for each."""

    project: Project
    stack: str
    account_of: Callable[[Context], Account] | None = None
    _once: dict[str, tuple[Any, BaseException | None]] = field(default_factory=dict)
    _locks: dict[str, threading.Lock] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """The value of the first call, or its error again."""
        with self._lock:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            if name not in self._once:
                try:
                    self._once[name] = (make(), None)
                except (NotChecked, UserError, engine.EngineError, ClientError, BotoCoreError) as error:
                    self._once[name] = (None, error)
            value, error = self._once[name]
        if error is not None:
            raise error
        return value

    @property
    def local(self) -> bool:
        """Whether the stack is the sandbox's."""
        return self.stack == LOCAL

    @property
    def configuration(self) -> Configuration:
        """Project and stack files; EngineError where they cannot be read."""
        return self.once("configuration", lambda: engine.load_project(self.project.root, self.stack))

    def setting(self, key: str) -> Any:
        """A key of the stack's file (`mlops:network`, `aws:region`), objects decoded; None where it is not set."""
        text = self.configuration.config.get(key)
        return json.loads(text) if text is not None and text[:1] in "{[" else text

    def own(self, key: str) -> dict[str, Any]:
        """An object of the project's own settings, empty where it is not set."""
        value = self.setting(f"{self.configuration.name}:{key}")
        return value if isinstance(value, dict) else {}

    def settings_text(self) -> dict[str, str]:
        """All keys of the stack's file as text."""
        return self.configuration.config

    @property
    def record(self) -> engine.Record:
        """The previewed program; EngineError where the preview fails."""
        return self.once("preview", lambda: engine.preview(self.project.root, self.stack))

    @property
    def preview(self) -> engine.Record:
        """The previewed program, for checks that build on it."""
        try:
            return self.record
        except engine.EngineError as error:
            raise NotChecked(f"the preview fails: {error.message}", "mend what the check `preview` says") from None

    def declared(self, type_: str) -> list[engine.RecordedResource]:
        """What the program registers of a type, without what it only reads."""
        return [resource for resource in self.preview.resources if resource.type == type_ and not resource.external]

    def region_of(self, resource: engine.RecordedResource) -> str:
        """Where a resource goes: its provider may be for another region than the stack's."""
        regions = self.once(
            "regions", lambda: {each.urn: each.inputs.get("region") for each in self.preview.resources if each.type == _PROVIDER}
        )
        region = regions.get(resource.provider)
        return region if isinstance(region, str) else self.account.region

    def count(self, type_: str) -> int:
        return len(self.declared(type_))

    def more(self, type_: str) -> int:
        """How many more of a type there will be than the stack has now."""
        return self.count(type_) - (self.state.types.get(type_, 0) if self.state_known() else 0)

    # The account

    @property
    def account(self) -> Account:
        """The account that the stack goes to; NotChecked where there is none to ask."""
        return self.once("account", lambda: (self.account_of or open_account)(self))

    def real(self, text: str) -> str:
        """A previewed name or ARN with the real account in it: an offline preview uses AWS's example account."""
        return text.replace(PREVIEW_ACCOUNT, self.account.id)

    @property
    def state(self) -> State:
        """The stack's last deployment; NotChecked where nobody can tell."""
        return self.once("state", lambda: local_state(self) if self.local else pulumi_state(self))

    def state_known(self) -> bool:
        try:
            return self.state is not None
        except NotChecked:
            return False


class NoCredentials(NotChecked):
    """There is no account to ask."""


class NoSandbox(NotChecked):
    """No sandbox runs: the next one starts with an empty account."""


def open_account(context: Context) -> Account:
    """The sandbox for stack local, the account of the machine's credentials for any other."""
    if context.local:
        running = lifecycle.find(context.project.root)
        if running is None:
            raise NoSandbox("no sandbox runs; the one that `mlops up` starts has an empty account", "")
        keys = deployer(running)
        session = boto3.Session(keys.access_key_id, keys.secret_access_key, keys.session_token, region_name=running.region)
        return Account(session, running.endpoint)
    region = context.configuration.config.get("aws:region")
    if not region:
        raise NotChecked("the stack names no region", f"set aws:region in Pulumi.{context.stack}.yaml")
    try:
        session = boto3.Session(region_name=region, profile_name=context.configuration.config.get("aws:profile"))
        credentials = session.get_credentials()
    except BotoCoreError as error:
        raise NoCredentials(
            f"the credentials cannot be read: {error}",
            f"aws configure sso, or correct AWS_PROFILE (aws:profile in Pulumi.{context.stack}.yaml, where it is set)",
        ) from None
    if credentials is None:
        raise NoCredentials(
            "no AWS credentials were found (environment, shared files, single sign-on, instance role)",
            '`aws sso login --profile P` and `export AWS_PROFILE=P`, or `eval "$(aws configure export-credentials --format env)"`; then this again',
        )
    account = Account(session)
    try:
        account.caller  # noqa: B018 - asked once, before every check would fail by itself
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
        raise NoCredentials(
            f"AWS refuses the credentials: {code}: {message}", "renew them (`aws sso login`), and see that the clock is right"
        ) from None
    except BotoCoreError as error:
        raise NoCredentials(
            f"STS cannot be reached with the credentials: {error}", "look at the network, the proxy and AWS_ENDPOINT_URL"
        ) from None
    return account


def local_state(context: Context) -> State:
    """From the state of the last `mlops up` into the running sandbox."""
    running = lifecycle.find(context.project.root)
    if running is None:
        return State()
    record = StateFile.of(context.project, context.project, running).read()
    return State() if record is None else State.of((each.type, each.id, each.outputs) for each in record.resources if each.custom)


def pulumi_state(context: Context) -> State:
    """From `pulumi stack export`; a stack that the backend does not know has not been deployed."""
    pulumi = shutil.which("pulumi")
    if pulumi is None:
        raise NotChecked(
            "whether it belongs to this stack is in Pulumi's state, and the Pulumi CLI is not on PATH", "install the Pulumi CLI"
        )
    command = [pulumi, "stack", "export", "--stack", context.stack, "--non-interactive"]
    try:
        answer = subprocess.run(command, cwd=context.project.root, capture_output=True, text=True, check=False, timeout=_STATE_SECONDS)
    except subprocess.TimeoutExpired:
        raise NotChecked(f"`pulumi stack export` did not answer within {_STATE_SECONDS} s", "pulumi login") from None
    if answer.returncode:
        if re.search(r"no stack named|stack '.*' not found", answer.stderr):
            return State()
        raise NotChecked(f"`pulumi stack export` failed: {answer.stderr.strip()[:300]}", "pulumi login")
    resources = json.loads(answer.stdout).get("deployment", {}).get("resources") or []
    return State.of((each["type"], each.get("id"), each.get("outputs") or {}) for each in resources if each.get("custom"))
