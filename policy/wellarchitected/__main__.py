"""The pack's configuration as the Pulumi CLI takes it: `python -m wellarchitected policy-config.json STACK > config.json`.

`pulumi preview --policy-pack policy --policy-pack-config config.json` then judges with the levels, parameters and exemptions of the file.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from . import RULES, ConfigurationError, crossguard_config


def main(arguments: list[str]) -> int:
    """Exit code 2, with what is wrong on standard error, where the file cannot be read."""
    if len(arguments) != 2:
        print("usage: python -m wellarchitected CONFIG.json STACK", file=sys.stderr)
        return 2
    file, stack = arguments
    try:
        print(json.dumps(crossguard_config(json.loads(Path(file).read_text()), stack, RULES), indent=2))
    except (OSError, json.JSONDecodeError, ConfigurationError) as error:
        print(f"{file}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
