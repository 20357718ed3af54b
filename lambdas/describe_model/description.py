"""What a client needs to know of a model before it asks for predictions. Pure."""

from __future__ import annotations

from typing import Any

from platform_common.contract import Contract
from platform_common.in_service import InService, SwitchedOff

LIMITS = ("minimum", "maximum", "allowed", "pattern", "description")


def inputs(contract: Contract) -> list[dict[str, Any]]:
    """The columns a prediction takes, in the model's order, with their limits as the contract's JSON form has them."""
    written = {column["name"]: column for column in contract.document["columns"]}
    return [
        {
            "name": name,
            "type": contract.column(name).type,
            "required": not contract.column(name).nullable,
            **{limit: written[name][limit] for limit in LIMITS if written[name].get(limit) is not None},
        }
        for name in contract.inputs
    ]


def status(endpoint: dict[str, Any] | None, held: SwitchedOff | None) -> str:
    """`in-service` and SageMaker's other states in this form (`creating`, `updating`, …); `off`, `starting`; `none` where nothing was deployed."""
    if endpoint is None:
        return held.status if held else "none"
    words = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in endpoint["EndpointStatus"])
    return words.removeprefix("-")


def description(
    model: str, contract: Contract, endpoint: dict[str, Any] | None, held: SwitchedOff | None, serving: InService | None
) -> dict[str, Any]:
    """The answer; `version` is None where none is in service, `again` says when an endpoint that is switched off comes back."""
    return {
        "model": model,
        "status": status(endpoint, held),
        "version": serving.version if serving else None,
        **({"again": held.again} if held and endpoint is None else {}),
        "contract": contract.name,
        "predicts": contract.target,
        "inputs": inputs(contract),
    }
