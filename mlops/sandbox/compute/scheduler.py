"""Schedules fire: EventBridge rules with a schedule expression, and EventBridge Scheduler."""

from __future__ import annotations

import json
import logging
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from botocore.exceptions import ClientError
from moto.events.exceptions import ValidationException as RuleValidationException
from moto.events.models import EventsBackend
from moto.scheduler.exceptions import ValidationException
from moto.scheduler.models import EventBridgeSchedulerBackend

from mlops.sandbox.compute import metrics
from mlops.sandbox.compute.delivery import PERMANENT, TARGETS, Parcel, Sender, deliver, error_code
from mlops.sandbox.compute.events import dispatch
from mlops.sandbox.compute.schedule_expressions import next_time
from mlops.sandbox.context import Sandbox
from mlops.sandbox.http import ServiceError

log = logging.getLogger(__name__)

SCHEDULER = "scheduler.amazonaws.com"


@dataclass
class Plan:
    """When something fires next. `expression` is what that was computed from."""

    expression: str
    due: datetime | None


def install(sandbox: Sandbox) -> None:
    """Start the clock; refuse expressions and targets that would never fire."""
    clock = Clock(sandbox)
    put_rule = EventsBackend.put_rule

    def put_checked_rule(self: EventsBackend, *args: Any, **options: Any) -> Any:
        expression = options.get("scheduled_expression")
        if expression:
            try:
                next_time(expression, datetime.now(UTC))
            except ValueError as error:
                raise RuleValidationException(f"Parameter ScheduleExpression is not valid: {error}") from error
        return put_rule(self, *args, **options)

    def checked(operation: Any) -> Any:
        def with_check(self: EventBridgeSchedulerBackend, **options: Any) -> Any:
            check(options["schedule_expression"], options["schedule_expression_timezone"] or "UTC", options["target"]["Arn"])
            return operation(self, **options)

        return with_check

    EventsBackend.put_rule = put_checked_rule
    EventBridgeSchedulerBackend.create_schedule = checked(EventBridgeSchedulerBackend.create_schedule)
    EventBridgeSchedulerBackend.update_schedule = checked(EventBridgeSchedulerBackend.update_schedule)
    sandbox.every(sandbox.options.schedule_tick, clock.tick)


def check(expression: str, timezone: str, target: str) -> None:
    """ValidationException for a schedule that the sandbox cannot carry out."""
    try:
        next_time(expression, datetime.now(UTC), ZoneInfo(timezone))
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise ValidationException(f"Invalid Schedule Expression {expression}: {error}") from error
    if target.split(":")[2] not in TARGETS:
        raise ValidationException(f"the sandbox has no schedule targets of this service: {target} (it has {', '.join(sorted(TARGETS))})")


class Clock:
    """Fires what is due. What fell due while the sandbox was not running is not made up for."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._plans: dict[str, Plan] = {}

    def tick(self) -> None:
        now = datetime.now(UTC)
        alive: set[str] = set()
        for rule in list(self.sandbox.backend("events").event_buses["default"].rules.values()):
            if rule.scheduled_expression and rule.state == "ENABLED":
                alive.add(rule.arn)
                if self._is_due(rule.arn, rule.scheduled_expression, now, now):
                    self._fire_rule(rule, now)
        for group in list(self.sandbox.backend("scheduler").schedule_groups.values()):
            for schedule in list(group.schedules.values()):
                if schedule.state != "ENABLED" or not within(schedule, now):
                    continue
                alive.add(schedule.arn)
                since = datetime.fromtimestamp(schedule.last_modified_date, UTC)
                if self._is_due(schedule.arn, schedule.schedule_expression, now, since, ZoneInfo(schedule.schedule_expression_timezone)):
                    self.sandbox.submit(self.fire, schedule, group.arn, now)
        for gone in set(self._plans) - alive:
            del self._plans[gone]

    def _is_due(self, arn: str, expression: str, now: datetime, since: datetime, zone: Any = UTC) -> bool:
        plan = self._plans.get(arn)
        if plan is None or plan.expression != expression:
            plan = self._plans[arn] = Plan(expression, next_time(expression, since, zone))
        if plan.due is None or plan.due > now:
            return False
        plan.due = next_time(expression, plan.due if expression.startswith("rate") else now, zone)
        return True

    def _fire_rule(self, rule: Any, now: datetime) -> None:
        event = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": self.sandbox.account,
            "time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": self.sandbox.region,
            "resources": [rule.arn],
            "detail": {},
        }
        metrics.put(self.sandbox, "AWS/Events", {"TriggeredRules": 1}, {"RuleName": rule.name})
        dispatch(self.sandbox, rule, event)

    def fire(self, schedule: Any, group_arn: str, now: datetime, tried: int = 0) -> None:
        """One try of a schedule's target; further ones as its retry policy says, then its dead-letter queue."""
        target, moment = schedule.target, now.strftime("%Y-%m-%dT%H:%M:%SZ")
        sender = Sender(SCHEDULER, group_arn, target["RoleArn"])
        default = {"version": "0", "id": str(uuid.uuid4()), "detail-type": "Scheduled Event", "source": "aws.scheduler"}
        default |= {
            "account": self.sandbox.account,
            "time": moment,
            "region": self.sandbox.region,
            "resources": [schedule.arn],
            "detail": {},
        }
        body = (target.get("Input") or json.dumps(default)).replace("<aws.scheduler.schedule-arn>", schedule.arn)
        body = body.replace("<aws.scheduler.scheduled-time>", moment)
        dimensions = {"ScheduleGroup": schedule.group_name}
        if not tried:
            metrics.put(self.sandbox, "AWS/Scheduler", {"InvocationAttemptCount": 1}, dimensions)
        try:
            deliver(self.sandbox, sender, target["Arn"], Parcel(body, parameters=target.get("SqsParameters") or {}))
        except (ClientError, ServiceError) as error:
            delays = self.sandbox.options.event_retry_delays
            allowed = min(len(delays), target["RetryPolicy"].get("MaximumRetryAttempts", 185))
            if error_code(error) not in PERMANENT and tried < allowed:
                self.sandbox.later(delays[tried], self.fire, schedule, group_arn, now, tried + 1)
                return
            log.warning("schedule %s cannot reach %s: %s", schedule.name, target["Arn"], error)
            metrics.put(self.sandbox, "AWS/Scheduler", {"TargetErrorCount": 1, "InvocationDroppedCount": 1}, dimensions)
            self._dead_letter(schedule, sender, body, error)
        if schedule.schedule_expression.startswith("at(") and schedule.action_after_completion == "DELETE":
            self.sandbox.backend("scheduler").delete_schedule(schedule.group_name, schedule.name)

    def _dead_letter(self, schedule: Any, sender: Sender, body: str, error: Exception) -> None:
        queue = (schedule.target.get("DeadLetterConfig") or {}).get("Arn")
        if not queue:
            return
        try:
            deliver(self.sandbox, sender, queue, Parcel(body))
        except (ClientError, ServiceError) as failure:
            log.error("schedule %s: %s; nor does its dead-letter queue take it: %s", schedule.name, error, failure)


def within(schedule: Any, now: datetime) -> bool:
    """Whether a schedule may fire now (start and end date, as seconds since the epoch)."""
    begins, ends = schedule.start_date, schedule.end_date
    return not (begins and float(begins) > now.timestamp()) and not (ends and float(ends) < now.timestamp())
