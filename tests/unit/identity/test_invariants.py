"""What must hold for every set of policies."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mlops.sandbox.identity.conditions import Context
from mlops.sandbox.identity.documents import parse
from mlops.sandbox.identity.evaluation import Policies, Request, evaluate
from mlops.sandbox.identity.principals import Principal

ROLE = Principal("role", "arn:aws:sts::123456789012:assumed-role/r/s", "123456789012", "r", "arn:aws:iam::123456789012:role/r", "s")
ACTIONS = ["s3:GetObject", "s3:PutObject", "sqs:SendMessage"]
RESOURCES = ["arn:aws:s3:::a/x", "arn:aws:s3:::b/y", "arn:aws:sqs:us-east-1:123456789012:q"]
CONTEXT = {"aws:securetransport": ("true",), "aws:tagkeys": ("a", "b")}
CONDITIONS: list[dict[str, Any]] = [
    {},
    {"Bool": {"aws:SecureTransport": "true"}},
    {"Bool": {"aws:SecureTransport": "false"}},
    {"StringNotEquals": {"aws:username": "ann"}},
    {"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}},
    {"StringEquals": {"custom:unknown": "x"}},
]


def patterns(values: list[str]) -> st.SearchStrategy[str]:
    return st.sampled_from(values).flatmap(
        lambda value: st.one_of(st.just(value), st.just("*"), st.integers(1, len(value)).map(lambda end: value[:end] + "*"))
    )


@st.composite
def statements(draw: st.DrawFn, effect: str | None = None) -> dict[str, Any]:
    return {
        "Effect": effect or draw(st.sampled_from(["Allow", "Deny"])),
        draw(st.sampled_from(["Action", "Action", "NotAction"])): draw(st.lists(patterns(ACTIONS), min_size=1, max_size=2)),
        draw(st.sampled_from(["Resource", "Resource", "NotResource"])): draw(st.lists(patterns(RESOURCES), min_size=1, max_size=2)),
        "Condition": draw(st.sampled_from(CONDITIONS)),
    }


def in_resource_policy(statement: dict[str, Any]) -> dict[str, Any]:
    return {**statement, "Principal": {"AWS": ROLE.identity_arn}}


lists = st.lists(statements(), max_size=3)
requests = st.tuples(st.sampled_from(ACTIONS), st.sampled_from(RESOURCES))


def allowed(
    request: tuple[str, str], identity: list[dict[str, Any]], resource: list[dict[str, Any]], boundary: list[dict[str, Any]] | None
) -> bool:
    def read(items: list[dict[str, Any]]) -> Any:
        return (parse({"Version": "2012-10-17", "Statement": items}),)

    context = Context(CONTEXT, lambda key: key.startswith("aws:"))
    policies = Policies(
        identity=read(identity),
        resource=read([in_resource_policy(item) for item in resource]),
        boundary=None if boundary is None else read(boundary),
    )
    return evaluate(Request(ROLE, *request, context), policies).allowed


everything = st.fixed_dictionaries({"identity": lists, "resource": lists, "boundary": st.none() | lists})


@given(requests, everything, st.sampled_from(["identity", "resource", "boundary"]))
def test_an_explicit_deny_always_wins(request: tuple[str, str], policies: dict[str, Any], where: str):
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    assert not allowed(request, **{**policies, where: [*(policies[where] or []), deny]})


@given(requests, everything, statements(effect="Allow"), st.sampled_from(["identity", "resource"]))
def test_one_more_allow_never_denies(request: tuple[str, str], policies: dict[str, Any], statement: dict[str, Any], where: str):
    if allowed(request, **policies):
        assert allowed(request, **{**policies, where: [*policies[where], statement]})


@given(requests, everything, statements(effect="Deny"), st.sampled_from(["identity", "resource"]))
def test_one_more_deny_never_allows(request: tuple[str, str], policies: dict[str, Any], statement: dict[str, Any], where: str):
    if not allowed(request, **policies):
        assert not allowed(request, **{**policies, where: [*policies[where], statement]})


@given(requests, everything)
def test_a_boundary_never_gives_rights(request: tuple[str, str], policies: dict[str, Any]):
    if not allowed(request, **{**policies, "boundary": None}):
        assert not allowed(request, **policies)


@given(requests, st.lists(patterns(ACTIONS), min_size=1), st.lists(patterns(RESOURCES), min_size=1), st.data())
def test_a_wider_pattern_covers_what_the_narrow_one_covers(
    request: tuple[str, str], actions: list[str], resources: list[str], data: st.DataObject
):
    narrow = [{"Effect": "Allow", "Action": actions, "Resource": resources}]
    cut = data.draw(st.integers(0, len(resources[0])))
    wide = [{"Effect": "Allow", "Action": actions, "Resource": [resources[0][:cut] + "*", *resources[1:]]}]
    if allowed(request, narrow, [], None):
        assert allowed(request, wide, [], None)


@given(requests, everything)
def test_the_order_of_statements_does_not_matter(request: tuple[str, str], policies: dict[str, Any]):
    turned = {name: items and list(reversed(items)) for name, items in policies.items()}
    assert allowed(request, **policies) == allowed(request, **turned)
