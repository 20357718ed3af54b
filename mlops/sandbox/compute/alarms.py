"""Metric alarms are judged when a datapoint arrives and on every tick; a change of state is an event, history and actions."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Reversible
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError
from moto.cloudwatch.exceptions import InvalidParameterValue, ValidationError
from moto.cloudwatch.models import Alarm, CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.logs.models import LogsBackend

from mlops.sandbox.compute import anomaly_band, composite_alarms, metrics, suppression
from mlops.sandbox.compute.alarm_evaluation import ALARM, INSUFFICIENT_DATA, LOOK_BACK, OK, Evaluation, Sample, evaluate
from mlops.sandbox.compute.alarm_messages import configuration, notification, timestamp
from mlops.sandbox.compute.alarm_rules import Series, Watch, series_of, watch_of
from mlops.sandbox.compute.composite_rules import parse
from mlops.sandbox.compute.delivery import Parcel, Sender, deliver
from mlops.sandbox.compute.events import emit
from mlops.sandbox.context import Sandbox
from mlops.sandbox.http import ServiceError

log = logging.getLogger(__name__)

CLOUDWATCH = "cloudwatch.amazonaws.com"
LAMBDA_ALARMS = "lambda.alarms.cloudwatch.amazonaws.com"
OLDEST = timedelta(days=14)  # what PutMetricData takes
NEWEST = timedelta(hours=2)
KEPT_SAMPLES = 20_000  # per series, for alarms; moto keeps all for reading


def install(sandbox: Sandbox) -> None:
    """Patch moto's CloudWatch and Logs."""
    alarms = Alarms(sandbox)
    put_metric_data, put_metric_alarm = CloudWatchBackend.put_metric_data, CloudWatchBackend.put_metric_alarm
    put_log_events, create = LogsBackend.put_log_events, Alarm.__init__

    def put_data_and_judge(self: CloudWatchBackend, namespace: str, metric_data: list[dict[str, Any]]) -> None:
        for number, datum in enumerate(metric_data, 1):
            datum["Timestamp"] = checked_time(datum.get("Timestamp"), number)
        put_metric_data(self, namespace, metric_data)
        alarms.arrived(namespace, metric_data)

    def put_alarm_and_judge(self: CloudWatchBackend, *args: Any, **options: Any) -> Alarm:
        name = options.get("name") or args[0]
        known = self.alarms.get(name)
        alarm = put_metric_alarm(self, *args, **options)
        try:
            if alarm.rule is None:
                watch_of(alarm)
        except ValueError as error:
            del self.alarms[name]
            raise ValidationError(str(error)) from error
        if known is not None:
            # An update keeps state and history, as on AWS.
            for attribute in ("state_value", "state_reason", "state_reason_data", "state_updated_timestamp", "history"):
                setattr(alarm, attribute, getattr(known, attribute))
            vars(alarm).update(
                {name: value for name, value in vars(known).items() if name.startswith(("actions_suppressed", "suppressed_"))}
            )
        if alarm.rule is None:
            sandbox.submit(alarms.judge, alarm)
        return alarm

    def create_without_data(self: Alarm, *args: Any, **options: Any) -> None:
        create(self, *args, **options)
        self.state_value = INSUFFICIENT_DATA

    def set_state(self: CloudWatchBackend, alarm_name: str, reason: str, reason_data: str | None, state_value: str) -> None:
        if alarm_name not in self.alarms:
            raise ServiceError("ResourceNotFound", f"there is no alarm {alarm_name}", 404)
        if state_value not in (OK, ALARM, INSUFFICIENT_DATA):
            raise ValidationError(f"expected {OK}, {ALARM} or {INSUFFICIENT_DATA}, got {state_value!r}")
        alarms.change(self.alarms[alarm_name], state_value, reason, json.loads(reason_data or "{}"))

    def describe_history(self: CloudWatchResponse) -> ActionResult:
        name, kind = self._get_param("AlarmName"), self._get_param("HistoryItemType")
        kinds = self._get_param("AlarmTypes") or ["MetricAlarm"]  # as DescribeAlarms: composite alarms only when asked for
        chosen = [alarm for alarm in self.cloudwatch_backend.alarms.values() if name in (None, alarm.name)]
        items = [
            item for alarm in chosen for item in alarm.history if kind in (None, item["HistoryItemType"]) and item["AlarmType"] in kinds
        ]
        items.sort(key=lambda item: item["Timestamp"], reverse=self._get_param("ScanBy") != "TimestampAscending")
        return ActionResult({"AlarmHistoryItems": items[: int(self._get_param("MaxRecords") or 100)]})

    def put_and_extract(self: LogsBackend, log_group_name: str, log_stream_name: str, log_events: list[dict[str, Any]]) -> Any:
        answer = put_log_events(self, log_group_name, log_stream_name, log_events)
        for event in log_events:
            extract(sandbox, str(event["message"]))
        return answer

    CloudWatchBackend.put_metric_data = put_data_and_judge
    CloudWatchBackend.put_metric_alarm = put_alarm_and_judge
    CloudWatchBackend.set_alarm_state = set_state  # type: ignore[method-assign]
    CloudWatchResponse.describe_alarm_history = describe_history  # type: ignore[attr-defined]
    Alarm.__init__ = create_without_data
    LogsBackend.put_log_events = put_and_extract
    composite_alarms.install(alarms)
    sandbox.every(sandbox.options.alarm_tick, alarms.judge_all)


class Alarms:
    """Recent samples of all series, and the judging of alarms on them."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._samples: dict[Series, deque[Sample]] = defaultdict(lambda: deque(maxlen=KEPT_SAMPLES))
        self._lock = threading.RLock()

    def arrived(self, namespace: str, metric_data: list[dict[str, Any]]) -> None:
        """Remember new data and judge the alarms that watch it."""
        touched: set[Series] = set()
        with self._lock:
            for datum in metric_data:
                series = series_of(namespace, datum["MetricName"], datum.get("Dimensions") or [])
                self._samples[series].extend(samples_of(datum))
                touched.add(series)
        for alarm in self._metric_alarms():
            if watch_of(alarm).series in touched:
                self.judge(alarm)

    def judge_all(self) -> None:
        """Time alone changes the state of metric alarms; that of composite ones follows from theirs. It ends suppression, too."""
        for alarm in self._metric_alarms():
            self.judge(alarm)
        with self._lock:
            suppression.review_all(self, self.sandbox.backend("cloudwatch"))

    def _metric_alarms(self) -> list[Alarm]:
        return [alarm for alarm in list(self.sandbox.backend("cloudwatch").alarms.values()) if alarm.rule is None]

    def judge(self, alarm: Alarm) -> None:
        """A metric alarm."""
        watch, now = watch_of(alarm), time.time()
        rule = watch.rule
        with self._lock:
            found = self._evaluate(watch, now, alarm.state_value)
            if found.state == alarm.state_value:
                return
            data = {
                "version": "1.0",
                "queryDate": timestamp(datetime.now(UTC)),
                "statistic": rule.statistic,
                "period": rule.period,
                "recentDatapoints": [value for value in reversed(found.datapoints) if value is not None],
                "threshold": rule.threshold,
            }
            self.change(alarm, found.state, found.reason, data)

    def _evaluate(self, watch: Watch, now: float, previous: str) -> Evaluation:
        rule, series = watch.rule, self._samples.get(watch.series, ())
        samples = recent(series, now - rule.period * (rule.evaluation_periods + LOOK_BACK + 1))
        if watch.width is None:
            return evaluate(rule, samples, now, previous)
        band = anomaly_band.band(rule, watch.width, recent(series, now - anomaly_band.HISTORY_SECONDS), now)
        if isinstance(band, int):
            detail = f"the band needs {anomaly_band.MINIMUM_PERIODS} earlier periods with data, there are {band}"
            return Evaluation(INSUFFICIENT_DATA, (), f"Insufficient Data: {detail}")
        found = evaluate(rule, samples, now, previous, lambda value: band.broken_by(value, rule.comparison))
        return Evaluation(found.state, found.datapoints, f"{found.reason} The band is {band.lower:g} to {band.upper:g}.")

    def change(self, alarm: Alarm, state: str, reason: str, data: dict[str, Any]) -> None:
        """A change of state, by evaluation or by SetAlarmState: history, event, actions."""
        with self._lock:
            previous = {"value": alarm.state_value, "reason": alarm.state_reason, "timestamp": timestamp(alarm.state_updated_timestamp)}
            alarm.state_value, alarm.state_reason, alarm.state_reason_data = state, reason, json.dumps(data)
            alarm.state_updated_timestamp = utcnow()
            if previous["value"] == state:
                return
            current = {
                "value": state,
                "reason": reason,
                "reasonData": json.dumps(data),
                "timestamp": timestamp(alarm.state_updated_timestamp),
            }
            self._remember(
                alarm, "StateUpdate", f"Alarm updated from {previous['value']} to {state}", {"oldState": previous, "newState": current}
            )
        log.info("alarm %s: %s -> %s: %s", alarm.name, previous["value"], state, reason)
        detail = {"alarmName": alarm.name, "state": current, "previousState": previous, "configuration": configuration(alarm)}
        emit(self.sandbox, "aws.cloudwatch", "CloudWatch Alarm State Change", detail, [alarm.alarm_arn])
        backend = self.sandbox.backend("cloudwatch")
        with self._lock:
            vars(alarm)["last_change"] = (detail, previous["value"])
            if not suppression.holds_back(backend, alarm):
                self._do_actions(alarm, detail, previous["value"])
            for composite in suppression.suppresses(backend, alarm.name):
                suppression.review(self, backend, composite)
        for composite in composite_alarms.parents(backend, alarm.name):
            with self._lock:
                composite_alarms.judge(self, backend, composite)

    def act_late(self, alarm: Alarm) -> None:
        """The actions of the last change, which a suppressor had held back."""
        self._do_actions(alarm, *vars(alarm)["last_change"])

    def _do_actions(self, alarm: Alarm, detail: dict[str, Any], old: str) -> None:
        if not alarm.actions_enabled:
            return
        by_state = {ALARM: alarm.alarm_actions, OK: alarm.ok_actions, INSUFFICIENT_DATA: alarm.insufficient_data_actions}
        for action in by_state[alarm.state_value] or []:
            self.sandbox.submit(self._act, alarm, action, detail, old)

    def _act(self, alarm: Alarm, action: str, detail: dict[str, Any], old: str) -> None:
        try:
            if action.split(":")[2] == "lambda":
                event = {"source": "aws.cloudwatch", "alarmArn": alarm.alarm_arn, "accountId": self.sandbox.account, "alarmData": detail}
                event |= {"time": timestamp(datetime.now(UTC)), "region": self.sandbox.region}
                deliver(self.sandbox, Sender(LAMBDA_ALARMS, alarm.alarm_arn), action, Parcel(json.dumps(event)))
            elif action.split(":")[2] == "sns":
                triggers = composite_alarms.triggers(self.sandbox.backend("cloudwatch"), parse(alarm.rule)) if alarm.rule else []
                message = json.dumps(notification(self.sandbox, alarm, old, triggers))
                subject = f'{alarm.state_value}: "{alarm.name}" in {self.sandbox.region}'
                deliver(self.sandbox, Sender(CLOUDWATCH, alarm.alarm_arn), action, Parcel(message, subject))
            else:
                raise ServiceError("UnsupportedOperation", f"the sandbox has no alarm action {action}", 501)
        except (ClientError, ServiceError) as error:
            log.warning("alarm %s cannot do its action %s: %s", alarm.name, action, error)
            self._remember(alarm, "Action", f"Failed to execute action {action}", {"actionState": "Failed", "error": str(error)})
            return
        self._remember(alarm, "Action", f"Successfully executed action {action}", {"actionState": "Succeeded"})

    @staticmethod
    def _remember(alarm: Alarm, kind: str, summary: str, data: dict[str, Any]) -> None:
        item = {
            "AlarmName": alarm.name,
            "AlarmType": "MetricAlarm" if alarm.rule is None else "CompositeAlarm",
            "Timestamp": utcnow(),
            "HistoryItemType": kind,
        }
        alarm.history.append({**item, "HistorySummary": summary, "HistoryData": json.dumps(data)})


def recent(samples: Reversible[Sample], oldest: float) -> list[Sample]:
    """The samples since `oldest`. They arrive nearly in order: one that is a minute older ends the search."""
    found: list[Sample] = []
    for sample in reversed(samples):
        if sample.time < oldest - 60:
            break
        if sample.time >= oldest:
            found.append(sample)
    return found


def checked_time(moment: datetime | None, number: int) -> datetime:
    """The datapoint's time as moto keeps it (UTC, naive); refused when PutMetricData would refuse it."""
    now = utcnow()
    if moment is None:
        return now
    moment = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    if moment < now - OLDEST:
        raise InvalidParameterValue(
            f"The parameter MetricData.member.{number}.Timestamp must specify a time no more than two weeks in the past."
        )
    if moment > now + NEWEST:
        raise InvalidParameterValue(
            f"The parameter MetricData.member.{number}.Timestamp must specify a time no more than two hours in the future."
        )
    return moment


def extract(sandbox: Sandbox, message: str) -> None:
    """Embedded metrics of a log line. A malformed one is only logged, as on AWS."""
    try:
        found = list(metrics.embedded(message))
        for namespace, datum in found:
            sandbox.backend("cloudwatch").put_metric_data(namespace, [datum])
    except (KeyError, TypeError, ValueError, InvalidParameterValue) as error:
        log.warning("embedded metrics are lost (%s): %.200s", error, message)


def samples_of(datum: dict[str, Any]) -> list[Sample]:
    moment = datum["Timestamp"].replace(tzinfo=UTC).timestamp()
    sets = datum.get("StatisticValues")
    if sets:
        return [Sample(moment, float(sets["SampleCount"]), float(sets["Sum"]), float(sets["Minimum"]), float(sets["Maximum"]))]
    values = datum.get("Values") or [datum.get("Value", 0.0)]
    counts = datum.get("Counts") or [1.0] * len(values)
    return [
        Sample(moment, float(count), float(count) * float(value), float(value), float(value))
        for value, count in zip(values, counts, strict=True)
    ]
