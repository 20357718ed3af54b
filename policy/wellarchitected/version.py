"""The version of the pack; PulumiPolicy.yaml carries the same one."""

from __future__ import annotations

PACK_VERSION = "1.0.0"
# No earlier pack asked for less, so nobody is surprised by its rules: they are enforced from the start.
FIRST_RELEASE = "1.0.0"
