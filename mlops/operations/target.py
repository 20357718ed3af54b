"""The deployed stack a command works on: the sandbox or AWS, with one interface for both."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.httpsession import URLLib3Session

from mlops.errors import UserError
from mlops.project import Project
from mlops.sandbox import lifecycle

OUTPUTS_FILE = "outputs.json"
RETRIES = Config(retries={"max_attempts": 3, "mode": "standard"}, connect_timeout=5, read_timeout=900)


class Outputs(dict[str, Any]):
    """A stack's outputs; one that is not there belongs to a part that the stack does not have."""

    def __missing__(self, name: str) -> Any:
        raise UserError(
            "no-such-part",
            f"the stack has no output {name!r}: it was deployed without the part that makes it",
            "stack outputs",
            "deploy it with the parts you need (mlops:stack: parts), or with this version of the program",
        )


@dataclass(frozen=True)
class Target:
    """Session, endpoint and outputs of one stack."""

    stack: str
    session: boto3.Session
    endpoint: str | None
    outputs: dict[str, Any]

    @classmethod
    def open(cls, project: Project, stack: str, profile: str | None = None) -> Target:
        """The sandbox for `local`, AWS (with the credentials of a profile) for every other stack; UserError when it isn't there."""
        project.require_stack(stack)
        return cls._sandbox(project) if stack == "local" else cls._aws(project, stack, profile)

    @classmethod
    def _sandbox(cls, project: Project) -> Target:
        running = lifecycle.find(project.root)
        outputs = project.state / OUTPUTS_FILE
        if running is None or not outputs.is_file():
            raise UserError(
                "no-sandbox",
                "expected a running sandbox with the stack in it, found none",
                "stack local",
                "start one with `mlops up --detach`",
            )
        credentials = running.administrator
        session = boto3.Session(
            credentials.access_key_id, credentials.secret_access_key, credentials.session_token, region_name=running.region
        )
        return cls("local", session, running.endpoint, json.loads(outputs.read_text(), object_hook=Outputs))

    @classmethod
    def _aws(cls, project: Project, stack: str, profile: str | None) -> Target:
        pulumi = shutil.which("pulumi")
        if pulumi is None:
            raise UserError(
                "no-pulumi",
                f"the outputs of stack {stack} are read with the Pulumi CLI, found none on PATH",
                f"stack {stack}",
                "install it, or use --stack local",
            )
        answer = subprocess.run(
            [pulumi, "stack", "output", "--json", "--show-secrets", "--stack", stack],
            cwd=project.root,
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode:
            raise UserError(
                "no-outputs",
                f"`pulumi stack output` failed: {answer.stderr.strip()}",
                f"stack {stack}",
                "log in and deploy the stack first",
            )
        outputs = json.loads(answer.stdout, object_hook=Outputs)
        return cls(stack, boto3.Session(region_name=outputs.get("region"), profile_name=profile), None, outputs)

    @cache  # noqa: B019  (a target lives as long as its command)
    def client(self, service: str) -> Any:
        return self.session.client(service, endpoint_url=self.endpoint, config=RETRIES)

    @property
    def accelerated(self) -> bool:
        """Whether the raw bucket takes uploads at S3's edge locations; the sandbox has none."""
        return self.endpoint is None and bool(self.outputs.get("transfer_acceleration"))

    @cache  # noqa: B019  (as above)
    def uploader(self) -> Any:
        """The S3 client for uploads into the raw bucket."""
        if not self.accelerated:
            return self.client("s3")
        return self.session.client("s3", config=RETRIES.merge(Config(s3={"use_accelerate_endpoint": True})))

    def __hash__(self) -> int:
        return id(self)

    def model(self, name: str | None) -> tuple[str, dict[str, Any]]:
        """The model's name and outputs; the only one where no name is given."""
        models: dict[str, dict[str, Any]] = self.outputs["models"]
        if name is None and len(models) == 1:
            name = next(iter(models))
        if name is None or name not in models:
            raise UserError(
                "no-model", f"expected one of the models {', '.join(models)}, got {name}", f"stack {self.stack}", "name one with --model"
            )
        return name, models[name]

    def read_json(self, bucket: str, key: str) -> Any:
        return json.loads(self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())

    def invoke(self, function: str, event: dict[str, Any], refusals: Mapping[str, UserError] | None = None) -> dict[str, Any]:
        """The answer of a Lambda function; UserError with its own message when it failed.

        `refusals` tells of errors that mean bad input: their types, and the error that gets the function's message.
        """
        answer = self.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())
        payload = json.loads(answer["Payload"].read() or b"null")
        if answer.get("FunctionError"):
            refusal = (refusals or {}).get(payload.get("errorType", ""))
            if refusal is not None:
                raise replace(refusal, message=payload["errorMessage"])
            raise UserError(
                "function-failed",
                f"{function}: {payload.get('errorType', '')} {payload.get('errorMessage', payload)}".strip(),
                f"log group /aws/lambda/{function}",
                "read the function's log",
                exit_code=1,
            )
        return payload

    def call_api(
        self, method: str, path: str, body: dict[str, Any] | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """A signed request to the stack's API, with a JSON body where there is one: HTTP status and decoded answer."""
        request = AWSRequest(
            method,
            self.outputs["api"]["url"].rstrip("/") + path,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Content-Type": "application/json", **(headers or {})},
        )
        SigV4Auth(self.session.get_credentials(), "execute-api", self.session.region_name).add_auth(request)
        response = _http().send(request.prepare())
        try:
            return response.status_code, json.loads(response.content or b"null")
        except json.JSONDecodeError:
            raise UserError(
                "bad-answer",
                f"expected JSON from the API, got {response.content[:200]!r}",
                f"{method} {path}",
                "read the API's access log",
                exit_code=1,
            ) from None


@cache
def _http() -> URLLib3Session:
    return URLLib3Session(timeout=60)
