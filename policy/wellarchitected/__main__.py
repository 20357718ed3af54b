"""The pack's configuration as the Pulumi CLI takes it: `python -m wellarchitected policy-config.json STACK > config.json`.

`pulumi preview --policy-pack policy --policy-pack-config config.json` then judges with the levels, parameters and exemptions of the file.
With two files the first is the organisation's, and what it locks the second may not touch (`layers`).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from . import RULES, ConfigurationError, crossguard_config
from .config_file import read_config
from .layers import Layer, merged


def main(arguments: list[str]) -> int:
    """Exit code 2, with what is wrong on standard error, where a file cannot be read."""
    if len(arguments) not in (2, 3):
        print("usage: python -m wellarchitected [ORGANISATION.json] CONFIG.json STACK", file=sys.stderr)
        return 2
    *files, stack = arguments
    try:
        layers = [Layer(file, read_config(Path(file))) for file in files]
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        config = layers[0].config if len(layers) == 1 else merged(layers[0], layers[1], stack, RULES)
        print(json.dumps(crossguard_config(config, stack, RULES), indent=2))
    except ConfigurationError as error:
        print(f"{files[0]}: {error}" if len(files) == 1 else error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
