"""Data contracts as the program needs them: read once, before anything is registered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

Contract = dict[str, Any]
REQUIRED = ("name", "columns", "target")


class ContractError(ValueError):
    """A contract cannot be used; the message says why."""


def load_contract(file: Path) -> Contract:
    """The contract in a YAML file. Raises ContractError."""
    try:
        contract = yaml.safe_load(file.read_text())
    except FileNotFoundError:
        raise ContractError("there is no such file") from None
    except yaml.YAMLError as error:
        raise ContractError(f"it is not YAML: {error}") from None
    missing = [key for key in REQUIRED if not isinstance(contract, dict) or key not in contract]
    if missing:
        raise ContractError(f"it lacks {', '.join(missing)}")
    return contract


def maximum_rejected_fraction(contract: Contract, setting: float | None) -> float:
    """The setting of the model, or what the contract says (nothing said: no row may be rejected)."""
    return float(contract.get("maximum_rejected_fraction", 0.0)) if setting is None else setting
