"""The part of a month in which endpoints are in service, from the schedules that switch them off and on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from wellarchitected import Resource
from wellarchitected.values import Malformed, NotEvaluable, Unreadable

if TYPE_CHECKING:
    from mlops.estimate.meters.registry import Stack

SCHEDULE = "aws:scheduler/schedule:Schedule"
MINUTES_A_WEEK = 7 * 24 * 60
DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
# One time of day, on days of the week: cron(0 19 ? * MON-FRI *).
CRON = re.compile(r"^cron\((\d+) (\d+) [?*] \* ([A-Z*?,-]+) \*\)$")


def share_in_service(stack: Stack) -> float:
    """1 where nothing switches endpoints off. Only weekly schedules with the input {"action": "off"} and {"action": "on"} are read."""
    moments = sorted(moment for resource in stack.of(SCHEDULE) for moment in _switches(resource))
    if {action for _, action in moments} != {"off", "on"}:
        return 1.0
    on = 0
    for (start, action), (end, _) in zip(moments, [*moments[1:], moments[0]], strict=True):
        if action == "on":
            on += (end - start) % MINUTES_A_WEEK or MINUTES_A_WEEK
    return on / MINUTES_A_WEEK


def _switches(schedule: Resource) -> Iterable[tuple[int, str]]:
    """Minutes since Monday 0:00 in the schedule's time zone, and `on` or `off`."""
    try:
        if schedule.get("state", "ENABLED") != "ENABLED":
            return []
        given = schedule.document("target.input")
        action = given.get("action") if isinstance(given, dict) else None
        if isinstance(action, Unreadable) or action not in ("on", "off"):
            return []
        cron = CRON.match(schedule.get("scheduleExpression", ""))
    except (NotEvaluable, Malformed):
        return []
    if cron is None:
        return []
    minute, hour = int(cron[1]), int(cron[2])
    return [((day * 24 + hour) * 60 + minute, action) for day in days_of(cron[3])]


def days_of(text: str) -> list[int]:
    """The days of the week of a cron expression, Monday is 0: `MON-FRI`, `MON,WED`, `*`. Others are none."""
    if text in ("*", "?"):
        return list(range(7))
    found: set[int] = set()
    for part in text.split(","):
        ends = part.split("-")
        if len(ends) > 2 or any(end not in DAYS for end in ends):
            return []
        first, last = DAYS.index(ends[0]), DAYS.index(ends[-1])
        found.update((first + step) % 7 for step in range((last - first) % 7 + 1))
    return sorted(found)
