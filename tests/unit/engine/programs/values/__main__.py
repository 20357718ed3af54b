"""Values: secrets and unknowns at every depth, nulls, numbers, assets and archives inside of lists and objects, resources as values."""

import pulumi
import pulumi_aws as aws

secret = pulumi.Output.secret
queue = aws.sqs.Queue("queue")
unknown = queue.arn


class Anything(pulumi.CustomResource):
    """A resource of the aws provider that takes whatever it is given, and of no version in particular."""

    def __init__(self, name, properties, opts=None):
        super().__init__("aws:sqs/queue:Queue", name, properties, opts)


class Holder(pulumi.ComponentResource):
    def __init__(self, name, properties):
        super().__init__("values:index:Holder", name, properties)
        self.register_outputs(properties)


VALUES = {
    "scalars": {
        "zero": 0,
        "minus": -1,
        "float": 0.1,
        "large": 2**53,
        "huge": 1e300,
        "true": True,
        "false": False,
        "empty": "",
        "text": "é€😀\n",
    },
    "nulls": {"none": None, "list": [None, 1, None], "map": {"a": None, "b": {"c": None}}, "empty-list": [], "empty-map": {}},
    "secrets": {
        "text": secret("s"),
        "none": secret(None),
        "list": [1, secret("s"), [secret(2)]],
        "map": {"a": secret("s"), "b": {"c": secret(True)}},
        "whole": secret({"a": [1, {"b": 2}]}),
        "twice": secret(secret("s")),
        "mixed": secret(["a", unknown]),
        "applied": secret("s").apply(lambda value: {"a": value}),
    },
    "unknowns": {
        "text": unknown,
        "list": ["a", unknown, [unknown]],
        "map": {"a": unknown, "b": {"c": unknown}},
        "secret": secret(unknown),
        "secret-map": {"a": secret(unknown), "b": "known"},
        "applied": unknown.apply(lambda arn: {"a": arn}),
        "all": pulumi.Output.all(unknown, secret("s")),
        "text-of": pulumi.Output.concat("a-", unknown),
        "json": pulumi.Output.json_dumps({"a": unknown}),
        "known-json": pulumi.Output.json_dumps({"a": [1, secret("s")]}),
    },
    "assets": {
        "text": pulumi.StringAsset("text"),
        "file": pulumi.FileAsset("files/a.txt"),
        "list": [pulumi.FileAsset("./files/a.txt"), pulumi.StringAsset("b")],
        "map": {"a": {"b": pulumi.FileArchive("files")}},
        "archive": pulumi.AssetArchive(
            {
                "a.txt": pulumi.FileAsset("files/a.txt"),
                "deep/b.txt": pulumi.StringAsset("b"),
                "folder": pulumi.FileArchive("files"),
                "nested": pulumi.AssetArchive({"c.txt": pulumi.StringAsset("c")}),
            }
        ),
        "secret": secret(pulumi.StringAsset("s")),
    },
    "resources": {"queue": queue, "list": [queue, {"a": queue}], "urn": queue.urn, "id": queue.id, "secret": secret(queue)},
    "names": {"with.dot": 1, "with space": 2, "0": 3, "__internal": 4, "deep": {"__internal": 5, "snake_case": 6}},
}
for name, properties in VALUES.items():
    Anything(name, properties)
    Holder(name, properties)
    pulumi.export(name, properties)
Holder("empty-assets", {"text": pulumi.StringAsset(""), "archive": pulumi.AssetArchive({})})
aws.sqs.Queue("typed", tags={"a": unknown, "b": secret("s")}, redrive_policy=secret(unknown), delay_seconds=unknown.apply(len))
aws.sqs.Queue("unknown-tags", tags=unknown.apply(lambda arn: {"arn": arn}))
aws.ec2.SecurityGroup("rules", ingress=[{"protocol": "tcp", "from_port": 1, "to_port": 2, "cidr_blocks": [unknown], "security_groups": []}])
