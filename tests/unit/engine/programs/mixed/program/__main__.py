"""What programs do besides the ordinary: assets, secrets in objects, nested components, inherited options, transformations, .get."""

import json

import pulumi
import pulumi_aws as aws


class Inner(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("mixed:index:Inner", name, None, opts)
        self.queue = aws.sqs.Queue(name, opts=pulumi.ResourceOptions(parent=self))
        self.register_outputs({"queue": self.queue})


class Outer(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("mixed:index:Outer", name, None, opts)
        self.inner = Inner(f"{name}-inner", opts=pulumi.ResourceOptions(parent=self))
        self.register_outputs({})


def add_tag(args: pulumi.ResourceTransformationArgs):
    if args.type_ == "aws:sqs/queue:Queue":
        return pulumi.ResourceTransformationResult({**args.props, "tags": {"Transformed": "yes"}}, args.opts)
    return None


pulumi.runtime.register_stack_transformation(add_tag)


def add_delay(args: pulumi.ResourceTransformArgs):
    if args.type_ == "aws:sqs/queue:Queue":
        opts = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(retain_on_delete=True))
        return pulumi.ResourceTransformResult({**args.props, "delaySeconds": 7}, opts)
    return None


async def double(args: pulumi.ResourceTransformArgs):
    return pulumi.ResourceTransformResult({**args.props, "visibilityTimeoutSeconds": args.props["delaySeconds"] * 2}, args.opts)


pulumi.runtime.register_resource_transform(add_delay)
config = pulumi.Config()
nested = config.require_object("nested")
frankfurt = aws.Provider("frankfurt", region="eu-central-1")
outer = Outer("outer", opts=pulumi.ResourceOptions(protect=True, providers={"aws": frankfurt}))
aws.lambda_.Function(
    "function",
    role="arn:aws:iam::123456789012:role/r",
    handler="handler.handler",
    runtime="python3.13",
    memory_size=nested["list"][0] * 128,
    code=pulumi.AssetArchive(
        {
            "handler.py": pulumi.StringAsset("def handler(*_): ..."),
            "data/file.txt": pulumi.FileAsset("file.txt"),
            "lib": pulumi.FileArchive("folder"),
        }
    ),
    environment={"variables": {"TOKEN": pulumi.Output.secret("token"), "QUEUE": outer.inner.queue.url}},
    opts=pulumi.ResourceOptions(depends_on=[outer], custom_timeouts=pulumi.CustomTimeouts(create="5m")),
)
aws.s3.BucketObject("object", bucket="name", source=pulumi.FileArchive("folder"))
hook = pulumi.ResourceHook("after", lambda args: None)
dead_letters = aws.sqs.Queue(
    "dead-letters",
    delay_seconds=1,
    opts=pulumi.ResourceOptions(transforms=[double], hooks=pulumi.ResourceHookBinding(after_create=[hook])),
)
aws.sqs.Queue("queue", redrive_policy=dead_letters.arn.apply(lambda arn: json.dumps({"deadLetterTargetArn": arn})))
table = aws.dynamodb.Table(
    "table",
    attributes=[{"name": "id", "type": "S"}],
    hash_key="id",
    billing_mode="PAY_PER_REQUEST",
    opts=pulumi.ResourceOptions(
        delete_before_replace=True, retain_on_delete=True, ignore_changes=["tags"], replace_on_changes=["hash_key"]
    ),
)
aws.sns.TopicSubscription(
    "subscription",
    topic="arn:aws:sns:eu-west-1:123456789012:topic",
    protocol="sqs",
    endpoint=outer.inner.queue.arn,
    filter_policy=json.dumps({"a": [nested["object"]["key"]]}),
    opts=pulumi.ResourceOptions(parent=table),
)
region = aws.get_region_output(opts=pulumi.InvokeOutputOptions(provider=frankfurt))
zones = aws.get_availability_zones_output(opts=pulumi.InvokeOutputOptions(depends_on=[table]))
aws.ssm.Parameter("parameter", type="String", value=pulumi.Output.concat(region.region, "/", zones.names[0]))
aws.ssm.Parameter("known", type="String", value=region.region)
pulumi.export("table", table)
pulumi.export("nested", {"secret": pulumi.Output.secret(1), "list": nested["list"], "inner": outer.inner})
