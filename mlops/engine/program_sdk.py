"""What the Pulumi SDKs of the program's interpreter say of themselves, and of what the program asks them.

Imported by `child` in the program's process: nothing but the standard library and `pulumi`.
"""

import sys
import typing


def outputs_of(cls):
    """[[name, always present]] of the class's output properties."""
    outputs = []
    for attribute in vars(cls).values():
        name = getattr(attribute.fget, "_pulumi_name", None) if isinstance(attribute, property) else None
        if name is not None:
            annotation = attribute.fget.__annotations__.get("return")
            arguments = typing.get_args(annotation)
            optional = type(None) in typing.get_args(arguments[0]) if arguments else "Optional" in str(annotation)
            outputs.append([name, not optional])
    return outputs


def outputs_of_function(token):
    """[[name, kind, always present]] of the result of a provider function, from the class that the SDK has for it."""
    package, module, function = (token.split(":") + ["", ""])[:3]
    root, wanted = "pulumi_" + package.replace("-", "_"), function[:1].upper() + function[1:] + "Result"
    found = []
    for name, loaded in list(sys.modules.items()):
        parts = name.split(".")
        if parts[0] == root and parts[-1].replace("_", "") == function.lower():
            cls = getattr(loaded, "__dict__", {}).get(wanted)
            if isinstance(cls, type):
                found.append((parts[-2].replace("_", "") != module.split("/")[0].lower(), cls))
    for _, cls in sorted(found, key=lambda pair: pair[0])[:1]:
        properties = [value for value in vars(cls).values() if isinstance(value, property)]
        named = [(getattr(value.fget, "_pulumi_name", None), str(value.fget.__annotations__.get("return"))) for value in properties]
        return [[name, kind_of(annotation), "Optional" not in annotation] for name, annotation in named if name]
    return []


def kind_of(annotation):
    """What a type annotation asks for, in words for a person."""
    kinds = {"Sequence": "list", "Mapping": "map", "bool": "true or false", "int": "number", "float": "number", "str": "text"}
    return next((kind for word, kind in kinds.items() if word in annotation), "any")


def listen_to_stack_references():
    """Which outputs the program reads of which stack, filled as it does: a missing one can then be asked for by name."""
    import pulumi

    read, names = {}, {}

    def listening(method):
        def call(reference, name, *args, **kwargs):
            if isinstance(name, str):
                asked = read.setdefault(names.get(reference, ""), [])
                asked += [name] if name not in asked else []
            return method(reference, name, *args, **kwargs)

        return call

    def initialise(reference, name, stack_name=None, *args, **kwargs):
        names[reference] = name if stack_name is None else stack_name
        construct(reference, name, stack_name, *args, **kwargs)

    construct = pulumi.StackReference.__init__
    setattr(pulumi.StackReference, "__init__", initialise)  # noqa: B010
    for method in ("get_output", "require_output", "get_output_details"):
        if hasattr(pulumi.StackReference, method):
            setattr(pulumi.StackReference, method, listening(getattr(pulumi.StackReference, method)))
    return read


def survey_configuration():
    """[[key, kind, secret]] of the configuration values that the program requires and does not get, filled as it runs.

    Each gets a stand-in, so that one run meets all of them; such a run never counts.
    """
    import pulumi

    missing = []
    stand_ins = {"int": ("number", 1), "float": ("number", 1.0), "bool": ("true or false", False), "object": ("map", {})}

    def surveying(method, kind, stand_in, secret):
        def require(config, *args, **kwargs):
            try:
                return method(config, *args, **kwargs)
            except pulumi.ConfigMissingError as error:
                if [error.key, kind, secret] not in missing:
                    missing.append([error.key, kind, secret])
                return pulumi.Output.secret(stand_in) if secret else stand_in

        return require

    for name in [name for name in dir(pulumi.Config) if name.split("_")[0] == "require"]:
        kind, stand_in = stand_ins.get(name.split("_")[-1], ("text", "unanswered"))
        setattr(pulumi.Config, name, surveying(getattr(pulumi.Config, name), kind, stand_in, "secret" in name))
    return missing
