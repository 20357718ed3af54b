"""Signed methods answered by functions, and the unsigned methods that API Gateway answers itself: OPTIONS, which browsers ask first, and the health check."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.base.platform import Platform
from components.blocks.function import Function

INTEGRATION_MILLISECONDS = 29_000
HEALTHY = {"status": "ok"}
CORS_HEADERS = "Content-Type,Authorization,X-Amz-Date,X-Amz-Security-Token,Idempotency-Key"


@dataclass(frozen=True, kw_only=True)
class ApiMethodArgs:
    """`schema` is the JSON schema (draft 4) of the body; `route` is the whole path."""

    api: aws.apigateway.RestApi
    path: aws.apigateway.Resource
    validator_id: pulumi.Input[str]
    schema: dict[str, Any]
    route: str


class ApiMethod(pulumi.ComponentResource):
    """POST with IAM authorisation and a validated body."""

    def __init__(
        self, name: str, args: ApiMethodArgs, *, function: Function, platform: Platform, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("mlops:inference:ApiMethod", name, None, opts)
        self.route = args.route
        child = pulumi.ResourceOptions(parent=self)
        body = aws.apigateway.Model(
            f"{name}-body",
            rest_api=args.api.id,
            # Names of API models are alphanumeric.
            name="".join(part.capitalize() for part in args.route.replace("-", "/").split("/")),
            content_type="application/json",
            schema=json.dumps({"$schema": "http://json-schema.org/draft-04/schema#", **args.schema}, sort_keys=True),
            opts=child,
        )
        method = aws.apigateway.Method(
            f"{name}-post",
            rest_api=args.api.id,
            resource_id=args.path.id,
            http_method="POST",
            authorization="AWS_IAM",
            request_validator_id=args.validator_id,
            request_models={"application/json": body.name},
            request_parameters={"method.request.header.Idempotency-Key": False},
            opts=child,
        )
        integration = aws.apigateway.Integration(
            f"{name}-integration",
            rest_api=args.api.id,
            resource_id=args.path.id,
            http_method=method.http_method,
            type="AWS_PROXY",
            integration_http_method="POST",
            uri=function.invoke_arn,
            timeout_milliseconds=INTEGRATION_MILLISECONDS,
            opts=child,
        )
        source = args.api.id.apply(lambda api_id: platform.arns.rest_api(api_id, f"*/POST/{args.route}"))
        permission = function.allow_service(f"{name}-permission", service="apigateway.amazonaws.com", source_arn=source)
        self.register_outputs({"method": method.id, "integration": integration.id, "permission": permission.id})


def signed_get(
    name: str,
    api: aws.apigateway.RestApi,
    path: aws.apigateway.Resource,
    *,
    route: str,
    function: Function,
    platform: Platform,
    opts: pulumi.ResourceOptions,
) -> pulumi.Resource:
    """GET with IAM authorisation, answered by a function. Returns what a deployment must wait for."""
    method = aws.apigateway.Method(
        f"{name}-get", rest_api=api.id, resource_id=path.id, http_method="GET", authorization="AWS_IAM", opts=opts
    )
    integration = aws.apigateway.Integration(
        f"{name}-integration",
        rest_api=api.id,
        resource_id=path.id,
        http_method=method.http_method,
        type="AWS_PROXY",
        integration_http_method="POST",
        uri=function.invoke_arn,
        timeout_milliseconds=INTEGRATION_MILLISECONDS,
        opts=opts,
    )
    source = api.id.apply(lambda api_id: platform.arns.rest_api(api_id, f"*/GET/{route}"))
    function.allow_service(f"{name}-permission", service="apigateway.amazonaws.com", source_arn=source)
    return integration


def cors_preflight(
    name: str,
    api: aws.apigateway.RestApi,
    path: aws.apigateway.Resource,
    origin: str,
    opts: pulumi.ResourceOptions,
    methods: str = "OPTIONS,POST",
) -> pulumi.Resource:
    """OPTIONS, answered by API Gateway itself: which origin, methods and headers are allowed. Returns what comes last."""
    values = {"Origin": origin, "Methods": methods, "Headers": CORS_HEADERS}
    headers = {f"method.response.header.Access-Control-Allow-{key}": f"'{value}'" for key, value in values.items()}
    return _answered_by_the_gateway(f"{name}-options", "OPTIONS", api, path, opts, headers=headers, last="headers")


def health(name: str, api: aws.apigateway.RestApi, path: aws.apigateway.Resource, opts: pulumi.ResourceOptions) -> pulumi.Resource:
    """GET, answered by API Gateway itself with a constant: whether the API is reached says all. Returns what comes last."""
    body = {"application/json": json.dumps(HEALTHY)}
    return _answered_by_the_gateway(f"{name}-get", "GET", api, path, opts, body=body, last="answer")


def _answered_by_the_gateway(
    name: str,
    http_method: str,
    api: aws.apigateway.RestApi,
    path: aws.apigateway.Resource,
    opts: pulumi.ResourceOptions,
    *,
    last: str,
    headers: dict[str, str] | None = None,
    body: dict[str, str] | None = None,
) -> pulumi.Resource:
    """An unsigned method behind which there is nothing."""
    api_id, path_id = api.id, path.id
    method = aws.apigateway.Method(name, http_method=http_method, authorization="NONE", rest_api=api_id, resource_id=path_id, opts=opts)
    integration = aws.apigateway.Integration(
        f"{name}-mock",
        http_method=method.http_method,
        type="MOCK",
        request_templates={"application/json": '{"statusCode": 200}'},
        rest_api=api_id,
        resource_id=path_id,
        opts=opts,
    )
    response = aws.apigateway.MethodResponse(
        f"{name}-ok",
        http_method=method.http_method,
        status_code="200",
        response_parameters=dict.fromkeys(headers, True) if headers else None,
        rest_api=api_id,
        resource_id=path_id,
        opts=opts,
    )
    return aws.apigateway.IntegrationResponse(
        f"{name}-{last}",
        http_method=method.http_method,
        status_code=response.status_code,
        response_parameters=headers,
        response_templates=body,
        rest_api=api_id,
        resource_id=path_id,
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[integration])),
    )
