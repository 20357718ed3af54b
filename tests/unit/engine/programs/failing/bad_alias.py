"""An alias that is no URN."""

import pulumi
import pulumi_aws as aws

aws.sqs.Queue("queue", opts=pulumi.ResourceOptions(aliases=["nothing"]))
