"""Alarms, dashboards, logs, metrics, the trail, budgets."""

from __future__ import annotations

from collections.abc import Iterable

from wellarchitected import Resource
from wellarchitected.values import as_list

from mlops.estimate.amount import Amount
from mlops.estimate.meters.registry import Stack, meter, number
from mlops.estimate.usage import Given
from mlops.estimate.use import DAYS, HOURS, Use

SERVICE = "CloudWatch"
ANOMALY_METRICS = 3  # an anomaly alarm is billed for the metric and the two bounds of its band
KEPT_FOR_EVER_MONTHS = 12.0


@meter("aws:cloudwatch/metricAlarm:MetricAlarm")
def alarm(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """Metrics that it looks at; every ten seconds or every minute."""
    queries = as_list(resource.get("metricQueries"))
    metrics = sum("metric" in query for query in queries) or 1
    if resource.get("thresholdMetricId") is not None:
        metrics = ANOMALY_METRICS
    period = number(resource, "period", 60.0)
    item, what = ("high_resolution_alarm", "alarms of high resolution") if period < 60 else ("alarm", "alarms")
    yield Use(SERVICE, f"cloudwatch.{item}_month", what, "alarm-metric-month", Amount.of(metrics))


@meter("aws:cloudwatch/compositeAlarm:CompositeAlarm")
def composite_alarm(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """Each."""
    yield Use(SERVICE, "cloudwatch.composite_alarm_month", "composite alarms", "alarm-month", Amount.of(1))


@meter("aws:cloudwatch/dashboard:Dashboard")
def dashboard(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """Each."""
    yield Use(SERVICE, "cloudwatch.dashboard_month", "dashboards", "dashboard-month", Amount.of(1))


@meter("aws:cloudwatch/logGroup:LogGroup")
def log_group(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """What is written, and what is kept of it once the retention is reached: AWS bills the compressed size."""
    written = usage["ingested_gb"]
    rare = resource.get("logGroupClass") == "INFREQUENT_ACCESS"
    item = "cloudwatch.logs_rare_ingested_gb" if rare else "cloudwatch.logs_ingested_gb"
    yield Use(SERVICE, item, "logs written", "GB", written)
    days = number(resource, "retentionInDays", 0.0)
    months = days / DAYS if days else KEPT_FOR_EVER_MONTHS
    kept = written * usage["compressed_share"] * months
    yield Use(SERVICE, "cloudwatch.logs_stored_gb_month", "logs kept", "GB-month", kept)


@meter("aws:cloudwatch/logMetricFilter:LogMetricFilter")
def metric_filter(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """A custom metric, billed for the hours in which it is written."""
    months = usage["hours_written"] * (1 / HOURS)
    yield Use(SERVICE, "cloudwatch.metric_month", "metrics from logs", "metric-month", months)


@meter("aws:cloudtrail/trail:Trail")
def trail(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """Data events; the first copy of management events is free."""
    advanced = as_list(resource.get("advancedEventSelectors"))
    fields = [field for selector in advanced for field in as_list(selector.get("fieldSelectors"))]
    data = any(field.get("field") == "eventCategory" and "Data" in as_list(field.get("equals")) for field in fields)
    basic = as_list(resource.get("eventSelectors"))
    if data or any(selector.get("dataResources") for selector in basic):
        yield Use("CloudTrail", "cloudtrail.data_event", "data events", "event", usage["data_events"])


@meter("aws:budgets/budgetAction:BudgetAction")
def budget_action(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """A budget with an action, by the day; an account's first two are free, so it may cost nothing."""
    yield Use("Budgets", "budgets.action_day", "budgets with actions", "day", Amount(0, 0, DAYS))
