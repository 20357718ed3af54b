"""A timeout without a unit."""

import pulumi
import pulumi_aws as aws

aws.sqs.Queue("queue", opts=pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="5")))
