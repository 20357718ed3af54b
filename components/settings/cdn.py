"""Settings of the distribution in front of the API."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from components.settings.platform import Strict

_GLOBAL_ARN = r"^arn:aws[a-z-]*:{service}:us-east-1:\d{{12}}:{path}$"


class CdnSettings(Strict):
    """CloudFront. Clients sign requests for the API's own host, whatever host they send them to."""

    enabled: bool = False
    price_class: Annotated[
        Literal["PriceClass_100", "PriceClass_200", "PriceClass_All"],
        Field(description="Edge locations: 100 are North America, Europe and Israel; 200 add Asia, Africa and the Middle East."),
    ] = "PriceClass_100"
    web_acl_arn: Annotated[
        str | None,
        Field(
            pattern=_GLOBAL_ARN.format(service="wafv2", path="global/webacl/.+"),
            description="An existing web ACL of the scope CLOUDFRONT.",
        ),
    ] = None
    domain: Annotated[
        str | None,
        Field(pattern=r"^([a-z0-9-]+\.)+[a-z]{2,}$", description="A name of your own; its DNS record is not made here."),
    ] = None
    certificate_arn: Annotated[
        str | None,
        Field(
            pattern=_GLOBAL_ARN.format(service="acm", path="certificate/.+"),
            description="The domain's certificate. Only with one of your own can viewers be held to TLS 1.2.",
        ),
    ] = None

    @model_validator(mode="after")
    def _a_domain_has_its_certificate(self) -> CdnSettings:
        if (self.domain is None) != (self.certificate_arn is None):
            raise ValueError("certificate_arn: a domain and its certificate go together; set domain and certificate_arn, or neither")
        return self
