"""CloudFront in front of the REST API: TLS ends near the caller, the way from there is AWS's network, and nothing is cached.

The API stays reachable by its own address, and it is the API that checks signatures: a request is signed for the host
`<api>.execute-api.<region>.amazonaws.com` and the path with the stage, and is sent to the distribution without the stage.
"""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws

from components.api.rest_api import RestApi
from components.base.lake import DISTRIBUTION_LOG
from components.base.regions import GLOBAL
from components.base.shared import Shared

# AWS's managed policies have the same ids in every account.
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html
ALL_VIEWER_EXCEPT_HOST_HEADER = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-response-headers-policies.html
SECURITY_HEADERS = "67f7725c-6f97-4210-82d7-5512b31e9d03"
ORIGIN = "api"
# CloudFront takes this set or sets without POST.
METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]


class Cdn(pulumi.ComponentResource):
    """`url` stands for the API's URL including its stage."""

    spec = ("PERF-2d", "SEC-5b")

    def __init__(self, name: str, *, shared: Shared, api: RestApi, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:inference:Cdn", name, None, opts)
        self._name, self._shared, self._platform = name, shared, shared.platform
        distribution = self._distribution(api)
        self._log(distribution)
        self.id = distribution.id
        domain = self._platform.settings.cdn.domain
        self.url: pulumi.Output[str] = pulumi.Output.format("https://{0}", domain or distribution.domain_name)
        self.register_outputs({"url": self.url})

    def outputs(self) -> dict[str, Any]:
        return {"url": self.url, "distribution": self.id}

    def _distribution(self, api: RestApi) -> aws.cloudfront.Distribution:
        settings = self._platform.settings.cdn
        return aws.cloudfront.Distribution(
            f"{self._name}-distribution",
            enabled=True,
            comment=f"{self._platform.prefix}: predictions",
            http_version="http2and3",
            is_ipv6_enabled=True,
            price_class=settings.price_class,
            web_acl_id=settings.web_acl_arn,
            aliases=[settings.domain] if settings.domain else None,
            origins=[self._origin(api)],  # type: ignore[list-item]
            default_cache_behavior={
                "target_origin_id": ORIGIN,
                # A redirected POST would lose its body, and its first try would have been in the clear.
                "viewer_protocol_policy": "https-only",
                "allowed_methods": METHODS,
                "cached_methods": ["GET", "HEAD"],
                "cache_policy_id": CACHING_DISABLED,
                "origin_request_policy_id": ALL_VIEWER_EXCEPT_HOST_HEADER,
                "response_headers_policy_id": SECURITY_HEADERS,
            },
            restrictions={"geo_restriction": {"restriction_type": "none"}},
            viewer_certificate=self._certificate(),  # type: ignore[arg-type]
            # The origin's path is the stage's.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[api.stage]),
        )

    def _origin(self, api: RestApi) -> dict[str, Any]:
        arns = self._platform.arns
        return {
            "origin_id": ORIGIN,
            "domain_name": pulumi.Output.format("{0}.execute-api.{1}.{2}", api.id, self._platform.region, arns.domain()),
            "origin_path": f"/{api.stage_name}",
            "custom_origin_config": {
                "http_port": 80,
                "https_port": 443,
                "origin_protocol_policy": "https-only",
                "origin_ssl_protocols": ["TLSv1.2"],
                # The API gives up after 29 seconds.
                "origin_read_timeout": 30,
            },
        }

    def _certificate(self) -> dict[str, Any]:
        arn = self._platform.settings.cdn.certificate_arn
        if arn is None:
            # Under *.cloudfront.net AWS sets the minimum itself, and it is TLS 1.0.
            return {"cloudfront_default_certificate": True}
        return {"acm_certificate_arn": arn, "ssl_support_method": "sni-only", "minimum_protocol_version": "TLSv1.2_2021"}

    def _log(self, distribution: aws.cloudfront.Distribution) -> None:
        # Standard logging v2: the older way writes with ACLs, which a bucket with BucketOwnerEnforced refuses. It is set up in us-east-1 only.
        child = pulumi.ResourceOptions(parent=self)
        source_name = self._platform.name(DISTRIBUTION_LOG)
        source = aws.cloudwatch.LogDeliverySource(
            f"{self._name}-log-source",
            region=GLOBAL,
            name=source_name,
            log_type="ACCESS_LOGS",
            resource_arn=distribution.arn,
            opts=child,
        )
        lake = self._shared.lake
        destination = aws.cloudwatch.LogDeliveryDestination(
            f"{self._name}-log-destination",
            region=GLOBAL,
            name=source_name,
            output_format="json",
            delivery_destination_configuration={"destination_resource_arn": lake.logs.arn},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[lake.log_policy]),
        )
        aws.cloudwatch.LogDelivery(
            f"{self._name}-log-delivery",
            region=GLOBAL,
            delivery_source_name=source.name,
            delivery_destination_arn=destination.arn,
            opts=child,
        )
