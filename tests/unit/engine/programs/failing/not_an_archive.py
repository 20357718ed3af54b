"""A folder that is no archive."""

import pulumi
import pulumi_aws as aws

aws.s3.BucketObject("object", bucket="b", source=pulumi.FileArchive("__main__.py"))
