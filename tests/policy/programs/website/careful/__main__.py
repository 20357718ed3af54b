"""A static website: a private bucket that only its distribution reads, TLS, security headers, logs, versions."""

import json

import pulumi
import pulumi_aws as aws

domain = "www.example.com"
account = aws.get_caller_identity().account_id
north_virginia = aws.Provider(
    "us-east-1",
    region="us-east-1",
    allowed_account_ids=[account],
    default_tags={"tags": {"Project": "website", "Environment": "prod", "Owner": "web", "CostCenter": "4711", "ManagedBy": "pulumi"}},
)


def private_bucket(name: str, purpose: str, days: int) -> aws.s3.Bucket:
    """A bucket nobody outside may read, with versions and an end for what is old."""
    bucket = aws.s3.Bucket(name, bucket=f"example-{purpose}-{account}", opts=pulumi.ResourceOptions(protect=True))
    aws.s3.BucketPublicAccessBlock(
        name,
        bucket=bucket.id,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
    )
    aws.s3.BucketVersioning(name, bucket=bucket.id, versioning_configuration={"status": "Enabled"})
    aws.s3.BucketLifecycleConfiguration(
        name,
        bucket=bucket.id,
        rules=[
            {
                "id": "old",
                "status": "Enabled",
                "noncurrent_version_expiration": {"noncurrent_days": days},
                "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
            }
        ],
    )
    return bucket


def tls_only(name: str, bucket: aws.s3.Bucket, purpose: str, *statements: dict) -> None:
    arn = f"arn:aws:s3:::example-{purpose}-{account}"
    deny = {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    document = pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": [deny, *statements]})
    aws.s3.BucketPolicy(name, bucket=bucket.id, policy=document)


key = aws.kms.Key(
    "site",
    description="The website's content",
    enable_key_rotation=True,
    deletion_window_in_days=30,
    policy=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                    "Action": "kms:*",
                    "Resource": "*",
                },
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "cloudfront.amazonaws.com"},
                    "Action": ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*"],
                    "Resource": "*",
                    "Condition": {"StringEquals": {"aws:SourceAccount": account}},
                },
            ],
        }
    ),
    opts=pulumi.ResourceOptions(protect=True),
)
aws.kms.Alias("site", name="alias/website", target_key_id=key.id)

site = private_bucket("site", "site", 90)
logs = private_bucket("logs", "logs", 30)
aws.s3.BucketServerSideEncryptionConfiguration(
    "site",
    bucket=site.id,
    rules=[
        {
            "apply_server_side_encryption_by_default": {"sse_algorithm": "aws:kms", "kms_master_key_id": key.arn},
            "bucket_key_enabled": True,
        }
    ],
)
aws.s3.BucketLogging("site", bucket=site.id, target_bucket=logs.id, target_prefix="s3/")

certificate = aws.acm.Certificate("site", domain_name=domain, validation_method="DNS", opts=pulumi.ResourceOptions(provider=north_virginia))
zone = aws.route53.Zone("example", name="example.com")
validation = aws.route53.Record(
    "validation",
    zone_id=zone.zone_id,
    name=certificate.domain_validation_options[0].resource_record_name,
    type=certificate.domain_validation_options[0].resource_record_type,
    records=[certificate.domain_validation_options[0].resource_record_value],
    ttl=60,
)
validated = aws.acm.CertificateValidation(
    "site",
    certificate_arn=certificate.arn,
    validation_record_fqdns=[validation.fqdn],
    opts=pulumi.ResourceOptions(provider=north_virginia),
)

access = aws.cloudfront.OriginAccessControl(
    "site", origin_access_control_origin_type="s3", signing_behavior="always", signing_protocol="sigv4"
)
headers = aws.cloudfront.ResponseHeadersPolicy(
    "site",
    security_headers_config={
        "strict_transport_security": {"access_control_max_age_sec": 31536000, "include_subdomains": True, "override": True},
        "content_type_options": {"override": True},
        "frame_options": {"frame_option": "DENY", "override": True},
    },
)
firewall = aws.wafv2.WebAcl(
    "site",
    scope="CLOUDFRONT",
    default_action={"allow": {}},
    rules=[
        {
            "name": "common",
            "priority": 0,
            "override_action": {"none": {}},
            "statement": {"managed_rule_group_statement": {"vendor_name": "AWS", "name": "AWSManagedRulesCommonRuleSet"}},
            "visibility_config": {"cloudwatch_metrics_enabled": True, "metric_name": "common", "sampled_requests_enabled": True},
        },
        {
            "name": "rate",
            "priority": 1,
            "action": {"block": {}},
            "statement": {"rate_based_statement": {"limit": 2000, "aggregate_key_type": "IP"}},
            "visibility_config": {"cloudwatch_metrics_enabled": True, "metric_name": "rate", "sampled_requests_enabled": True},
        },
    ],
    visibility_config={"cloudwatch_metrics_enabled": True, "metric_name": "site", "sampled_requests_enabled": True},
    opts=pulumi.ResourceOptions(provider=north_virginia),
)

distribution = aws.cloudfront.Distribution(
    "site",
    enabled=True,
    is_ipv6_enabled=True,
    http_version="http2and3",
    price_class="PriceClass_100",
    default_root_object="index.html",
    aliases=[domain],
    web_acl_id=firewall.arn,
    origins=[{"origin_id": "s3", "domain_name": site.bucket_regional_domain_name, "origin_access_control_id": access.id}],
    default_cache_behavior={
        "target_origin_id": "s3",
        "viewer_protocol_policy": "redirect-to-https",
        "allowed_methods": ["GET", "HEAD"],
        "cached_methods": ["GET", "HEAD"],
        "cache_policy_id": "658327ea-f89d-4fab-a63d-7e88639e58f6",
        "response_headers_policy_id": headers.id,
        "compress": True,
    },
    restrictions={"geo_restriction": {"restriction_type": "none"}},
    viewer_certificate={
        "acm_certificate_arn": validated.certificate_arn,
        "ssl_support_method": "sni-only",
        "minimum_protocol_version": "TLSv1.2_2021",
    },
)
# Delivery by CloudWatch: the distribution's own logging writes through ACLs, which the bucket has switched off.
source = aws.cloudwatch.LogDeliverySource(
    "site",
    name="site",
    log_type="ACCESS_LOGS",
    resource_arn=distribution.arn,
    opts=pulumi.ResourceOptions(provider=north_virginia),
)
destination = aws.cloudwatch.LogDeliveryDestination(
    "site",
    name="site",
    output_format="parquet",
    delivery_destination_configuration={"destination_resource_arn": logs.arn.apply(lambda arn: f"{arn}/cloudfront")},
    opts=pulumi.ResourceOptions(provider=north_virginia),
)
aws.cloudwatch.LogDelivery(
    "site",
    delivery_source_name=source.name,
    delivery_destination_arn=destination.arn,
    opts=pulumi.ResourceOptions(provider=north_virginia),
)
aws.route53.Record(
    "site",
    zone_id=zone.zone_id,
    name=domain,
    type="A",
    aliases=[{"name": distribution.domain_name, "zone_id": distribution.hosted_zone_id, "evaluate_target_health": False}],
)

tls_only(
    "site",
    site,
    "site",
    {
        "Sid": "Distribution",
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::example-site-{account}/*",
        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
    },
)
tls_only(
    "logs",
    logs,
    "logs",
    {
        "Sid": "AccessLogs",
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::example-logs-{account}/s3/*",
        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
    },
)

pulumi.export("url", f"https://{domain}")
