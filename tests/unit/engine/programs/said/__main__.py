"""What a program says: messages of every severity, printed lines, warnings, deprecated types."""

import sys
import warnings

import pulumi
import pulumi_aws as aws

queue = aws.sqs.Queue("queue")
pulumi.log.debug("debugging")
pulumi.log.info("informing")
pulumi.info("informing of a queue", resource=queue)
pulumi.warn("warning of a queue", resource=queue)
pulumi.log.warn("warning")
pulumi.log.warn("two\nlines")
pulumi.log.info("passing", ephemeral=True)
print("printed")
print("printed to the other", file=sys.stderr)
warnings.warn("warned by Python", stacklevel=1)
aws.s3.BucketObject("object", bucket="b", content="c")
pulumi.export("none", None)
pulumi.export("nested", {"a": [pulumi.Output.secret("s"), queue.url, None], "b": queue})
pulumi.export("twice", 1)
pulumi.export("twice", 2)
