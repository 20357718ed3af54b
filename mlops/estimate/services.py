"""Lines of an estimate put together by service, as cost and carbon have them in their documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

from mlops.estimate.amount import Amount, total


class Line(Protocol):
    """What an estimate says of one item."""

    @property
    def service(self) -> str:
        """Where it belongs."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """As the document has it."""
        ...


AnyLine = TypeVar("AnyLine", bound=Line)


def by_service(lines: Iterable[AnyLine], amount: Callable[[AnyLine], Amount], digits: int = 6) -> list[dict[str, Any]]:
    """Each service with the sum of its lines' amounts and the lines in their order; the largest first."""
    services: dict[str, list[AnyLine]] = {}
    for line in lines:
        services.setdefault(line.service, []).append(line)
    sums = {service: total(map(amount, found)) for service, found in services.items()}
    return [
        {"service": service, **sums[service].to_dict(digits), "lines": [line.to_dict() for line in found]}
        for service, found in sorted(services.items(), key=lambda entry: (-sums[entry[0]].expected, entry[0]))
    ]
