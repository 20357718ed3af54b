"""Providers: default and explicit, with secrets, unknowns and structured settings, of several versions, as parents and as values."""

import pulumi
import pulumi_aws as aws

Options = pulumi.ResourceOptions
queue = aws.sqs.Queue("queue")
tagged = aws.Provider(
    "tagged",
    region="eu-west-2",
    default_tags={"tags": {"Team": "b", "Owner": "a"}},
    ignore_tags={"key_prefixes": ["aws:"]},
    assume_roles=[{"role_arn": "arn:aws:iam::123456789012:role/r", "session_name": "s"}],
    allowed_account_ids=["123456789012"],
    max_retries=3,
    s3_use_path_style=True,
)
secret = aws.Provider(
    "secret", region="eu-west-2", access_key=pulumi.Output.secret("key"), secret_key=pulumi.Config().require_secret("key")
)
unknown = aws.Provider("unknown", region=queue.name)
partly = aws.Provider("partly", region="eu-west-2", default_tags={"tags": {"Queue": queue.arn}})
versioned = aws.Provider("versioned", region="eu-west-2", opts=Options(version="7.50.0", protect=True, depends_on=[queue]))
child = aws.Provider("child", region="eu-west-2", opts=Options(parent=queue))
for provider in (tagged, secret, unknown, partly, versioned, child):
    name = provider._name
    made = aws.sqs.Queue(f"{name}-queue", tags={"Owner": "program"}, opts=Options(provider=provider))
    aws.ssm.Parameter(f"{name}-parameter", type="String", value=made.arn, opts=Options(parent=made))
aws.sqs.Queue("below-provider", opts=Options(parent=tagged))
aws.sqs.Queue("old", opts=Options(version="7.40.0"))
aws.ssm.Parameter("region", type="String", value=tagged.region)
aws.ssm.Parameter("id", type="String", value=tagged.id)
aws.ssm.Parameter("unknown-region", type="String", value=unknown.region)
pulumi.export("provider", tagged)
