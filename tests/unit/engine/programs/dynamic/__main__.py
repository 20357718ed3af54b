"""Resources whose provider is written in the program."""

import pulumi
import pulumi_aws as aws
from pulumi.dynamic import CheckResult, CreateResult, DiffResult, Resource, ResourceProvider

config = pulumi.Config()


class Checked(ResourceProvider):
    def check(self, _olds, news):
        return CheckResult(news, [])

    def create(self, props):
        return CreateResult("made", {**props, "made": True})

    def diff(self, _id, _olds, _news):
        return DiffResult(changes=False)


class Thing(Resource, module="things", name="Thing"):
    size: pulumi.Output[int]
    made: pulumi.Output[bool]

    def __init__(self, name, size, opts=None):
        super().__init__(Checked(), name, {"size": size, "made": None, "secret": pulumi.Output.secret("s")}, opts)


class Plain(Resource):
    def __init__(self, name, opts=None):
        super().__init__(Checked(), name, {"list": [1, None]}, opts)


thing = Thing("thing", 3)
unknown = Thing("unknown", thing.made.apply(int), pulumi.ResourceOptions(parent=thing))
plain = Plain("plain", pulumi.ResourceOptions(depends_on=[unknown], protect=True))
aws.ssm.Parameter("size", type="String", value=pulumi.Output.format("{0}", thing.size))
aws.ssm.Parameter("made", type="String", value=pulumi.Output.format("{0}", thing.made))
