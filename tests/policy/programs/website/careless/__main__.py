"""A static website as tutorials show it: a public bucket with CloudFront in front, a certificate and a DNS record."""

import json

import pulumi
import pulumi_aws as aws

domain = "www.example.com"

bucket = aws.s3.Bucket("site", acl="public-read", force_destroy=True)

website = aws.s3.BucketWebsiteConfiguration(
    "site",
    bucket=bucket.id,
    index_document={"suffix": "index.html"},
    error_document={"key": "404.html"},
)

aws.s3.BucketPublicAccessBlock("site", bucket=bucket.id, block_public_acls=False, block_public_policy=False)

aws.s3.BucketPolicy(
    "site",
    bucket=bucket.id,
    policy=bucket.arn.apply(
        lambda arn: json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{arn}/*"}],
            }
        )
    ),
)

aws.s3.BucketObject(
    "index",
    bucket=bucket.id,
    key="index.html",
    content="<h1>Hello</h1>",
    content_type="text/html",
    acl="public-read",
)

zone = aws.route53.Zone("example", name="example.com")
certificate = aws.acm.Certificate("site", domain_name=domain, validation_method="DNS")

distribution = aws.cloudfront.Distribution(
    "site",
    enabled=True,
    aliases=[domain],
    origins=[
        {
            "origin_id": "s3",
            "domain_name": website.website_endpoint,
            "custom_origin_config": {
                "http_port": 80,
                "https_port": 443,
                "origin_protocol_policy": "http-only",
                "origin_ssl_protocols": ["TLSv1"],
            },
        }
    ],
    default_cache_behavior={
        "target_origin_id": "s3",
        "viewer_protocol_policy": "allow-all",
        "allowed_methods": ["GET", "HEAD"],
        "cached_methods": ["GET", "HEAD"],
        "forwarded_values": {"query_string": True, "cookies": {"forward": "all"}},
    },
    restrictions={"geo_restriction": {"restriction_type": "none"}},
    viewer_certificate={"acm_certificate_arn": certificate.arn, "ssl_support_method": "sni-only", "minimum_protocol_version": "TLSv1"},
)

aws.route53.Record(
    "site",
    zone_id=zone.zone_id,
    name=domain,
    type="A",
    aliases=[{"name": distribution.domain_name, "zone_id": distribution.hosted_zone_id, "evaluate_target_health": False}],
)

pulumi.export("url", distribution.domain_name)
