"""Functions in a VPC without NAT: settings under which they cannot reach what they call are refused, by what the code really calls."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from pydantic import BaseModel

from components.settings import reachability
from components.settings.platform import NetworkSettings
from components.settings.reachability import CALLERS, ENDPOINTS, GATEWAYS, NOWHERE
from components.settings.source import SettingsError

from .test_program import ROOT, of_type, preview
from .test_settings import parsed, section

SERVICES = frozenset(boto3.Session().get_available_services())


def called_by(handler: str) -> set[str]:
    """Services that a function's code makes clients of, the layer's modules that it imports included."""
    files = sorted((ROOT / "lambdas" / handler).glob("*.py"))
    found: set[str] = set()
    seen: set[Path] = set()
    while files:
        file = files.pop()
        if file in seen:
            continue
        seen.add(file)
        tree = ast.parse(file.read_text())
        found |= set(clients(tree))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("platform_common."):
                files.append(ROOT / "lambdas/layer" / f"{(node.module or '').replace('.', '/')}.py")
    return found


def clients(tree: ast.AST) -> Iterator[str]:
    """`client("s3")`, `client(service) for service in ("s3", …)`, and the service of a response's `Action`."""
    names = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name.lstrip("_") in ("client", "_pages", "pages") or name == "Action":
                texts = [each.value for each in (*node.args, *(key.value for key in node.keywords)) if isinstance(each, ast.Constant)]
                yield from (text for text in texts if isinstance(text, str) and text in SERVICES)
        if isinstance(node, ast.GeneratorExp | ast.DictComp | ast.ListComp):
            text = ast.dump(node)
            if "client" in text:
                over = node.generators[0].iter
                over = names.get(over.id, over) if isinstance(over, ast.Name) else over
                yield from (
                    str(each.value) for each in getattr(over, "elts", ()) if isinstance(each, ast.Constant) and each.value in SERVICES
                )


@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: caller.handler)
def test_the_table_says_what_the_code_calls(caller: reachability.Caller) -> None:
    assert called_by(caller.handler) - set(GATEWAYS) == set(caller.services)
    assert set(caller.services) <= {*ENDPOINTS, *NOWHERE}


@pytest.mark.parametrize("stack", ["dev", "prod", "local"])
def test_every_function_of_a_stack_is_in_the_table(stack: str) -> None:
    handlers = {
        each.inputs["environment"]["variables"]["POWERTOOLS_SERVICE_NAME"] for each in of_type(stack, "aws:lambda/function:Function")
    }
    settings = parsed(stack).settings
    assert handlers == {caller.handler for caller in CALLERS if caller.there(settings)}
    assert preview(stack).resources


def test_every_endpoint_of_the_table_can_be_asked_for() -> None:
    for endpoint in ENDPOINTS.values():
        assert isinstance(NetworkSettings(interface_endpoints=[endpoint]), BaseModel)  # type: ignore[list-item]


QUIET = {
    "security": {"response": False, "audit": False},
    "cost": {"report": {"enabled": False}, "clean_up": {"enabled": False}},
    "health": {"enabled": False},
    "performance": {"efficiency": {"enabled": False}},
}
ENOUGH = ["sagemaker.api", "sagemaker.runtime", "sns", "sqs", "lambda", "states", "monitoring"]


def no_nat(**sections: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    """Dev's settings without NAT: predictions and trainings only, but for what `sections` change."""

    def change(config: dict[str, Any]) -> None:
        config["mlops:network"] = {"nat": "none", "interface_endpoints": ENOUGH}
        config["mlops:cost"].pop("office_hours")
        for key, values in {**QUIET, **sections}.items():
            section(key, **values)(config)

    return change


def test_a_stack_without_nat_is_accepted_with_the_endpoints_its_functions_need() -> None:
    assert set(reachability.needed(parsed("dev", no_nat()).settings)) == set(ENOUGH)


@pytest.mark.parametrize(
    ("sections", "where", "says"),
    [
        ({"cost": {"report": {"enabled": True}, "clean_up": {"enabled": False}}}, "mlops:cost.report.enabled", "us-east-1 only"),
        (
            {"cost": {"clean_up": {"enabled": True}, "report": {"enabled": False}}},
            "mlops:network.interface_endpoints",
            "tagging (clean_up)",
        ),
        (
            {"cost": {"report": {"enabled": False}, "clean_up": {"enabled": False}, "office_hours": {}}},
            "mlops:network.interface_endpoints",
            "application-autoscaling (office_hours)",
        ),
        ({"health": {"enabled": True}}, "mlops:network.interface_endpoints", "kms (check_health)"),
        (
            {"security": {"response": True}, "network": {"interface_endpoints": [*ENOUGH, *sorted(set(ENDPOINTS.values()) - set(ENOUGH))]}},
            "mlops:security.response",
            "IAM has no VPC endpoint",
        ),
        (
            {
                "security": {"audit": True, "response": False},
                "network": {"interface_endpoints": [*ENOUGH, *sorted(set(ENDPOINTS.values()) - set(ENOUGH))]},
            },
            "mlops:security.audit",
            "IAM has no VPC endpoint",
        ),
        ({"network": {"gateway_endpoints": ["s3"]}}, "mlops:network.gateway_endpoints", "cannot reach dynamodb"),
        ({"network": {"interface_endpoints": ENOUGH[1:]}}, "mlops:network.interface_endpoints", "sagemaker.api (audit_approval)"),
    ],
)
def test_what_cannot_be_reached_is_refused_with_who_needs_it(sections: dict[str, Any], where: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parsed("dev", no_nat(**sections))
    assert caught.value.where == f"Pulumi.dev.yaml: {where}"
    assert says in caught.value.message and "functions.in_vpc to false" in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize("change", [section("functions", in_vpc=False), section("network", nat="single"), section("network", nat="per-az")])
def test_with_a_way_out_everything_is_reached(change: Callable[[dict[str, Any]], object]) -> None:
    def both(config: dict[str, Any]) -> None:
        no_nat(cost={"report": {"enabled": True}}, security={"response": True, "audit": True})(config)
        change(config)

    assert parsed("dev", both)
