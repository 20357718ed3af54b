"""How AWS services hand something to a target: one path for rules, schedules, topics, alarms and bucket notifications.

With a role, the call is made as that role. Without one, the target's resource policy must admit the calling service, and so must the
policy of a customer's key on an encrypted target.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError
from moto.core.exceptions import JsonRESTError, ServiceException

from mlops.sandbox.context import Sandbox
from mlops.sandbox.http import ServiceError
from mlops.sandbox.identity import AccessDenied

log = logging.getLogger(__name__)

# Errors that another try does not mend: they go to the dead-letter queue at once.
PERMANENT = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "ResourceNotFoundException",
        "StateMachineDoesNotExist",
        "NotFound",
        "NonExistentQueue",
        "AWS.SimpleQueueService.NonExistentQueue",
        "UnsupportedOperation",
        "InvalidRequestContentException",
        "InvalidExecutionInput",
    }
)


@dataclass(frozen=True)
class Sender:
    """Who delivers: the service's principal, the resource it acts for, and the role it assumes, if it has one."""

    service: str
    source_arn: str
    role_arn: str = ""


@dataclass(frozen=True)
class Parcel:
    """What is delivered. `parameters` are the target's own (MessageGroupId …)."""

    body: str
    subject: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)


def deliver(sandbox: Sandbox, sender: Sender, arn: str, parcel: Parcel) -> None:
    """Hand `parcel` to the target `arn` once. ServiceError or ClientError when it does not arrive."""
    service = arn.split(":")[2]
    kind = TARGETS.get(service)
    if kind is None:
        raise ServiceError("UnsupportedOperation", f"the sandbox cannot deliver to {arn}: targets are {', '.join(sorted(TARGETS))}", 501)
    try:
        kind(sandbox, sender, arn, parcel)
    except AccessDenied as error:
        raise ServiceError("AccessDeniedException", str(error), 403) from error
    except (ServiceException, JsonRESTError) as error:
        code = getattr(error, "code", None) or getattr(error, "error_type", "") or type(error).__name__
        raise ServiceError(str(code), str(getattr(error, "message", error)), 400) from error


def error_code(error: Exception) -> str:
    if isinstance(error, ClientError):
        return str(error.response["Error"]["Code"])
    return getattr(error, "code", type(error).__name__)


def require(sandbox: Sandbox, sender: Sender, action: str, arn: str) -> None:
    """ServiceError unless the target's resource policy lets the sender's service do `action`."""
    verdict = sandbox.principals.explain(sender.service, action, arn, sender.source_arn)
    if not verdict.allowed:
        raise ServiceError(
            "AccessDeniedException", f"{sender.service} (for {sender.source_arn}) may not {action} on {arn} {verdict.explained()}", 403
        )


def require_key(sandbox: Sandbox, sender: Sender, key_id: str | None) -> None:
    """ServiceError unless the key of an encrypted target admits the sender's service."""
    if not key_id:
        return
    if key_id.startswith("alias/aws/"):
        raise ServiceError("KMSAccessDeniedException", f"{key_id} does not admit {sender.service}: the target needs a key of its own", 403)
    arn = sandbox.principals.account.key_arn(key_id)
    if arn:
        require(sandbox, sender, "kms:GenerateDataKey", arn)
        require(sandbox, sender, "kms:Decrypt", arn)


def as_role(sandbox: Sandbox, sender: Sender, service: str) -> Any:
    """A client with the rights of the sender's role."""
    credentials = sandbox.principals.issue(
        sender.role_arn, service=sender.service, session_name=sender.service.split(".")[0], source_arn=sender.source_arn
    )
    return sandbox.client(service, credentials)


def to_function(sandbox: Sandbox, sender: Sender, arn: str, parcel: Parcel) -> None:
    if sender.role_arn:
        as_role(sandbox, sender, "lambda").invoke(FunctionName=arn, InvocationType="Event", Payload=parcel.body)
        return
    require(sandbox, sender, "lambda:InvokeFunction", arn)
    sandbox.services["lambda"].invoke_asynchronously(arn, parcel.body)


def to_state_machine(sandbox: Sandbox, sender: Sender, arn: str, parcel: Parcel) -> None:
    if not sender.role_arn:
        raise ServiceError("AccessDeniedException", f"the target {arn} needs a role: state machines have no resource policy", 403)
    as_role(sandbox, sender, "stepfunctions").start_execution(stateMachineArn=arn, name=str(uuid.uuid4()), input=parcel.body)


def to_queue(sandbox: Sandbox, sender: Sender, arn: str, parcel: Parcel) -> None:
    name = arn.split(":")[5]
    group = parcel.parameters.get("MessageGroupId")
    if sender.role_arn:
        url = f"{sandbox.endpoint}/{sandbox.account}/{name}"
        as_role(sandbox, sender, "sqs").send_message(QueueUrl=url, MessageBody=parcel.body, **({"MessageGroupId": group} if group else {}))
        return
    backend = sandbox.backend("sqs")
    queue = backend.get_queue(name)
    require(sandbox, sender, "sqs:SendMessage", arn)
    require_key(sandbox, sender, queue.kms_master_key_id)
    attributes = parcel.parameters.get("MessageAttributes")
    backend.send_message(name, parcel.body, message_attributes=attributes, group_id=group)


def to_topic(sandbox: Sandbox, sender: Sender, arn: str, parcel: Parcel) -> None:
    subject = parcel.subject[:100] or None
    if sender.role_arn:
        as_role(sandbox, sender, "sns").publish(TopicArn=arn, Message=parcel.body, **({"Subject": subject} if subject else {}))
        return
    backend = sandbox.backend("sns")
    topic = backend.get_topic(arn)
    require(sandbox, sender, "sns:Publish", arn)
    require_key(sandbox, sender, topic.kms_master_key_id)
    backend.publish(parcel.body, arn=arn, subject=subject)


def to_log_group(sandbox: Sandbox, sender: Sender, arn: str, parcel: Parcel) -> None:
    name = arn.split(":log-group:")[1].removesuffix(":*")
    require(sandbox, sender, "logs:CreateLogStream", arn)
    require(sandbox, sender, "logs:PutLogEvents", arn)
    backend, stream = sandbox.backend("logs"), str(uuid.uuid4())
    backend.create_log_stream(name, stream)
    backend.put_log_events(name, stream, [{"timestamp": int(time.time() * 1000), "message": parcel.body}])


def to_bus(sandbox: Sandbox, sender: Sender, arn: str, parcel: Parcel) -> None:
    event = json.loads(parcel.body)
    entry = {
        "Source": event["source"],
        "DetailType": event["detail-type"],
        "Detail": json.dumps(event["detail"]),
        "Resources": event.get("resources", []),
    }
    if sender.role_arn:
        as_role(sandbox, sender, "events").put_events(Entries=[{**entry, "EventBusName": arn}])
        return
    sandbox.backend("events").put_events([{**entry, "EventBusName": arn}])


def to_pipeline(sandbox: Sandbox, sender: Sender, arn: str, parcel: Parcel) -> None:
    """Start a pipeline; the body may name variables and source revisions, as StartPipelineExecution takes them."""
    from mlops.sandbox.delivery import codepipeline, rights
    from mlops.sandbox.delivery.dispatcher import validate

    keys = rights.assume(sandbox, sender.role_arn, sender.service, "events", sender.source_arn)
    rights.require(sandbox, sender.role_arn, "codepipeline:StartPipelineExecution", arn)
    body = json.loads(parcel.body)
    wanted = {name: body[name] for name in ("variables", "sourceRevisions") if isinstance(body, dict) and name in body}
    name = arn.split(":")[5]
    validate("codepipeline", "StartPipelineExecution", {"name": name, **wanted})
    log.info("%s starts the pipeline %s as %s", sender.source_arn, name, keys.principal_arn)
    codepipeline.of(sandbox).pipeline(name).start(wanted, "CloudWatchEvent", sender.source_arn)


def to_build(sandbox: Sandbox, sender: Sender, arn: str, parcel: Parcel) -> None:
    """Start a build; the body may hold StartBuild's other parameters."""
    body = json.loads(parcel.body)
    known = {name: value for name, value in body.items() if name.endswith("Override") or name == "sourceVersion"}
    as_role(sandbox, sender, "codebuild").start_build(projectName=arn.split(":project/")[1], **known)


TARGETS = {
    "lambda": to_function,
    "states": to_state_machine,
    "sqs": to_queue,
    "sns": to_topic,
    "logs": to_log_group,
    "events": to_bus,
    "codepipeline": to_pipeline,
    "codebuild": to_build,
}
