"""Subnet arithmetic of `awsx.ec2.Vpc` (pulumi-awsx 3.11.0): which blocks each zone gets. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Any

_ADDRESS_BITS = 32
_LEGACY_MINIMUM_MASKS = {"Private": 19, "Public": 20, "Isolated": 24}
_LARGEST_AUTOMATIC_ZONE = 16
_SMALLEST_AUTOMATIC_ZONE = 26


@dataclass(frozen=True)
class SubnetSpec:
    """One entry of `subnetSpecs`; `blocks` are explicit CIDR blocks, one a zone."""

    type: str
    name: str | None = None
    mask: int | None = None
    blocks: tuple[str, ...] | None = None
    tags: dict[str, Any] = field(default_factory=dict)
    assign_ipv6: bool = False


@dataclass(frozen=True)
class SubnetBlock:
    """One subnet of one zone (`zone` counts from 0)."""

    name: str
    type: str
    zone: int
    block: IPv4Network
    tags: dict[str, Any] = field(default_factory=dict)
    assign_ipv6: bool = False


def allocate(
    name: str, vpc: IPv4Network, zones: int, strategy: str, specs: Sequence[SubnetSpec] | None, zone_mask: int | None
) -> list[SubnetBlock]:
    """The subnets of every zone, `Unused` reservations included; ValueError when they do not fit or overlap."""
    if strategy == "Legacy" or (specs is None and strategy == "Exact"):
        blocks = _legacy(name, vpc, zones, specs)
    elif specs is not None and any(spec.blocks for spec in specs):
        blocks = _explicit(name, zones, specs)
    else:
        blocks = _auto(name, vpc, zones, specs, zone_mask)
    _check_overlaps(blocks)
    if strategy == "Exact":
        _check_gaps(vpc, blocks)
    return blocks


def layout(blocks: Sequence[SubnetBlock], zones: int) -> list[dict[str, Any]]:
    """The specs that describe `blocks`: as awsx does it, read off as many blocks as one zone has, gaps as `Unused`."""
    described: list[dict[str, Any]] = []
    previous: IPv4Network | None = None
    for block in blocks[: len(blocks) // zones]:
        if previous is not None:
            start, end = sorted((previous, block.block))
            described.extend({"type": "Unused", "cidrMask": gap.prefixlen} for gap in _gaps(start, end))
        described.append({"type": block.type, "cidrMask": block.block.prefixlen})
        previous = block.block
    return described


def _gaps(start: IPv4Network, end: IPv4Network) -> list[IPv4Network]:
    first = int(start.broadcast_address) + 1
    gaps: list[IPv4Network] = []
    while first < int(end.network_address):
        mask = _ADDRESS_BITS
        while mask > 0:
            wider = IPv4Network((first, mask - 1), strict=False)
            if int(wider.network_address) != first or int(wider.broadcast_address) >= int(end.network_address):
                break
            mask -= 1
        gaps.append(IPv4Network((first, mask)))
        first = int(gaps[-1].broadcast_address) + 1
    return gaps


def bits_for(count: int) -> int:
    """How many bits number `count` things."""
    return math.ceil(math.log2(count)) if count else 0


def _subnet_name(name: str, spec: SubnetSpec, zone: int) -> str:
    return f"{name}-{spec.name or spec.type.lower()}-{zone + 1}"


def _block(name: str, spec: SubnetSpec, zone: int, block: IPv4Network) -> SubnetBlock:
    return SubnetBlock(_subnet_name(name, spec, zone), spec.type, zone, block, spec.tags, spec.assign_ipv6)


def _next(previous: IPv4Network, mask: int) -> IPv4Network:
    """The first block of this size after `previous`."""
    same_size = IPv4Network((int(previous.broadcast_address), mask), strict=False)
    return IPv4Network((int(same_size.broadcast_address) + 1, mask))


def _auto(name: str, vpc: IPv4Network, zones: int, specs: Sequence[SubnetSpec] | None, zone_mask: int | None) -> list[SubnetBlock]:
    mask = zone_mask or vpc.prefixlen + bits_for(zones)
    if specs is None:
        if mask > _SMALLEST_AUTOMATIC_ZONE:
            raise ValueError(f"automatic subnets need at least a /{_SMALLEST_AUTOMATIC_ZONE} a zone, got /{mask}")
        largest = max(mask, _LARGEST_AUTOMATIC_ZONE)
        specs = [SubnetSpec("Private", mask=largest + 1), SubnetSpec("Public", mask=largest + 2)]
    if not specs:
        raise ValueError("no subnets specified")
    default_mask = mask + bits_for(len(specs))
    needed, available = sum(2 ** (_ADDRESS_BITS - (spec.mask or default_mask)) for spec in specs), 2 ** (_ADDRESS_BITS - mask)
    if needed > available:
        raise ValueError(f"a zone has {available} addresses, but its subnets need {needed}")
    blocks: list[SubnetBlock] = []
    zone_block = IPv4Network((int(vpc.network_address), mask))
    for zone in range(zones):
        current: IPv4Network | None = None
        for spec in specs:
            size = spec.mask or default_mask
            current = IPv4Network((int(zone_block.network_address), size)) if current is None else _next(current, size)
            blocks.append(_block(name, spec, zone, current))
        zone_block = _next(zone_block, mask)
    return blocks


def _explicit(name: str, zones: int, specs: Sequence[SubnetSpec]) -> list[SubnetBlock]:
    for index, spec in enumerate(specs):
        if spec.blocks is None or len(spec.blocks) != zones:
            raise ValueError(f"subnetSpecs[{index}].cidrBlocks must have one block for each of the {zones} zones, as those of all specs")
        if spec.mask is not None and any(IPv4Network(block).prefixlen != spec.mask for block in spec.blocks):
            raise ValueError(f"subnetSpecs[{index}].cidrMask must match all its cidrBlocks")
    return [_block(name, spec, zone, IPv4Network((spec.blocks or ())[zone])) for zone in range(zones) for spec in specs]


def _legacy(name: str, vpc: IPv4Network, zones: int, specs: Sequence[SubnetSpec] | None) -> list[SubnetBlock]:
    mask = vpc.prefixlen + bits_for(zones)
    bases = [_shifted(vpc, mask, zone) for zone in range(zones)]
    if specs is None:
        private = [_block(name, SubnetSpec("Private"), zone, _shifted(base, mask + 1, 0)) for zone, base in enumerate(bases)]
        public = [_block(name, SubnetSpec("Public"), zone, _next(item.block, mask + 2)) for zone, item in enumerate(private)]
        return private + public
    extra_bits = 0 if len(specs) == 1 else 1
    blocks: list[SubnetBlock] = []
    for zone, zone_base in enumerate(bases):
        previous: IPv4Network | None = None
        for kind, minimum in _LEGACY_MINIMUM_MASKS.items():
            base = zone_base if previous is None else _next(previous, previous.prefixlen)
            for index, spec in enumerate(spec for spec in specs if spec.type == kind):
                size = spec.mask or max(mask + extra_bits, minimum)
                block = _shifted(base, size, index)
                if previous is not None and block.overlaps(previous):
                    block = _next(previous, size)
                blocks.append(_block(name, spec, zone, block))
                previous = block
    return blocks


def _shifted(base: IPv4Network, mask: int, index: int) -> IPv4Network:
    """The `index`-th block of size `mask`, counted from the start of `base`."""
    return IPv4Network((int(base.network_address) + index * 2 ** (_ADDRESS_BITS - mask), mask), strict=False)


def _check_overlaps(blocks: Sequence[SubnetBlock]) -> None:
    ordered = sorted(blocks, key=lambda item: (int(item.block.network_address), item.block.prefixlen))
    for first, second in zip(ordered, ordered[1:], strict=False):
        if first.block.overlaps(second.block):
            raise ValueError(
                f"the subnets {first.name} ({first.block}) and {second.name} ({second.block}) overlap: make the VPC larger, the subnets smaller or the zones fewer"
            )


def _check_gaps(vpc: IPv4Network, blocks: Sequence[SubnetBlock]) -> None:
    expected = int(vpc.network_address)
    for block in blocks:
        if int(block.block.network_address) != expected:
            raise ValueError(f"strategy Exact allows no gaps, but there is one before {block.name} ({block.block})")
        expected = int(block.block.broadcast_address) + 1
    if expected != int(vpc.broadcast_address) + 1:
        raise ValueError(f"strategy Exact allows no gaps, but {blocks[-1].name} ends before the VPC {vpc} does")
