"""Data sources: with unknown and secret arguments, with dependencies, through providers, and of a package without resources."""

import pulumi
import pulumi_aws as aws

paris = aws.Provider("paris", region="eu-west-3")
queue = aws.sqs.Queue("queue")
unset = aws.Provider("unset", region=queue.name)


class Group(pulumi.ComponentResource):
    """Asks as its own provider."""

    def __init__(self, name, opts=None):
        super().__init__("invokes:index:Group", name, None, opts)
        self.region = aws.get_region_output(opts=pulumi.InvokeOutputOptions(parent=self)).region
        self.plain = aws.get_region(opts=pulumi.InvokeOptions(parent=self)).region
        self.register_outputs({"region": self.region, "plain": self.plain})


group = Group("group", pulumi.ResourceOptions(providers=[paris]))
answers = {
    "plain": aws.get_region().region,
    "named": aws.get_region(region="us-east-1").region,
    "output": aws.get_region_output().region,
    "other": aws.get_region_output(opts=pulumi.InvokeOutputOptions(provider=paris)).region,
    "through-group": group.region,
    "plainly-through-group": group.plain,
    "unknown-argument": aws.get_region_output(region=queue.name).region,
    "secret-argument": aws.get_region_output(region=pulumi.Output.secret("eu-west-2")).region,
    "after-queue": aws.get_region_output(opts=pulumi.InvokeOutputOptions(depends_on=[queue])).region,
    "after-group": aws.get_region_output(opts=pulumi.InvokeOutputOptions(depends_on=[group])).region,
    "applied": queue.arn.apply(lambda arn: aws.get_region().region),
    "account": aws.get_caller_identity_output().account_id,
    "partition": aws.get_partition_output().partition,
    "zones": aws.get_availability_zones_output(state="available").names[1],
    "unset-provider": aws.get_region_output(opts=pulumi.InvokeOutputOptions(provider=unset)).region,
}
for name, answer in answers.items():
    aws.ssm.Parameter(name, type="String", value=answer)
pulumi.export("answers", answers)
