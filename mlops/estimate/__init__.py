"""Estimates before a deployment: what a stack costs in a month and what carbon it causes.

A stack's resources are measured (`measure`, `meters`): each is billed by uses of items, under assumptions of usage (`usage`). Costs are uses times
prices (`cost`, `prices`), carbon is uses times energy and the grid (`carbon`, `energy`). Everything is linear in the uses, so sums of
resources are sums of estimates.
"""

from mlops.estimate.documents import Assumed, assumed, estimates

__all__ = ["Assumed", "assumed", "estimates"]
