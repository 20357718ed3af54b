"""The edge: CloudFront, web application firewalls, certificates, DNS, HTTP APIs, user pools, file transfer."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..changes import put
from ..model import Changes, Context, Example, Resource, rule
from ..values import NotApplicable, as_list, dig, is_set
from ._checks import below, is_true, not_given, not_set, not_true
from ._types import BUCKET, BUCKET_OWNERSHIP

DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
WEB_ACL = "aws:wafv2/webAcl:WebAcl"
WEB_ACL_LOGGING = "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration"
CERTIFICATE = "aws:acm/certificate:Certificate"
ZONE = "aws:route53/zone:Zone"
RECORD = "aws:route53/record:Record"
QUERY_LOG = "aws:route53/queryLog:QueryLog"
HEALTH_CHECK = "aws:route53/healthCheck:HealthCheck"
HTTP_API = "aws:apigatewayv2/api:Api"
HTTP_STAGE = "aws:apigatewayv2/stage:Stage"
HTTP_ROUTE = "aws:apigatewayv2/route:Route"
USER_POOL = "aws:cognito/userPool:UserPool"
USER_POOL_CLIENT = "aws:cognito/userPoolClient:UserPoolClient"
IDENTITY_POOL = "aws:cognito/identityPool:IdentityPool"
TRANSFER = "aws:transfer/server:Server"
GRAPHQL = "aws:appsync/graphQLApi:GraphQLApi"
FUNCTION_URL = "aws:lambda/functionUrl:FunctionUrl"

# The policy that AWS manages under this id in every account.
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"


def behaviours(distribution: Resource) -> list[tuple[str, object]]:
    """The cache behaviours of a distribution with where they stand."""
    found = [("defaultCacheBehavior", distribution.get("defaultCacheBehavior"))]
    found += [(f"orderedCacheBehaviors[{index}]", item) for index, item in enumerate(as_list(distribution.get("orderedCacheBehaviors")))]
    return [(where, item) for where, item in found if item is not None]


def redirect_to_https(distribution: Resource, context: Context) -> Changes:
    """A redirect in every behaviour that serves plain HTTP."""
    return {
        f"{where}.viewerProtocolPolicy": "redirect-to-https"
        for where, behaviour in behaviours(distribution)
        if dig(behaviour, "viewerProtocolPolicy", "allow-all") == "allow-all"
    }


@rule(
    "cloudfront-https", DISTRIBUTION,
    practices="SEC09-BP02", checklist="CHK-SEC-3", severity="high", level="advisory",
    sources="checkov:CKV_AWS_34 securityhub:CloudFront.3",
    why="allow-all serves plain HTTP to whoever asks for it.",
    fix="Set viewerProtocolPolicy to redirect-to-https or https-only",
    reads="defaultCacheBehavior.viewerProtocolPolicy", missing="fail",
    compliant={"defaultCacheBehavior": {"viewerProtocolPolicy": "redirect-to-https"}},
    violating={"defaultCacheBehavior": {"viewerProtocolPolicy": "allow-all"}},
    remediation=redirect_to_https,
)  # fmt: skip
def cloudfront_https(distribution: Resource, context: Context) -> Iterator[str]:
    """Distributions serve over HTTPS only."""
    for where, behaviour in behaviours(distribution):
        if dig(behaviour, "viewerProtocolPolicy", "allow-all") == "allow-all":
            yield f"{where}.viewerProtocolPolicy of '{distribution.name}' is allow-all"


@rule(
    "cloudfront-tls", DISTRIBUTION,
    practices="SEC09-BP02", checklist="CHK-SEC-3", severity="high", level="advisory",
    sources="cdk-nag:AwsSolutions-CFR4 checkov:CKV_AWS_174",
    why="TLS 1.0 and 1.1 are broken; with an own certificate the distribution decides what it accepts.",
    fix="Set viewerCertificate.minimumProtocolVersion to TLSv1.2_2021 or newer and sslSupportMethod to sni-only",
    reads="viewerCertificate.minimumProtocolVersion",
    compliant={"viewerCertificate": {"acmCertificateArn": "arn", "minimumProtocolVersion": "TLSv1.2_2021", "sslSupportMethod": "sni-only"}},
    violating={"viewerCertificate": {"acmCertificateArn": "arn", "minimumProtocolVersion": "TLSv1"}},
    remediation=put({"viewerCertificate.minimumProtocolVersion": "TLSv1.2_2021"}),
)  # fmt: skip
def cloudfront_tls(distribution: Resource, context: Context) -> str | None:
    """Distributions accept TLS 1.2 or newer."""
    if distribution.get("viewerCertificate.cloudfrontDefaultCertificate", False):
        raise NotApplicable("uses CloudFront's certificate, whose protocols AWS decides")
    version = str(distribution.get("viewerCertificate.minimumProtocolVersion", "TLSv1"))
    good = version.startswith(("TLSv1.2", "TLSv1.3"))
    return None if good else f"viewerCertificate.minimumProtocolVersion of '{distribution.name}' is {version}"


@rule(
    "cloudfront-sni", DISTRIBUTION,
    practices="COST05-BP05", checklist="CHK-COST-5", severity="medium", level="advisory", sources="securityhub:CloudFront.8",
    why="Dedicated addresses cost 600 dollars a month for browsers that no longer exist.",
    fix="Set viewerCertificate.sslSupportMethod to sni-only",
    reads="viewerCertificate.sslSupportMethod", missing="pass",
    compliant={"viewerCertificate": {"sslSupportMethod": "sni-only"}}, violating={"viewerCertificate": {"sslSupportMethod": "vip"}},
)  # fmt: skip
def cloudfront_sni(distribution: Resource, context: Context) -> str | None:
    """Distributions pay for no dedicated addresses."""
    method = distribution.get("viewerCertificate.sslSupportMethod", "sni-only")
    return f"viewerCertificate.sslSupportMethod of '{distribution.name}' is vip" if method == "vip" else None


@rule(
    "cloudfront-origin-tls", DISTRIBUTION,
    practices="SEC09-BP02", checklist="CHK-SEC-3", severity="high", level="advisory",
    sources="cdk-nag:AwsSolutions-CFR5 securityhub:CloudFront.9 securityhub:CloudFront.10",
    why="The way from the edge to the origin crosses the internet too.",
    fix="Set customOriginConfig.originProtocolPolicy to https-only and originSslProtocols to TLSv1.2",
    reads="origins", missing="not_applicable",
    compliant={"origins": [{"customOriginConfig": {"originProtocolPolicy": "https-only", "originSslProtocols": ["TLSv1.2"]}}]},
    violating={"origins": [{"customOriginConfig": {"originProtocolPolicy": "http-only", "originSslProtocols": ["TLSv1"]}}]},
)  # fmt: skip
def cloudfront_origin_tls(distribution: Resource, context: Context) -> Iterator[str]:
    """Distributions talk to their origins over current TLS."""
    found = [
        (index, item) for index, item in enumerate(as_list(distribution.get("origins"))) if dig(item, "customOriginConfig") is not None
    ]
    if not found:
        raise NotApplicable("has no origin of its own protocol")
    for index, origin in found:
        policy = dig(origin, "customOriginConfig.originProtocolPolicy", "http-only")
        if policy != "https-only":
            yield f"origins[{index}].customOriginConfig.originProtocolPolicy of '{distribution.name}' is {policy}"
        old = [version for version in as_list(dig(origin, "customOriginConfig.originSslProtocols")) if version in ("SSLv3", "TLSv1",
            "TLSv1.1")]  # fmt: skip
        if old:
            yield f"origins[{index}].customOriginConfig.originSslProtocols of '{distribution.name}' allows {', '.join(old)}"


@rule(
    "cloudfront-origin-access-control", DISTRIBUTION, scope="stack",
    practices="SEC03-BP07", checklist="CHK-SEC-1", severity="medium", level="advisory",
    sources="cdk-nag:AwsSolutions-CFR7 securityhub:CloudFront.13",
    why="Origin access identities know neither KMS nor new regions; without either the bucket must be public.",
    fix="Set originAccessControlId of S3 origins to an aws.cloudfront.OriginAccessControl",
    reads="origins", missing="not_applicable",
    compliant={"origins": [{"domainName": "b.s3.eu-west-1.amazonaws.com", "originAccessControlId": "E1"}]},
    violating={"origins": [{"domainName": "b.s3.eu-west-1.amazonaws.com"}]},
)  # fmt: skip
def cloudfront_origin_access_control(distribution: Resource, context: Context) -> Iterator[str]:
    """Buckets behind a distribution answer to it alone."""
    found = as_list(distribution.get("origins"))
    buckets = 0
    for index, origin in enumerate(found):
        if dig(origin, "customOriginConfig") is not None or dig(origin, "vpcOriginConfig") is not None:
            continue
        linked = context.graph.linked(distribution, "origins", BUCKET)
        if dig(origin, "s3OriginConfig") is None and not linked and ".s3." not in f"{dig(origin, 'domainName', '')}":
            continue
        buckets += 1
        control = dig(origin, "originAccessControlId")
        if control is None:
            yield f"origins[{index}].originAccessControlId of '{distribution.name}' is not set"
    if not buckets:
        raise NotApplicable("has no S3 origin")


@rule(
    "cloudfront-logged", DISTRIBUTION,
    practices="SEC04-BP01 OPS04-BP03", checklist="CHK-OPS-4", severity="medium", level="advisory",
    sources="cdk-nag:AwsSolutions-CFR3 checkov:CKV_AWS_86 securityhub:CloudFront.5",
    why="What the edge answered or refused never reaches the program's own logs.",
    fix="Set loggingConfig (or realtimeLogConfigArn of the behaviours, or a log delivery of CloudWatch)",
    reads="loggingConfig", scope="stack", compliant={"loggingConfig": {"bucket": "logs.s3.amazonaws.com"}}, violating={"comment": "site"},
)  # fmt: skip
def cloudfront_logged(distribution: Resource, context: Context) -> str | None:
    """Distributions log access."""
    if is_set(distribution.get("loggingConfig")) or any(dig(item, "realtimeLogConfigArn") for _, item in behaviours(distribution)):
        return None
    if context.graph.referring(distribution, "aws:cloudwatch/logDeliverySource:LogDeliverySource", "resourceArn"):
        return None
    return f"loggingConfig of '{distribution.name}' is not set"


@rule(
    "cloudfront-logs-deliverable", DISTRIBUTION, scope="stack",
    practices="OPS04-BP03 REL06-BP01", checklist="CHK-OPS-3", severity="high", level="advisory",
    why="A distribution's own logging writes through an ACL, and new buckets have none: AWS refuses the distribution.",
    fix="Deliver by CloudWatch (aws.cloudwatch.LogDelivery) instead of loggingConfig, or let the log bucket keep ACLs "
        "(ownership controls BucketOwnerPreferred)",
    reads="rule", reads_of=BUCKET_OWNERSHIP,
    compliant=(
        Example(BUCKET, "logs"), Example(BUCKET_OWNERSHIP, "owner", {"rule": {"objectOwnership": "BucketOwnerPreferred"}},
            links={"bucket": "logs"}),
        Example(DISTRIBUTION, "site", links={"loggingConfig": "logs"}),
    ),
    violating=(Example(BUCKET, "logs"), Example(DISTRIBUTION, "site", links={"loggingConfig": "logs"})),
)  # fmt: skip
def cloudfront_logs_deliverable(distribution: Resource, context: Context) -> Iterator[str]:
    """A bucket of access logs takes what a distribution delivers."""
    buckets = context.graph.linked(distribution, "loggingConfig", BUCKET)
    if not buckets:
        raise NotApplicable("it logs into no bucket of this stack")
    for bucket in buckets:
        controls = context.graph.referring(bucket, BUCKET_OWNERSHIP, "bucket")
        if not any(item.get("rule.objectOwnership") in ("BucketOwnerPreferred", "ObjectWriter") for item in controls):
            yield f"loggingConfig of '{distribution.name}' names bucket '{bucket.name}', which has no ACLs"


@rule(
    "cloudfront-firewall", DISTRIBUTION, scope="stack",
    practices="SEC05-BP03", checklist="CHK-SEC-5", severity="medium", level={"dev": "disabled", "prod": "advisory"},
    sources="cdk-nag:AwsSolutions-CFR2 checkov:CKV_AWS_68 securityhub:CloudFront.6",
    why="At the edge an attack is stopped before it costs anything behind it.",
    fix="Set webAclId to a web ACL of scope CLOUDFRONT",
    reads="webAclId", compliant={"webAclId": "arn:aws:wafv2:us-east-1:123456789012:global/webacl/a/1"}, violating={"comment": "site"},
)  # fmt: skip
def cloudfront_firewall(distribution: Resource, context: Context) -> str | None:
    """Distributions stand behind a web application firewall."""
    return not_given(distribution, context, "webAclId")


@rule(
    "cloudfront-default-object", DISTRIBUTION,
    practices="SEC05-BP02", checklist="CHK-SEC-6", severity="low", level="advisory",
    sources="checkov:CKV_AWS_305 securityhub:CloudFront.1",
    why="Without it a request for / may list what the origin holds.",
    fix="Set defaultRootObject",
    reads="defaultRootObject", compliant={"defaultRootObject": "index.html"}, violating={"comment": "site"},
)  # fmt: skip
def cloudfront_default_object(distribution: Resource, context: Context) -> str | None:
    """Distributions of buckets say what / is."""
    if any(dig(item, "customOriginConfig") is not None for item in as_list(distribution.get("origins"))):
        raise NotApplicable("the origin itself answers for /")
    return not_set(distribution, "defaultRootObject")


def compress(distribution: Resource, context: Context) -> Changes:
    """Compression in every behaviour that caches."""
    return {
        f"{where}.compress": True for where, behaviour in behaviours(distribution) if dig(behaviour, "cachePolicyId") != CACHING_DISABLED
    }


@rule(
    "cloudfront-compresses", DISTRIBUTION,
    practices="PERF04-BP05 SUS04-BP07 COST08-BP03", checklist="CHK-SUS-3", severity="low", level="advisory",
    why="Text shrinks to a fifth on the way to the user.",
    fix="Set compress to true in every cache behaviour",
    reads="defaultCacheBehavior.compress", compliant={"defaultCacheBehavior": {"compress": True}},
        violating={"defaultCacheBehavior": {"compress": False}},
    remediation=compress,
)  # fmt: skip
def cloudfront_compresses(distribution: Resource, context: Context) -> Iterator[str]:
    """Distributions compress what they send."""
    for where, behaviour in behaviours(distribution):
        if dig(behaviour, "cachePolicyId") == CACHING_DISABLED:
            continue  # CloudFront compresses only what it may cache
        if not dig(behaviour, "compress", False):
            yield f"{where}.compress of '{distribution.name}' is not true"


@rule(
    "cloudfront-http2", DISTRIBUTION,
    practices="PERF04-BP05", checklist="CHK-PERF-3", severity="low", level="advisory",
    why="HTTP/3 saves a round trip per connection, most of all on mobile networks.",
    fix="Set httpVersion to http2and3",
    reads="httpVersion", missing="pass", compliant={"httpVersion": "http2and3"}, violating={"httpVersion": "http1.1"},
    remediation=put({"httpVersion": "http2and3"}),
)  # fmt: skip
def cloudfront_http2(distribution: Resource, context: Context) -> str | None:
    """Distributions speak current HTTP."""
    version = distribution.get("httpVersion", "http2")
    return f"httpVersion of '{distribution.name}' is {version}" if version == "http1.1" else None


@rule(
    "cloudfront-security-headers", DISTRIBUTION, scope="stack",
    practices="SEC05-BP03", checklist="CHK-SEC-3", severity="low", level="advisory", sources="checkov:CKV2_AWS_32",
    why="Browsers enforce HTTPS, frames and content types only when they are told to.",
    fix="Set responseHeadersPolicyId of every behaviour",
    reads="defaultCacheBehavior", missing="not_applicable",
    compliant={"defaultCacheBehavior": {"responseHeadersPolicyId": "67f7725c-6f97-4210-82d7-5512b31e9d03"}},
    violating={"defaultCacheBehavior": {"viewerProtocolPolicy": "https-only"}},
)  # fmt: skip
def cloudfront_security_headers(distribution: Resource, context: Context) -> Iterator[str]:
    """Distributions send security headers."""
    found = behaviours(distribution)
    if not found:
        raise NotApplicable("has no behaviours")
    policies = "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy"
    for where, behaviour in found:
        chosen = dig(behaviour, "responseHeadersPolicyId")
        if chosen is None:
            yield f"{where}.responseHeadersPolicyId of '{distribution.name}' is not set"
        elif not context.graph.linked(distribution, where.split("[")[0], policies):
            is_set(chosen)


@rule(
    "cloudfront-origin-failover", DISTRIBUTION,
    practices="REL11-BP02 REL05-BP01", checklist="CHK-REL-6", severity="low", level={"dev": "disabled", "prod": "advisory"},
    sources="checkov:CKV_AWS_310 securityhub:CloudFront.4",
    why="With a second origin, the loss of the first is seen by nobody who reads.",
    fix="Add originGroups with two members",
    reads="originGroups", compliant={"originGroups": [{"originId": "g", "members": [{"originId": "a"}, {"originId": "b"}]}]},
        violating={"comment": "site"},
)  # fmt: skip
def cloudfront_origin_failover(distribution: Resource, context: Context) -> str | None:
    """Production distributions fail over to a second origin."""
    if "POST" in as_list(distribution.get("defaultCacheBehavior.allowedMethods")):
        raise NotApplicable("takes requests that CloudFront never sends to a second origin")
    return not_set(distribution, "originGroups")


@rule(
    "waf-has-rules", WEB_ACL,
    practices="SEC05-BP03", checklist="CHK-SEC-5", severity="high", level="advisory",
    sources="checkov:CKV_AWS_175 securityhub:WAF.10",
    why="A web ACL without rules protects nothing and costs money.",
    fix="Add a managed rule group and a rate-based rule to rules",
    reads="rules", compliant={"rules": [{"name": "known", "priority": 1, "statement": {"managedRuleGroupStatement": {"vendorName": "AWS",
        "name": "AWSManagedRulesCommonRuleSet"}}}]},
    violating={"rules": []},
)  # fmt: skip
def waf_has_rules(acl: Resource, context: Context) -> str | None:
    """Firewalls have rules."""
    return None if acl.get("ruleJson") else not_set(acl, "rules")


@rule(
    "waf-limits-rate", WEB_ACL,
    practices="REL05-BP02 SEC05-BP03", checklist="CHK-SEC-5", severity="medium", level="advisory",
    why="One address that sends thousands of requests is the commonest attack there is.",
    fix="Add a rule with a rateBasedStatement",
    reads="rules", compliant={"rules": [{"name": "rate", "priority": 0, "statement": {"rateBasedStatement": {"limit": 2000}}}]},
    violating={"rules": [{"name": "geo", "priority": 0, "statement": {"geoMatchStatement": {"countryCodes": ["XX"]}}}]},
)  # fmt: skip
def waf_limits_rate(acl: Resource, context: Context) -> str | None:
    """Firewalls limit the rate of single addresses."""
    if acl.get("ruleJson"):
        return None if "RateBasedStatement" in f"{acl.get('ruleJson')}" else f"ruleJson of '{acl.name}' limits no rate"
    if any(dig(item, "statement.rateBasedStatement") is not None for item in as_list(acl.get("rules"))):
        return None
    return f"rules of '{acl.name}' limit no rate"


@rule(
    "waf-logged", WEB_ACL, scope="stack",
    practices="SEC04-BP01", checklist="CHK-OPS-4", severity="medium", level="advisory",
    sources="checkov:CKV2_AWS_31 securityhub:WAF.11",
    why="Without the log nobody can tell an attack from a customer who was refused.",
    fix="Attach an aws.wafv2.WebAclLoggingConfiguration",
    reads="resourceArn", reads_of=WEB_ACL_LOGGING,
    compliant=(Example(WEB_ACL, "acl"), Example(WEB_ACL_LOGGING, "log", {"logDestinationConfigs": ["arn:aws:logs:x"]},
        links={"resourceArn": "acl"})),
    violating=(Example(WEB_ACL, "acl"),),
)  # fmt: skip
def waf_logged(acl: Resource, context: Context) -> str | None:
    """Firewalls log what they decide."""
    found = context.graph.referring(acl, WEB_ACL_LOGGING, "resourceArn")
    return None if found else f"web ACL '{acl.name}' has no logging configuration"


def measure(acl: Resource, context: Context) -> Changes:
    """Metrics of the ACL and of every rule that says how it is seen."""
    rules = enumerate(as_list(acl.get("rules")))
    paths = [
        "visibilityConfig",
        *(f"rules[{index}].visibilityConfig" for index, item in rules if dig(item, "visibilityConfig") is not None),
    ]
    return {f"{path}.cloudwatchMetricsEnabled": True for path in paths}


@rule(
    "waf-measured", WEB_ACL,
    practices="OPS04-BP02 PERF05-BP02", checklist="CHK-PERF-5", severity="low", level="advisory", sources="securityhub:WAF.12",
    why="A jump of blocked requests is the first sign of an attack, or of a wrong rule.",
    fix="Set visibilityConfig.cloudwatchMetricsEnabled to true, of the ACL and of every rule",
    reads="visibilityConfig.cloudwatchMetricsEnabled", compliant={"visibilityConfig": {"cloudwatchMetricsEnabled": True}},
        violating={"visibilityConfig": {"cloudwatchMetricsEnabled": False}},
    remediation=measure,
)  # fmt: skip
def waf_measured(acl: Resource, context: Context) -> Iterator[str]:
    """Firewalls are measured."""
    if problem := not_true(acl, "visibilityConfig.cloudwatchMetricsEnabled"):
        yield problem
    for index, item in enumerate(as_list(acl.get("rules"))):
        if dig(item, "visibilityConfig") is not None and not dig(item, "visibilityConfig.cloudwatchMetricsEnabled", False):
            yield f"rules[{index}].visibilityConfig.cloudwatchMetricsEnabled of '{acl.name}' is not true"


@rule(
    "certificate-renews", CERTIFICATE,
    practices="SEC09-BP01 REL11-BP03", checklist="CHK-SEC-3", severity="high", level="advisory",
    why="A certificate that waits for an e-mail, or that was imported, expires on the day when the one who knew is on holiday.",
    fix="Set validationMethod to DNS (instead of EMAIL or an imported certificateBody)",
    reads="validationMethod", missing="not_applicable", compliant={"domainName": "example.com", "validationMethod": "DNS"},
        violating={"domainName": "example.com", "validationMethod": "EMAIL"},
)  # fmt: skip
def certificate_renews(certificate: Resource, context: Context) -> str | None:
    """Certificates are renewed without anybody's doing."""
    if certificate.get("certificateBody"):
        return f"certificateBody of '{certificate.name}' is imported"
    method = certificate.get("validationMethod")
    if method is None:
        raise NotApplicable("is issued by a private authority")
    return None if method == "DNS" else f"validationMethod of '{certificate.name}' is {method}"


@rule(
    "certificate-strong", CERTIFICATE,
    practices="SEC09-BP01", checklist="CHK-SEC-3", severity="high", level="advisory", sources="securityhub:ACM.2",
    why="A key of 1,024 bits can be computed.",
    fix="Set keyAlgorithm to RSA_2048 or an EC_ algorithm",
    reads="keyAlgorithm", missing="pass", compliant={"keyAlgorithm": "EC_prime256v1"}, violating={"keyAlgorithm": "RSA_1024"},
)  # fmt: skip
def certificate_strong(certificate: Resource, context: Context) -> str | None:
    """Certificates have strong keys."""
    return f"keyAlgorithm of '{certificate.name}' is RSA_1024" if certificate.get("keyAlgorithm", "RSA_2048") == "RSA_1024" else None


@rule(
    "certificate-transparent", CERTIFICATE,
    practices="SEC09-BP01", checklist="CHK-SEC-3", severity="low", level="advisory", sources="checkov:CKV_AWS_234",
    why="Browsers refuse public certificates that are in no transparency log, and a forged one is found there.",
    fix="Remove options.certificateTransparencyLoggingPreference DISABLED",
    reads="options.certificateTransparencyLoggingPreference", missing="pass",
    compliant={"options": {"certificateTransparencyLoggingPreference": "ENABLED"}},
    violating={"options": {"certificateTransparencyLoggingPreference": "DISABLED"}},
    remediation=put({"options.certificateTransparencyLoggingPreference": "ENABLED"}),
)  # fmt: skip
def certificate_transparent(certificate: Resource, context: Context) -> str | None:
    """Certificates are logged publicly."""
    chosen = certificate.get("options.certificateTransparencyLoggingPreference", "ENABLED")
    return f"options.certificateTransparencyLoggingPreference of '{certificate.name}' is DISABLED" if chosen == "DISABLED" else None


@rule(
    "dns-queries-logged", ZONE, scope="stack",
    practices="SEC04-BP01", checklist="CHK-OPS-4", severity="low", level="advisory",
    sources="checkov:CKV2_AWS_39 securityhub:Route53.2",
    why="DNS is how many attacks look around and how stolen data leaves.",
    fix="Attach an aws.route53.QueryLog",
    reads="zoneId", reads_of=QUERY_LOG,
    compliant=(Example(ZONE, "z", {"name": "example.com"}), Example(QUERY_LOG, "q", {"cloudwatchLogGroupArn": "arn"},
        links={"zoneId": "z"})),
    violating=(Example(ZONE, "z", {"name": "example.com"}),),
)  # fmt: skip
def dns_queries_logged(zone: Resource, context: Context) -> str | None:
    """Public zones log queries."""
    if zone.get("vpcs"):
        raise NotApplicable("a private zone")
    return None if context.graph.referring(zone, QUERY_LOG, "zoneId") else f"zone '{zone.name}' has no query log"


def evaluate_health(record: Resource, context: Context) -> Changes:
    """Every alias evaluates the health of its target."""
    return {f"aliases[{index}].evaluateTargetHealth": True for index in range(len(as_list(record.get("aliases"))))}


@rule(
    "dns-alias-evaluates-health", RECORD,
    practices="REL11-BP02", checklist="CHK-REL-5", severity="medium", level="advisory",
    why="Otherwise DNS goes on sending users to a load balancer that has no healthy target.",
    fix="Set evaluateTargetHealth to true in the alias of a record with a routing policy",
    reads="aliases", missing="not_applicable",
    compliant={"setIdentifier": "a", "aliases": [{"name": "lb", "zoneId": "Z", "evaluateTargetHealth": True}]},
    violating={"setIdentifier": "a", "aliases": [{"name": "lb", "zoneId": "Z", "evaluateTargetHealth": False}]},
    remediation=evaluate_health,
)  # fmt: skip
def dns_alias_evaluates_health(record: Resource, context: Context) -> Iterator[str]:
    """Records that choose between targets leave out the unhealthy ones."""
    aliases = as_list(record.get("aliases"))
    if not aliases or record.get("setIdentifier") is None:
        raise NotApplicable("does not choose between targets")
    for index, alias in enumerate(aliases):
        if not dig(alias, "evaluateTargetHealth", False) and record.get("healthCheckId") is None:
            yield f"aliases[{index}].evaluateTargetHealth of '{record.name}' is not true"


@rule(
    "dns-failover-checked", RECORD, scope="stack",
    practices="REL11-BP02 REL13-BP05", checklist="CHK-REL-6", severity="high", level="advisory",
    why="Route 53 refuses, or never leaves, a primary record that nothing says is down.",
    fix="Set healthCheckId of the PRIMARY record (or evaluateTargetHealth of its alias)",
    reads="healthCheckId",
    compliant={"failoverRoutingPolicies": [{"type": "PRIMARY"}], "setIdentifier": "a", "healthCheckId": "h-1"},
    violating={"failoverRoutingPolicies": [{"type": "PRIMARY"}], "setIdentifier": "a"},
)  # fmt: skip
def dns_failover_checked(record: Resource, context: Context) -> str | None:
    """Failover records know when to fail over."""
    if not any(dig(item, "type") == "PRIMARY" for item in as_list(record.get("failoverRoutingPolicies"))):
        raise NotApplicable("not the primary record of a failover")
    if any(dig(alias, "evaluateTargetHealth", False) for alias in as_list(record.get("aliases"))):
        return None
    return not_given(record, context, "healthCheckId")


@rule(
    "dns-ttl-short", RECORD,
    practices="REL11-BP04 REL13-BP02", checklist="CHK-REL-6", severity="low", level="advisory",
    why="A failover by DNS is as slow as the time resolvers keep the old answer.",
    fix="Set ttl to 60 seconds or less on records that fail over or are weighted",
    reads="ttl", missing="not_applicable",
    compliant={"setIdentifier": "a", "ttl": 60}, violating={"setIdentifier": "a", "ttl": 3600},
)  # fmt: skip
def dns_ttl_short(record: Resource, context: Context) -> str | None:
    """Records that choose between targets are forgotten quickly."""
    seconds = record.get("ttl")
    if seconds is None or record.get("setIdentifier") is None:
        raise NotApplicable("does not choose between targets")
    return f"ttl of '{record.name}' is {seconds:g} s" if seconds > 60 else None


@rule(
    "http-api-logged", HTTP_STAGE,
    practices="SEC04-BP01 OPS04-BP02", checklist="CHK-OPS-4", severity="medium", level="advisory",
    sources="cdk-nag:AwsSolutions-APIG1 checkov:CKV_AWS_95 securityhub:APIGateway.9",
    why="Requests that are refused at the gateway are logged nowhere else.",
    fix="Set accessLogSettings with destinationArn and format",
    reads="accessLogSettings", compliant={"accessLogSettings": {"destinationArn": "arn:aws:logs:x", "format": "$context.requestId"}},
        violating={"name": "$default"},
)  # fmt: skip
def http_api_logged(stage: Resource, context: Context) -> str | None:
    """HTTP and WebSocket APIs log access."""
    return None if is_set(stage.get("accessLogSettings")) else f"accessLogSettings of '{stage.name}' is not set"


@rule(
    "http-api-authorised", HTTP_ROUTE,
    practices="SEC03-BP01", checklist="CHK-SEC-1", severity="high", level="advisory",
    sources="cdk-nag:AwsSolutions-APIG4 checkov:CKV_AWS_309 securityhub:APIGateway.8",
    why="A route without an authoriser answers everybody who finds it.",
    fix="Set authorizationType to JWT, AWS_IAM or CUSTOM",
    reads="authorizationType", compliant={"routeKey": "POST /predict", "authorizationType": "JWT"},
        violating={"routeKey": "POST /predict", "authorizationType": "NONE"},
)  # fmt: skip
def http_api_authorised(route: Resource, context: Context) -> str | None:
    """Routes of HTTP APIs ask who is calling."""
    if str(route.get("routeKey", "")).startswith("OPTIONS ") or route.get("routeKey") in ("$disconnect", "$default_response"):
        raise NotApplicable("browsers ask without credentials")
    if " " not in (key := str(route.get("routeKey", "$default"))) and not key.startswith("$"):
        raise NotApplicable("a message of a WebSocket, whose caller $connect has asked")
    kind = route.get("authorizationType", "NONE")
    return f"authorizationType of '{route.name}' is NONE" if kind == "NONE" else None


@rule(
    "http-api-throttled", HTTP_STAGE,
    practices="REL05-BP02", checklist="CHK-PERF-2", severity="medium", level="advisory", sources="cdk-nag:Serverless-APIGWDefaultThrottling",
    why="One loop of one client otherwise uses up the account's limit for all APIs.",
    fix="Set defaultRouteSettings.throttlingRateLimit and throttlingBurstLimit",
    reads="defaultRouteSettings.throttlingRateLimit",
    compliant={"defaultRouteSettings": {"throttlingRateLimit": 100, "throttlingBurstLimit": 200}}, violating={"name": "$default"},
)  # fmt: skip
def http_api_throttled(stage: Resource, context: Context) -> str | None:
    """HTTP APIs limit the rate of requests."""
    return not_set(stage, "defaultRouteSettings.throttlingRateLimit")


@rule(
    "cors-not-wildcard", f"{HTTP_API} {FUNCTION_URL}",
    practices="SEC03-BP07", checklist="CHK-SEC-1", severity="medium", level="advisory", sources="checkov:CKV2_AWS_75",
    why="With *, every web page a user opens may call the API from the user's browser.",
    fix="Name the origins in allowOrigins",
    reads="corsConfiguration.allowOrigins", missing="pass",
    compliant=(Example(HTTP_API, "a", {"corsConfiguration": {"allowOrigins": ["https://app.example.com"]}}),),
    violating=(Example(HTTP_API, "a", {"corsConfiguration": {"allowOrigins": ["*"]}}), Example(FUNCTION_URL, "u", {"cors":
        {"allowOrigins": ["*"]}})),
)  # fmt: skip
def cors_not_wildcard(api: Resource, context: Context) -> str | None:
    """APIs name the web pages that may call them."""
    path = "corsConfiguration.allowOrigins" if api.type == HTTP_API else "cors.allowOrigins"
    return f"{path} of '{api.name}' is *" if "*" in as_list(api.get(path)) else None


@rule(
    "users-password-policy", USER_POOL,
    practices="SEC02-BP01", checklist="CHK-SEC-1", severity="medium", level="advisory",
    sources="cdk-nag:AwsSolutions-COG1 securityhub:Cognito.3",
    why="Short passwords are guessed; length helps more than special characters.",
    fix="Set passwordPolicy.minimumLength to 12 or more",
    reads="passwordPolicy.minimumLength", compliant={"passwordPolicy": {"minimumLength": 12}}, violating={"passwordPolicy":
        {"minimumLength": 6}},
)  # fmt: skip
def users_password_policy(pool: Resource, context: Context) -> str | None:
    """Passwords of users are long."""
    return below(pool, "passwordPolicy.minimumLength", 12, 8)


@rule(
    "users-mfa", USER_POOL,
    practices="SEC02-BP01", checklist="CHK-SEC-1", severity="high", level="advisory",
    sources="cdk-nag:AwsSolutions-COG2 securityhub:Cognito.6",
    why="A second factor makes a stolen password useless.",
    fix="Set mfaConfiguration to ON (OPTIONAL at least) with softwareTokenMfaConfiguration",
    reads="mfaConfiguration", compliant={"mfaConfiguration": "ON"}, violating={"mfaConfiguration": "OFF"},
)  # fmt: skip
def users_mfa(pool: Resource, context: Context) -> str | None:
    """Users can have a second factor."""
    chosen = pool.get("mfaConfiguration", "OFF")
    return f"mfaConfiguration of '{pool.name}' is OFF" if chosen == "OFF" else None


@rule(
    "users-threat-protection", USER_POOL,
    practices="SEC04-BP03", checklist="CHK-SEC-1", severity="low", level={"dev": "disabled", "prod": "advisory"},
    sources="securityhub:Cognito.1",
    why="It notices passwords that leaked elsewhere and logins from where the user cannot be.",
    fix="Set userPoolAddOns.advancedSecurityMode to ENFORCED (it needs the plus tier)",
    reads="userPoolAddOns.advancedSecurityMode", compliant={"userPoolAddOns": {"advancedSecurityMode": "ENFORCED"}},
        violating={"userPoolAddOns": {"advancedSecurityMode": "OFF"}},
)  # fmt: skip
def users_threat_protection(pool: Resource, context: Context) -> str | None:
    """Logins that look wrong are stopped."""
    mode = pool.get("userPoolAddOns.advancedSecurityMode", "OFF")
    return None if mode in ("ENFORCED", "AUDIT") else f"userPoolAddOns.advancedSecurityMode of '{pool.name}' is {mode}"


@rule(
    "users-deletion-protection", USER_POOL,
    practices="SEC08-BP04 REL09-BP01", checklist="CHK-REL-6", severity="high", level={"dev": "disabled", "prod": "advisory"},
    sources="securityhub:Cognito.5",
    why="Passwords cannot be backed up: a deleted pool means that all users register again.",
    fix="Set deletionProtection to ACTIVE",
    reads="deletionProtection", compliant={"deletionProtection": "ACTIVE"}, violating={"deletionProtection": "INACTIVE"},
    remediation=put({"deletionProtection": "ACTIVE"}),
)  # fmt: skip
def users_deletion_protection(pool: Resource, context: Context) -> str | None:
    """Production's users cannot be deleted by accident."""
    if pool.protect or pool.get("deletionProtection", "INACTIVE") == "ACTIVE":
        return None
    return f"deletionProtection of '{pool.name}' is not ACTIVE"


@rule(
    "users-not-enumerable", USER_POOL_CLIENT,
    practices="SEC02-BP01", checklist="CHK-SEC-1", severity="low", level="advisory",
    why="An answer that tells an unknown user from a wrong password tells an attacker who has an account.",
    fix="Set preventUserExistenceErrors to ENABLED",
    reads="preventUserExistenceErrors", compliant={"preventUserExistenceErrors": "ENABLED"},
        violating={"preventUserExistenceErrors": "LEGACY"},
    remediation=put({"preventUserExistenceErrors": "ENABLED"}),
)  # fmt: skip
def users_not_enumerable(client: Resource, context: Context) -> str | None:
    """Nobody can find out who has an account."""
    chosen = client.get("preventUserExistenceErrors", "LEGACY")
    return None if chosen == "ENABLED" else f"preventUserExistenceErrors of '{client.name}' is {chosen}"


@rule(
    "identity-pool-no-guests", IDENTITY_POOL,
    practices="SEC03-BP01", checklist="CHK-SEC-1", severity="critical",
    sources="cdk-nag:AwsSolutions-COG7 checkov:CKV_AWS_366 securityhub:Cognito.2",
    why="Everybody on the internet gets AWS credentials from such a pool.",
    fix="Set allowUnauthenticatedIdentities to false",
    reads="allowUnauthenticatedIdentities", missing="pass", compliant={"allowUnauthenticatedIdentities": False},
        violating={"allowUnauthenticatedIdentities": True},
    remediation=put({"allowUnauthenticatedIdentities": False}),
)  # fmt: skip
def identity_pool_no_guests(pool: Resource, context: Context) -> str | None:
    """Guests get no AWS credentials."""
    return is_true(pool, "allowUnauthenticatedIdentities")


@rule(
    "transfer-no-ftp", TRANSFER,
    practices="SEC09-BP02", checklist="CHK-SEC-3", severity="high", level="advisory", sources="checkov:CKV_AWS_357 securityhub:Transfer.2",
    why="FTP sends passwords and files in clear.",
    fix="Set protocols to SFTP (or FTPS, AS2)",
    reads="protocols", missing="pass", compliant={"protocols": ["SFTP"]}, violating={"protocols": ["FTP", "SFTP"]},
)  # fmt: skip
def transfer_no_ftp(server: Resource, context: Context) -> str | None:
    """Files are transferred encrypted."""
    return f"protocols of '{server.name}' contains FTP" if "FTP" in as_list(server.get("protocols")) else None


@rule(
    "transfer-in-vpc", TRANSFER,
    practices="SEC05-BP01", checklist="CHK-SEC-6", severity="medium", level="advisory", sources="checkov:CKV_AWS_164",
    why="A public endpoint is tried with passwords day and night; in the VPC a security group names who may try.",
    fix="Set endpointType to VPC with endpointDetails",
    reads="endpointType", compliant={"endpointType": "VPC"}, violating={"endpointType": "PUBLIC"},
)  # fmt: skip
def transfer_in_vpc(server: Resource, context: Context) -> str | None:
    """File transfer is inside the VPC."""
    kind = server.get("endpointType", "PUBLIC")
    return f"endpointType of '{server.name}' is PUBLIC" if kind == "PUBLIC" else None


@rule(
    "transfer-security-policy", TRANSFER,
    practices="SEC09-BP02", checklist="CHK-SEC-3", severity="medium", level="advisory", sources="checkov:CKV_AWS_380",
    why="The default policy of 2018 still offers SHA-1.",
    fix="Set securityPolicyName to TransferSecurityPolicy-2024-01 or newer",
    reads="securityPolicyName", compliant={"securityPolicyName": "TransferSecurityPolicy-2024-01"},
        violating={"securityPolicyName": "TransferSecurityPolicy-2018-11"},
    remediation=put({"securityPolicyName": "TransferSecurityPolicy-2024-01"}),
)  # fmt: skip
def transfer_security_policy(server: Resource, context: Context) -> str | None:
    """File transfer uses current algorithms."""
    name = str(server.get("securityPolicyName", "TransferSecurityPolicy-2018-11"))
    year = re.search(r"-(20\d\d)-", name)
    return f"securityPolicyName of '{server.name}' is {name}" if year and int(year[1]) < 2022 else None


@rule(
    "transfer-logged", TRANSFER,
    practices="SEC04-BP01", checklist="CHK-OPS-4", severity="medium", level="advisory", sources="securityhub:Transfer.3",
    why="Who fetched or brought which file is otherwise unknown.",
    fix="Set structuredLogDestinations (or loggingRole)",
    reads="structuredLogDestinations", compliant={"structuredLogDestinations": ["arn:aws:logs:x"]}, violating={"protocols": ["SFTP"]},
)  # fmt: skip
def transfer_logged(server: Resource, context: Context) -> str | None:
    """File transfers are logged."""
    return None if is_set(server.get("loggingRole")) else not_set(server, "structuredLogDestinations")


@rule(
    "graphql-authorised", GRAPHQL,
    practices="SEC02-BP02 SEC03-BP01", checklist="CHK-SEC-1", severity="high", level="advisory", sources="securityhub:AppSync.5",
    why="An API key is the same for everybody, says nothing of who is calling and stands in every client.",
    fix="Set authenticationType to AMAZON_COGNITO_USER_POOLS, OPENID_CONNECT, AWS_IAM or AWS_LAMBDA",
    reads="authenticationType", compliant={"authenticationType": "AWS_IAM"}, violating={"authenticationType": "API_KEY"}, missing="fail",
)  # fmt: skip
def graphql_authorised(api: Resource, context: Context) -> str | None:
    """GraphQL APIs ask who is calling."""
    kind = api.get("authenticationType", "API_KEY")
    return f"authenticationType of '{api.name}' is API_KEY" if kind == "API_KEY" else None


@rule(
    "graphql-logged", GRAPHQL,
    practices="OPS04-BP02 SEC04-BP01", checklist="CHK-OPS-4", severity="low", level="advisory",
    sources="checkov:CKV_AWS_193 securityhub:AppSync.2",
    why="A resolver that fails is seen only in the API's own log.",
    fix="Set logConfig with fieldLogLevel ERROR or ALL",
    reads="logConfig.fieldLogLevel", compliant={"logConfig": {"fieldLogLevel": "ERROR", "cloudwatchLogsRoleArn": "arn"}},
        violating={"logConfig": {"fieldLogLevel": "NONE"}},
)  # fmt: skip
def graphql_logged(api: Resource, context: Context) -> str | None:
    """GraphQL APIs log their errors."""
    level = api.get("logConfig.fieldLogLevel", "NONE")
    return f"logConfig.fieldLogLevel of '{api.name}' is NONE" if level == "NONE" else None


@rule(
    "graphql-bounded", GRAPHQL,
    practices="REL05-BP04 REL05-BP02", checklist="CHK-REL-3", severity="low", level="advisory",
    why="A query of queries of queries costs its sender a line and the back end everything.",
    fix="Set queryDepthLimit",
    reads="queryDepthLimit", compliant={"queryDepthLimit": 10}, violating={"authenticationType": "AWS_IAM"},
)  # fmt: skip
def graphql_bounded(api: Resource, context: Context) -> str | None:
    """GraphQL APIs limit how deep a query goes."""
    return not_set(api, "queryDepthLimit")
