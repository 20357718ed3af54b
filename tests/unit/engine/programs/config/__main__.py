"""Says what configuration it is given."""

import json

import pulumi
from pulumi.runtime.config import CONFIG

given = pulumi.Config()
pulumi.export("config", dict(sorted(CONFIG.get().items())))
pulumi.export("secret", {key: given.get_secret(key) for key in ("secret", "with-secret", "secret-default")})
pulumi.export("object", given.require_object("object"))
pulumi.export("integer", given.require_int("integer"))
pulumi.export("boolean", given.require_bool("boolean"))
pulumi.export("fraction", given.require_float("fraction"))
pulumi.export("length", len(json.dumps(given.require_object("items"))))
