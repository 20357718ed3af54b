"""What stacks stand on: `account` once per account and region, `org` once in the management account. Two Pulumi projects of their own."""
