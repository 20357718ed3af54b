"""Checks of service-linked roles: AWS makes them with a service's first use, if who uses it may let it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from botocore.exceptions import ClientError

from mlops.doctor.check import Finding, check, ok, problem
from mlops.doctor.context import Context
from mlops.doctor.permissions import principal


@dataclass(frozen=True)
class ServiceRole:
    """A role that a service makes for itself when a resource of a type is created; `service` is what CreateServiceLinkedRole calls it."""

    service: str
    name: str


# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html leads to each service's page.
LINKED = {
    "aws:accessanalyzer/analyzer:Analyzer": ServiceRole("access-analyzer.amazonaws.com", "AWSServiceRoleForAccessAnalyzer"),
    "aws:cfg/conformancePack:ConformancePack": ServiceRole("config-conforms.amazonaws.com", "AWSServiceRoleForConfigConforms"),
    "aws:dax/cluster:Cluster": ServiceRole("dax.amazonaws.com", "AWSServiceRoleForDAX"),
    "aws:guardduty/detector:Detector": ServiceRole("guardduty.amazonaws.com", "AWSServiceRoleForAmazonGuardDuty"),
    "aws:macie2/account:Account": ServiceRole("macie.amazonaws.com", "AWSServiceRoleForAmazonMacie"),
    "aws:securityhub/account:Account": ServiceRole("securityhub.amazonaws.com", "AWSServiceRoleForSecurityHub"),
}


@check("service-linked-roles", "Service-linked roles", "permissions", aws=True)
def service_linked_roles(context: Context) -> Iterable[Finding]:
    """GetRole; where one is missing, whether the caller may let AWS make it:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/using-service-linked-roles.html
    """
    account = context.account
    iam = account.client("iam")
    for role in (role for type_, role in LINKED.items() if context.declared(type_)):
        try:
            iam.get_role(RoleName=role.name)
            yield ok("there", role.name)
            continue
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchEntity":
                raise
        arn = f"arn:{account.partition}:iam::{account.id}:role/aws-service-role/{role.service}/{role.name}"
        entry = {"ContextKeyName": "iam:AWSServiceName", "ContextKeyValues": [role.service], "ContextKeyType": "string"}
        answer = iam.simulate_principal_policy(
            PolicySourceArn=principal(context), ActionNames=["iam:CreateServiceLinkedRole"], ResourceArns=[arn], ContextEntries=[entry]
        )
        if answer["EvaluationResults"][0]["EvalDecision"] == "allowed":
            yield ok("AWS makes it with the first use", role.name)
        else:
            fix = f"let an administrator make it once: aws iam create-service-linked-role --aws-service-name {role.service}"
            yield problem("not there, and the caller may not let AWS make it", "there, or iam:CreateServiceLinkedRole", fix, role.name)
