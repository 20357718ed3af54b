"""Meters: from a resource's inputs and its assumed usage to what AWS bills. One file for each group of services."""

from mlops.estimate.meters import compute, delivery, machine_learning, network, observability, storage
from mlops.estimate.meters.registry import METERS, STARTING, NotEstimated, Stack

__all__ = ["METERS", "STARTING", "NotEstimated", "Stack", "compute", "delivery", "machine_learning", "network", "observability", "storage"]
