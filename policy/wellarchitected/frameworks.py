"""Which requirements of other frameworks a rule stands for, by the controls of AWS Security Hub among its sources.

AWS says which standards a control is part of, and which requirements it stands for. A standard whose numbers are not recorded
(`data/frameworks.tsv`) is named with none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from .checklist import security_hub_controls, table

# The names of the columns, in the order in which they are shown.
FRAMEWORKS = {
    "FSBP": "AWS Foundational Security Best Practices",
    "NIST-800-53-5": "NIST SP 800-53 r5",
    "CIS-5.0.0": "CIS AWS Foundations 5.0.0",
    "CIS-3.0.0": "CIS AWS Foundations 3.0.0",
    "PCI-4.0.1": "PCI DSS 4.0.1",
}
_PREFIX = "securityhub:"


@cache
def requirements() -> Mapping[tuple[str, str], tuple[str, ...]]:
    """The numbers of requirements by control and standard."""
    return {(row["control"], row["standard"]): tuple(row["requirements"].split()) for row in table("frameworks.tsv")}


@cache
def frameworks(sources: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    """The standards that a rule's sources belong to, each with its requirements; of AWS's own, the controls are the requirements."""
    controls = [source.removeprefix(_PREFIX) for source in sources if source.startswith(_PREFIX)]
    found: dict[str, tuple[str, ...]] = {}
    for standard in FRAMEWORKS:
        members = [control for control in controls if standard in security_hub_controls().get(control, ())]
        if members:
            numbers = members if standard == "FSBP" else _flat(requirements().get((control, standard), ()) for control in members)
            found[standard] = tuple(dict.fromkeys(numbers))
    return found


def _flat(groups: Iterable[Iterable[str]]) -> list[str]:
    return [number for group in groups for number in group]


def shown(found: Mapping[str, Iterable[str]]) -> str:
    """As one line: `NIST SP 800-53 r5 (SC-12, SC-12(2)), PCI DSS 4.0.1`."""
    return ", ".join(FRAMEWORKS[standard] + (f" ({', '.join(numbers)})" if list(numbers) else "") for standard, numbers in found.items())
