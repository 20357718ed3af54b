"""Trees of components: names that repeat, providers handed down, options inherited or not, dependencies through components."""

import pulumi
import pulumi_aws as aws


class Shelf(pulumi.ComponentResource):
    """A queue, and as many shelves inside as asked for."""

    def __init__(self, name, depth=0, opts=None):
        super().__init__("components:index:Shelf", name, {"depth": depth}, opts)
        own = pulumi.ResourceOptions(parent=self)
        self.queue = aws.sqs.Queue(name, opts=own)
        # The same name as the queue's: the type makes the difference.
        self.topic = aws.sns.Topic(name, opts=pulumi.ResourceOptions(parent=self.queue, protect=False))
        self.inner = Shelf(f"{name}-inner", depth - 1, own) if depth else None
        self.register_outputs({"arn": self.queue.arn, "topic": self.topic, "depth": depth})


class Empty(pulumi.ComponentResource):
    """Neither children nor outputs, and it never says that it is done."""

    def __init__(self, name, opts=None):
        super().__init__("empty", name, None, opts)


class Odd(pulumi.ComponentResource):
    """A component whose type is not in three parts, with inputs and outputs of every kind."""

    def __init__(self, name, thing, opts=None):
        super().__init__(
            "odd/type", name, {"queue": thing.queue, "secret": pulumi.Output.secret("s"), "list": [thing.queue.arn, None]}, opts
        )
        self.register_outputs({"shelf": thing, "secret": pulumi.Output.secret({"a": [1, None]}), "unknown": [thing.queue.arn, "known"]})


paris = aws.Provider("paris", region="eu-west-3")
frankfurt = aws.Provider("frankfurt", region="eu-central-1", opts=pulumi.ResourceOptions(version="7.50.0"))
plain = Shelf("plain", 2)
handed = Shelf("handed", 1, pulumi.ResourceOptions(providers=[paris], protect=True, retain_on_delete=True))
by_name = Shelf("by-name", 0, pulumi.ResourceOptions(providers={"aws": frankfurt}))
alone = Shelf("alone", 1, pulumi.ResourceOptions(provider=paris))
inside = Shelf("inside", 0, pulumi.ResourceOptions(parent=handed))
inside_other = Shelf("inside-other", 0, pulumi.ResourceOptions(parent=handed, providers=[frankfurt], protect=False))
empty = Empty("empty")
odd = Odd("odd", plain, pulumi.ResourceOptions(depends_on=[handed, empty]))
aws.sqs.Queue("child-of-queue", opts=pulumi.ResourceOptions(parent=handed.queue))
aws.sqs.Queue("other-provider", opts=pulumi.ResourceOptions(parent=handed, provider=frankfurt))
aws.sqs.Queue("after-tree", opts=pulumi.ResourceOptions(depends_on=plain))
aws.sqs.Queue("after-odd", opts=pulumi.ResourceOptions(depends_on=[odd, plain.queue, handed.inner.topic]))
aws.sqs.Queue("under-empty", opts=pulumi.ResourceOptions(parent=empty))
aws.ssm.Parameter("urn", type="String", value=plain.urn)
aws.ssm.Parameter("names", type="String", value=pulumi.Output.all(plain.queue.arn, by_name.topic.name).apply(",".join))
aws.ssm.Parameter(
    "renamed",
    type="String",
    value="known",
    opts=pulumi.ResourceOptions(
        aliases=[
            pulumi.Alias(name="old"),
            pulumi.Alias(type_="aws:ssm/param:Param"),
            pulumi.Alias(parent=plain),
            pulumi.Alias(stack="other", project="former"),
            "urn:pulumi:dev::components::aws:ssm/parameter:Parameter::older",
        ]
    ),
)
moved = Shelf(
    "moved", 1, pulumi.ResourceOptions(parent=plain, aliases=[pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE), pulumi.Alias(name="was")])
)
pulumi.export("shelf", moved)
