"""CloudTrail: calls become records; a trail that is logging delivers them to EventBridge, its bucket and its log group.

Recording costs the caller nothing but an entry in a queue. The event history (LookupEvents) holds management events, trail or not.
Not here: digest files of the log file validation, and insights.
"""

from __future__ import annotations

import gzip
import json
import logging
import queue
import secrets
import threading
import time
from collections import deque
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError
from moto.cloudtrail.models import CloudTrailBackend, TrailStatus
from moto.cloudtrail.models import Trail as MotoTrail
from moto.cloudtrail.responses import CloudTrailResponse

from mlops.sandbox.compute import events
from mlops.sandbox.compute.delivery import Sender, as_role, require
from mlops.sandbox.compute.trail_records import DATA, SKIPPED, Answered, category, record, selects, source_of
from mlops.sandbox.context import Sandbox
from mlops.sandbox.http import ServiceError
from mlops.sandbox.identity import AccessDenied
from mlops.sandbox.identity.authoriser import PRINCIPAL
from mlops.sandbox.identity.decoding import ENVIRON_KEY, Call
from mlops.sandbox.identity.principals import Principal

log = logging.getLogger(__name__)

CLOUDTRAIL = "cloudtrail.amazonaws.com"
HISTORY = 10_000  # management events kept for LookupEvents (AWS: 90 days)
# AWS delivers about every five minutes.
INTERVAL_SECONDS = 5.0
# The call that ends a trail's logging is the last one the trail records.
_ENDS = {"StopLogging", "DeleteTrail"}
_ATTRIBUTES = {"EventId": "eventID", "EventName": "eventName", "EventSource": "eventSource"}
Seen = tuple[Call, Principal, Answered, datetime, bool]


def install(sandbox: Sandbox) -> None:
    """Start recording."""
    recorder = Recorder(sandbox)
    sandbox.services["cloudtrail"] = recorder

    def delete_trail(self: CloudTrailBackend, name: str) -> None:
        # moto deletes by name only, and says nothing about a trail that is not there.
        del self.trails[self.get_trail(name).trail_name]

    def lookup_events(self: CloudTrailResponse) -> str:
        return json.dumps(recorder.lookup(json.loads(self.body)))

    plain = TrailStatus.description

    def description(self: TrailStatus) -> dict[str, Any]:
        # moto calls every moment a delivery; this is the last one there was, and what kept it from succeeding.
        return {**plain(self), **recorder.deliveries.get(id(self), {"LatestDeliveryTime": None})}

    CloudTrailBackend.delete_trail = delete_trail  # type: ignore[method-assign]
    CloudTrailResponse.lookup_events = lookup_events  # type: ignore[attr-defined]
    TrailStatus.description = description  # type: ignore[method-assign]
    threading.Thread(target=recorder.work, name="cloudtrail", daemon=True).start()
    sandbox.on_stop(recorder.stop)


class Recorder:
    """Sees every call that was answered, and turns those that CloudTrail records into records."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._seen: queue.SimpleQueue[Seen | None] = queue.SimpleQueue()
        self._history: deque[dict[str, Any]] = deque(maxlen=HISTORY)
        self._waiting: dict[str, list[dict[str, Any]]] = {}
        self._interval = float(sandbox.options.executors.get("cloudtrail", {}).get("interval", INTERVAL_SECONDS))
        self._streams: set[str] = set()
        self.deliveries: dict[int, dict[str, Any]] = {}

    def observe(self, environ: dict[str, Any], status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Called with every answered request, in the caller's thread."""
        call: Call | None = environ.get(ENVIRON_KEY)
        principal: Principal | None = environ.get(PRINCIPAL)
        if call is None or principal is None or principal.kind == "internal":
            return
        kind = category(call.service, call.operation)
        if kind == SKIPPED:
            return
        logging_now = any(self._trails()) or (call.service == "cloudtrail" and call.operation in _ENDS and status < 400)
        if kind == DATA and not logging_now:
            return
        answer = Answered(status, {name.lower(): value for name, value in headers}, b"" if kind == DATA and status < 400 else body)
        self._seen.put((call, principal, answer, datetime.now(UTC), logging_now))

    def _trails(self) -> list[MotoTrail]:
        return [trail for trail in self._sandbox.backend("cloudtrail").trails.values() if trail.status.is_logging]

    def work(self) -> None:
        """Turn calls into records, and hand what has gathered to the trails, until the sandbox stops."""
        due = time.monotonic() + self._interval
        while True:
            try:
                seen = self._seen.get(timeout=max(0.05, due - time.monotonic()))
                if seen is None:
                    return
                self._record(*seen)
            except queue.Empty:
                pass
            except Exception:
                log.exception("a call could not be recorded")
            if time.monotonic() >= due:
                self._deliver()
                due = time.monotonic() + self._interval

    def stop(self) -> None:
        """End the thread; what has not been delivered goes with the state."""
        self._seen.put(None)

    def _record(self, call: Call, principal: Principal, answer: Answered, moment: datetime, logging_now: bool) -> None:
        sandbox = self._sandbox
        entry = record(call, principal, answer, account=sandbox.account, region=sandbox.region, moment=moment)
        if entry["managementEvent"]:
            self._history.append(entry)
        if not logging_now:
            return
        trails = [trail for trail in self._trails() if selects(trail.advanced_event_selectors, entry)]
        for trail in trails:
            self._waiting.setdefault(trail.arn, []).append(entry)
        # EventBridge gets management events while any trail is logging, whatever it selects; data events only where selected.
        if trails or entry["managementEvent"]:
            events.emit(sandbox, f"aws.{source_of(call.service)}", "AWS API Call via CloudTrail", entry)

    def _deliver(self) -> None:
        by_arn = {trail.arn: trail for trail in self._sandbox.backend("cloudtrail").trails.values()}
        for arn in list(self._waiting):
            records = self._waiting.pop(arn)
            trail = by_arn.get(arn)
            if trail is not None and records:
                self._write(trail, records)

    def _write(self, trail: MotoTrail, records: list[dict[str, Any]]) -> None:
        status: dict[str, Any] = {"LatestDeliveryTime": int(time.time())}
        try:
            self._to_bucket(trail, records)
        except (ServiceError, ClientError) as error:
            log.warning("trail %s cannot deliver to %s: %s", trail.trail_name, trail.bucket_name, error)
            status = {"LatestDeliveryTime": None, "LatestDeliveryError": getattr(error, "code", "AccessDenied")}
        if trail.cw_log_group_arn and trail.cw_role_arn:
            try:
                self._to_log_group(trail, records)
                status["LatestCloudWatchLogsDeliveryTime"] = int(time.time())
            except (AccessDenied, ServiceError, ClientError) as error:
                log.warning("trail %s cannot deliver to %s: %s", trail.trail_name, trail.cw_log_group_arn, error)
                # The group may have been made anew, without the stream.
                self._streams.clear()
                status["LatestCloudWatchLogsDeliveryError"] = str(error)[:200]
        self.deliveries[id(trail.status)] = status

    def _to_bucket(self, trail: MotoTrail, records: list[dict[str, Any]]) -> None:
        sandbox, now = self._sandbox, datetime.now(UTC)
        account, region = sandbox.account, sandbox.region
        folder = f"AWSLogs/{account}/CloudTrail/{region}/{now:%Y/%m/%d}"
        name = f"{account}_CloudTrail_{region}_{now:%Y%m%dT%H%MZ}_{secrets.token_urlsafe(12).replace('-', 'x').replace('_', 'y')}.json.gz"
        key = "/".join(part for part in (trail.s3_key_prefix, folder, name) if part)
        sender = Sender(CLOUDTRAIL, trail.arn)
        require(sandbox, sender, "s3:PutObject", f"arn:aws:s3:::{trail.bucket_name}/{key}")
        encryption: dict[str, str] = {}
        if trail.kms_key_id:
            arn = sandbox.principals.account.key_arn(trail.kms_key_id)
            require(sandbox, sender, "kms:GenerateDataKey", arn or trail.kms_key_id)
            encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": arn or trail.kms_key_id}
        body = gzip.compress(json.dumps({"Records": records}, default=str).encode(), compresslevel=1)
        sandbox.service_client("s3").put_object(
            Bucket=trail.bucket_name, Key=key, Body=body, ContentType="application/json", ContentEncoding="gzip", **encryption
        )

    def _to_log_group(self, trail: MotoTrail, records: list[dict[str, Any]]) -> None:
        group = trail.cw_log_group_arn.split(":log-group:")[1].removesuffix(":*")
        stream = f"{self._sandbox.account}_CloudTrail_{self._sandbox.region}"
        logs = as_role(self._sandbox, Sender(CLOUDTRAIL, trail.arn, trail.cw_role_arn), "logs")
        # Once a group: the call is itself recorded, and would be again with every delivery.
        if group not in self._streams:
            try:
                logs.create_log_stream(logGroupName=group, logStreamName=stream)
            except ClientError as error:
                if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
                    raise
            self._streams.add(group)
        now = int(time.time() * 1000)
        entries = [{"timestamp": now, "message": json.dumps(entry, default=str)} for entry in records]
        for start in range(0, len(entries), 1000):
            logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=entries[start : start + 1000])

    def lookup(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """LookupEvents: newest first, by at most one attribute and a time range."""
        attributes = parameters.get("LookupAttributes") or []
        limit, start = int(parameters.get("MaxResults") or 50), int(parameters.get("NextToken") or 0)
        found = [
            entry
            for entry in reversed(list(self._history))
            if all(_matches(entry, each["AttributeKey"], each["AttributeValue"]) for each in attributes)
            and _within(entry, parameters.get("StartTime"), parameters.get("EndTime"))
        ]
        answer: dict[str, Any] = {"Events": [_looked_up(entry) for entry in found[start : start + limit]]}
        if len(found) > start + limit:
            answer["NextToken"] = str(start + limit)
        return answer


def _user_name(entry: dict[str, Any]) -> str:
    identity = entry["userIdentity"]
    return str(identity.get("userName") or str(identity.get("arn", "")).rsplit("/", 1)[-1])


def _matches(entry: dict[str, Any], attribute: str, value: str) -> bool:
    if attribute == "Username":
        return _user_name(entry) == value
    if attribute == "ReadOnly":
        return str(entry["readOnly"]).lower() == value.lower()
    if attribute == "AccessKeyId":
        return entry["userIdentity"].get("accessKeyId") == value
    if attribute in ("ResourceName", "ResourceType"):
        raise ServiceError("UnsupportedOperation", f"the sandbox cannot look up events by {attribute}: use EventName or EventSource", 501)
    return entry[_ATTRIBUTES[attribute]] == value


def _within(entry: dict[str, Any], first: Any, last: Any) -> bool:
    moment = datetime.fromisoformat(entry["eventTime"]).timestamp()
    return (first is None or moment >= _epoch(first)) and (last is None or moment <= _epoch(last))


def _epoch(value: Any) -> float:
    if isinstance(value, datetime):
        return value.replace(tzinfo=value.tzinfo or UTC).timestamp()
    return float(value)


def _looked_up(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "EventId": entry["eventID"],
        "EventName": entry["eventName"],
        "ReadOnly": str(entry["readOnly"]).lower(),
        "AccessKeyId": entry["userIdentity"].get("accessKeyId", ""),
        "EventTime": datetime.fromisoformat(entry["eventTime"]).timestamp(),
        "EventSource": entry["eventSource"],
        "Username": _user_name(entry),
        "Resources": [],
        "CloudTrailEvent": json.dumps(entry, default=str),
    }
