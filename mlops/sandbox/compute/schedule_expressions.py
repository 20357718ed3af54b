"""When a schedule expression fires: rate(…), cron(…) with AWS's six fields, at(…).

Source: "Schedule types in EventBridge Scheduler" in its user guide.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

MONTHS = {
    name: number for number, name in enumerate(["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"], 1)
}
DAYS = {name: number for number, name in enumerate(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"], 1)}
UNITS = {"minute": 60, "hour": 3600, "day": 86400}
YEARS_AHEAD = 5  # an expression that fires no more within them does not fire again


def next_time(expression: str, after: datetime, zone: tzinfo = UTC) -> datetime | None:
    """The first time later than `after` (both aware), None when there is none. For rate(…), `after` is the time it last fired or began.

    ValueError for an expression that AWS does not have, or the sandbox does not evaluate.
    """
    kind, _, inner = expression.partition("(")
    inner = inner.removesuffix(")").strip()
    if kind == "rate":
        return after + rate(inner)
    if kind == "cron":
        return Cron.parse(inner).next(after.astimezone(zone))
    if kind == "at":
        moment = datetime.fromisoformat(inner).replace(tzinfo=zone)
        return moment if moment > after else None
    raise ValueError(f"expected rate(…), cron(…) or at(…), got {expression!r}")


def rate(text: str) -> timedelta:
    match = re.fullmatch(r"(\d+) (minute|hour|day)s?", text)
    if not match or int(match[1]) < 1:
        raise ValueError(f"expected rate(<number> minutes|hours|days), got rate({text})")
    return timedelta(seconds=int(match[1]) * UNITS[match[2]])


@dataclass(frozen=True)
class Cron:
    """Six fields. `last_day` is L in the day of the month; None in a day field means `?`."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int] | None
    last_day: bool
    months: frozenset[int]
    weekdays: frozenset[int] | None
    years: frozenset[int]

    @classmethod
    def parse(cls, text: str) -> Cron:
        fields = text.upper().split()
        if len(fields) != 6:
            raise ValueError(f"expected cron(minutes hours day-of-month month day-of-week year), got cron({text})")
        minutes, hours, days, months, weekdays, years = fields
        if (days == "?") == (weekdays == "?"):
            raise ValueError(f"expected ? in exactly one of day-of-month and day-of-week, got cron({text})")
        for unsupported in ("W", "#"):
            if unsupported in days or unsupported in weekdays.replace("WED", ""):
                raise ValueError(f"the sandbox does not evaluate {unsupported} in cron({text})")
        last = days == "L"
        return cls(
            minutes=values(minutes, 0, 59),
            hours=values(hours, 0, 23),
            days=None if days == "?" or last else values(days, 1, 31),
            last_day=last,
            months=values(months, 1, 12, MONTHS),
            weekdays=None if weekdays == "?" else values(weekdays, 1, 7, DAYS),
            years=values(years, 1970, 2199),
        )

    def next(self, after: datetime) -> datetime | None:
        """The first minute after `after`, in its time zone."""
        start = after.replace(second=0, microsecond=0) + timedelta(minutes=1)
        for number in range(366 * YEARS_AHEAD):
            day = start.date() + timedelta(days=number)
            if not self.on(day):
                continue
            for hour in sorted(self.hours):
                for minute in sorted(self.minutes):
                    moment = datetime(day.year, day.month, day.day, hour, minute, tzinfo=after.tzinfo)
                    if moment >= start:
                        return moment
        return None

    def on(self, day: date) -> bool:
        if day.year not in self.years or day.month not in self.months:
            return False
        if self.last_day:
            return day.day == calendar.monthrange(day.year, day.month)[1]
        if self.days is not None:
            return day.day in self.days
        assert self.weekdays is not None
        return day.isoweekday() % 7 + 1 in self.weekdays


def values(field: str, lowest: int, highest: int, names: dict[str, int] | None = None) -> frozenset[int]:
    """The numbers that a cron field stands for: lists, ranges, steps, names."""
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        if span in ("*", "?"):
            first, last = lowest, highest
        else:
            begin, _, end = span.partition("-")
            first = number(begin, names, field)
            last = number(end, names, field) if end else (highest if step else first)
        if not lowest <= first <= last <= highest:
            raise ValueError(f"expected numbers from {lowest} to {highest} in a cron field, got {field!r}")
        found.update(range(first, last + 1, int(step or 1)))
    return frozenset(found)


def number(text: str, names: dict[str, int] | None, field: str) -> int:
    if names and text in names:
        return names[text]
    if not text.isdigit():
        raise ValueError(f"expected a number{' or a name' if names else ''} in a cron field, got {field!r}")
    return int(text)
