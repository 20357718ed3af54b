"""Transforms old and new: of the stack, of components, of one resource; of properties and of options."""

import pulumi
import pulumi_aws as aws

Options = pulumi.ResourceOptions
paris = aws.Provider("paris", region="eu-west-3")
first = aws.sqs.Queue("first")


def old(args: pulumi.ResourceTransformationArgs):
    """Old: sees the resource's own arguments, before anything is serialised."""
    if args.type_ == "aws:sqs/queue:Queue":
        tags = {**(args.props.get("tags") or {}), "Old": args.name}
        return pulumi.ResourceTransformationResult({**args.props, "tags": tags}, Options.merge(args.opts, Options(ignore_changes=["tags"])))
    return None


def new(args: pulumi.ResourceTransformArgs):
    if args.type_ == "aws:sqs/queue:Queue":
        tags = pulumi.Output.from_input(args.props.get("tags")).apply(lambda tags: {**(tags or {}), "New": args.name})
        return pulumi.ResourceTransformResult({**args.props, "tags": tags}, args.opts)
    return None


async def later(args: pulumi.ResourceTransformArgs):
    return pulumi.ResourceTransformResult({**args.props, "delaySeconds": (args.props.get("delaySeconds") or 0) + 1}, args.opts)


def with_values(args: pulumi.ResourceTransformArgs):
    """Adds an unknown, a secret and a known output."""
    props = {
        **args.props,
        "policy": first.arn,
        "kmsMasterKeyId": pulumi.Output.secret("key"),
        "name": pulumi.Output.from_input("named"),
        "tags": {**args.props["tags"], "Unknown": first.arn},
    }
    return pulumi.ResourceTransformResult(props, args.opts)


def with_options(args: pulumi.ResourceTransformArgs):
    more = Options(
        protect=True,
        provider=paris,
        depends_on=[first],
        ignore_changes=["policy"],
        retain_on_delete=True,
        delete_before_replace=True,
        additional_secret_outputs=["url"],
        replace_on_changes=["name"],
        aliases=[pulumi.Alias(name="former")],
        custom_timeouts=pulumi.CustomTimeouts(create="3m"),
        deleted_with=first,
    )
    return pulumi.ResourceTransformResult(args.props, Options.merge(args.opts, more))


def unprotected(args: pulumi.ResourceTransformArgs):
    return pulumi.ResourceTransformResult(args.props, Options.merge(args.opts, Options(protect=False)))


def dropping(args: pulumi.ResourceTransformArgs):
    return pulumi.ResourceTransformResult({key: value for key, value in args.props.items() if key != "policy"}, args.opts)


class Group(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("transforms:index:Group", name, {"given": first.arn}, opts)
        self.queue = aws.sqs.Queue(f"{name}-queue", delay_seconds=10, opts=Options(parent=self))
        self.child = aws.sqs.Queue(f"{name}-child", policy=first.arn, opts=Options(parent=self.queue))
        self.register_outputs({"arn": self.queue.arn})


pulumi.runtime.register_stack_transformation(old)
pulumi.runtime.register_resource_transform(new)
aws.sqs.Queue("untouched")
aws.sqs.Queue("own", opts=Options(transforms=[later, later]))
aws.sqs.Queue("valued", opts=Options(transforms=[with_values]))
aws.sqs.Queue("optioned", opts=Options(transforms=[with_options]))
aws.sqs.Queue("unprotected", opts=Options(protect=True, transforms=[unprotected]))
aws.sqs.Queue("dropped", policy=first.arn, opts=Options(transforms=[dropping]))
aws.sqs.Queue(
    "old-own",
    opts=Options(transformations=[lambda args: pulumi.ResourceTransformationResult({**args.props, "delay_seconds": 5}, args.opts)]),
)
aws.sqs.Queue(
    "awkward",
    policy=pulumi.Output.secret(first.arn),
    redrive_policy=pulumi.Output.secret("known"),
    tags={"Unknown": first.arn, "Secret": pulumi.Output.secret("s")},
    opts=Options(transforms=[later]),
)
Group("group", Options(transforms=[later]))
Group("optioned-group", Options(transforms=[with_options]))
Group("old-group", Options(transformations=[old]))
