"""Contexts of examinations that need no program and no account: what a check looks at is put in its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlops import engine
from mlops.doctor.check import Finding
from mlops.doctor.context import Account, Context, State
from mlops.doctor.examination import all_checks, looked
from mlops.engine.config import Project as Configuration
from mlops.project import Project


def resource(type_: str, name: str, /, **inputs: Any) -> engine.RecordedResource:
    """A resource as the preview records it."""
    urn = f"urn:pulumi:dev::mlops::{type_}::{name}"
    return engine.RecordedResource(urn, type_, name, True, False, "", "", False, inputs, {}, [], {}, {})


MakeContext = Callable[..., Context]


@pytest.fixture
def context(tmp_path: Path) -> MakeContext:
    """A context with these resources, settings, account and state."""
    (tmp_path / "Pulumi.yaml").write_text("name: mlops\nruntime: python\n")

    def make(
        *resources: engine.RecordedResource,
        stack: str = "dev",
        settings: dict[str, str] | None = None,
        account: Account | None = None,
        state: State | None = None,
    ) -> Context:
        made = Context(Project(tmp_path), stack)
        config = {"aws:region": "eu-west-1", **(settings or {})}
        made._once["configuration"] = (Configuration("mlops", stack, tmp_path, tmp_path, None, config, []), None)
        made._once["preview"] = (engine.Record("mlops", stack, list(resources)), None)
        if account is not None:
            made._once["account"] = (account, None)
        if state is not None:
            made._once["state"] = (state, None)
        return made

    return make


@pytest.fixture
def examined() -> Callable[[str, Context], list[Finding]]:
    """What one check finds."""

    def look(id_: str, where: Context) -> list[Finding]:
        (check,) = [each for each in all_checks() if each.id == id_]
        return looked(check, where)

    return look
