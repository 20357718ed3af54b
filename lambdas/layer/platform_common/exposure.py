"""What lets the world in: addresses, and statements of policies."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

# Addresses that are nobody's on the internet (RFC 1918, 6598, 3927, 4193, 4291).
PRIVATE = tuple(
    ip_network(each)
    for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fc00::/7", "fe80::/10")
)
# Condition keys that say who may come in; a statement for everybody without one of them is for everybody.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status
LIMITING = {
    "aws:principalaccount", "aws:principalarn", "aws:principalorgid", "aws:principalorgpaths", "aws:sourceaccount", "aws:sourcearn",
    "aws:sourceip", "aws:sourceowner", "aws:sourceorgid", "aws:sourcevpc", "aws:sourcevpce", "aws:userid", "aws:vpcsourceip",
}  # fmt: skip


def is_open(cidr: str | None) -> bool:
    """Whether a range has addresses of the internet: 0.0.0.0/0 has, and so have its halves."""
    if not cidr:
        return False
    network = ip_network(cidr, strict=False)
    return not any(_within(network, private) for private in PRIVATE)


def _within(network: IPv4Network | IPv6Network, private: IPv4Network | IPv6Network) -> bool:
    if isinstance(network, IPv4Network) and isinstance(private, IPv4Network):
        return network.subnet_of(private)
    return isinstance(network, IPv6Network) and isinstance(private, IPv6Network) and network.subnet_of(private)


def is_public(statement: Mapping[str, Any]) -> bool:
    """An allow for everybody under no condition that says who; the one of a function's open URL has a condition and is public all the same."""
    principal = statement.get("Principal")
    named = principal.get("AWS") if isinstance(principal, dict) else principal
    everybody = named == "*" or (isinstance(named, list) and "*" in named)
    tested = {key.lower() for tests in (statement.get("Condition") or {}).values() for key in tests}
    return statement.get("Effect") == "Allow" and everybody and not tested & LIMITING
