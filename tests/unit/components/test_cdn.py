"""The distribution in front of the API, as the stacks' previews show it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from components.settings.source import SettingsError
from mlops import engine
from mlops.sandbox.identity.documents import parse
from mlops.sandbox.identity.evaluation import Policies
from mlops.sandbox.identity.principals import service_principal

from .test_costs import changed_stack
from .test_program import of_type, preview
from .test_security_baseline import judged
from .test_settings import parsed, section

DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
ACL = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/company/11111111-2222-3333-4444-555555555555"
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"


def distribution(record: engine.Record) -> dict[str, Any]:
    (found,) = [resource for resource in record.resources if resource.type == DISTRIBUTION]
    return found.inputs


@pytest.mark.spec("PERF-2d")
@pytest.mark.parametrize(("stack", "count"), [("prod", 1), ("prod-dr", 0), ("dev", 0), ("local", 0)])
def test_the_distribution_is_on_in_prod_and_nowhere_else(stack: str, count: int) -> None:
    assert len(of_type(stack, DISTRIBUTION)) == count
    assert ("cdn" in preview(stack).outputs["api"]) == bool(count)


@pytest.mark.spec("PERF-2d", "SEC-5b")
def test_nothing_is_spoken_in_the_clear_before_the_distribution_or_behind_it() -> None:
    inputs = distribution(preview("prod"))
    assert inputs["defaultCacheBehavior"]["viewerProtocolPolicy"] == "https-only"
    (origin,) = inputs["origins"]
    assert origin["customOriginConfig"]["originProtocolPolicy"] == "https-only"
    assert origin["customOriginConfig"]["originSslProtocols"] == ["TLSv1.2"]


@pytest.mark.spec("PERF-2d")
def test_signed_predictions_pass_through_whole_and_are_never_cached() -> None:
    inputs = distribution(preview("prod"))
    behaviour = inputs["defaultCacheBehavior"]
    assert "POST" in behaviour["allowedMethods"] and "POST" not in behaviour["cachedMethods"]
    # CachingDisabled, and AllViewerExceptHostHeader: the signature's headers arrive, and the host is the API's.
    assert behaviour["cachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    assert behaviour["originRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"
    assert behaviour["responseHeadersPolicyId"] == "67f7725c-6f97-4210-82d7-5512b31e9d03"
    assert inputs["restrictions"] == {"geoRestriction": {"restrictionType": "none"}}


@pytest.mark.spec("PERF-2d")
def test_the_origin_is_the_stage_of_the_api_and_outlives_its_longest_answer() -> None:
    (resource,) = of_type("prod", DISTRIBUTION)
    (origin,) = resource.inputs["origins"]
    (stage,) = of_type("prod", "aws:apigateway/stage:Stage")
    (api,) = of_type("prod", "aws:apigateway/restApi:RestApi")
    assert origin["originPath"] == f"/{stage.inputs['stageName']}"
    assert resource.inputs["defaultCacheBehavior"]["targetOriginId"] == origin["originId"]
    assert api.urn in resource.property_dependencies["origins"] and stage.urn in resource.dependencies
    assert origin["customOriginConfig"]["originReadTimeout"] > 29


@pytest.mark.spec("PERF-2d", "OPS-5a")
def test_access_logs_go_into_the_log_bucket_which_admits_that_one_source() -> None:
    there = "us-east-1"
    (source,) = of_type("prod", "aws:cloudwatch/logDeliverySource:LogDeliverySource")
    (destination,) = of_type("prod", "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination")
    (delivery,) = of_type("prod", "aws:cloudwatch/logDelivery:LogDelivery")
    assert {source.inputs["region"], destination.inputs["region"], delivery.inputs["region"]} == {there}
    (resource,) = of_type("prod", DISTRIBUTION)
    assert source.property_dependencies["resourceArn"] == [resource.urn]
    assert set(delivery.property_dependencies["deliveryDestinationArn"]) == {destination.urn}
    logs = f"arn:aws:s3:::{preview('prod').outputs['buckets']['logs']}"
    assert destination.inputs["deliveryDestinationConfiguration"] == {"destinationResourceArn": logs}

    (text,) = [each.inputs["policy"] for each in of_type("prod", "aws:s3/bucketPolicy:BucketPolicy") if each.name == "lake-logs-policy"]
    policies, sender = Policies(resource=(parse(text),)), service_principal("delivery.logs.amazonaws.com")
    arn = f"arn:aws:logs:{there}:123456789012:delivery-source:{source.inputs['name']}"
    context = {"aws__SourceAccount": "123456789012", "aws__SourceArn": arn, "s3__x-amz-acl": "bucket-owner-full-control"}
    written = f"{logs}/AWSLogs/123456789012/CloudFront/E1.2026-11-25-10.json.gz"
    assert judged(sender, "s3:PutObject", written, policies, **context)
    assert not judged(sender, "s3:PutObject", written, policies, **{**context, "aws__SourceArn": arn + "-other"})
    assert not judged(sender, "s3:PutObject", f"{logs}/trail/x", policies, **context)


@pytest.mark.spec("PERF-2d")
@pytest.mark.parametrize("stack", ["dev", "local", "prod-dr"])
def test_without_a_distribution_nobody_may_deliver_its_logs(stack: str) -> None:
    texts = json.dumps([each.inputs["policy"] for each in of_type(stack, "aws:s3/bucketPolicy:BucketPolicy")])
    assert "delivery.logs" not in texts


@pytest.mark.spec("SEC-5b")
def test_a_certificate_of_ones_own_holds_viewers_to_tls_1_2_and_a_web_acl_is_attached(tmp_path: Path) -> None:
    change = section("cdn", enabled=True, web_acl_arn=ACL, domain="api.example.com", certificate_arn=CERTIFICATE)
    record = changed_stack(tmp_path, "dev", change)
    inputs = distribution(record)
    expected = {"acmCertificateArn": CERTIFICATE, "minimumProtocolVersion": "TLSv1.2_2021", "sslSupportMethod": "sni-only"}
    assert inputs["viewerCertificate"] == expected
    assert (inputs["webAclId"], inputs["aliases"]) == (ACL, ["api.example.com"])
    assert "cdn" in record.outputs["api"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (section("cdn", enabled=True, domain="api.example.com"), "a domain and its certificate go together"),
        (section("cdn", enabled=True, web_acl_arn=ACL.replace("us-east-1", "eu-west-1")), "web_acl_arn"),
        (section("cdn", price_class="PriceClass_300"), "PriceClass_100"),
        (lambda config: (section("cdn", enabled=True)(config), section("stack", parts=["data"])(config)), "the part models"),
    ],
)
def test_a_wrong_setting_of_the_distribution_is_one_clear_error(change: Any, message: str) -> None:
    def with_code_of_pulumi(config: dict[str, Any]) -> None:
        change(config)
        if config["mlops:stack"].get("parts") == ["data"]:
            del config["mlops:cicd"]

    with pytest.raises(SettingsError, match=re.escape(message)):
        parsed("dev", with_code_of_pulumi)
