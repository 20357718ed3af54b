"""Whatever shapes properties have, no rule breaks, verdicts are the same twice, and nothing unknown passes."""

from __future__ import annotations
