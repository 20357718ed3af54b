"""A file that does not exist."""

import pulumi
import pulumi_aws as aws

aws.s3.BucketObject("object", bucket="b", source=pulumi.FileAsset("missing.txt"))
