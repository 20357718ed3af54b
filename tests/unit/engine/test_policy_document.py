"""getPolicyDocument gives the provider's own JSON, byte by byte, and refuses what the provider refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops.engine.functions.call import Call, Wrong
from mlops.engine.functions.policy_document import get_policy_document
from mlops.engine.record import RecordedResource

PROVIDER = RecordedResource("urn", "pulumi:providers:aws", "aws", True, False, "", "", False, {"region": "eu-west-1"}, {}, [], {}, {})


def document(**arguments: Any) -> str:
    return get_policy_document(Call.of(arguments, PROVIDER))["json"]


def test_the_document_is_written_as_the_provider_writes_it() -> None:
    # The order and indentation of the provider's own documentation (aws.iam.getPolicyDocument, "Basic Example").
    statement = {
        "sid": "1",
        "actions": ["s3:ListAllMyBuckets", "s3:GetBucketLocation"],
        "resources": ["arn:aws:s3:::*"],
        "conditions": [{"test": "StringLike", "variable": "s3:prefix", "values": ["", "home/", "home/&{aws:username}/"]}],
        "principals": [{"type": "AWS", "identifiers": ["*"]}],
    }
    assert document(statements=[statement], policyId="listing") == (
        '{\n  "Version": "2012-10-17",\n  "Id": "listing",\n  "Statement": [\n    {\n      "Sid": "1",\n      "Effect": "Allow",\n'
        '      "Action": [\n        "s3:ListAllMyBuckets",\n        "s3:GetBucketLocation"\n      ],\n'
        '      "Resource": "arn:aws:s3:::*",\n      "Principal": {\n        "AWS": "*"\n      },\n'
        '      "Condition": {\n        "StringLike": {\n          "s3:prefix": [\n            "",\n            "home/",\n'
        '            "home/${aws:username}/"\n          ]\n        }\n      }\n    }\n  ]\n}'
    )


def test_without_statements_there_is_a_version_only() -> None:
    assert json.loads(document()) == {"Version": "2012-10-17"}


def test_everybody_is_a_star_and_everybody_of_aws_is_not() -> None:
    everybody = {"principals": [{"type": "*", "identifiers": ["*"]}]}
    assert json.loads(document(statements=[everybody]))["Statement"][0]["Principal"] == "*"


def test_principals_of_one_type_are_one_list_and_services_are_apart() -> None:
    blocks = [
        {"type": "Service", "identifiers": ["lambda.amazonaws.com"]},
        {"type": "AWS", "identifiers": ["111111111111", "222222222222"]},
        {"type": "Service", "identifiers": ["glue.amazonaws.com"]},
    ]
    assert json.loads(document(statements=[{"principals": blocks}]))["Statement"][0]["Principal"] == {
        "AWS": ["222222222222", "111111111111"],
        "Service": ["lambda.amazonaws.com", "glue.amazonaws.com"],
    }


def test_a_statement_of_the_same_sid_overrides_and_others_are_added() -> None:
    source = json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "a", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})
    override = json.dumps({"Statement": [{"Sid": "b", "Effect": "Deny", "Action": ["sqs:*"], "Resource": "*"}]})
    own = [{"sid": "b", "actions": ["sqs:*"], "resources": ["*"]}, {"actions": ["sns:*"], "resources": ["*"]}]
    merged = json.loads(document(sourcePolicyDocuments=[source], overridePolicyDocuments=[override], statements=own))["Statement"]
    assert [(each.get("Sid"), each["Effect"], each["Action"]) for each in merged] == [
        ("a", "Allow", "s3:*"),
        ("b", "Deny", ["sqs:*"]),
        (None, "Allow", "sns:*"),
    ]


def test_conditions_read_from_a_document_become_text() -> None:
    condition = {"Bool": {"aws:SecureTransport": False}, "StringEquals": {"aws:tag": ["x"]}}
    source = json.dumps({"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}]})
    assert json.loads(document(sourcePolicyDocuments=[source]))["Statement"][0]["Condition"] == {
        "Bool": {"aws:SecureTransport": "false"},
        "StringEquals": {"aws:tag": "x"},
    }


def test_characters_that_go_escapes_are_escaped() -> None:
    assert "\\u003cteam\\u003e" in document(statements=[{"actions": ["s3:*"], "resources": ["arn:aws:s3:::<team>"]}])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"version": "2020-01-01"}, "version to be one of"),
        ({"statements": [{"effect": "allow"}]}, "Allow or Deny"),
        ({"statements": [{"sid": "a b"}]}, "alphanumeric"),
        ({"statements": [{"sid": "a"}, {"sid": "a"}]}, r"duplicate Sid \(a\)"),
        ({"version": "2008-10-17", "statements": [{"resources": ["&{aws:username}"]}]}, "not supported in document version 2008-10-17"),
        ({"sourcePolicyDocuments": ["{"]}, "it is no JSON"),
    ],
)
def test_what_the_provider_refuses_is_refused(arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(Wrong, match=told):
        document(**arguments)


ACTIONS = st.lists(st.sampled_from(["s3:GetObject", "s3:PutObject", "sqs:*", "kms:Decrypt"]), min_size=1)


@given(st.lists(st.fixed_dictionaries({"actions": ACTIONS, "resources": st.just(["*"])}), max_size=4), st.randoms())
def test_the_order_of_a_set_does_not_matter_and_a_document_read_again_is_the_same(statements: list[dict[str, Any]], random: Any) -> None:
    written = document(statements=statements)
    shuffled = [{**each, "actions": random.sample(each["actions"], len(each["actions"]))} for each in statements]
    assert document(statements=shuffled) == written
    assert document(sourcePolicyDocuments=[written]) == written
