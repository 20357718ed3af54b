"""Says itself what is wrong."""

import pulumi

raise pulumi.RunError("set the size")
