"""Resources that exist already: read by id, below a component, through a provider, and what uses them."""

import pulumi
import pulumi_aws as aws

paris = aws.Provider("paris", region="eu-west-3")
queue = aws.sqs.Queue("queue")
bucket = aws.s3.Bucket.get("bucket", "existing-bucket")
elsewhere = aws.s3.Bucket.get("elsewhere", "other-bucket", opts=pulumi.ResourceOptions(provider=paris, protect=True))
below = aws.sns.Topic.get(
    "below", "arn:aws:sns:eu-west-1:123456789012:topic", opts=pulumi.ResourceOptions(parent=queue, depends_on=[queue])
)
aws.ssm.Parameter("uses", type="String", value=bucket.arn)
aws.sns.TopicPolicy("policy", arn=below.arn, policy="{}", opts=pulumi.ResourceOptions(parent=bucket))
aws.s3.BucketVersioning(
    "after", bucket="known", versioning_configuration={"status": "Enabled"}, opts=pulumi.ResourceOptions(depends_on=[elsewhere])
)
pulumi.export("region", elsewhere.region)
