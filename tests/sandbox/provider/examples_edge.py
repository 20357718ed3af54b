"""Examples of what is at the edge: a distribution and the delivery of its access log."""

from __future__ import annotations

from typing import Any

from tests.sandbox.provider.example import REGION, TAGS, Ref

EDGE: list[tuple[str, str, dict[str, Any]]] = [
    (
        "aws:cloudfront/distribution:Distribution",
        "distribution",
        {
            "enabled": True,
            "comment": "predictions",
            "httpVersion": "http2and3",
            "isIpv6Enabled": True,
            "priceClass": "PriceClass_100",
            "origins": [
                {
                    "originId": "api",
                    "domainName": f"abc123.execute-api.{REGION}.amazonaws.com",
                    "originPath": "/v1",
                    "customOriginConfig": {
                        "httpPort": 80,
                        "httpsPort": 443,
                        "originProtocolPolicy": "https-only",
                        "originSslProtocols": ["TLSv1.2"],
                        "originReadTimeout": 30,
                    },
                }
            ],
            "defaultCacheBehavior": {
                "targetOriginId": "api",
                "viewerProtocolPolicy": "https-only",
                "allowedMethods": ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"],
                "cachedMethods": ["GET", "HEAD"],
                "cachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
                "originRequestPolicyId": "b689b0a8-53d0-40ab-baf2-68738e2966ac",
                "responseHeadersPolicyId": "67f7725c-6f97-4210-82d7-5512b31e9d03",
            },
            "restrictions": {"geoRestriction": {"restrictionType": "none"}},
            "viewerCertificate": {"cloudfrontDefaultCertificate": True},
            "tags": TAGS,
        },
    ),
    (
        "aws:cloudwatch/logDeliverySource:LogDeliverySource",
        "delivery-source",
        {"name": "access", "logType": "ACCESS_LOGS", "resourceArn": Ref("distribution", "arn"), "tags": TAGS},
    ),
    (
        "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination",
        "delivery-destination",
        {
            "name": "access",
            "outputFormat": "json",
            "deliveryDestinationConfiguration": {"destinationResourceArn": Ref("bucket", "arn")},
            "tags": TAGS,
        },
    ),
    (
        "aws:cloudwatch/logDelivery:LogDelivery",
        "delivery",
        {
            "deliverySourceName": Ref("delivery-source", "name"),
            "deliveryDestinationArn": Ref("delivery-destination", "arn"),
            "tags": TAGS,
        },
    ),
]
