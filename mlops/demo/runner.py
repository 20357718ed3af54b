"""Runs the steps of a story in order, shows them while they run and keeps their facts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from mlops.errors import UserError


class StepFailed(Exception):
    """A step whose own checks did not hold; the message says which."""


@dataclass
class Step:
    """A step that ran: its facts are what `--json` gives; its lines are what a person reads."""

    name: str
    status: str = "running"
    seconds: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, "status": self.status, "seconds": round(self.seconds, 2), "facts": self.facts}


class Story:
    """The steps of one run. After a failed step the others are `skipped`, by name."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.steps: list[Step] = []
        self._planned = 0
        self._bar: tuple[Progress, TaskID] | None = None
        self._title = ""

    def say(self, line: str) -> None:
        """A line under the current step (rich markup)."""
        self.console.print(f"     {line}", soft_wrap=True)

    def progress(self, what: str) -> None:
        """What the current step is doing now; shown beside the bar on a terminal."""
        if self._bar:
            bar, task = self._bar
            bar.update(task, description=escape(f"{self._title}: {what}"))

    def run_all(self, steps: list[tuple[str, str, Callable[[], dict[str, Any]]]]) -> None:
        """Runs steps of (name, title, action) in order."""
        self._planned = len(steps)
        for name, title, action in steps:
            self.run(name, title, action)

    def run(self, name: str, title: str, action: Callable[[], dict[str, Any]]) -> bool:
        """Runs one step; False when it failed or an earlier one did."""
        step = Step(name)
        self.steps.append(step)
        if any(earlier.status == "failed" for earlier in self.steps[:-1]):
            step.status = "skipped"
            return False
        self._title = title
        self.console.print(f"[bold]{len(self.steps):>2}  {escape(title)}[/]")
        started = time.perf_counter()
        try:
            if self.console.is_terminal:
                step.facts = self._with_bar(action)
            else:
                step.facts = action()
            step.status = "succeeded"
        except (StepFailed, UserError) as error:
            step.status = "failed"
            step.facts = {"error": error.to_dict() if isinstance(error, UserError) else {"message": str(error)}}
            self.say(f"[red]failed[/] {escape(str(error))}")
            if isinstance(error, UserError) and error.where:
                self.say(f"where  {escape(error.where)}")
        finally:
            self._bar = None
            step.seconds = time.perf_counter() - started
        self.console.print(f"     [dim]{step.seconds:.1f} s[/]")
        return step.status == "succeeded"

    def _with_bar(self, action: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        columns = (
            SpinnerColumn(),
            BarColumn(20),
            TextColumn("step {task.completed} of {task.total}"),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
        )
        with Progress(*columns, console=self.console, transient=True) as bar:
            self._bar = bar, bar.add_task(escape(self._title), total=self._planned, completed=len(self.steps))
            return action()

    @property
    def status(self) -> str:
        return "failed" if any(step.status == "failed" for step in self.steps) else "succeeded"

    def to_dict(self) -> dict[str, Any]:
        return {"steps": [step.to_dict() for step in self.steps], "status": self.status}
