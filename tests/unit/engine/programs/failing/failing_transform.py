"""A transform that raises."""

import pulumi
import pulumi_aws as aws


def broken(args):
    raise ValueError("no")


aws.sqs.Queue("queue", opts=pulumi.ResourceOptions(transforms=[broken]))
