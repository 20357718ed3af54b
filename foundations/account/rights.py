"""What the deploying roles may do, as plain data: everything a stack consists of, by the stack's own names wherever AWS names it by name."""

from __future__ import annotations

from collections.abc import Sequence

from components.base.arns import Arns
from components.base.grants import Statement, allow, allow_anywhere
from components.base.regions import GLOBAL
from components.security.boundary import DENIALS, PATH, QUARANTINE

# Resources whose name the program chooses: only those of the stack. (service, ARN paths below the service's regional prefix)
NAMED = {
    "backup": ("backup-vault:{stack}-*",),
    "cloudtrail": ("trail/{stack}-*",),
    "cloudwatch": ("alarm:{stack}-*", "insight-rule/{stack}-*"),
    "codebuild": ("project/{stack}-*", "report-group/{stack}-*"),
    "codecommit": ("{stack}-*",),
    "codepipeline": ("{stack}-*", "webhook:{stack}-*"),
    "dynamodb": ("table/{stack}-*",),
    "ecr": ("repository/{stack}-*",),
    "events": ("rule/{stack}-*", "archive/{stack}-*"),
    "firehose": ("deliverystream/{stack}-*",),
    "glue": ("catalog", "job/{stack}-*", "crawler/{stack}-*", "trigger/{stack}-*"),
    "lambda": ("function:{stack}-*", "layer:{stack}-*", "layer:{stack}-*:*", "event-source-mapping:*"),
    "logs": ("log-group:*{stack}*", "log-group:*{stack}*:*"),
    "sagemaker": ("*/{stack}-*",),
    "scheduler": ("schedule/default/{stack}-*", "schedule-group/{stack}-*"),
    "sns": ("{stack}-*",),
    "sqs": ("{stack}-*",),
    "states": ("stateMachine:{stack}-*",),
    "synthetics": ("canary:{stack}-*",),
}

# A Glue database is named like the stack, with underscores; its tables and functions are judged with it.
CATALOG = ("database/{stack}_*", "table/{stack}_*", "userDefinedFunction/{stack}_*")

# Access logs of the distribution are set up there too.
DELIVERIES = (
    "logs:CreateDelivery", "logs:DeleteDelivery", "logs:DeleteDeliveryDestination", "logs:DeleteDeliverySource", "logs:GetDelivery",
    "logs:GetDeliveryDestination", "logs:GetDeliverySource", "logs:ListTagsForResource", "logs:PutDeliveryDestination",
    "logs:PutDeliverySource", "logs:TagResource", "logs:UntagResource", "logs:UpdateDeliveryConfiguration",
)  # fmt: skip

# What a stack also has in further regions: what forwards the events of global services, and says when that fails.
ELSEWHERE = ("cloudwatch", "events", "sns", "sqs")

# Data that deploying has nothing to do with.
ROWS = ("dynamodb:*Item", "dynamodb:PartiQL*", "dynamodb:Query", "dynamodb:Scan")
DATA = (
    "lambda:Invoke*",
    "sagemaker:InvokeEndpoint*",
    "sns:Publish",
    "sqs:ReceiveMessage",
)
# What AWS asks of who makes, tags and removes a replica, in the replica's region.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2gt_IAM.html
REPLICA = (
    "dynamodb:BatchWriteItem", "dynamodb:CreateTable", "dynamodb:CreateTableReplica", "dynamodb:DeleteItem", "dynamodb:DeleteTable",
    "dynamodb:DeleteTableReplica", "dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive",
    "dynamodb:GetItem", "dynamodb:ListTagsOfResource", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:TagResource",
    "dynamodb:UntagResource", "dynamodb:UpdateContinuousBackups", "dynamodb:UpdateItem", "dynamodb:UpdateTable",
    "dynamodb:UpdateTimeToLive",
)  # fmt: skip
DATA_BUCKETS = ("raw", "processed", "quarantine", "predictions")

NETWORK = (
    "ec2:AllocateAddress", "ec2:Associate*", "ec2:AttachInternetGateway", "ec2:AuthorizeSecurityGroup*", "ec2:CreateFlowLogs",
    "ec2:CreateInternetGateway", "ec2:CreateNatGateway", "ec2:CreateNetworkAcl*", "ec2:CreateRoute*", "ec2:CreateSecurityGroup",
    "ec2:CreateSubnet", "ec2:CreateTags", "ec2:CreateVpc", "ec2:CreateVpcEndpoint", "ec2:DeleteFlowLogs", "ec2:DeleteInternetGateway",
    "ec2:DeleteNatGateway", "ec2:DeleteNetworkAcl*", "ec2:DeleteRoute*", "ec2:DeleteSecurityGroup", "ec2:DeleteSubnet", "ec2:DeleteTags",
    "ec2:DeleteVpc", "ec2:DeleteVpcEndpoints", "ec2:DetachInternetGateway", "ec2:Disassociate*", "ec2:ModifySecurityGroupRules",
    "ec2:ModifySubnetAttribute", "ec2:ModifyVpcAttribute", "ec2:ModifyVpcEndpoint", "ec2:ReleaseAddress", "ec2:Replace*",
    "ec2:RevokeSecurityGroup*", "ec2:UpdateSecurityGroupRuleDescriptions*",
)  # fmt: skip
KEYS = (
    "kms:CancelKeyDeletion", "kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:EnableKey", "kms:EnableKeyRotation", "kms:Encrypt",
    "kms:GenerateDataKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags", "kms:PutKeyPolicy", "kms:RetireGrant",
    "kms:RevokeGrant", "kms:ScheduleKeyDeletion", "kms:TagResource", "kms:UntagResource", "kms:UpdateKeyDescription",
)  # fmt: skip
# IAM cannot limit these to a resource.
ANYWHERE = (
    "application-autoscaling:DescribeScalableTargets", "application-autoscaling:DescribeScalingPolicies",
    "application-autoscaling:DescribeScheduledActions", "backup-storage:MountCapsule", "ce:CreateAnomalyMonitor",
    "ce:CreateAnomalySubscription", "cloudfront:CreateDistribution",
    "cloudfront:ListCachePolicies", "cloudfront:ListOriginRequestPolicies", "cloudfront:ListResponseHeadersPolicies",
    "cloudtrail:DescribeTrails", "codeconnections:CreateConnection",
    "dax:CreateParameterGroup", "dax:CreateSubnetGroup", "dax:DeleteParameterGroup", "dax:DeleteSubnetGroup",
    "dax:DescribeParameterGroups", "dax:DescribeParameters", "dax:DescribeSubnetGroups", "ec2:Describe*",
    "glue:CreateCrawler", "glue:CreateSecurityConfiguration", "glue:DeleteSecurityConfiguration", "glue:GetSecurityConfiguration",
    "glue:GetSecurityConfigurations", "kms:ListAliases", "logs:CreateLogDelivery", "logs:DeleteLogDelivery",
    "logs:DeleteQueryDefinition", "logs:DeleteResourcePolicy", "logs:DescribeDeliveries", "logs:DescribeLogGroups",
    "logs:DescribeQueryDefinitions", "logs:DescribeResourcePolicies", "logs:GetLogDelivery", "logs:ListLogDeliveries",
    "logs:PutQueryDefinition", "logs:PutResourcePolicy", "logs:UpdateLogDelivery", "route53:CreateHealthCheck",
    "s3:ListAllMyBuckets", "sns:GetSubscriptionAttributes", "sns:SetSubscriptionAttributes", "sns:Unsubscribe",
    "states:ValidateStateMachineDefinition", "synthetics:CreateCanary", "synthetics:DescribeCanaries", "synthetics:DescribeRuntimeVersions",
    "tag:GetResources", "xray:GetSamplingRules",
)  # fmt: skip

PASSED_TO = (
    "apigateway", "application-autoscaling", "backup", "budgets", "cloudtrail", "codebuild", "codepipeline", "config", "dax", "events",
    "firehose", "glue", "lambda", "s3", "sagemaker", "scheduler", "states", "synthetics", "vpc-flow-logs",
)  # fmt: skip

ROLE_READ = [
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListInstanceProfilesForRole",
    "iam:ListRolePolicies",
    "iam:ListRoleTags",
]
# Policies that the stack attaches when something has happened: a quarantine, a spent budget. They cannot take a role past its boundary.
POLICY_MANAGE = [
    "iam:CreatePolicy",
    "iam:CreatePolicyVersion",
    "iam:DeletePolicy",
    "iam:DeletePolicyVersion",
    "iam:ListEntitiesForPolicy",
    "iam:ListPolicyTags",
    "iam:TagPolicy",
    "iam:UntagPolicy",
]
# IAM can be told to allow these only on roles that carry a given boundary.
ROLE_BOUNDED = [
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
]
ROLE_MANAGE = [
    "iam:DeleteRole",
    "iam:TagRole",
    "iam:UntagRole",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRole",
    "iam:UpdateRoleDescription",
]


def deploy_statements(arns: Arns, stack: str, also_in: Sequence[str] = (), replicas_in: str | None = None) -> dict[str, list[Statement]]:
    """The rights to make, change and delete what the stack `<project>-<stack>` consists of, in policies that fit IAM's size.

    `also_in` are further regions: some of a stack is where global services or the stack's replicas are. Rows are out of reach, except in
    `replicas_in`, where AWS demands the right to them.
    """
    named = [allow([f"{service}:*"], [arns.of(service, path.format(stack=stack)) for path in paths]) for service, paths in NAMED.items()]
    named.append(allow(["glue:*"], [arns.of("glue", path.format(stack=stack.replace("-", "_"))) for path in CATALOG]))
    regions = [arns, *(arns.in_region(region) for region in also_in if region != arns.region)]
    for service in ELSEWHERE if len(regions) > 1 else ():
        path = NAMED[service][0].format(stack=stack)
        named.append(allow([f"{service}:*"], [each.of(service, path) for each in regions[1:]]))
    deliveries = [*(f"{kind}:{stack}-*" for kind in ("delivery-source", "delivery-destination")), "delivery:*"]
    named.append(allow(DELIVERIES, [arns.in_region(GLOBAL).of("logs", path) for path in deliveries]))
    aliases = ["kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"]
    data = [arns.objects(f"{stack}-{purpose}-*") for purpose in DATA_BUCKETS]
    names = [
        *named,
        allow(["s3:*"], [arns.bucket(f"{stack}-*"), arns.objects(f"{stack}-*")]),
        {"Sid": "NeverTheData", "Effect": "Deny", "Action": list(DATA), "Resource": "*"},
        _never_the_rows(replicas_in),
        {"Sid": "NeverTheObjects", "Effect": "Deny", "Action": ["s3:GetObject*", "s3:PutObject"], "Resource": data},
    ]
    # AWS names these by number when it makes them: the account, the region and, for keys, the tags that the stack puts on them limit them.
    project = stack.partition("-")[0]
    numbers = [
        allow(NETWORK, arns.ec2("*")),
        allow(
            ["kms:CreateKey"],
            ["*"],
            {"StringEquals": {"aws:RequestTag/Project": project, "aws:RequestedRegion": [each.region for each in regions]}},
        ),
        # While a key is being made it bears no tag yet, and giving it some is an action of its own; a key that has the tag or a name is out of reach.
        # https://docs.aws.amazon.com/kms/latest/developerguide/tag-permissions.html
        allow(
            ["kms:TagResource"],
            [each.of("kms", "key/*") for each in regions],
            {
                "StringEquals": {"aws:RequestTag/Project": project},
                "Null": {"aws:ResourceTag/Project": "true", "kms:ResourceAliases": "true"},
            },
        ),
        # An alias is judged on itself and on its key.
        allow(aliases, [each.of("kms", f"alias/{stack}-*") for each in regions]),
        allow([*KEYS, *aliases], [each.of("kms", "key/*") for each in regions], {"StringEquals": {"aws:ResourceTag/Project": project}}),
        *([allow(REPLICA, arns.in_region(replicas_in).table(f"{stack}-*"))] if replicas_in else []),
        allow(["apigateway:*"], f"arn:{arns.partition}:apigateway:{arns.region}::/*"),
        allow(["application-autoscaling:*"], arns.scalable_target()),
        allow(["cloudwatch:DescribeAlarms"], [each.alarm("*") for each in regions]),
        # Dashboards are in no region.
        allow(["cloudwatch:*"], [arns.everywhere("cloudwatch", f"dashboard/{name}") for name in (stack, f"{stack}-*")]),
        allow(["backup:*"], [arns.of("backup", "backup-plan:*"), arns.of("backup", "restore-testing-plan:*")]),
        allow(["budgets:*"], [arns.everywhere("budgets", f"budget/{name}") for name in (stack, f"{stack}-*")]),
        allow(["billing:GetBillingViewData"], arns.billing_view()),
        allow(["ce:*"], [arns.everywhere("ce", "anomalymonitor/*"), arns.everywhere("ce", "anomalysubscription/*")]),
        allow(["cloudfront:*"], arns.everywhere("cloudfront", "*")),
        allow(["codeconnections:*"], arns.of("codeconnections", "connection/*")),
        allow(["dax:*"], arns.of("dax", f"cache/{stack}-*")),
        allow(["route53:*"], f"arn:{arns.partition}:route53:::healthcheck/*"),
        # Private names of interface endpoints.
        allow(["route53:AssociateVPCWithHostedZone"], f"arn:{arns.partition}:route53:::hostedzone/*"),
        # A mapping has no ARN before it is there; its function has.
        allow(["lambda:CreateEventSourceMapping"], ["*"], {"ArnLike": {"lambda:FunctionArn": arns.function(f"{stack}-*")}}),
        allow(["xray:*"], [arns.of("xray", f"group/{stack}/*"), arns.of("xray", f"group/{stack}-*"), arns.of("xray", "sampling-rule/*")]),
    ]
    return {"named": names, "numbered": numbers, "anywhere": [allow_anywhere(ANYWHERE)]}


def preview_statements(arns: Arns, stack: str, also_in: Sequence[str] = ()) -> list[Statement]:
    """Settings that `pulumi preview --refresh` reads and AWS's policies for looking leave out; of objects the code only, nothing of the data."""
    regions = [arns, *(arns.in_region(region) for region in also_in if region != arns.region)]
    catalog = ["catalog", *(path.format(stack=stack.replace("-", "_")) for path in CATALOG[:1]), f"job/{stack}-*", f"crawler/{stack}-*"]
    functions = [arns.of("lambda", path.format(stack=stack)) for path in NAMED["lambda"]]
    deliveries = [f"delivery-source:{stack}-*", f"delivery-destination:{stack}-*", "delivery:*"]
    return [
        allow(["lambda:GetAlias", "lambda:GetEventSourceMapping", "lambda:GetFunction", "lambda:GetLayerVersion"], functions),
        allow(["application-autoscaling:ListTagsForResource"], arns.scalable_target()),
        allow(["glue:GetCrawler", "glue:GetDatabase", "glue:GetJob"], [arns.of("glue", path) for path in catalog]),
        allow(["scheduler:GetSchedule"], arns.schedule(f"{stack}-*")),
        allow(["codebuild:BatchGetReportGroups"], arns.report_group(f"{stack}-*")),
        allow(["codepipeline:ListTagsForResource"], arns.pipeline(f"{stack}-*")),
        allow(["codeconnections:GetConnection", "codeconnections:ListTagsForResource"], arns.of("codeconnections", "connection/*")),
        allow(
            ["ce:GetAnomalyMonitors", "ce:GetAnomalySubscriptions", "ce:ListTagsForResource"],
            [arns.everywhere("ce", "anomalymonitor/*"), arns.everywhere("ce", "anomalysubscription/*")],
        ),
        allow(
            ["budgets:DescribeBudgetAction", "budgets:ListTagsForResource", "budgets:ViewBudget"],
            [arns.everywhere("budgets", f"budget/{name}") for name in (stack, f"{stack}-*")],
        ),
        allow(["billing:GetBillingViewData"], arns.billing_view()),
        allow(
            ["backup:GetRestoreTestingPlan", "backup:GetRestoreTestingSelection"],
            [each.of("backup", "restore-testing-plan:*") for each in regions],
        ),
        allow(
            ["logs:GetDelivery", "logs:GetDeliveryDestination", "logs:GetDeliverySource"],
            [arns.in_region(GLOBAL).of("logs", path) for path in deliveries],
        ),
        allow(["s3:ListTagsForResource"], arns.bucket(f"{stack}-*")),
        allow(["s3:GetObject", "s3:GetObjectTagging"], arns.objects(f"{stack}-models-*", "code/*")),
        allow(["kms:Decrypt"], arns.key(), {"ForAnyValue:StringEquals": {"kms:ResourceAliases": f"alias/{stack}-models"}}),
        allow_anywhere(["states:ValidateStateMachineDefinition"]),
    ]


def _never_the_rows(replicas_in: str | None) -> Statement:
    statement: Statement = {"Sid": "NeverTheRows", "Effect": "Deny", "Action": list(ROWS), "Resource": "*"}
    return {**statement, "Condition": {"StringNotEquals": {"aws:RequestedRegion": replicas_in}}} if replicas_in else statement


def role_statements(arns: Arns, stack: str, boundary_arn: object) -> list[Statement]:
    """Roles of the stack, only ever within the boundary; the boundary itself, the identity provider and the deploying roles are out of reach."""
    roles = arns.role(f"{stack}-*")
    services = [f"{service}.amazonaws.com" for service in PASSED_TO]
    return [
        allow(ROLE_READ + ROLE_MANAGE, roles),
        allow(ROLE_BOUNDED, roles, {"StringEquals": {"iam:PermissionsBoundary": boundary_arn}}),
        allow(["iam:PassRole"], roles, {"StringEquals": {"iam:PassedToService": services}}),
        allow(["iam:GetPolicy", "iam:GetPolicyVersion", "iam:ListPolicyVersions"], arns.policy("*")),
        allow(POLICY_MANAGE, [arns.policy(f"{path}{stack}-*") for path in (QUARANTINE, DENIALS)]),
        # Service-linked roles are AWS's own: their rights are fixed.
        allow(["iam:CreateServiceLinkedRole"], arns.role("aws-service-role/*")),
        {
            "Sid": "NeverTheWayIn",
            "Effect": "Deny",
            "Action": [
                "iam:*OpenIDConnectProvider*",
                "iam:CreatePolicyVersion",
                "iam:DeletePolicy",
                "iam:DeletePolicyVersion",
                "iam:DeleteRolePermissionsBoundary",
                "iam:SetDefaultPolicyVersion",
                "iam:CreateUser",
                "iam:CreateAccessKey",
            ],
            "Resource": [arns.policy(f"{PATH.strip('/')}/*"), arns.role("*"), arns.user("*"), arns.oidc_provider("*")],
        },
    ]


def state_statements(arns: Arns, bucket: str, key_arn: object, project: str, stack: str, *, write: bool) -> list[Statement]:
    """The stack's files in the state bucket: a preview reads them and takes the lock, a deployment writes them."""
    files = [f".pulumi/{kind}/{project}/{stack}*" for kind in ("stacks", "history", "backups")]
    locks = arns.objects(bucket, f".pulumi/locks/*/{project}/{stack}/*")
    statements = [
        allow(["s3:ListBucket", "s3:GetBucketLocation"], arns.bucket(bucket)),
        allow(["s3:GetObject"], [arns.objects(bucket, ".pulumi/meta.yaml"), *(arns.objects(bucket, file) for file in files)]),
        allow(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], locks),
        allow(["kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"], key_arn),
    ]
    if write:
        statements += [
            allow(["s3:PutObject", "s3:DeleteObject"], [arns.objects(bucket, file) for file in files]),
            allow(["kms:Encrypt"], key_arn),
        ]
    return statements
