"""Every example of the catalogue as the program it is shown as, all in one stack; exports the inputs of all types that rules name.

A snippet leaves out required properties that its rule does not read; here they get a placeholder, which the test takes out again.
Names carry rule and kind in front, because URNs are unique in a stack.
"""

import builtins
import importlib
import inspect
import keyword
import re
import types

import pulumi
import pulumi_aws
from wellarchitected import RULES
from wellarchitected.asl import PROCESSING_JOB, TRANSFORM_JOB
from wellarchitected.snippets import snippet

PLACEHOLDERS = {"engine": "aurora-postgresql"}  # where the SDK reads the value back as an enumeration
MISSING = re.compile(r"Missing required property '(\w+)'")


class Package:
    """A provider's package whose classes take incomplete resources and put a prefix before names."""

    def __init__(self, real, prefix):
        self._real, self._prefix = real, prefix

    def __getattr__(self, name):
        member = getattr(self._real, name)
        return Package(member, self._prefix) if isinstance(member, types.ModuleType) else self._making(member)

    def _making(self, cls):
        def make(resource_name, /, *, opts=None, **arguments):
            while True:
                try:
                    return cls(f"{self._prefix}{resource_name}", opts=opts, **arguments)
                except TypeError as error:
                    lacking = MISSING.search(str(error))
                    if lacking is None:
                        raise
                    arguments[lacking[1]] = PLACEHOLDERS.get(lacking[1], "left-out")

        return make


class Command(pulumi.CustomResource):
    """The one resource of the examples that is not of the AWS provider."""

    def __init__(self, name, opts=None):
        super().__init__("command:local:Command", name, {}, opts)


def importing(prefix):
    """What `import` does in a snippet."""
    packages = {
        "pulumi_aws": Package(pulumi_aws, prefix),
        "pulumi_command": Package(types.SimpleNamespace(local=LOCAL), prefix),
    }
    return lambda name, *more: packages.get(name) or builtins.__import__(name, *more)


def resource_class(type_):
    """The class of an AWS resource type."""
    module, name = type_.removeprefix("aws:").split("/")[0], type_.split(":")[-1]
    return getattr(importlib.import_module(f"pulumi_aws.{module}{'_' if keyword.iskeyword(module) else ''}"), name)


def input_names(type_):
    """The input properties of an AWS resource type, as the engine names them."""
    arguments = inspect.signature(resource_class(type_)._internal_init).parameters
    names = [name for name in arguments if name not in ("__self__", "resource_name", "opts")]
    return [re.sub(r"_(\w)", lambda match: match[1].upper(), name) for name in names]


LOCAL = types.ModuleType("local")
LOCAL.Command = Command

for rule in RULES:
    for kind, examples in (("compliant", rule.compliant), ("violating", rule.violating)):
        prefix = f"{rule.id}|{kind}|"
        program = compile(snippet(examples), prefix, "exec")
        exec(program, {"__builtins__": {**vars(builtins), "__import__": importing(prefix)}})  # noqa: S102 - our own examples

NOT_IN_PULUMI = {TRANSFORM_JOB, PROCESSING_JOB}  # only state machines and pipelines start them
named = {type_ for rule in RULES for type_ in (*rule.types, *rule.when_types, *filter(None, [rule.reads_of]))}
named |= {example.type for rule in RULES for example in (*rule.compliant, *rule.violating)}
aws = {type_ for type_ in named if type_.startswith("aws:") and not type_.endswith("*")} - NOT_IN_PULUMI
pulumi.export("inputs", {type_: input_names(type_) for type_ in sorted(aws)})
pulumi.export("taggable", sorted(type_ for type_ in aws if hasattr(resource_class(type_), "tags_all")))
