"""Executors of Glue and SageMaker: jobs, crawlers, training, endpoints, batch transform and registry events as real processes and effects."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlops.sandbox.context import Sandbox


def install(sandbox: Sandbox) -> None:
    """Replace moto's pretended Glue and SageMaker work with these executors."""
    from mlops.sandbox.ml import crawler, endpoints, glue, invocations, models, registry, training, transform

    glue.install(sandbox)
    crawler.install(sandbox)
    training.install(sandbox)
    models.install(sandbox)
    registry.install(sandbox)
    transform.install(sandbox)
    invocations.install(endpoints.install(sandbox))
