"""The tags that costs are told apart by: the one list of their keys.

The management account activates them as cost allocation tags (`foundations/org`); budgets, the cost report and the anomaly monitor filter by
them. AWS attributes a cost to a tag from its activation on, never backwards.
"""

from __future__ import annotations

# `Model` is on what belongs to one model, `Stack` tells two stacks of one environment apart, `ExpiresOn` is on stacks of a branch.
COST_ALLOCATION_TAGS = ("Project", "Environment", "Stack", "CostCenter", "Owner", "Model")
EXPIRY_TAG = "ExpiresOn"
