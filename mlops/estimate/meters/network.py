"""Gateways, endpoints, addresses, APIs and what leaves AWS."""

from __future__ import annotations

from collections.abc import Iterable

from wellarchitected import Resource
from wellarchitected.values import Unreadable, holds_unreadable

from mlops.estimate.amount import Amount
from mlops.estimate.meters.registry import NotEstimated, Stack, meter
from mlops.estimate.usage import Given
from mlops.estimate.use import HOURS, Use

SUBNET = "aws:ec2/subnet:Subnet"
KB_A_GB = 1024 * 1024


@meter("aws:ec2/natGateway:NatGateway")
def nat_gateway(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """Hours, and what goes through it."""
    yield Use("NAT gateways", "vpc.nat_gateway_hour", "gateways", "hour", Amount.of(HOURS))
    yield Use("NAT gateways", "vpc.nat_gateway_gb", "data through gateways", "GB", usage["data_gb"])


@meter("aws:ec2/eip:Eip")
def address(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """A public IPv4 address, in use or not."""
    yield Use("Public IPv4", "vpc.public_ipv4_hour", "addresses", "hour", Amount.of(HOURS))


@meter("aws:ec2/vpcEndpoint:VpcEndpoint")
def endpoint(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """An interface endpoint costs by the hour in each zone; gateway endpoints are free."""
    kind = resource.get("vpcEndpointType", "Gateway")
    if kind == "Gateway":
        return
    if kind != "Interface":
        raise NotEstimated(f"endpoints of type {kind} have no price here")
    hours = Amount.of(zones(resource, stack) * HOURS)
    yield Use("VPC endpoints", "vpc.endpoint_hour", "endpoints in a zone", "hour", hours)
    yield Use("VPC endpoints", "vpc.endpoint_gb", "data through endpoints", "GB", usage["data_gb"])


def zones(endpoint: Resource, stack: Stack) -> int:
    """In how many zones an endpoint is: its subnets, or the zones of those that its subnets come from, as it takes one of a zone."""
    subnets = endpoint.values.get("subnetIds")
    if isinstance(subnets, list):
        return len(subnets)
    if isinstance(subnets, Unreadable):
        sources = [subnet.values.get("availabilityZone") for subnet in stack.linked(endpoint, "subnetIds", SUBNET)]
        if sources and not holds_unreadable(sources) and None not in sources:
            return len(set(sources))
    raise NotEstimated("the number of its subnets is not known before deployment")


@meter("aws:apigateway/restApi:RestApi")
def rest_api(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """Requests, and the answers that leave AWS."""
    yield Use("API Gateway", "apigateway.rest_request", "requests", "request", usage["requests"])
    yield from _answers(usage)


@meter("aws:apigatewayv2/api:Api")
def http_api(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """Requests, and the answers that leave AWS."""
    if resource.get("protocolType") != "HTTP":
        raise NotEstimated("WebSocket APIs have no price here")
    yield Use("API Gateway", "apigateway.http_request", "requests", "request", usage["requests"])
    yield from _answers(usage)


def _answers(usage: Given) -> Iterable[Use]:
    leaving = usage["requests"] * usage["answer_kb"] * (1 / KB_A_GB)
    yield Use("Data transfer", "transfer.out_gb", "answers to the internet", "GB", leaving)


@meter("aws:apigateway/stage:Stage")
def stage(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """The cache, where there is one."""
    if resource.get("cacheClusterEnabled"):
        size = resource.get("cacheClusterSize", "0.5")
        yield Use("API Gateway", f"apigateway.cache_hour.{size}", f"cache of {size} GB", "hour", Amount.of(HOURS))


@meter("aws:cloudfront/distribution:Distribution")
def distribution(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """Requests at the edge and the answers from there."""
    yield Use("CloudFront", "cloudfront.https_request", "HTTPS requests", "request", usage["requests"])
    yield Use("CloudFront", "cloudfront.out_gb", "answers to the internet", "GB", usage["data_gb"])


@meter("aws:route53/healthCheck:HealthCheck")
def health_check(resource: Resource, usage: Given, stack: Stack) -> Iterable[Use]:
    """The check and each of its optional features."""
    kind = resource.get("type", "")
    if kind in ("CALCULATED", "CLOUDWATCH_METRIC", "RECOVERY_CONTROL"):
        raise NotEstimated(f"health checks of type {kind} have no price here")
    features = sum(
        (kind.startswith("HTTPS"), kind.endswith("STR_MATCH"), resource.get("requestInterval") == 10, bool(resource.get("measureLatency")))
    )
    yield Use("Route 53", "route53.health_check_month", "health checks", "check-month", Amount.of(1))
    yield Use("Route 53", "route53.health_check_feature_month", "features of health checks", "feature-month", Amount.of(features))
