"""The project in the current directory: where it is, which stacks it has, where its local state lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlops.errors import UserError


@dataclass(frozen=True)
class Project:
    """A folder with a Pulumi.yaml."""

    root: Path

    @classmethod
    def at(cls, folder: Path) -> Project:
        """The project in `folder`; UserError when there is none."""
        root = folder.resolve()
        if not (root / "Pulumi.yaml").is_file():
            raise UserError(
                "no-project",
                "expected a Pulumi project, found no Pulumi.yaml",
                where=str(root),
                hint="change into the project's folder, or name it with --project DIR",
            )
        return cls(root)

    @property
    def stacks(self) -> list[str]:
        return sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in self.root.glob("Pulumi.*.yaml"))

    @property
    def state(self) -> Path:
        """The folder for everything this machine keeps about the project; never committed."""
        return self.root / ".mlops"

    def require_stack(self, stack: str) -> str:
        """The name itself; UserError when the project has no such stack."""
        if stack not in self.stacks:
            raise UserError(
                "no-stack",
                f"expected one of the project's stacks ({', '.join(self.stacks) or 'none'}), got {stack!r}",
                where=f"Pulumi.{stack}.yaml",
                hint="choose a stack with --stack, or write its settings file",
            )
        return stack
