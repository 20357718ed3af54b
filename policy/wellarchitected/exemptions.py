"""Exemptions: who may break which rule where, why, and until when. A bad one is a finding that fails."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date

from .model import Exemption
from .settings import urn_pattern


class Exemptions:
    """The exemptions of a stack, and which of them were used."""

    def __init__(self, exemptions: Sequence[Exemption], today: date) -> None:
        self.exemptions = list(exemptions)
        self.today = today
        self._used: set[int] = set()
        self._by_rule: dict[str, list[tuple[int, Exemption, re.Pattern[str]]]] = {}
        for index, exemption in enumerate(self.exemptions):
            self._by_rule.setdefault(exemption.rule, []).append((index, exemption, urn_pattern(exemption.urn)))

    def covering(self, rule: str, urn: str) -> Exemption | None:
        """The exemption under which this resource may break this rule; an expired or incomplete one covers nothing."""
        for index, exemption, pattern in self._by_rule.get(rule, ()):
            if pattern.match(urn):
                self._used.add(index)
                if not exemption.expired(self.today) and complete(exemption):
                    return exemption
        return None

    def problems(self, urns: Iterable[str]) -> list[tuple[Exemption, str]]:
        """What is wrong with them: incomplete, expired, or needed by none of the resources they match.

        One that matches no resource at all says nothing wrong: a project's stacks share a file and have different parts.
        """
        urns = list(urns)
        found = []
        for index, exemption in enumerate(self.exemptions):
            missing = [name for name in ("reason", "owner", "expires") if not getattr(exemption, name)]
            label = f"exemption from {exemption.rule} for {exemption.urn}"
            if missing:
                found.append((exemption, f"{label} has no {' and no '.join(missing)}. Say why, who answers for it and until when"))
            elif exemption.expired(self.today):
                found.append(
                    (
                        exemption,
                        f"{label} expired on {exemption.expires}. Fix the resource, or renew it ({exemption.owner} answers for it)",
                    )
                )
            elif index not in self._used and any(urn_pattern(exemption.urn).match(urn) for urn in urns):
                found.append((exemption, f"{label} is not used: nothing it matches breaks the rule. Remove it"))
        return found


def complete(exemption: Exemption) -> bool:
    """Whether it says why, who answers for it and until when."""
    return bool(exemption.reason and exemption.owner and exemption.expires)
