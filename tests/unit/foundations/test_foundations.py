"""The foundations: what they register, what their settings refuse, and that their documents fit AWS's limits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.base.arns import Arns
from components.cost.cost_tags import COST_ALLOCATION_TAGS
from components.settings.source import SettingsError, parse_as
from foundations.account.rights import deploy_statements, role_statements
from foundations.account.settings import AccountSettings
from foundations.org import guardrails
from foundations.org.settings import GuardrailSettings, OrgSettings
from foundations.org.tags import tag_policy
from mlops import engine, policy
from mlops.sandbox.identity.conditions import Context
from mlops.sandbox.identity.documents import parse
from mlops.sandbox.identity.evaluation import Policies, Request, evaluate
from mlops.sandbox.identity.principals import Principal
from tests.previews import preview

ROOT = Path(__file__).parents[3]
ARNS = Arns("aws", "eu-west-1", "123456789012")
MANAGED_POLICY = 6144
PROJECTS = [("account", "dev"), ("account", "prod"), ("account", "local"), ("org", "prod"), ("org", "local")]


def config(project: str, stack: str, **changes: Mapping[str, Any]) -> dict[str, str]:
    """The stack's configuration as Pulumi hands it over, objects changed key by key."""
    values = yaml.safe_load((ROOT / "foundations" / project / f"Pulumi.{stack}.yaml").read_text())["config"]
    for name, change in changes.items():
        key = f"mlops-{project}:{name}"
        values[key] = {**values.get(key, {}), **change}
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}


def registered(tmp_path: Path, project: str, **changes: Mapping[str, Any]) -> list[engine.RecordedResource]:
    """What the program registers for stack local with changed settings."""
    values = {key: json.loads(text) if text[:1] in "{[" else text for key, text in config(project, "local", **changes).items()}
    source = ROOT / "foundations" / project
    for name in ("Pulumi.yaml", "__main__.py"):
        (tmp_path / name).write_text((source / name).read_text())
    (tmp_path / "Pulumi.local.yaml").write_text(yaml.safe_dump({"config": values}))
    return engine.preview(tmp_path, "local").resources


@pytest.mark.spec("P2e", "SEC-4d")
@pytest.mark.parametrize(("project", "stack"), PROJECTS)
def test_the_foundations_follow_all_advice_but_where_a_reason_is_written(project: str, stack: str) -> None:
    from datetime import date

    root = ROOT / "foundations" / project
    file = root / policy.CONFIG_FILE
    report = policy.evaluate(preview(stack, f"foundations/{project}"), policy.load_config(file) if file.is_file() else None, date.today())
    assert [(finding.rule, finding.urn, finding.message) for finding in report.findings if finding.outcome in ("fail", "error")] == []


@pytest.mark.spec("OPS-5a")
def test_groups_that_stacks_share_are_made_by_the_account_before_a_service_makes_them() -> None:
    resources = preview("dev", "foundations/account").resources
    groups = {each.inputs["name"]: each for each in resources if each.type == "aws:cloudwatch/logGroup:LogGroup"}
    assert {"/aws/sagemaker/TrainingJobs", "/aws/sagemaker/ProcessingJobs", "/aws/apigateway/welcome"} <= set(groups)
    (account,) = [each for each in resources if each.type == "aws:apigateway/account:Account"]
    assert groups["/aws/apigateway/welcome"].urn in account.dependencies


@pytest.mark.spec("SEC-8g")
@pytest.mark.parametrize("mode", ["existing", "off"])
def test_what_is_there_already_or_not_wanted_is_neither_made_nor_touched(tmp_path: Path, mode: str) -> None:
    detection: dict[str, str] = dict.fromkeys(("guardduty", "security_hub", "config", "access_analyzer", "macie"), mode)
    names = (
        "s3_public_access_block",
        "ebs_encryption",
        "password_policy",
        "api_gateway_log_role",
        "service_log_groups",
        "backup_features",
        "registry_policy",
        "image_scanning",
    )
    guards: dict[str, str] = dict.fromkeys(names, mode)
    found = {r.type.split(":")[1] for r in registered(tmp_path, "account", detection=detection, guards=guards, audit={"trail": mode})}
    services = {name.split("/")[0] for name in found}
    assert not services & {
        "guardduty",
        "securityhub",
        "cfg",
        "accessanalyzer",
        "macie2",
        "ebs",
        "apigateway",
        "cloudtrail",
        "backup",
        "ecr",
    }
    assert not found & {"s3/accountPublicAccessBlock", "iam/accountPasswordPolicy"}


@pytest.mark.spec("REL-6c")
@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_tables_are_backed_up_in_full_so_that_copies_can_go_to_another_region(stack: str) -> None:
    resources = engine.preview(ROOT / "foundations" / "account", stack).resources
    (settings,) = [resource.inputs for resource in resources if resource.type == "aws:backup/regionSettings:RegionSettings"]
    assert settings["resourceTypeManagementPreference"] == {"DynamoDB": True}


def test_every_detecting_service_is_made_when_asked_for(tmp_path: Path) -> None:
    found = [r.type for r in registered(tmp_path, "account", detection={"macie": "create", "unused_access": True})]
    assert "aws:macie2/account:Account" in found
    assert found.count("aws:accessanalyzer/analyzer:Analyzer") == 2
    assert found.count("aws:securityhub/standardsSubscription:StandardsSubscription") == 2


@pytest.mark.spec("SEC-4d")
@pytest.mark.parametrize("mode", ["create", "existing"])
def test_configuration_is_recorded_with_the_role_that_aws_keeps_up_and_security_hub_asks_for(tmp_path: Path, mode: str) -> None:
    found = registered(tmp_path, "account", detection={"config_role": mode})
    made = [r for r in found if r.type == "aws:iam/serviceLinkedRole:ServiceLinkedRole"]
    (recorder,) = [r for r in found if r.type == "aws:cfg/recorder:Recorder"]
    if mode == "existing":
        arn = "arn:aws:iam::123456789012:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
        assert (made, recorder.inputs["roleArn"]) == ([], arn)
    else:
        assert [r.inputs["awsServiceName"] for r in made] == ["config.amazonaws.com"]
        assert recorder.property_dependencies["roleArn"] == [made[0].urn]


@pytest.mark.spec("SEC-8d")
def test_the_registry_is_closed_to_accounts_that_nobody_named_and_every_image_is_scanned(tmp_path: Path) -> None:
    found = {
        r.type: r.inputs for r in registered(tmp_path, "account", guards={"registry_accounts": ["999999999999"], "enhanced_scanning": True})
    }
    document = parse(found["aws:ecr/registryPolicy:RegistryPolicy"]["policy"])

    def may(account: str, opened: bool = True) -> bool:
        arn = f"arn:aws:iam::{account}:role/replicator"
        replicator = Principal("role", arn, account, "replicator", arn)
        everybody = parse(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:*", "Resource": "*"}]}
        )
        context = Context({"aws:principalaccount": (account,), "aws:principalisawsservice": ("false",)})
        request = Request(replicator, "ecr:ReplicateImage", "arn:aws:ecr:eu-west-1:123456789012:repository/x", context)
        policies = Policies(identity=(everybody,), resource=(document, everybody), same_account=account == "123456789012")
        return evaluate(request, policies).allowed

    assert may("123456789012") and may("999999999999")
    assert not may("888888888888"), "even where somebody opened it to everybody"
    scanning = found["aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration"]
    assert scanning["scanType"] == "ENHANCED" and scanning["rules"][0]["repositoryFilters"] == [{"filter": "*", "filterType": "WILDCARD"}]


def test_an_existing_provider_and_boundary_are_referred_to(tmp_path: Path) -> None:
    arn = "arn:aws:iam::123456789012:policy/theirs"
    resources = registered(tmp_path, "account", github={"mode": "existing"}, boundary={"mode": "existing", "policy_arn": arn})
    assert not [r for r in resources if r.type == "aws:iam/openIdConnectProvider:OpenIdConnectProvider" or r.name == "boundary"]
    rights = next(r for r in resources if r.name == "github-local-deploy-roles" and r.type == "aws:iam/policy:Policy")
    assert f'"iam:PermissionsBoundary":"{arn}"' in rights.inputs["policy"]


@pytest.mark.parametrize(
    ("project", "model", "changes", "where", "hint"),
    [
        ("account", AccountSettings, {"github": {"repository": None}}, "github.repository", "acme/platform"),
        ("account", AccountSettings, {"boundary": {"mode": "off"}}, "boundary.mode", "create, existing"),
        ("account", AccountSettings, {"detection": {"config": "off"}}, "detection.config", "create, existing"),
        ("account", AccountSettings, {"guards": {"volumes": "off"}}, "guards.volumes", "allowed keys: api_gateway_log_role"),
        ("org", OrgSettings, {"organization": {"mode": "existing"}, "guardrails": {"targets": ["root"]}}, "guardrails.targets", "r-"),
        ("org", OrgSettings, {"guardrails": {"targets": ["workloads"]}}, "guardrails.targets[0]", "pattern"),
    ],
)
def test_a_wrong_setting_names_file_key_and_what_is_allowed(project, model, changes, where, hint) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_as(model, config(project, "local", **changes), project=f"mlops-{project}", stack="local")
    assert caught.value.where == f"Pulumi.local.yaml: mlops-{project}:{where}"
    assert hint in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.spec("SEC-8e")
def test_every_service_control_policy_fits_and_only_denies() -> None:
    roles = [f"arn:aws:iam::12345678901{n}:role/foundation-administrator-of-{n}" for n in range(5)]
    settings = GuardrailSettings(targets=["root"], regions=["eu-west-1", "eu-north-1", "eu-central-1", "us-east-1"], exempt_roles=roles)
    documents = guardrails.documents(settings)
    assert len(documents) == 4
    for name, document in documents.items():
        assert len(json.dumps(document, separators=(",", ":"))) <= guardrails.MAXIMUM_CHARACTERS, name
        assert {statement["Effect"] for statement in document["Statement"]} == {"Deny"}, name


@pytest.mark.spec("SEC-1a")
def test_the_deploying_roles_policies_fit_and_give_no_way_past_the_boundary() -> None:
    boundary = "arn:aws:iam::123456789012:policy/boundary/mlops-boundary"
    rights = deploy_statements(ARNS, "mlops-prod", ["us-east-1", "eu-north-1"], "eu-north-1")
    parts = [*rights.values(), role_statements(ARNS, "mlops-prod", boundary)]
    for statements in parts:
        assert len(json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))) <= MANAGED_POLICY
    iam = [s for part in parts for s in part if s["Effect"] == "Allow" and any(a.startswith("iam:") for a in s["Action"])]
    for statement in iam:
        if "iam:CreateRole" in statement["Action"] or "iam:PutRolePolicy" in statement["Action"]:
            assert statement["Condition"] == {"StringEquals": {"iam:PermissionsBoundary": boundary}}
        assert "*" not in statement["Action"] and statement["Resource"] != ["*"]


@pytest.mark.spec("SEC-1a")
def test_the_deploying_role_tags_a_key_that_is_being_made_and_no_key_of_somebody_else() -> None:
    arn = "arn:aws:iam::123456789012:role/github-mlops-prod-deploy"
    deployer = Principal("role", arn, "123456789012", "github-mlops-prod-deploy", arn)
    numbered = parse({"Version": "2012-10-17", "Statement": deploy_statements(ARNS, "mlops-prod", ["eu-north-1"])["numbered"]})
    policies = Policies(identity=(numbered,), resource=(), same_account=True)

    def may_tag(region: str = "eu-west-1", project: str = "mlops", **key: str) -> bool:
        """`key` is what the key has already: nothing while CreateKey makes it."""
        there = {"tagged": "aws:resourcetag/project", "named": "kms:resourcealiases"}
        context = Context({"aws:requesttag/project": (project,), **{there[name]: (value,) for name, value in key.items()}})
        return evaluate(Request(deployer, "kms:TagResource", f"arn:aws:kms:{region}:123456789012:key/x", context), policies).allowed

    assert may_tag() and may_tag("eu-north-1"), "CreateKey with tags is refused without it"
    assert may_tag(tagged="mlops", named="alias/mlops-prod-data")
    assert not may_tag(project="other")
    assert not may_tag(tagged="other") and not may_tag(named="alias/other")
    assert not may_tag("us-west-2")


@pytest.mark.spec("SEC-8g")
def test_findings_are_exported_without_a_prefix_that_must_be_there_as_an_object(tmp_path: Path) -> None:
    found = registered(tmp_path, "account", detection={"guardduty": "create", "export_findings": True})
    (destination,) = [each.inputs for each in found if each.type == "aws:guardduty/publishingDestination:PublishingDestination"]
    (bucket,) = [each.inputs["bucket"] for each in found if each.type == "aws:s3/bucket:Bucket" and each.name == "audit-bucket-bucket"]
    assert destination["destinationArn"] == f"arn:aws:s3:::{bucket}"
    (policy_text,) = [each.inputs["policy"] for each in found if each.name == "audit-bucket-policy"]
    writes = [s["Resource"] for s in json.loads(policy_text)["Statement"] if s.get("Sid") == "GuarddutyWrites"]
    assert writes == [f"arn:aws:s3:::{bucket}/*"]


@pytest.mark.spec("SEC-4d")
def test_the_conformance_pack_asks_the_account_what_the_checklist_asks_the_program() -> None:
    pack = yaml.safe_load((ROOT / "foundations" / "account" / "conformance-pack.yaml").read_text())["Resources"]
    rules = [resource["Properties"] for resource in pack.values()]
    assert len({rule["Source"]["SourceIdentifier"] for rule in rules}) == len(rules) > 30
    assert {f"CHK-SEC-{number}" for number in range(1, 7)} <= {rule["Description"] for rule in rules}


@pytest.mark.spec("COST-1a", "COST-5a")
def test_the_platforms_tags_have_one_spelling_and_count_in_bills() -> None:
    assert tag_policy(["dev"])["tags"]["costcenter"] == {"tag_key": {"@@assign": "CostCenter"}}
    resources = preview("prod", "foundations/org").resources
    active = {r.inputs["tagKey"] for r in resources if r.type == "aws:costexplorer/costAllocationTag:CostAllocationTag"}
    assert active == set(COST_ALLOCATION_TAGS)


@pytest.mark.spec("SEC-2a")
@pytest.mark.parametrize(("project", "stack", "folders"), [("account", "prod", 1), ("org", "local", 2)])
def test_only_the_trail_itself_writes_into_the_audit_bucket_and_an_organisations_also_for_its_members(
    project: str, stack: str, folders: int
) -> None:
    resources = preview(stack, f"foundations/{project}").resources
    (trail,) = [each for each in resources if each.type == "aws:cloudtrail/trail:Trail"]
    policies = [json.loads(each.inputs["policy"]) for each in resources if each.name in ("audit-bucket-policy", "audit-key")]
    assert len(policies) == 2
    by_trail = [each for policy in policies for each in policy["Statement"] if "cloudtrail.amazonaws.com" in str(each["Principal"])]
    # Whose account a member's delivery is for is not told; which trail it is, is.
    assert {tuple(each["Condition"]) for each in by_trail} == {("StringEquals",)}
    assert {tuple(each["Condition"]["StringEquals"]) for each in by_trail} == {("aws:SourceArn",)}
    (arn,) = {each["Condition"]["StringEquals"]["aws:SourceArn"] for each in by_trail}
    assert arn.endswith(f":123456789012:trail/{trail.inputs['name']}")
    assert sum(each["Action"] in (["s3:PutObject"], "s3:PutObject") for each in by_trail) == folders


@pytest.mark.spec("SEC-7b", "SEC-8g")
@pytest.mark.parametrize(("project", "stack"), [("foundations/account", "prod"), (".", "prod"), (".", "prod-dr"), (".", "local")])
def test_no_topic_admits_eventbridge_under_a_condition_that_it_never_fulfils(project: str, stack: str) -> None:
    # "You can't use Condition blocks in Amazon SNS topic policies for EventBridge": the message would reach nobody.
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
    resources = preview(stack, project).resources
    policies = [json.loads(each.inputs["policy"]) for each in resources if each.type == "aws:sns/topicPolicy:TopicPolicy"]
    by_rules = [each for policy in policies for each in policy["Statement"] if "events.amazonaws.com" in str(each["Principal"])]
    assert by_rules and all("Condition" not in statement for statement in by_rules)
