"""Wants a configuration value that there is none of."""

import pulumi

pulumi.Config().require("size")
