"""CodePipeline's Lambda deploy action: a new version from the artifact, the alias moved to it by steps, and back when an alarm says so."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from mlops.sandbox.delivery.deploy_strategy import Step, steps
from mlops.sandbox.delivery.pipeline_actions import inputs_of, keys_of
from mlops.sandbox.delivery.pipeline_status import Abandoned, ActionFailure
from mlops.sandbox.ml.jobs import Objects

if TYPE_CHECKING:
    from mlops.sandbox.delivery.pipeline_action import ActionExecution

LOOK = 0.25  # seconds between two looks at the alarms
READY_SECONDS = 60


class Deployment:
    """One deployment to one alias."""

    def __init__(self, action: ActionExecution) -> None:
        self.action, self.settings = action, action.configuration
        self.function, self.alias = self.settings["FunctionName"], self.settings.get("FunctionAlias", "")
        # What goes back is not stopped by the alarm because of which it goes back.
        watched = self.settings.get("Alarms", "") if action.execution.kind == "STANDARD" else ""
        self.alarms = [alarm.strip() for alarm in watched.split(",") if alarm.strip()]
        self.minute = action.sandbox.options.deployment_minute
        self.keys = keys_of(action)
        self.lambda_ = action.sandbox.client("lambda", self.keys)

    def run(self) -> None:
        """Deploy; ActionFailure when an alarm or a refused call ends it, with the alias where it was."""
        try:
            plan = steps(self.settings.get("DeployStrategy") or "AllAtOnce")
        except ValueError as error:
            raise ActionFailure("ConfigurationError", str(error)) from error
        original = self._original() if self.alias else ""
        self._watch_alarms()
        version = self.settings.get("PublishedTargetVersion") or self._publish()
        self.action.variables = {"FunctionVersion": version}
        self.action.external_id = f"{self.function}:{version}"
        if not self.alias or version == original:
            self.action.summary = f"version {version} of {self.function}"
            return
        with self._put_back(original):
            self._shift(original, version, plan)
        self.action.summary = f"{self.function}:{self.alias} moved from version {original} to {version}"

    def _original(self) -> str:
        found = self.lambda_.get_alias(FunctionName=self.function, Name=self.alias)
        if (found.get("RoutingConfig") or {}).get("AdditionalVersionWeights"):
            raise ActionFailure("ConfigurationError", f"the alias {self.alias} has two versions behind it: another deployment is going on")
        return str(found["FunctionVersion"])

    def _publish(self) -> str:
        """The artifact's zip as the function's code, published."""
        uri = next(iter(inputs_of(self.action).values()))
        self.lambda_.update_function_code(FunctionName=self.function, ZipFile=Objects(self.action.sandbox, self.keys).read(uri))
        deadline = time.monotonic() + READY_SECONDS
        while self.lambda_.get_function_configuration(FunctionName=self.function).get("LastUpdateStatus", "Successful") != "Successful":
            if time.monotonic() > deadline:
                raise ActionFailure("JobFailed", f"the code of {self.function} was not ready within {READY_SECONDS} s")
            self.action.pause(LOOK)
        return str(self.lambda_.publish_version(FunctionName=self.function)["Version"])

    def _shift(self, original: str, version: str, plan: list[Step]) -> None:
        for step in plan:
            if step.percent == 100:
                self._move(version, {})
            else:
                self._move(original, {version: step.percent / 100})
            self.action.percent = step.percent
            self.action.summary = f"{step.percent} % of {self.function}:{self.alias} to version {version}"
            deadline = time.monotonic() + step.minutes * self.minute
            while time.monotonic() < deadline:
                self._watch_alarms()
                self.action.pause(min(LOOK, self.minute / 4))
        self._watch_alarms()

    def _move(self, version: str, weights: dict[str, float]) -> None:
        self.lambda_.update_alias(
            FunctionName=self.function, Name=self.alias, FunctionVersion=version, RoutingConfig={"AdditionalVersionWeights": weights}
        )

    def _watch_alarms(self) -> None:
        if not self.alarms:
            return
        found: dict[str, Any] = {}
        for alarm in self.action.sandbox.client("cloudwatch", self.keys).describe_alarms(AlarmNames=self.alarms)["MetricAlarms"]:
            found[alarm["AlarmName"]] = alarm["StateValue"]
        missing = [alarm for alarm in self.alarms if alarm not in found]
        if missing:
            raise ActionFailure("ConfigurationError", f"Alarms: there is no alarm {', '.join(missing)}")
        ringing = [alarm for alarm, state in found.items() if state == "ALARM"]
        if ringing:
            raise ActionFailure("AlarmActive", f"the alarm {', '.join(ringing)} is in ALARM")

    @contextmanager
    def _put_back(self, original: str) -> Iterator[None]:
        """Whatever ends the shift early, the alias serves the original version again."""
        try:
            yield
        except (ActionFailure, Abandoned, ClientError) as error:
            self._move(original, {})
            if isinstance(error, ActionFailure):
                message = f"{error.message}; {self.function}:{self.alias} is back at version {original}"
                raise ActionFailure(error.code, message) from error
            raise


def deploy(action: ActionExecution) -> None:
    """The action."""
    Deployment(action).run()
