"""Where an operation's permission is not simply its own name on the resource its parameters name: renamed actions, parameter names, roles passed."""

from __future__ import annotations

# Operation → IAM action, where the names differ. `None`: the call needs no permission at all.
RENAMED: dict[str, str | None] = {
    "s3:BucketCORSPreflightCheck": None,
    "s3:ObjectCORSPreflightCheck": None,
    "sts:GetCallerIdentity": None,
    "sts:GetSessionToken": None,
    "sts:GetAccessKeyInfo": None,
}

# Actions that IAM lists with a resource type although the call names none: judged on `*`.
ON_EVERYTHING = {
    "ecr:GetAuthorizationToken",
    "logs:GetQueryResults",
    "logs:StopQuery",
    "cloudwatch:ListDashboards",
    "glue:ListJobs",
    "glue:ListCrawlers",
    "glue:GetJobs",
    "glue:GetCrawlers",
    "glue:GetCrawlerMetrics",
    "glue:BatchGetJobs",
    "iam:ListPolicies",
    "lambda:ListLayers",
    "athena:ListWorkGroups",
    "backup:ListBackupVaults",
    "secretsmanager:ListSecrets",
}

# IAM prefix → placeholder of an ARN template → the parameters that may hold it.
PARAMETERS: dict[str, dict[str, tuple[str, ...]]] = {
    "states": {"StateMachineName": ("name",)},
    "glue": {
        "JobName": ("JobName", "Name"),
        "CrawlerName": ("CrawlerName", "Name"),
        "DatabaseName": ("DatabaseName", "Name"),
        "TriggerName": ("Name",),
        "WorkflowName": ("Name",),
        "ConnectionName": ("Name",),
    },
    "cloudwatch": {"AlarmName": ("AlarmName",), "DashboardName": ("DashboardName",)},
    "events": {"RuleName": ("Rule", "Name"), "EventBusName": ("EventBusName", "Name")},
    "ecr": {"RepositoryName": ("repositoryName",)},
    "sns": {"TopicName": ("Name",)},
    "cloudtrail": {"TrailName": ("Name", "TrailName")},
    "scheduler": {"ScheduleName": ("Name",), "GroupName": ("GroupName", "Name")},
    "application-autoscaling": {"ResourceId": ("ResourceId",)},
    "secretsmanager": {"SecretId": ("SecretId", "Name")},
    "ssm": {"ParameterNameWithoutLeadingSlash": ("Name",)},
    "firehose": {"DeliveryStreamName": ("DeliveryStreamName",)},
    "codepipeline": {"PipelineName": ("pipelineName", "name")},
    "codebuild": {"ProjectName": ("projectName", "name")},
    "athena": {"WorkGroupName": ("WorkGroup", "Name")},
    "ec2": {"SecurityGroupId": ("GroupId",)},
    "backup": {"BackupVaultName": ("BackupVaultName",)},
}

# Operation → the further action that creating with tags needs, on the same resource. (SageMaker and KMS have it in their own tables.)
TAGGED = {
    "application-autoscaling:RegisterScalableTarget": "application-autoscaling:TagResource",
    "cloudtrail:CreateTrail": "cloudtrail:AddTags",
    "cloudwatch:PutCompositeAlarm": "cloudwatch:TagResource",
    "cloudwatch:PutMetricAlarm": "cloudwatch:TagResource",
    "dynamodb:CreateTable": "dynamodb:TagResource",
    "ecr:CreateRepository": "ecr:TagResource",
    "events:PutRule": "events:TagResource",
    "glue:CreateCrawler": "glue:TagResource",
    "glue:CreateDatabase": "glue:TagResource",
    "glue:CreateJob": "glue:TagResource",
    "iam:CreateInstanceProfile": "iam:TagInstanceProfile",
    "iam:CreateOpenIDConnectProvider": "iam:TagOpenIDConnectProvider",
    "iam:CreatePolicy": "iam:TagPolicy",
    "iam:CreateRole": "iam:TagRole",
    "iam:CreateUser": "iam:TagUser",
    "lambda:CreateFunction": "lambda:TagResource",
    "logs:CreateLogGroup": "logs:TagResource",
    "sns:CreateTopic": "sns:TagResource",
    "sqs:CreateQueue": "sqs:TagQueue",
    "states:CreateStateMachine": "states:TagResource",
}

# Service → the service principal that will assume a role passed to it (iam:PassedToService).
PASSED_TO = {
    "apigateway": "apigateway.amazonaws.com",
    "application-autoscaling": "application-autoscaling.amazonaws.com",
    "backup": "backup.amazonaws.com",
    "budgets": "budgets.amazonaws.com",
    "cloudtrail": "cloudtrail.amazonaws.com",
    "codebuild": "codebuild.amazonaws.com",
    "codepipeline": "codepipeline.amazonaws.com",
    "config": "config.amazonaws.com",
    "ec2": "vpc-flow-logs.amazonaws.com",
    "events": "events.amazonaws.com",
    "firehose": "firehose.amazonaws.com",
    "glue": "glue.amazonaws.com",
    "lambda": "lambda.amazonaws.com",
    "logs": "logs.amazonaws.com",
    "pipes": "pipes.amazonaws.com",
    "s3": "s3.amazonaws.com",
    "sagemaker": "sagemaker.amazonaws.com",
    "scheduler": "scheduler.amazonaws.com",
    "stepfunctions": "states.amazonaws.com",
    "sns": "sns.amazonaws.com",
}
# Parameters that hold a role the service will assume, at any depth.
ROLE_PARAMETERS = frozenset(
    {
        "rolearn", "role", "executionrolearn", "servicerole", "servicerolearn", "cloudwatchlogsrolearn", "deliverlogspermissionarn",
        "cloudwatchrolearn", "iamrolearn", "roledetails", "taskrolearn", "validationrole", "credentials", "credentialsarn",
        "successfeedbackrolearn", "failurefeedbackrolearn",
    }
)  # fmt: skip
