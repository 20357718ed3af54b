"""The serving processes of an endpoint, and how traffic moves from one set of them to another."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops.sandbox.ml.jobs import JobError
from mlops.sandbox.ml.serving import Serving

if TYPE_CHECKING:
    from mlops.sandbox.context import Sandbox
    from mlops.sandbox.ml.models import EndpointConfiguration

ALARM_SECONDS = 0.25


@dataclass
class Variant:
    """A production variant in service. One process serves it whatever its instance count, so every RoutingConfig of a variant chooses that one."""

    name: str
    serving: Serving
    image: str
    instance_type: str
    weight: float
    count: int


@dataclass
class Fleet:
    """The variants of one endpoint configuration, with their processes."""

    config_name: str
    variants: dict[str, Variant] = field(default_factory=dict)

    def stop(self) -> None:
        for variant in self.variants.values():
            variant.serving.stop()

    def choose(self) -> Variant | None:
        """A variant by weight; None when all weights are zero."""
        candidates = list(self.variants.values())
        if len(candidates) == 1:
            return candidates[0]
        weights = [variant.weight for variant in candidates]
        return random.choices(candidates, weights)[0] if sum(weights) > 0 else None  # noqa: S311  (traffic, not secrets)


class Rollback(Exception):
    """The update is taken back; the text says why."""


def launch(sandbox: Sandbox, endpoint: str, config: EndpointConfiguration, seconds: float) -> Fleet:
    """All variants of a configuration, healthy; JobError names the variant that is not, and nothing of the fleet is left."""
    models = sandbox.backend("sagemaker")._models
    directory = Path(sandbox.directory) / "endpoints" / endpoint
    fleet = Fleet(config.endpoint_config_name)
    for settings in config.variants:
        model = models.get(settings["ModelName"])
        if model is None:
            raise JobError(f'Could not find model "{settings["ModelName"]}" of variant {settings["VariantName"]}')
        stream = f"{settings['VariantName']}/i-{random.getrandbits(68):017x}"  # noqa: S311  (a name)
        fleet.variants[settings["VariantName"]] = Variant(
            name=settings["VariantName"],
            serving=Serving(sandbox, model.container, directory, f"/aws/sagemaker/Endpoints/{endpoint}", stream),
            image=model.container.image,
            instance_type=settings["InstanceType"],
            weight=settings["InitialVariantWeight"],
            count=settings["InitialInstanceCount"],
        )

    def start(variant: Variant) -> None:
        try:
            variant.serving.start(seconds)
        except JobError as error:
            raise JobError(f"The primary container for production variant {variant.name} is not in service: {error}") from error

    try:
        with ThreadPoolExecutor(4) as pool:
            for _ in pool.map(start, fleet.variants.values()):
                pass
    except BaseException:
        fleet.stop()
        raise
    return fleet


class Traffic:
    """Which fleet answers: the stable one, or for a share of the requests the new one."""

    def __init__(self) -> None:
        self.stable: Fleet | None = None
        self.candidate: Fleet | None = None
        self.share = 0.0

    def enter(self, target: str | None) -> Variant | None:
        """The variant for one request (with `target`, that one), which the caller must leave afterwards. None when there is none."""
        while True:
            candidate = self.candidate
            fleet = candidate if candidate is not None and random.random() < self.share else self.stable  # noqa: S311
            variant = None if fleet is None else fleet.variants.get(target) if target else fleet.choose()
            if variant is None or variant.serving.enter():
                return variant
            if fleet is self.stable and fleet is not self.candidate:
                # Taken out of service and nothing took its place: the endpoint is being deleted.
                return None


def steps(update: Mapping[str, Any], instances: int) -> list[tuple[float, float]]:
    """(share of traffic, seconds to bake) of a blue/green update, the last step with share 1."""
    routing = update.get("TrafficRoutingConfiguration", {"Type": "ALL_AT_ONCE"})
    kind, interval = routing["Type"], routing.get("WaitIntervalInSeconds", 0)
    if kind == "ALL_AT_ONCE":
        return [(1.0, interval)]
    size = routing["CanarySize" if kind == "CANARY" else "LinearStepSize"]
    share = size["Value"] / 100 if size["Type"] == "CAPACITY_PERCENT" else size["Value"] / max(1, instances)
    if kind == "CANARY":
        return [(share, interval), (1.0, interval)]
    shares = [share * number for number in range(1, int(1 / share) + 1) if share * number < 0.9999]
    return [(value, interval) for value in [*shares, 1.0]]


def shift(
    traffic: Traffic, plan: list[tuple[float, float]], termination_wait: float, alarms: Callable[[], list[str]], cancelled: threading.Event
) -> None:
    """Move traffic from the stable fleet to the candidate step by step; Rollback when an alarm goes off meanwhile.

    The old fleet keeps running until `termination_wait` after the last step, so that a rollback needs no new processes.
    """

    def bake(seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            ringing = alarms()
            if ringing:
                raise Rollback(f"Alarm(s) {', '.join(ringing)} went into ALARM during the update; traffic goes back to the previous fleet")
            if cancelled.is_set():
                raise Rollback("the endpoint was deleted during the update")
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return
            time.sleep(min(ALARM_SECONDS, remaining))

    try:
        for share, seconds in plan:
            traffic.share = share
            bake(seconds)
        bake(termination_wait)
    except Rollback:
        traffic.share = 0.0
        raise
