"""A composite alarm's actions suppressor: another alarm, while which rings the composite changes state without its actions.

Source: "Composite alarm actions suppression" in the CloudWatch user guide. An alarm that rings first waits for its suppressor (WaitPeriod); while
the suppressor rings nothing is done (Alarm); when it ends, the alarm waits again (ExtensionPeriod) and then acts if it still rings.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from moto.cloudwatch.exceptions import ValidationError
from moto.cloudwatch.models import Alarm, CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse

from mlops.sandbox.compute.alarm_evaluation import ALARM

if TYPE_CHECKING:
    from mlops.sandbox.compute.alarms import Alarms

BY_WAITING, BY_ALARM, BY_EXTENSION = "WaitPeriod", "Alarm", "ExtensionPeriod"


def declared(backend: CloudWatchBackend, request: CloudWatchResponse) -> tuple[str, int, int] | None:
    """The suppressor's name and both periods in seconds of a PutCompositeAlarm; None without one, refused when it is incomplete or not there."""
    suppressor = request._get_param("ActionsSuppressor")
    periods = [request._get_param(f"ActionsSuppressor{which}Period") for which in ("Wait", "Extension")]
    if not suppressor:
        if any(period is not None for period in periods):
            raise ValidationError(
                "ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod are only allowed with ActionsSuppressor"
            )
        return None
    if None in periods:
        raise ValidationError("ActionsSuppressor needs ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod")
    name = suppressor.split(":alarm:", 1)[-1]
    if name not in backend.alarms:
        raise ValidationError(f"Could not save the composite alarm: its actions suppressor {name} does not exist")
    return name, int(periods[0]), int(periods[1])


def keep(alarm: Alarm, found: tuple[str, int, int] | None) -> None:
    """Write it where DescribeAlarms looks for it."""
    held: dict[str, Any] = vars(alarm)
    held["actions_suppressor"], held["actions_suppressor_wait_period"], held["actions_suppressor_extension_period"] = found or (
        None,
        None,
        None,
    )
    held.setdefault("actions_suppressed_by", None)
    if found is None:
        _say(alarm, None)


def suppresses(backend: CloudWatchBackend, name: str) -> list[Alarm]:
    """The composite alarms that this alarm suppresses."""
    return [each for each in list(backend.alarms.values()) if vars(each).get("actions_suppressor") == name]


def holds_back(backend: CloudWatchBackend, alarm: Alarm) -> bool:
    """Whether the actions of a change that has just happened must not be done, or not yet."""
    held = vars(alarm)
    name = held.get("actions_suppressor")
    if not name:
        return False
    rings = _rings(backend, name)
    waited = held["actions_suppressed_by"] is not None
    if alarm.state_value != ALARM:
        # Nobody was told that it rang, so nobody is told that it ended.
        _say(alarm, None)
        return rings or waited
    _say(alarm, BY_ALARM if rings else BY_WAITING)
    held["suppressed_until"] = time.time() + held["actions_suppressor_wait_period"]
    return True


def review(alarms: Alarms, backend: CloudWatchBackend, alarm: Alarm) -> None:
    """Go on with a suppressed alarm: when its suppressor changes, and as time passes."""
    held, now = vars(alarm), time.time()
    by = held.get("actions_suppressed_by")
    if by is None:
        return
    if _rings(backend, held["actions_suppressor"]):
        _say(alarm, BY_ALARM)
    elif by == BY_ALARM:
        _say(alarm, BY_EXTENSION)
        held["suppressed_until"] = now + held["actions_suppressor_extension_period"]
    elif now >= held["suppressed_until"]:
        _say(alarm, None)
        alarms.act_late(alarm)


def review_all(alarms: Alarms, backend: CloudWatchBackend) -> None:
    for alarm in list(backend.alarms.values()):
        review(alarms, backend, alarm)


def _rings(backend: CloudWatchBackend, name: str) -> bool:
    other = backend.alarms.get(name)
    return other is not None and other.state_value == ALARM


def _say(alarm: Alarm, by: str | None) -> None:
    held: dict[str, Any] = vars(alarm)
    held["actions_suppressed_by"] = by
    held["actions_suppressed_reason"] = f"Actions suppressed by {by}" if by else None
