"""Components built by a provider: with options and transforms that reach their children, below a component, with values that are not known."""

import pulumi
import pulumi_aws as aws
import pulumi_awsx as awsx

Options = pulumi.ResourceOptions
SMALL = {
    "number_of_availability_zones": 1,
    "nat_gateways": {"strategy": "None"},
    "subnet_strategy": "Auto",
    "subnet_specs": [{"type": "Isolated", "cidr_mask": 24}],
}


def tagged(args: pulumi.ResourceTransformArgs):
    if args.type_ == "aws:ec2/subnet:Subnet":
        return pulumi.ResourceTransformResult({**args.props, "tags": {**args.props["tags"], "Transformed": args.name}}, args.opts)
    return None


def kept(args: pulumi.ResourceTransformArgs):
    return pulumi.ResourceTransformResult(args.props, Options.merge(args.opts, Options(retain_on_delete=True, ignore_changes=["tags"])))


class Site(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("awsx:index:Site", name, None, opts)
        self.network = awsx.ec2.Vpc(f"{name}-vpc", **SMALL, opts=Options(parent=self))
        self.register_outputs({"vpc": self.network.vpc_id})


pulumi.runtime.register_resource_transform(tagged)
queue = aws.sqs.Queue("queue")
paris = aws.Provider("paris", region="eu-west-3", default_tags={"tags": {"Zone": "paris"}})
awsx.ec2.Vpc("plain", **SMALL)
awsx.ec2.Vpc("kept", **SMALL, opts=Options(protect=True, depends_on=[queue], transforms=[kept]))
awsx.ec2.Vpc("tagged", **SMALL, tags={"Queue": queue.name, "Known": "yes"})
site = Site("site", Options(providers=[paris], protect=True))
aws.ssm.Parameter("vpc", type="String", value=site.network.vpc_id)
pulumi.export("subnets", site.network.isolated_subnet_ids)
pulumi.export("layout", site.network.subnet_layout)
