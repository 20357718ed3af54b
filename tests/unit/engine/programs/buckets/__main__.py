"""Buckets in a component, a policy document, a secret, an explicit provider, stack outputs."""

import json

import pulumi
import pulumi_aws as aws


class Lake(pulumi.ComponentResource):
    def __init__(self, name: str, names: list[str], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("example:storage:Lake", name, None, opts)
        self.buckets = [
            aws.s3.Bucket(f"{name}-{purpose}", tags={"Owner": "data", "Purpose": purpose}, opts=pulumi.ResourceOptions(parent=self))
            for purpose in names
        ]
        for bucket, purpose in zip(self.buckets, names, strict=True):
            aws.s3.BucketPolicy(
                f"{name}-{purpose}",
                bucket=bucket.id,
                policy=bucket.arn.apply(lambda arn: json.dumps({"Resource": arn})),
                opts=pulumi.ResourceOptions(parent=bucket),
            )
        self.arns = [bucket.arn for bucket in self.buckets]
        self.register_outputs({"arns": self.arns, "count": len(names)})


print("hello from the program")
config = pulumi.Config()
lake = Lake("lake", config.require_object("names"), pulumi.ResourceOptions(protect=True))
parameter = aws.ssm.Parameter(
    "password",
    type="SecureString",
    value=config.require_secret("password"),
    opts=pulumi.ResourceOptions(depends_on=[lake], ignore_changes=["value"], aliases=[pulumi.Alias(name="old-password")]),
)
ireland = aws.Provider("ireland", region="eu-west-1", default_tags={"tags": {"Team": "ireland"}})
queue = aws.sqs.Queue("queue", opts=pulumi.ResourceOptions(provider=ireland, retain_on_delete=True))
pulumi.export("account", aws.get_caller_identity_output().account_id)
pulumi.export("region", aws.get_region().region)
pulumi.export("zones", aws.get_availability_zones().names)
pulumi.export("queue", queue.url)
pulumi.export("password", config.require_secret("password"))
pulumi.export("size", config.require_int("size"))
