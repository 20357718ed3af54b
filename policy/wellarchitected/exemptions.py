"""Exemptions: who may break which rule where, why, and until when. A bad one is a finding that fails."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from fnmatch import translate

from .model import Exemption


def urn_pattern(glob: str) -> re.Pattern[str]:
    """A URN glob (`*`, `?`) as a pattern; a bracket is a bracket, because names of resources have some."""
    return re.compile(translate(glob.replace("[", "[[]")))


class Exemptions:
    """The exemptions of a stack, and which of them were used."""

    def __init__(self, exemptions: Sequence[Exemption], today: date) -> None:
        self.exemptions = list(exemptions)
        self.today = today
        self._used: set[int] = set()
        self._patterns = [urn_pattern(exemption.urn) for exemption in self.exemptions]
        self._by_rule: dict[str, list[int]] = {}
        for index, exemption in enumerate(self.exemptions):
            self._by_rule.setdefault(exemption.rule, []).append(index)

    def covering(self, rule: str, urn: str) -> Exemption | None:
        """The exemption under which this resource may break this rule; an expired or incomplete one covers nothing."""
        found = None
        for index in self._by_rule.get(rule, ()):
            if self._patterns[index].match(urn):
                self._used.add(index)
                exemption = self.exemptions[index]
                if found is None and not exemption.expired(self.today) and complete(exemption):
                    found = exemption
        return found

    def problems(self, urns: Iterable[str], maximum_days: int) -> Iterator[str]:
        """What is wrong with them: incomplete, expired, longer than allowed, or needed by none of the resources they match.

        One that matches no resource at all says nothing wrong: a project's stacks share a file and have different parts.
        """
        urns = list(urns)
        for index, exemption in enumerate(self.exemptions):
            missing = [name for name in ("reason", "owner", "expires") if not getattr(exemption, name)]
            label = f"exemption from {exemption.rule} for {exemption.urn}"
            if missing:
                yield f"{label} has no {' and no '.join(missing)}: say why, who answers for it and until when"
            elif exemption.expired(self.today):
                yield f"{label} expired on {exemption.expires} ({exemption.owner} answers for it)"
            elif exemption.expires is not None and (exemption.expires - self.today).days > maximum_days:
                yield f"{label} lasts until {exemption.expires}, longer than {maximum_days} days"
            elif index not in self._used and any(self._patterns[index].match(urn) for urn in urns):
                yield f"{label} is not used: nothing it matches breaks the rule"


def complete(exemption: Exemption) -> bool:
    """Whether it says why, who answers for it and until when."""
    return bool(exemption.reason and exemption.owner and exemption.expires)
