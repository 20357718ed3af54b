"""A call as CloudTrail records it: pure, from the decoded call, who made it and what was answered.

Shape: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

from __future__ import annotations

import functools
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from botocore.parsers import create_parser
from moto.core.utils import get_service_model

from mlops.sandbox.identity.decoding import Call
from mlops.sandbox.identity.principals import Principal

MANAGEMENT, DATA, SKIPPED = "Management", "Data", ""

_READS = re.compile(
    r"^(Get|List|Describe|Head|BatchGet|Query|Scan|Search|Lookup|Check|Validate|Test|Estimate|Preview|Simulate|Filter|Select|Export)"
)
# What CloudTrail counts as data events, or does not record at all.
_DATA_PLANE = {
    "cloudwatch": "PutMetricData",
    "dynamodb": "*Item Transact* BatchExecute* Execute*",
    "events": "PutEvents",
    "kms": "Encrypt Decrypt ReEncrypt GenerateDataKey* GenerateRandom GenerateMac Sign Verify*",
    "lambda": "Invoke InvokeAsync",
    "logs": "PutLogEvents",
    "sagemaker-runtime": "*",
    "sns": "Publish PublishBatch",
    "sqs": "SendMessage* ReceiveMessage DeleteMessage* ChangeMessageVisibility*",
    "xray": "PutTraceSegments PutTelemetryRecords",
}
_OBJECTS = {"GetObject", "PutObject", "DeleteObject", "DeleteObjects", "CopyObject", "HeadObject", "CompleteMultipartUpload", "UploadPart"}
# Services whose events are named otherwise than botocore names them.
_SOURCES = {
    "apigateway": "apigateway",
    "cloudwatch": "monitoring",
    "stepfunctions": "states",
    "application-autoscaling": "autoscaling",
    "resourcegroupstaggingapi": "tagging",
}
_EVENT_NAMES = {
    "s3:PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "s3:DeletePublicAccessBlock": "DeleteBucketPublicAccessBlock",
    "s3:PutBucketLifecycleConfiguration": "PutBucketLifecycle",
    "s3:PutBucketNotificationConfiguration": "PutBucketNotification",
    "lambda:AddPermission": "AddPermission20150331v2",
    "lambda:CreateFunction": "CreateFunction20150331",
    "lambda:DeleteFunction": "DeleteFunction20150331",
    "lambda:RemovePermission": "RemovePermission20150331v2",
    "lambda:UpdateFunctionCode": "UpdateFunctionCode20150331v2",
    "lambda:UpdateFunctionConfiguration": "UpdateFunctionConfiguration20150331v2",
}
# Never in a record: secrets, and payloads.
_HIDDEN = {"SecretString", "Environment", "ZipFile", "Code", "SecretAccessKey", "Plaintext", "Body", "Password"}
HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"


@dataclass(frozen=True)
class Answered:
    """What became of a call: HTTP status, headers and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@functools.lru_cache(maxsize=4096)
def category(service: str, operation: str) -> str:
    """`Management` for calls that change something, `Data` for those on objects, nothing for what is never recorded here."""
    if service == "s3" and operation in _OBJECTS:
        return DATA
    if _READS.match(operation) or any(fnmatchcase(operation, pattern) for pattern in _DATA_PLANE.get(service, "").split()):
        return SKIPPED
    return MANAGEMENT


def record(call: Call, principal: Principal, answer: Answered, *, account: str, region: str, moment: datetime) -> dict[str, Any]:
    """The record of a call that was made at `moment`."""
    kind = category(call.service, call.operation)
    failed = answer.status >= 400
    found: dict[str, Any] = {
        "eventVersion": "1.11",
        "userIdentity": identity_of(principal, call.access_key),
        "eventTime": moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": f"{source_of(call.service)}.amazonaws.com",
        "eventName": _EVENT_NAMES.get(f"{call.service}:{call.operation}", call.operation),
        "awsRegion": call.region or region,
        "sourceIPAddress": "127.0.0.1",
        "userAgent": call.headers.get("user-agent", ""),
        "requestParameters": request_parameters(call),
        "responseElements": None if failed or kind == DATA else response_elements(call, answer),
        "requestID": answer.headers.get("x-amzn-requestid") or answer.headers.get("x-amz-request-id") or str(uuid.uuid4()),
        "eventID": str(uuid.uuid4()),
        "readOnly": bool(_READS.match(call.operation)),
        "eventType": "AwsApiCall",
        "managementEvent": kind == MANAGEMENT,
        "recipientAccountId": account,
        "eventCategory": kind,
    }
    if failed:
        found["errorCode"], found["errorMessage"] = error_of(answer)
    if kind == DATA:
        parameters = call.parameters
        arn = f"arn:aws:s3:::{parameters.get('Bucket', '')}"
        found["resources"] = [
            {"type": "AWS::S3::Object", "ARN": f"{arn}/{parameters.get('Key', '')}"},
            {"accountId": account, "type": "AWS::S3::Bucket", "ARN": arn},
        ]
    return found


def source_of(service: str) -> str:
    """`iam` of `iam.amazonaws.com`; EventBridge's source is `aws.` and this."""
    return _SOURCES.get(service, service)


def identity_of(principal: Principal, access_key: str | None) -> dict[str, Any]:
    """Who called. A role's session says which role issued it."""
    if principal.kind == "service":
        return {"type": "AWSService", "invokedBy": principal.service}
    identity = {
        "type": "IAMUser" if principal.kind == "user" else "AssumedRole",
        "principalId": principal.user_id,
        "arn": principal.arn,
        "accountId": principal.account,
        "accessKeyId": access_key or "",
    }
    if principal.kind == "user":
        return {**identity, "userName": principal.name}
    if principal.kind != "role":
        return {"type": "AWSAccount", "principalId": "", "accountId": "anonymous"}
    issuer = {
        "type": "Role",
        "principalId": principal.user_id.split(":")[0],
        "arn": principal.identity_arn,
        "accountId": principal.account,
        "userName": principal.name,
    }
    attributes = {"creationDate": principal.issued, "mfaAuthenticated": "false"}
    return {**identity, "sessionContext": {"sessionIssuer": issuer, "attributes": attributes}}


def request_parameters(call: Call) -> dict[str, Any] | None:
    """The parameters under CloudTrail's names."""
    if call.service == "s3":
        return _of_bucket(call)
    shaped = _shaped(dict(call.parameters), lists_as_items=call.service == "ec2")
    return shaped or None


def _of_bucket(call: Call) -> dict[str, Any]:
    parameters = dict(call.parameters)
    found: dict[str, Any] = {"bucketName": parameters.pop("Bucket", "")}
    if "Key" in parameters:
        found["key"] = parameters.pop("Key")
    policy = parameters.pop("Policy", None)
    if call.operation == "PutBucketPolicy":
        found["bucketPolicy"] = _json_or_text(policy)
    if "ACL" in parameters:
        found["x-amz-acl"] = parameters.pop("ACL")
    # What stands in the body of an S3 request keeps the names of its XML.
    return found | {name: _plain(value) for name, value in parameters.items() if name not in _HIDDEN}


def _json_or_text(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text


def response_elements(call: Call, answer: Answered) -> dict[str, Any] | None:
    """What the service answered, for calls that change something; S3 says nothing, and so do empty answers."""
    if call.service == "s3" or not answer.body:
        return None
    shape = get_service_model(call.service).operation_model(call.operation).output_shape
    if shape is None:
        return None
    if call.protocol in ("json", "rest-json"):
        try:
            found = json.loads(answer.body)
        except ValueError:
            return None
    else:
        response = {"body": answer.body, "headers": dict(answer.headers), "status_code": answer.status}
        found = create_parser(call.protocol).parse(response, shape)
        found.pop("ResponseMetadata", None)
    shaped = _shaped(found, lists_as_items=call.service == "ec2") if isinstance(found, dict) else None
    return shaped or None


def _shaped(value: Any, *, lists_as_items: bool) -> Any:
    """Names begin with a small letter; EC2's lists are objects with `items`."""
    if isinstance(value, Mapping):
        return {
            name[:1].lower() + name[1:]: HIDDEN if name in _HIDDEN else _shaped(item, lists_as_items=lists_as_items)
            for name, item in value.items()
            if item is not None
        }
    if isinstance(value, list | tuple):
        items = [_shaped(item, lists_as_items=lists_as_items) for item in value]
        return {"items": items} if lists_as_items else items
    return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return HIDDEN
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def error_of(answer: Answered) -> tuple[str, str]:
    """(errorCode, errorMessage) of a JSON or XML error."""
    text = answer.body.decode(errors="replace")
    if text.startswith("{"):
        found = json.loads(text)
        code = str(found.get("__type") or answer.headers.get("x-amzn-errortype") or found.get("code") or "Unknown")
        return code.split("#")[-1].split(":")[0], str(found.get("message") or found.get("Message") or "")
    parts = [re.search(f"<{name}>(.*?)</{name}>", text, re.S) for name in ("Code", "Message")]
    code, message = (part.group(1) if part else "" for part in parts)
    return code or f"Http{answer.status}", message


def selects(selectors: list[dict[str, Any]], entry: Mapping[str, Any]) -> bool:
    """Whether a trail's advanced event selectors ask for the record; without selectors a trail takes management events."""
    if not selectors:
        return bool(entry["managementEvent"])
    return any(all(_field(test, entry) for test in selector["FieldSelectors"]) for selector in selectors)


def _field(test: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
    resources = entry.get("resources") or [{}]
    values = {
        "eventCategory": entry["eventCategory"],
        "eventName": entry["eventName"],
        "eventSource": entry["eventSource"],
        "readOnly": str(entry["readOnly"]).lower(),
        "resources.type": resources[0].get("type", ""),
        "resources.ARN": resources[0].get("ARN", ""),
    }
    value = values.get(test["Field"], "")
    positive = {
        "Equals": lambda wanted: value == wanted,
        "StartsWith": value.startswith,
        "EndsWith": value.endswith,
    }
    negative = {"NotEquals": "Equals", "NotStartsWith": "StartsWith", "NotEndsWith": "EndsWith"}
    asked = [any(holds(wanted) for wanted in test[name]) for name, holds in positive.items() if test.get(name)]
    denied = [any(positive[same](wanted) for wanted in test[name]) for name, same in negative.items() if test.get(name)]
    return all(asked) and not any(denied)
