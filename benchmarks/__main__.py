"""`make bench`: runs every benchmark, or those named: `python -m benchmarks policy preview`."""

from __future__ import annotations

import importlib
import sys

ALL = ("policy", "policy_checkov", "policy_cli", "preview", "preview_scale", "sandbox", "repeat")


def main(names: list[str]) -> None:
    unknown = sorted(set(names) - set(ALL))
    if unknown:
        sys.exit(f"expected some of {', '.join(ALL)}, got {', '.join(unknown)}")
    for name in names or ALL:
        module = importlib.import_module(f"benchmarks.{name}")
        print(f"\n{name}: {(module.__doc__ or '').splitlines()[0]}")
        module.main()


main(sys.argv[1:])
