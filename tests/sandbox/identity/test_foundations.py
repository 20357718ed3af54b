"""The two ways into the account and the lid on it, with the documents that the foundations make: GitHub's tokens, and service control policies."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from joserfc import jwt
from joserfc.jwk import RSAKey

from components.base.documents import UNKNOWN
from foundations.account.delivery import AUDIENCE, HOST
from foundations.org import guardrails
from mlops import engine

pytestmark = pytest.mark.sandbox

ROOT = Path(__file__).parents[3]
ISSUER = f"https://{HOST}"
REPOSITORY = "example/mlops-platform"
KEY = RSAKey.generate_key(2048, {"kid": "today"})
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "today"})


def token(subject: str, *, audience: str = AUDIENCE, issuer: str = ISSUER, key: RSAKey = KEY, seconds: int = 300) -> str:
    now = int(time.time())
    claims = {"iss": issuer, "aud": audience, "sub": subject, "iat": now, "exp": now + seconds, "repository": REPOSITORY}
    return jwt.encode({"alg": "RS256", "kid": "today"}, claims, key)


@pytest.fixture
def github(sandbox, administrator) -> Callable[..., Any]:
    """The provider and the two roles of stack dev with the trust that `foundations/account` gives them; assumes one with a token."""
    answer = requests.post(
        f"{sandbox.endpoint}/_sandbox/oidc",
        json={"issuer": ISSUER, "keys": [KEY.as_dict(private=False)]},
        headers={"Authorization": f"Bearer {sandbox.principals.administrator().secret_access_key}"},
        timeout=10,
    )
    assert answer.status_code == 200, answer.text
    iam = administrator("iam")
    iam.create_open_id_connect_provider(Url=ISSUER, ClientIDList=[AUDIENCE])
    for role in trusted_roles():
        iam.create_role(RoleName=role["name"], AssumeRolePolicyDocument=role["trust"])

    def assume(role: str, **claims: Any) -> Any:
        client = boto3.client("sts", region_name="us-east-1", endpoint_url=sandbox.endpoint, config=Config(signature_version=UNSIGNED))
        return client.assume_role_with_web_identity(
            RoleArn=f"arn:aws:iam::123456789012:role/github-mlops-dev-{role}", RoleSessionName="run-1", WebIdentityToken=token(**claims)
        )

    return assume


@cache
def trusted_roles() -> list[dict[str, str]]:
    """Names and trust documents of the roles for GitHub, from the program itself."""
    record = engine.preview(ROOT / "foundations" / "account", "dev")
    roles = [r.inputs for r in record.resources if r.type == "aws:iam/role:Role" and r.inputs["name"].startswith("github-")]
    arn = f"arn:aws:iam::123456789012:oidc-provider/{HOST}"
    return [{"name": role["name"], "trust": role["assumeRolePolicy"].replace(UNKNOWN, arn)} for role in roles]


@pytest.mark.spec("P2e", "SEC-1c", "SEC-1d", "OPS-1b")
def test_a_job_of_the_environment_deploys_and_a_pull_request_previews(github, sandbox):
    credentials = github("deploy", subject=f"repo:{REPOSITORY}:environment:dev")["Credentials"]
    session = boto3.Session(
        credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"], region_name="us-east-1"
    )
    arn = session.client("sts", endpoint_url=sandbox.endpoint).get_caller_identity()["Arn"]
    assert arn == "arn:aws:sts::123456789012:assumed-role/github-mlops-dev-deploy/run-1"
    assert github("preview", subject=f"repo:{REPOSITORY}:pull_request")["Credentials"]
    assert github("preview", subject=f"repo:{REPOSITORY}:ref:refs/heads/main")["Credentials"]


@pytest.mark.spec("P2e", "SEC-1a", "SEC-1d")
@pytest.mark.parametrize(
    ("role", "subject"),
    [
        ("deploy", f"repo:{REPOSITORY}:pull_request"),
        ("deploy", f"repo:{REPOSITORY}:ref:refs/heads/main"),
        ("deploy", f"repo:{REPOSITORY}:ref:refs/heads/dev"),
        ("deploy", f"repo:{REPOSITORY}:environment:prod"),
        ("deploy", f"repo:{REPOSITORY}:environment:dev-other"),
        ("deploy", "repo:somebody/mlops-platform:environment:dev"),
        ("deploy", "repo:example/mlops-platform-fork:environment:dev"),
        ("preview", "repo:somebody/mlops-platform:pull_request"),
        ("preview", f"repo:{REPOSITORY}:ref:refs/heads/feature"),
        ("preview", f"repo:{REPOSITORY}:environment:dev"),
    ],
)
def test_another_branch_repository_fork_or_environment_is_denied(github, role, subject):
    with pytest.raises(ClientError) as caught:
        github(role, subject=subject)
    assert caught.value.response["Error"]["Code"] == "AccessDenied"
    assert "sts:AssumeRoleWithWebIdentity" in caught.value.response["Error"]["Message"]


@pytest.mark.spec("SEC-1d")
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"key": OTHER_KEY}, "InvalidIdentityToken"),
        ({"audience": "https://github.com/example"}, "InvalidIdentityToken"),
        ({"issuer": "https://token.example.com"}, "InvalidIdentityToken"),
        ({"seconds": -10}, "ExpiredTokenException"),
    ],
)
def test_a_token_that_proves_nothing_is_refused_whatever_it_claims(github, change, code):
    with pytest.raises(ClientError) as caught:
        github("deploy", subject=f"repo:{REPOSITORY}:environment:dev", **change)
    assert caught.value.response["Error"]["Code"] == code


def test_only_the_administrator_gives_the_sandbox_keys_of_an_issuer(sandbox):
    answer = requests.post(
        f"{sandbox.endpoint}/_sandbox/oidc", json={"issuer": ISSUER, "keys": []}, headers={"Authorization": "Bearer x"}, timeout=10
    )
    assert answer.status_code == 403


def everything() -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "*", "Resource": "*"}


def denied(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    message = caught.value.response["Error"]["Message"]
    assert "with an explicit deny in a service control policy" in message, message
    return message


@pytest.fixture
def organisation(administrator) -> Callable[[str, dict[str, Any]], None]:
    """An organisation with service control policies on; attaches a document to the account."""
    client = administrator("organizations")
    client.create_organization(FeatureSet="ALL")
    client.enable_policy_type(RootId=client.list_roots()["Roots"][0]["Id"], PolicyType="SERVICE_CONTROL_POLICY")

    def attach(name: str, document: dict[str, Any], target: str = "123456789012") -> None:
        made = client.create_policy(Name=name, Description="", Type="SERVICE_CONTROL_POLICY", Content=json.dumps(document))
        client.attach_policy(PolicyId=made["Policy"]["PolicySummary"]["Id"], TargetId=target)

    return attach


@pytest.mark.spec("SEC-8e")
def test_a_role_that_may_do_everything_cannot_stop_the_trail_nor_take_a_boundary_off(sandbox, make_role, organisation, administrator):
    powerful, exempt = make_role("powerful", everything()), make_role("foundation-administrator", everything())
    administrator("s3").create_bucket(Bucket="trail-files")
    trail = sandbox.client("cloudtrail", powerful).create_trail(Name="trail", S3BucketName="trail-files")["TrailARN"]
    organisation("protect", guardrails.protect_detection(["arn:aws:iam::*:role/foundation-administrator"]))
    denied(lambda: sandbox.client("cloudtrail", powerful).stop_logging(Name=trail))
    denied(lambda: sandbox.client("iam", powerful).delete_role_permissions_boundary(RoleName="powerful"))
    sandbox.client("cloudtrail", powerful).start_logging(Name=trail)
    sandbox.client("cloudtrail", exempt).stop_logging(Name=trail)
    assert administrator("cloudtrail").get_trail_status(Name=trail)["IsLogging"] is False


@pytest.mark.spec("SEC-8e")
def test_nothing_is_made_outside_the_allowed_regions_but_what_is_global(sandbox, make_role, organisation):
    credentials = make_role("powerful", everything())
    organisation("regions", guardrails.limit_regions(["us-east-1"], []))

    def client(service: str, region: str) -> Any:
        session = boto3.Session(credentials.access_key_id, credentials.secret_access_key, credentials.session_token, region_name=region)
        return session.client(service, endpoint_url=sandbox.endpoint)

    assert client("sqs", "us-east-1").create_queue(QueueName="here")["QueueUrl"]
    denied(lambda: client("sqs", "ap-southeast-2").create_queue(QueueName="there"))
    assert client("iam", "ap-southeast-2").list_roles()["Roles"]


@pytest.mark.spec("SEC-8e")
def test_nobody_gets_a_stored_key_and_a_policy_that_is_taken_off_binds_no_more(sandbox, make_role, organisation, administrator):
    credentials = make_role("powerful", everything())
    organisation("data", guardrails.protect_data([]))
    message = denied(lambda: sandbox.client("iam", credentials).create_user(UserName="somebody"))
    policy = message.rpartition("policy: ")[2].split(" ")[0].rpartition("/")[2]
    administrator("organizations").detach_policy(PolicyId=policy, TargetId="123456789012")
    assert sandbox.client("iam", credentials).create_user(UserName="somebody")["User"]["UserName"] == "somebody"


@pytest.mark.spec("SEC-8e")
def test_a_policy_on_a_unit_binds_the_account_only_inside_the_unit(sandbox, make_role, organisation, administrator):
    client, credentials = administrator("organizations"), make_role("powerful", everything())
    root = client.list_roots()["Roots"][0]["Id"]
    unit = client.create_organizational_unit(ParentId=root, Name="workloads")["OrganizationalUnit"]["Id"]
    organisation("data", guardrails.protect_data([]), unit)
    assert sandbox.client("iam", credentials).create_user(UserName="before")
    client.move_account(AccountId="123456789012", SourceParentId=root, DestinationParentId=unit)
    denied(lambda: sandbox.client("iam", credentials).create_user(UserName="after"))
