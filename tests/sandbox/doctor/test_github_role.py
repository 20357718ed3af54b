"""The deploying role that the account's foundation makes for GitHub may create everything that a stack consists of, asked of the simulator."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import yaml

from components.base.documents import UNKNOWN
from mlops import engine
from mlops.doctor import permissions
from tests.sandbox.doctor.conftest import REGION, ROOT, Doctor

pytestmark = pytest.mark.sandbox
PARTS = ("Pulumi.yaml", "__main__.py", "components", "lambdas", "glue_jobs", "training", "contracts", "buildspecs", "build")
ACCOUNT, ROLE = "123456789012", "github-mlops-dev-deploy"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary/mlops-boundary"


@cache
def rights() -> dict[str, str]:
    """The role's policies, from the foundation's program."""
    record = engine.preview(ROOT / "foundations" / "account", "dev")
    policies = [each for each in record.resources if each.type == "aws:iam/policy:Policy" and each.name.startswith("github-dev-deploy-")]
    return {each.name: str(each.inputs["policy"]).replace(UNKNOWN, BOUNDARY) for each in policies}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stack dev as GitHub deploys it: within the account's boundary."""
    folder = tmp_path_factory.mktemp("github")
    for part in PARTS:
        if (ROOT / part).exists():
            (folder / part).symlink_to(ROOT / part)
    settings = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())
    settings["config"]["mlops:identity"] = {"boundary": "existing", "boundary_arn": BOUNDARY}
    (folder / "Pulumi.dev.yaml").write_text(yaml.safe_dump(settings))
    return folder


@pytest.fixture(scope="module")
def role(doctor: Doctor) -> str:
    arn = doctor.role(ROLE, {"Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*"}).principal_arn
    assert len(rights()) >= 3
    for name, document in rights().items():
        doctor.client("iam").put_role_policy(RoleName=ROLE, PolicyName=name, PolicyDocument=document)
    return arn


@pytest.mark.spec("SEC-1a", "OPS-1b")
def test_githubs_deploying_role_may_create_every_type_of_the_stack(
    doctor: Doctor, project: Path, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(permissions, "principal", lambda _: role)
    found = Doctor(doctor.running, project).look("permissions", "permissions-coverage")
    assert [f"{each.status} {each.subject}: {each.found or each.why}" for each in found if each.status != "ok"] == []
    assert any(f"role/{ROLE} is allowed" in each.found for each in found)


def test_it_may_not_make_a_role_without_the_boundary_nor_another_stacks_queue_nor_read_data(doctor: Doctor, role: str) -> None:
    def decision(action: str, resource: str, **context: str) -> str:
        entries = [{"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"} for key, value in context.items()]
        answer = doctor.client("iam").simulate_principal_policy(
            PolicySourceArn=role, ActionNames=[action], ResourceArns=[resource], ContextEntries=entries
        )
        return answer["EvaluationResults"][0]["EvalDecision"]

    made = f"arn:aws:iam::{ACCOUNT}:role/mlops-dev-api-logs"
    assert decision("iam:CreateRole", made, **{"iam:PermissionsBoundary": BOUNDARY}) == "allowed"
    assert decision("iam:CreateRole", made) == "implicitDeny"
    assert decision("sqs:CreateQueue", f"arn:aws:sqs:{REGION}:{ACCOUNT}:mlops-prod-failures") == "implicitDeny"
    assert decision("s3:GetObject", f"arn:aws:s3:::mlops-dev-raw-{ACCOUNT}/data/x.csv") == "explicitDeny"
