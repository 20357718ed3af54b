"""Composite alarms: their state follows from the states of the alarms in their rule, whenever one of these changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.cloudwatch.exceptions import ResourceNotFound, ValidationError
from moto.cloudwatch.models import Alarm, CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult, EmptyResult

from mlops.sandbox.compute import suppression
from mlops.sandbox.compute.alarm_evaluation import ALARM, OK
from mlops.sandbox.compute.alarm_messages import timestamp
from mlops.sandbox.compute.composite_rules import BadRule, CompositeRule, parse

if TYPE_CHECKING:
    from mlops.sandbox.compute.alarms import Alarms


def install(alarms: Alarms) -> None:
    """Judge composite alarms from when they are put, and keep what they need."""
    delete_alarms = CloudWatchBackend.delete_alarms

    def put_composite_alarm(self: CloudWatchResponse) -> ActionResult:
        put(alarms, self.cloudwatch_backend, self)
        return EmptyResult()

    def delete_unless_needed(self: CloudWatchBackend, alarm_names: list[str]) -> None:
        for name in alarm_names:
            needed_by = {each.name for each in (*parents(self, name), *suppression.suppresses(self, name))}
            needing = sorted(needed_by - set(alarm_names))
            if needing:
                raise ValidationError(f"Cannot delete {name} as there are composite alarm(s) depending on it: {', '.join(needing)}")
        delete_alarms(self, alarm_names)

    CloudWatchResponse.put_composite_alarm = put_composite_alarm  # type: ignore[attr-defined]
    CloudWatchBackend.delete_alarms = delete_unless_needed  # type: ignore[method-assign]


def put(alarms: Alarms, backend: CloudWatchBackend, request: CloudWatchResponse) -> None:
    """Store the alarm and judge it at once; refused when its rule cannot be read, names what is not there, or comes back to itself."""
    name, text = request._get_param("AlarmName"), request._get_param("AlarmRule")
    rule = _parsed(text)
    missing = [each for each in rule.names if each not in backend.alarms and each != name]
    if missing:
        raise ValidationError(f"Could not save the composite alarm {name}: the rule names alarms that do not exist: {', '.join(missing)}")
    if name in reached(backend, rule):
        raise ValidationError(f"Could not save the composite alarm {name}: its rule leads back to itself")
    known = backend.alarms.get(name)
    if known is not None and known.rule is None:
        raise ValidationError(f"{name} is a metric alarm: a composite alarm needs a name of its own")
    suppressor = suppression.declared(backend, request)
    request.put_metric_alarm()
    alarm = backend.alarms[name]
    suppression.keep(alarm, suppressor)
    if known is None:
        alarm.state_reason = "Unchecked: Initial alarm creation"
    judge(alarms, backend, alarm)


def _parsed(text: str | None) -> CompositeRule:
    try:
        return parse(text or "")
    except BadRule as error:
        raise ValidationError(str(error)) from error


def reached(backend: CloudWatchBackend, rule: CompositeRule) -> set[str]:
    """All alarms that a rule depends on, directly or by way of other composite alarms."""
    found: set[str] = set()
    waiting = list(rule.names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        other = backend.alarms.get(name)
        if other is not None and other.rule is not None:
            waiting.extend(parse(other.rule).names)
    return found


def parents(backend: CloudWatchBackend, name: str) -> list[Alarm]:
    """The composite alarms whose rule names this one."""
    return [alarm for alarm in list(backend.alarms.values()) if alarm.rule is not None and name in parse(alarm.rule).names]


def judge(alarms: Alarms, backend: CloudWatchBackend, alarm: Alarm) -> None:
    """ALARM when the rule holds for the states as they are, else OK."""
    if alarm.rule is None:
        raise ResourceNotFound(f"{alarm.name} is no composite alarm")
    rule = parse(alarm.rule)
    states = {name: backend.alarms[name].state_value for name in rule.names if name in backend.alarms}
    state = ALARM if rule.holds(states) else OK
    if state == alarm.state_value:
        return
    children = triggers(backend, rule)
    changed = max((backend.alarms[name] for name in states), key=lambda each: each.state_updated_timestamp, default=None)
    if changed is None:
        reason = f"{alarm.name} is {state}: its rule names no alarm"
    else:
        moment = changed.state_updated_timestamp.strftime("%A %d %B, %Y %H:%M:%S UTC")
        reason = f"{changed.alarm_arn} transitioned to {changed.state_value} at {moment}"
    alarms.change(alarm, state, reason, {"triggeringAlarms": [_reason(child) for child in children]})


def triggers(backend: CloudWatchBackend, rule: CompositeRule) -> list[dict[str, Any]]:
    """The children in alarm, as a notification names them."""
    found = [backend.alarms[name] for name in rule.names if name in backend.alarms]
    return [
        {"Arn": child.alarm_arn, "State": {"Value": child.state_value, "Timestamp": timestamp(child.state_updated_timestamp)}}
        for child in found
        if child.state_value == ALARM
    ]


def _reason(child: dict[str, Any]) -> dict[str, Any]:
    return {"arn": child["Arn"], "state": {"value": child["State"]["Value"], "timestamp": child["State"]["Timestamp"]}}
