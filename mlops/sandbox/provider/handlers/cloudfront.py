"""CloudFront distributions, kept: nothing is served from the edge. And the deliveries of their access logs, which deliver nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.handler import Handler
from mlops.sandbox.provider.properties import Properties

# The hosted zone of every distribution, for alias records.
_ZONE = "Z2FDTNDATAQYW2"


def _items(values: list[Any] | None) -> dict[str, Any]:
    """A list as CloudFront writes it."""
    return {"Quantity": len(values), "Items": list(values)} if values else {"Quantity": 0}


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


class Distribution(Handler):
    type_, service, tagged = "aws:cloudfront/distribution:Distribution", "cloudfront", True
    own_id = True

    def create(self, call: Call, p: Properties) -> str:
        configuration = self._configuration(call, p, f"{call.name}-{call.stamp()}")
        if call.tags:
            with_tags = {"DistributionConfig": configuration, "Tags": {"Items": call.tag_list()}}
            made = call("create_distribution_with_tags", DistributionConfigWithTags=with_tags)
        else:
            made = call("create_distribution", DistributionConfig=configuration)
        return made["Distribution"]["Id"]

    def _configuration(self, call: Call, p: Properties, reference: str) -> dict[str, Any]:
        p.only("waitForDeployment", True, False, because="a distribution is there at once")
        p.only("retainOnDelete", False, because="a destroy leaves nothing behind")
        p.only("staging", False, because="it has no continuous deployment")
        behaviour, restrictions, certificate = p.block("defaultCacheBehavior"), p.block("restrictions"), p.block("viewerCertificate")
        for key, block in (("defaultCacheBehavior", behaviour), ("restrictions", restrictions), ("viewerCertificate", certificate)):
            if block is None:
                p.problem(key, "is required")
        return _without_none(
            {
                "CallerReference": reference,
                "Enabled": p.boolean("enabled"),
                # The API wants a comment, the type does not.
                "Comment": p.take("comment", ""),
                "HttpVersion": p.take("httpVersion"),
                "IsIPV6Enabled": p.boolean("isIpv6Enabled", False),
                "PriceClass": p.take("priceClass"),
                "WebACLId": p.take("webAclId"),
                "DefaultRootObject": p.take("defaultRootObject"),
                "Aliases": _items(p.take("aliases")),
                "Origins": _items([self._origin(block) for block in p.blocks("origins")]),
                "DefaultCacheBehavior": self._behaviour(behaviour) if behaviour else None,
                "Restrictions": self._restrictions(restrictions) if restrictions else None,
                "ViewerCertificate": self._certificate(certificate) if certificate else None,
            }
        )

    @staticmethod
    def _origin(p: Properties) -> dict[str, Any]:
        made = {
            "Id": p.require("originId"),
            "DomainName": p.require("domainName"),
            "OriginPath": p.take("originPath", ""),
            "ConnectionAttempts": p.take("connectionAttempts"),
            "ConnectionTimeout": p.take("connectionTimeout"),
        }
        custom = p.block("customOriginConfig")
        if custom is None:
            p.problem("customOriginConfig", "is required: the sandbox keeps distributions of custom origins only")
            return made
        made["CustomOriginConfig"] = _without_none(
            {
                "HTTPPort": custom.require("httpPort"),
                "HTTPSPort": custom.require("httpsPort"),
                "OriginProtocolPolicy": custom.require("originProtocolPolicy"),
                "OriginSslProtocols": _items(custom.require("originSslProtocols")),
                "OriginReadTimeout": custom.take("originReadTimeout"),
                "OriginKeepaliveTimeout": custom.take("originKeepaliveTimeout"),
            }
        )
        return _without_none(made)

    @staticmethod
    def _behaviour(p: Properties) -> dict[str, Any]:
        methods = {**_items(p.require("allowedMethods")), "CachedMethods": _items(p.require("cachedMethods"))}
        return _without_none(
            {
                "TargetOriginId": p.require("targetOriginId"),
                "ViewerProtocolPolicy": p.require("viewerProtocolPolicy"),
                "AllowedMethods": methods,
                "CachePolicyId": p.require("cachePolicyId"),
                "OriginRequestPolicyId": p.take("originRequestPolicyId"),
                "ResponseHeadersPolicyId": p.take("responseHeadersPolicyId"),
                "Compress": p.boolean("compress", False),
            }
        )

    @staticmethod
    def _restrictions(p: Properties) -> dict[str, Any]:
        geography = p.block("geoRestriction")
        if geography is None:
            p.problem("geoRestriction", "is required")
            return {}
        return {"GeoRestriction": {"RestrictionType": geography.require("restrictionType"), **_items(geography.take("locations"))}}

    @staticmethod
    def _certificate(p: Properties) -> dict[str, Any]:
        return _without_none(
            {
                "CloudFrontDefaultCertificate": p.boolean("cloudfrontDefaultCertificate"),
                "ACMCertificateArn": p.take("acmCertificateArn"),
                "SSLSupportMethod": p.take("sslSupportMethod"),
                "MinimumProtocolVersion": p.take("minimumProtocolVersion"),
            }
        )

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found = call("get_distribution", Id=id_)["Distribution"]
        return {"arn": found["ARN"], "domainName": found["DomainName"], "hostedZoneId": _ZONE}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        configuration = self._configuration(call, p, "")
        call.finish()
        found = call("get_distribution_config", Id=id_)
        configuration["CallerReference"] = found["DistributionConfig"]["CallerReference"]
        call("update_distribution", Id=id_, IfMatch=found["ETag"], DistributionConfig=configuration)

    def retag(self, call: Call, id_: str, arn: str, add: dict[str, str], remove: list[str]) -> None:
        if add:
            call("tag_resource", Resource=arn, Tags={"Items": [{"Key": key, "Value": value} for key, value in add.items()]})
        if remove:
            call("untag_resource", Resource=arn, TagKeys={"Items": remove})

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        # Unlike AWS, the sandbox has no edge that must let go of a distribution first: it is deleted while it is enabled.
        found = call("get_distribution_config", Id=id_)
        call("delete_distribution", Id=id_, IfMatch=found["ETag"])


class _Delivery(Handler):
    """What the three types of a delivery have in common."""

    service, tagged = "logs", True


class LogDeliverySource(_Delivery):
    type_ = "aws:cloudwatch/logDeliverySource:LogDeliverySource"
    name_property, name_length = "name", 60

    def create(self, call: Call, p: Properties) -> str:
        name = p.require("name")
        call(
            "put_delivery_source",
            name=name,
            resourceArn=p.require("resourceArn"),
            logType=p.require("logType"),
            tags=call.tags or None,
        )
        return name

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found = call("get_delivery_source", name=id_)["deliverySource"]
        return {"arn": found["arn"], "service": found["service"]}

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_delivery_source", name=id_)


class LogDeliveryDestination(_Delivery):
    type_ = "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination"
    name_property, name_length = "name", 60
    replaced_here = ("deliveryDestinationConfiguration", "deliveryDestinationType")

    def create(self, call: Call, p: Properties) -> str:
        name, configuration = p.require("name"), p.block("deliveryDestinationConfiguration")
        if configuration is None:
            p.problem("deliveryDestinationConfiguration", "is required")
        call(
            "put_delivery_destination",
            name=name,
            outputFormat=p.take("outputFormat"),
            deliveryDestinationConfiguration={
                "destinationResourceArn": configuration.require("destinationResourceArn") if configuration else None
            },
            tags=call.tags or None,
        )
        return name

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found = call("get_delivery_destination", name=id_)["deliveryDestination"]
        return {"arn": found["arn"], "deliveryDestinationType": found["deliveryDestinationType"]}

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_delivery_destination", name=id_)


class LogDelivery(_Delivery):
    type_ = "aws:cloudwatch/logDelivery:LogDelivery"
    replaced_here = ("fieldDelimiter", "recordFields", "s3DeliveryConfigurations")

    def create(self, call: Call, p: Properties) -> str:
        source, destination = p.require("deliverySourceName"), p.require("deliveryDestinationArn")
        made = call("create_delivery", deliverySourceName=source, deliveryDestinationArn=destination, tags=call.tags or None)
        return made["delivery"]["id"]

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"arn": call("get_delivery", id=id_)["delivery"]["arn"]}

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_delivery", id=id_)
