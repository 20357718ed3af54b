"""What a change of inputs means for a resource."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Diff:
    """The changed properties, and those of them that need a replacement. Iterates over the changed properties; false when nothing changed.

    `delete_before_replace` is set where the old and the new resource cannot exist side by side, because they would have the same name.
    """

    changes: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    delete_before_replace: bool = False

    def __iter__(self) -> Iterator[str]:
        return iter(self.changes)

    def __len__(self) -> int:
        return len(self.changes)
