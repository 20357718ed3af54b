"""A type that has no three parts."""

import pulumi

pulumi.CustomResource("aws:Queue", "queue")
