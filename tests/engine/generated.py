"""Programs that nobody wrote: resources, components, providers, data sources and transforms, joined at random. The same seed gives the same program."""

from __future__ import annotations

from pathlib import Path
from random import Random

STATEMENTS = 40
_HEADER = '''"""Generated."""

import pulumi
import pulumi_aws as aws

O = pulumi.ResourceOptions
secret = pulumi.Output.secret
TYPE = aws.sqs.Queue.pulumi_type


class Anything(pulumi.CustomResource):
    """A resource that takes whatever it is given."""

    def __init__(self, name, properties, opts=None):
        super().__init__(TYPE, name, {**properties, "arn": None, "url": None, "name": None}, opts)


class Group(pulumi.ComponentResource):
    """A component with a tree below it."""

    def __init__(self, name, inputs, depth=1, opts=None):
        super().__init__("generated:index:Group", name, inputs, opts)
        self.first = Anything(f"{name}-first", inputs, O(parent=self))
        self.second = aws.sns.Topic(f"{name}-second", opts=O(parent=self.first, depends_on=[self.first]))
        self.arn = self.second.arn
        self.inner = Group(f"{name}-inner", {"arn": self.arn}, depth - 1, O(parent=self)) if depth else None
        self.register_outputs({"arn": self.arn, **inputs})


def renamed(args):
    """A transform of properties."""
    return pulumi.ResourceTransformResult({**args.props, "delaySeconds": 7}, args.opts)


def guarded(args):
    """A transform of options."""
    return pulumi.ResourceTransformResult(args.props, O.merge(args.opts, O(protect=True, ignore_changes=["policy"])))


def former(args):
    """A transformation, as they were before transforms."""
    return pulumi.ResourceTransformationResult({**args.props, "x": args.name}, args.opts)


'''
_REGIONS = ("eu-west-3", "eu-central-1", "us-east-1")
_TEXTS = ("", "a", "é😀", "a: b", "0012", "2026-01-01", "true", "a\\nb", "${x}", "arn:aws:s3:::b")
_NAMES = ("a", "b_c", "dE", "with.dot", "x y", "0", "__private")


def project(seed: int, folder: Path) -> Path:
    """A project with a generated program and its stack dev."""
    made = folder / "project"
    made.mkdir()
    (made / "Pulumi.yaml").write_text("name: generated\nruntime: python\n")
    (made / "Pulumi.dev.yaml").write_text("config:\n  aws:region: eu-west-1\n")
    (made / "__main__.py").write_text(Generator(seed).program(STATEMENTS))
    return made


class Generator:
    """Writes a program line by line; every name that it has given out can be used from then on."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._resources: list[str] = []
        # Who waits for a component waits for all below it: what is to be a parent is never waited for, or nothing would end.
        self._components: list[str] = []
        self._parents: list[str] = []
        self._providers: list[str] = []
        self._answers: list[str] = []
        self._lines: list[str] = []

    def program(self, statements: int) -> str:
        """The source of a program of that many statements."""
        for number in range(statements):
            kind = self._random.choices(
                (self._anything, self._typed, self._component, self._provider, self._data, self._existing, self._export),
                (10, 8, 4, 2, 2, 1, 1),
            )[0]
            kind(number)
        return _HEADER + "\n".join(self._lines) + "\n"

    # -- statements
    def _anything(self, number: int) -> None:
        self._lines.append(f'r{number} = Anything("r-{number}", {self._object(2)}{self._options(number)})')
        self._resources.append(f"r{number}")

    def _typed(self, number: int) -> None:
        made = self._random.choice(
            (
                f'aws.sqs.Queue("t-{number}", tags={{"k": {self._text()}}}, policy={self._text()}',
                f'aws.sns.Topic("t-{number}", kms_master_key_id={self._text()}, tags={{}}',
                f'aws.ssm.Parameter("t-{number}", type="String", value=pulumi.Output.json_dumps({{"a": [{self._text()}, {self._text()}]}})',
                f'aws.s3.Bucket("t-{number}", force_destroy={self._random.choice(("True", "False", "None"))}',
                f'aws.kms.Key("t-{number}", enable_key_rotation=True, description={self._text()}',
                f'aws.ec2.SecurityGroup("t-{number}", ingress=[{{"protocol": "tcp", "from_port": 1, "to_port": 2, "cidr_blocks": [{self._text()}]}}]',
                f'aws.lambda_.Function("t-{number}", role={self._text()}, runtime="python3.12", handler="a.b", '
                f'code=pulumi.AssetArchive({{"a.py": pulumi.StringAsset("{number}")}}), environment={{"variables": {{"A": {self._text()}}}}}',
            )
        )
        self._lines.append(f"r{number} = {made}{self._options(number)})")
        self._resources.append(f"r{number}")

    def _component(self, number: int) -> None:
        depth = self._random.randrange(3)
        self._lines.append(f'c{number} = Group("c-{number}", {self._object(1)}, {depth}{self._options(number, component=True)})')
        (self._components if self._random.random() < 0.5 else self._parents).append(f"c{number}")

    def _provider(self, number: int) -> None:
        tags = f', default_tags={{"tags": {{"T": {self._text()}}}}}' if self._random.random() < 0.5 else ""
        region = repr(self._random.choice(_REGIONS))
        if self._resources and self._random.random() < 0.2:
            region = f"{self._random.choice(self._resources)}.id"
        version = ', opts=O(version="7.50.0")' if self._random.random() < 0.2 else ""
        self._lines.append(f'p{number} = aws.Provider("p-{number}", region={region}{tags}{version})')
        self._providers.append(f"p{number}")

    def _data(self, number: int) -> None:
        asked = self._random.choice(
            (
                "aws.get_caller_identity_output().account_id",
                "aws.get_region_output().region",
                "aws.get_availability_zones_output().names",
                f'aws.iam.get_policy_document_output(statements=[{{"actions": ["s3:Get*"], "resources": [{self._text()}]}}]).json',
                'aws.iam.get_policy_document(statements=[{"actions": ["sqs:*"], "resources": ["*"]}]).json',
            )
        )
        self._lines.append(f"d{number} = {asked}")
        self._answers.append(f"d{number}")

    def _existing(self, number: int) -> None:
        self._lines.append(f'r{number} = aws.sns.Topic.get("g-{number}", "arn:aws:sns:eu-west-1:123456789012:t-{number}")')
        self._parents.append(f"r{number}")  # and no value: an engine that is older than the SDK does not tell the id of what is read

    def _export(self, number: int) -> None:
        self._lines.append(f'pulumi.export("e-{number}", {self._value(2)})')

    # -- values
    def _text(self) -> str:
        """An expression of a text, or of an output of one."""
        roll = self._random.random()
        if roll < 0.35 or not self._resources:
            return f'"{self._random.choice(_TEXTS)}"'
        if roll < 0.65:
            return f"{self._random.choice(self._resources)}.{self._random.choice(('id', 'urn', 'arn'))}"
        if roll < 0.75 and self._components:
            return f"{self._random.choice(self._components)}.arn"
        if roll < 0.85:
            return f"secret({self._text()})"
        if roll < 0.92:
            return f'pulumi.Output.concat("x", {self._text()}, {self._text()})'
        return f"pulumi.Output.from_input({self._text()}).apply(lambda v: str(v).upper())"

    def _value(self, depth: int) -> str:
        """An expression of any value, at most `depth` lists and objects deep."""
        roll, known = self._random.random(), self._resources + self._components
        if depth and roll < 0.25:
            return self._object(depth - 1)
        if depth and roll < 0.45:
            return f"[{', '.join(self._value(depth - 1) for _ in range(self._random.randrange(4)))}]"
        if depth and roll < 0.55:
            return f"secret({self._value(depth - 1)})"
        if depth and roll < 0.6:
            return f"pulumi.Output.all({self._value(depth - 1)}, {self._text()})"
        if roll < 0.65 and self._answers:
            return self._random.choice(self._answers)
        if roll < 0.7:
            return self._random.choice(('pulumi.StringAsset("s")', 'pulumi.AssetArchive({"a": pulumi.StringAsset("s")})'))
        if roll < 0.75 and known:
            return self._random.choice(known)
        if roll < 0.85:
            return self._random.choice(("None", "0", "-1", "1.5", "2**40", "True", "False", "[]", "{}"))
        return self._text()

    def _object(self, depth: int) -> str:
        pairs = {self._random.choice(_NAMES): self._value(depth) for _ in range(self._random.randrange(4))}
        return "{" + ", ".join(f'"{name}": {value}' for name, value in pairs.items()) + "}"

    # -- options
    def _options(self, number: int, component: bool = False) -> str:
        chosen: list[str] = []
        known = self._resources + self._components

        def maybe(probability: float, text: str) -> None:
            if self._random.random() < probability:
                chosen.append(text)

        if known:
            parent, other, third = self._random.choice(self._resources + self._parents * 2 or known), *self._random.choices(known, k=2)
            maybe(0.3, f"parent={parent}")
            maybe(0.25, f"depends_on=[{', '.join({other: None, third: None})}]")
            maybe(0.1, f"aliases=[pulumi.Alias(parent={third})]")
        if self._providers:
            provider = self._random.choice(self._providers)
            maybe(0.2, f"providers=[{provider}]" if component and self._random.random() < 0.6 else f"provider={provider}")
        if self._resources:
            maybe(0.1, f"deleted_with={self._random.choice(self._resources)}")
        maybe(0.2, f"protect={self._random.choice(('True', 'False'))}")
        maybe(0.1, "retain_on_delete=True")
        maybe(0.15, "ignore_changes=['a', 'tags.x']")
        maybe(0.1, f"delete_before_replace={self._random.choice(('True', 'False'))}")
        maybe(0.1, "additional_secret_outputs=['arn']")
        maybe(0.1, "replace_on_changes=['a']")
        maybe(0.1, f"custom_timeouts=pulumi.CustomTimeouts(create='{self._random.choice(('5m', '90s', '1.5h'))}')")
        if not any(it.startswith("aliases") for it in chosen):
            maybe(0.1, f"aliases=[pulumi.Alias(name='old-{number}')]")
        maybe(0.1, f"transforms=[{self._random.choice(('renamed', 'guarded'))}]")
        maybe(0.06, "transformations=[former]")
        return f", opts=O({', '.join(chosen)})" if chosen else ""
