"""The servicer that decodes once answers the engine exactly as the SDK's own does, which decodes each resource for every policy."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pulumi_policy.policy as sdk
import pytest
from google.protobuf import json_format
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy.deserialize import SPECIAL_ARCHIVE_SIG, SPECIAL_ASSET_SIG, SPECIAL_SECRET_SIG, SPECIAL_SIG_KEY, deserialize_properties
from pulumi_policy.proxy import unknown_checking_proxy
from wellarchitected import RULES, UNKNOWN, Resource, Secret, crossguard_config, sdk_secrets, servicer
from wellarchitected.servicer import DecodeOnceServicer, serve, unexpected

from mlops.policy import CONFIG_FILE, judged, load_config
from tests.previews import ROOT, preview

from .engine_requests import analyze_request, analyze_stack_request, configure
from .engine_requests import servicer as served
from .examples import changed, resources

OFFICIAL = sdk._PolicyAnalyzerServicer


@contextmanager
def remembering_what_it_decoded() -> Iterator[None]:
    """The SDK's servicer without most of its cost: the same functions decode, each message once. Nothing changes what they return."""
    remembered: dict[int, Any] = {}

    def decode(message: Any) -> Any:
        if id(message) not in remembered:  # the message is kept, so its id stays its own
            remembered[id(message)] = (message, unknown_checking_proxy(deserialize_properties(json_format.MessageToDict(message))))
        return remembered[id(message)][1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sdk, "json_format", SimpleNamespace(MessageToDict=lambda message: message))
        patch.setattr(sdk, "deserialize_properties", lambda message: message)
        patch.setattr(sdk, "unknown_checking_proxy", decode)
        yield


def answers(service: Any, stack: Sequence[Resource]) -> list[Any]:
    """Everything the servicer says about a program: messages as the engine gets them, order included."""
    return [
        *(service.Analyze(analyze_request(resource), None) for resource in stack),
        service.AnalyzeStack(analyze_stack_request(stack), None),
        service.GetAnalyzerInfo(None, None),
    ]


def both(environment: str, sections: dict[str, dict[str, Any]] | None = None) -> tuple[Any, Any]:
    plain, fast = (served(RULES, environment, kind) for kind in (OFFICIAL, DecodeOnceServicer))
    for service in (plain, fast):
        configure(service, sections or {})
    return plain, fast


def violating() -> list[Resource]:
    return [resource for rule in RULES for resource in resources(rule.violating, prefix=f"{rule.id}-violating-")]


def test_program_that_uses_every_rule_gets_the_same_answers() -> None:
    stack = violating()
    for rule in RULES:
        if rule.reads is not None:
            unknown = changed(rule.compliant, rule.reads_of or rule.types[0], rule.reads, UNKNOWN)
            stack += resources(unknown, prefix=f"{rule.id}-unknown-")
    random.Random(5).shuffle(stack)
    plain, fast = both("prod")
    with remembering_what_it_decoded():
        expected = answers(plain, stack)
    found = answers(fast, stack)
    assert found == expected
    given = [diagnostic for response in found[:-1] for diagnostic in response.diagnostics]
    alone = {rule.id for rule in RULES if rule.scope == "resource" and rule.example_environment == "prod" and rule.level != "disabled"}
    assert alone <= {diagnostic.policyName for diagnostic in given}
    assert any(diagnostic.message.startswith("can't run policy") for diagnostic in given)


def test_levels_parameters_and_exemptions_act_alike() -> None:
    stack = violating()[::3]  # the SDK's servicer decodes by itself here, which takes its time
    exemption = {"urn": "*", "reason": "tried out", "owner": "platform", "expires": "2027-01-31"}
    expired = {**exemption, "expires": "2026-01-31"}
    given = [{**entry, "rule": rule.id} for rule, entry in zip(RULES, cycle([exemption, expired, None]), strict=False) if entry]
    config = {"environment": "dev", "exemptions": given, "rules": {"lambda-memory": {"maximum": 300}}}
    sections = crossguard_config(config, "test", RULES)
    for rule, level in zip(RULES, cycle(("mandatory", "advisory", "remediate", "disabled")), strict=False):
        sections[rule.id]["enforcementLevel"] = level
    plain, fast = both("dev", sections)
    found = answers(fast, stack)
    assert found == answers(plain, stack)
    requests = [analyze_request(resource) for resource in stack]
    assert [fast.Remediate(request, None) for request in requests] == [plain.Remediate(request, None) for request in requests]
    levels = {diagnostic.policyName: diagnostic.enforcementLevel for response in found[:-1] for diagnostic in response.diagnostics}
    assert "exemptions-valid" in levels
    assert set(levels.values()) == {analyzer_pb2.MANDATORY, analyzer_pb2.ADVISORY}
    assert not {rule.id for rule in RULES[3::4]} & set(levels)


def test_platform_gets_the_same_answers() -> None:
    recorded = judged(preview("prod").resources)
    plain, fast = both("prod", crossguard_config(load_config(ROOT / CONFIG_FILE), "prod", RULES))
    with remembering_what_it_decoded():
        expected = answers(plain, recorded)
    assert answers(fast, recorded) == expected


def test_resource_no_rule_is_about_is_not_even_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[Any] = []
    monkeypatch.setattr(servicer, "_decoded", decoded.append)
    foreign = Resource("urn:pulumi:test::p::gcp:storage/bucket:Bucket::b", "gcp:storage/bucket:Bucket", "b", {"secret": Secret("s3")})
    service = served(RULES, "prod", DecodeOnceServicer)
    assert not service.Analyze(analyze_request(foreign), None).diagnostics
    assert decoded == []


def test_installed_sdk_is_as_expected() -> None:
    assert unexpected() is None


class Changed(OFFICIAL):
    """An SDK of tomorrow."""

    def Analyze(self, request: Any, _context: Any) -> Any:
        response = super().Analyze(request, _context)
        response.diagnostics.reverse()
        return response


@pytest.mark.parametrize("sdk_of_tomorrow", [Changed, type("Without", (), {})])
def test_another_sdk_serves_the_policies_itself_and_says_so(
    sdk_of_tomorrow: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started: list[Any] = []
    monkeypatch.setattr(servicer, "_Official", sdk_of_tomorrow)
    monkeypatch.setattr(servicer, "PolicyPack", lambda **pack: started.append((sdk._PolicyAnalyzerServicer, pack)))
    serve(name="wellarchitected", policies=["…"])
    assert started == [(OFFICIAL, {"name": "wellarchitected", "policies": ["…"]})]
    assert "not as expected" in capsys.readouterr().err


def test_pack_is_served_by_the_fast_servicer_in_silence(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    started: list[Any] = []
    monkeypatch.setattr(sdk, "_PolicyAnalyzerServicer", OFFICIAL)  # put back afterwards
    monkeypatch.setattr(servicer, "PolicyPack", lambda **pack: started.append(sdk._PolicyAnalyzerServicer))
    serve(name="wellarchitected")
    assert started == [DecodeOnceServicer]
    assert capfd.readouterr() == ("", "")


def test_private_parts_of_the_sdk_are_used_in_one_file_only() -> None:
    folder = Path(servicer.__file__).parent
    users = {file.name for file in folder.rglob("*.py") if "pulumi_policy.policy" in file.read_text()}
    assert users == {"servicer.py"}


def with_properties(resource: Resource, properties: dict[str, Any]) -> Resource:
    return Resource(
        resource.urn, resource.type, resource.name, properties,
        dependencies=resource.dependencies, property_dependencies=resource.property_dependencies,
    )  # fmt: skip


def test_a_stack_is_judged_by_what_the_program_says_and_not_by_what_a_provider_has_yet_to_compute() -> None:
    """In a preview the real aws provider answers with unknown values for all that it computes, versioning and tags of a bucket among them."""
    said = [*resources(next(rule for rule in RULES if rule.id == "s3-versioning").violating)]
    computed = {
        resource.urn: {**dict.fromkeys(("versioning", "arn", "tags"), UNKNOWN), "url": Secret(UNKNOWN), **resource.properties}
        for resource in said
    }
    shown = [with_properties(resource, computed[resource.urn]) for resource in said]

    def found(kind: Any, analysed: Sequence[Resource]) -> list[tuple[str, str]]:
        service = served(RULES, "prod", kind)
        for resource in analysed:
            service.Analyze(analyze_request(resource), None)
        return [(it.policyName, it.message) for it in service.AnalyzeStack(analyze_stack_request(shown), None).diagnostics]

    program = served(RULES, "prod", DecodeOnceServicer)
    by_inputs = [(it.policyName, it.message) for it in program.AnalyzeStack(analyze_stack_request(said), None).diagnostics]
    assert "s3-versioning" in {name for name, message in by_inputs if "can't run" not in message}
    assert found(DecodeOnceServicer, said) == by_inputs
    # Of what has not been analysed nobody knows what the program said; the SDK's own servicer never knows.
    for other in (found(DecodeOnceServicer, []), found(OFFICIAL, said)):
        assert "can't run policy 's3-versioning'" in " ".join(message for _, message in other)


def test_what_is_unknown_to_the_program_itself_stays_unknown() -> None:
    said = [*resources(next(rule for rule in RULES if rule.id == "s3-versioning").compliant)]
    unknown = [with_properties(resource, dict.fromkeys(resource.properties, UNKNOWN)) for resource in said]
    service = served(RULES, "prod", DecodeOnceServicer)
    for resource in unknown:
        service.Analyze(analyze_request(resource), None)
    answer = service.AnalyzeStack(analyze_stack_request(unknown), None)
    assert "can't run policy 's3-versioning'" in " ".join(it.message for it in answer.diagnostics)


@pytest.mark.parametrize("as_sdk", [False, True], ids=["judged", "remediated"])
def test_assets_with_nothing_in_them_are_decoded(as_sdk: bool) -> None:
    empty = {SPECIAL_SIG_KEY: SPECIAL_ASSET_SIG, "hash": "e3b0"}
    archive = {SPECIAL_SIG_KEY: SPECIAL_ARCHIVE_SIG, "assets": {"a": empty, "b": {SPECIAL_SIG_KEY: SPECIAL_ARCHIVE_SIG}}}
    found = sdk_secrets.decode({"text": empty, "code": [archive], "hidden": {SPECIAL_SIG_KEY: SPECIAL_SECRET_SIG, "value": empty}}, as_sdk)
    hidden = found["hidden"] if as_sdk else found["hidden"].value  # the SDK's own way marks no asset as secret
    assert found["text"].text == hidden.text == found["code"][0].assets["a"].text == ""
    assert found["code"][0].assets["b"].assets == {}
