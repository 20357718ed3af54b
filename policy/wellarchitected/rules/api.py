"""API Gateway: who may call, what is recorded, limits and caches."""

from __future__ import annotations

from collections.abc import Iterator

from ..changes import put
from ..model import Context, Example, Resource, rule
from ..values import NotApplicable, is_set
from ._checks import not_true
from ._secrets import secret_like
from ._types import API_INTEGRATION, API_METHOD, API_METHOD_SETTINGS, API_STAGE, FUNCTION, LAMBDA_ALIAS, REST_API


@rule(
    "api-access-logging", API_STAGE, scope="stack",
    practices="SEC04-BP01 OPS04-BP02", checklist="CHK-OPS-4", spec="OPS-5a SEC-2b", severity="medium",
    sources="cdk-nag:AwsSolutions-APIG1 checkov:CKV_AWS_76",
    why="Without access logs nobody can say who called what, and how long it took.",
    fix="Set accessLogSettings with destinationArn and a JSON format",
    reads="accessLogSettings.destinationArn",
        compliant={"accessLogSettings": {"destinationArn": "arn:aws:logs:eu-west-1:123456789012:log-group:api", "format": "{}"}},
            violating={"stageName": "v1"},
)  # fmt: skip
def api_access_logging(stage: Resource, context: Context) -> str | None:
    """API stages log access."""
    return None if context.graph.given(stage, "accessLogSettings.destinationArn") else f"accessLogSettings of '{stage.name}' is not set"


@rule(
    "api-tracing", API_STAGE,
    practices="OPS04-BP05", checklist="CHK-PERF-5", spec="OPS-3b", severity="low", sources="checkov:CKV_AWS_73 securityhub:APIGateway.3",
    why="A trace shows whether a slow request waited for the gateway, the function or the model.",
    fix="Set xrayTracingEnabled to true",
    reads="xrayTracingEnabled", compliant={"xrayTracingEnabled": True}, violating={"xrayTracingEnabled": False},
    remediation=put({"xrayTracingEnabled": True}),
)  # fmt: skip
def api_tracing(stage: Resource, context: Context) -> str | None:
    """API stages are traced."""
    return None if stage.get("xrayTracingEnabled", False) else f"xrayTracingEnabled of '{stage.name}' is not true"


@rule(
    "api-authorised", API_METHOD, scope="stack",
    practices="SEC03-BP01 SEC09-BP03", checklist="CHK-SEC-1", spec="SEC-1d SEC-6b", severity="critical",
    sources="cdk-nag:AwsSolutions-APIG4 checkov:CKV_AWS_59",
    why="A method without authorisation is called by everybody who finds it, at your cost.",
    fix="Set authorization to AWS_IAM, COGNITO_USER_POOLS or CUSTOM (OPTIONS may stay open, and a method with a MOCK integration, behind which there is nothing)",
    reads="authorization", compliant={"httpMethod": "POST", "authorization": "AWS_IAM"}, violating={"httpMethod": "POST",
        "authorization": "NONE"},
)  # fmt: skip
def api_authorised(method: Resource, context: Context) -> str | None:
    """API methods ask who is calling."""
    if method.get("httpMethod") == "OPTIONS":
        raise NotApplicable("browsers ask OPTIONS before they sign in")
    integrations = context.graph.referring(method, API_INTEGRATION, "httpMethod")
    if integrations and all(integration.get("type") == "MOCK" for integration in integrations):
        raise NotApplicable("the gateway answers it with a constant, as a health check: nothing is behind it")
    if method.get("authorization", "NONE") == "NONE" and not method.get("apiKeyRequired", False):
        return f"authorization of '{method.name}' is NONE"
    return None


@rule(
    "api-request-validated", API_METHOD, scope="stack",
    practices="REL05-BP04 REL03-BP03", checklist="CHK-REL-3", spec="P4b", severity="low", level="advisory",
        sources="cdk-nag:AwsSolutions-APIG2 checkov:CKV2_AWS_53",
    why="What the gateway refuses costs no invocation.",
    fix="Set requestValidatorId and requestModels",
    reads="requestValidatorId", compliant={"httpMethod": "POST", "requestValidatorId": "abc123"}, violating={"httpMethod": "POST"},
)  # fmt: skip
def api_request_validated(method: Resource, context: Context) -> str | None:
    """The gateway refuses malformed requests itself."""
    if method.get("httpMethod") not in ("POST", "PUT", "PATCH"):
        raise NotApplicable("takes no body")
    return None if context.graph.given(method, "requestValidatorId") else f"requestValidatorId of '{method.name}' is not set"


@rule(
    "api-throttled", REST_API, scope="stack",
    practices="REL05-BP02 COST09-BP02", checklist="CHK-PERF-2", spec="PERF-6f", severity="medium",
    why="Without limits one caller uses up the quota of the whole account.",
    fix="Add aws.apigateway.MethodSettings for */* with throttlingRateLimit and throttlingBurstLimit",
    reads="settings", reads_of=API_METHOD_SETTINGS,
    compliant=(Example(REST_API, "api"), Example(API_METHOD_SETTINGS, "all", {"methodPath": "*/*", "settings": {"throttlingRateLimit": 50,
        "throttlingBurstLimit": 100}}, links={"restApi": "api"})),
    violating=(Example(REST_API, "api"),),
)  # fmt: skip
def api_throttled(api: Resource, context: Context) -> str | None:
    """APIs limit the rate of requests."""
    for settings in context.graph.referring(api, API_METHOD_SETTINGS, "restApi"):
        if settings.get("settings.throttlingRateLimit", -1) >= 0 and settings.get("settings.throttlingBurstLimit", -1) >= 0:
            return None
    return f"no method settings of '{api.name}' set throttlingRateLimit and throttlingBurstLimit"


@rule(
    "api-no-data-trace", API_METHOD_SETTINGS,
    practices="SEC07-BP02", checklist="CHK-SEC-1", spec="SEC-6b", severity="high", sources="checkov:CKV_AWS_276",
    why="It writes whole requests and answers, personal data included, to the logs.",
    fix="Set settings.dataTraceEnabled to false",
    reads="settings.dataTraceEnabled", missing="pass", compliant={"settings": {"dataTraceEnabled": False}},
        violating={"settings": {"dataTraceEnabled": True}},
    remediation=put({"settings.dataTraceEnabled": False}),
)  # fmt: skip
def api_no_data_trace(settings: Resource, context: Context) -> str | None:
    """Request bodies are not logged."""
    return f"settings.dataTraceEnabled of '{settings.name}' is true" if settings.get("settings.dataTraceEnabled", False) else None


@rule(
    "api-metrics", API_METHOD_SETTINGS,
    practices="PERF05-BP02 OPS04-BP02", checklist="CHK-PERF-5", spec="P4e", severity="low", level="advisory",
    why="Per-method metrics show which operation is slow.",
    fix="Set settings.metricsEnabled to true",
    reads="settings.metricsEnabled", compliant={"settings": {"metricsEnabled": True}}, violating={"settings": {"metricsEnabled": False}},
    remediation=put({"settings.metricsEnabled": True}),
)  # fmt: skip
def api_metrics(settings: Resource, context: Context) -> str | None:
    """API methods are measured."""
    return None if settings.get("settings.metricsEnabled", False) else f"settings.metricsEnabled of '{settings.name}' is not true"


@rule(
    "api-cache-safe", API_METHOD_SETTINGS,
    practices="PERF03-BP05 SEC08-BP02", checklist="CHK-PERF-3", spec="PERF-6e", severity="high",
    why="A body is no part of the cache key: a cached POST answers one user with another user's prediction. And a cache is data at rest.",
    fix="Enable caching only on GET methods, with cacheDataEncrypted true",
    reads="settings", missing="not_applicable",
    compliant={"methodPath": "models/GET", "settings": {"cachingEnabled": True, "cacheDataEncrypted": True}},
        violating={"methodPath": "*/*", "settings": {"cachingEnabled": True}},
)  # fmt: skip
def api_cache_safe(settings: Resource, context: Context) -> Iterator[str]:
    """Only answers of GET are cached, encrypted."""
    if not settings.get("settings.cachingEnabled", False):
        raise NotApplicable("caches nothing")
    if not settings.get("methodPath", "*/*").endswith("/GET"):
        yield f"settings.cachingEnabled of '{settings.name}' is true for {settings.get('methodPath', '*/*')}"
    if not settings.get("settings.cacheDataEncrypted", False):
        yield f"settings.cacheDataEncrypted of '{settings.name}' is not true"


@rule(
    "api-timeout-chain", API_INTEGRATION, scope="stack",
    practices="REL05-BP05", checklist="CHK-REL-3", spec="PERF-5a P4a", severity="medium", level="advisory",
    why="A function that works on after the gateway has given up costs money and answers nobody.",
    fix="Make the function's timeout shorter than the integration's (29 s by default), or invoke it asynchronously",
    reads=None,
    compliant=(Example(FUNCTION, "predict", {"timeout": 29}), Example(API_INTEGRATION, "integration", {"type": "AWS_PROXY"},
        links={"uri": "predict"})),
    violating=(Example(FUNCTION, "predict", {"timeout": 300}), Example(API_INTEGRATION, "integration", {"type": "AWS_PROXY"},
        links={"uri": "predict"})),
)  # fmt: skip
def api_timeout_chain(integration: Resource, context: Context) -> str | None:
    """The gateway waits at least as long as the function behind it may take."""
    functions = context.graph.behind(integration, "uri", FUNCTION, LAMBDA_ALIAS, "functionName")
    if len(functions) != 1:
        raise NotApplicable("no single function behind it")
    allowed, taken = integration.get("timeoutMilliseconds", 29000), functions[0].get("timeout", 3) * 1000
    return (
        f"timeout of '{functions[0].name}' is {taken / 1000:.0f} s, "
        f"the integration '{integration.name}' gives up after {allowed / 1000:.0f} s"
        if taken > allowed
        else None
    )


@rule(
    "api-compression", REST_API,
    practices="PERF04-BP05 COST08-BP03 SUS04-BP07", checklist="CHK-SUS-3", spec="SUS-2c", severity="low", level="advisory",
    why="JSON shrinks to a fifth.",
    fix="Set minimumCompressionSize (1024, for example)",
    reads="minimumCompressionSize", compliant={"minimumCompressionSize": "1024"}, violating={"name": "api"},
)  # fmt: skip
def api_compression(api: Resource, context: Context) -> str | None:
    """Answers of the API are compressed."""
    return None if is_set(api.get("minimumCompressionSize")) else f"minimumCompressionSize of '{api.name}' is not set"


@rule(
    "api-domain-tls", "aws:apigateway/domainName:DomainName",
    practices="SEC09-BP02", checklist="CHK-SEC-3", spec="SEC-5b", severity="high", sources="checkov:CKV_AWS_206",
    why="TLS 1.0 and 1.1 are broken.",
    fix="Set securityPolicy to TLS_1_2 or newer",
    reads="securityPolicy", compliant={"securityPolicy": "TLS_1_2"}, violating={"securityPolicy": "TLS_1_0"},
    remediation=put({"securityPolicy": "TLS_1_2"}),
)  # fmt: skip
def api_domain_tls(domain: Resource, context: Context) -> str | None:
    """Custom domains speak TLS 1.2 or newer."""
    policy = domain.get("securityPolicy", "TLS_1_0")
    return f"securityPolicy of '{domain.name}' is TLS_1_0" if policy == "TLS_1_0" else None


BASE_PATH = "aws:apigateway/basePathMapping:BasePathMapping"
USAGE_PLAN = "aws:apigateway/usagePlan:UsagePlan"


@rule(
    "api-one-address", REST_API, scope="stack",
    practices="SEC05-BP02", checklist="CHK-SEC-5", severity="medium", level="advisory",
    why="The address that API Gateway gives passes by whatever stands before the custom domain: firewall, certificate, client certificates.",
    fix="Set disableExecuteApiEndpoint to true",
    reads="disableExecuteApiEndpoint",
    compliant=(Example(REST_API, "api", {"disableExecuteApiEndpoint": True}), Example(BASE_PATH, "path", links={"restApi": "api"})),
    violating=(Example(REST_API, "api"), Example(BASE_PATH, "path", links={"restApi": "api"})),
)  # fmt: skip
def api_one_address(api: Resource, context: Context) -> str | None:
    """An API with a custom domain answers there alone."""
    if not context.graph.referring(api, BASE_PATH, "restApi"):
        raise NotApplicable("has no custom domain")
    return not_true(api, "disableExecuteApiEndpoint")


@rule(
    "api-stage-no-secrets", f"{API_STAGE} aws:apigatewayv2/stage:Stage",
    practices="SEC02-BP03", checklist="CHK-SEC-1", severity="critical",
    why="Stage variables are shown in the console and passed on with requests.",
    fix="Keep the credential in Secrets Manager and let the function behind the API read it",
    reads="variables", missing="pass", compliant={"variables": {"alias": "live"}}, violating={"variables": {"api_token": "hunter2"}},
)  # fmt: skip
def api_stage_no_secrets(stage: Resource, context: Context) -> Iterator[str]:
    """Variables of stages hold no credentials."""
    path = "variables" if stage.type == API_STAGE else "stageVariables"
    for name in secret_like(dict(stage.get(path, {}))):
        yield f"{path}.{name} of '{stage.name}' looks like a credential"


@rule(
    "api-access-log-structured", API_STAGE,
    practices="OPS04-BP02 OPS08-BP02", checklist="CHK-OPS-4", severity="low", level="advisory",
    why="A line of text cannot be queried by status, caller or time.",
    fix="Write accessLogSettings.format as JSON with $context.requestId, $context.status and $context.responseLatency",
    reads="accessLogSettings.format", missing="not_applicable",
    compliant={"accessLogSettings": {"destinationArn": "a", "format": '{"id": "$context.requestId", "status": "$context.status"}'}},
    violating={"accessLogSettings": {"destinationArn": "a", "format": "$context.identity.sourceIp $context.status"}},
)  # fmt: skip
def api_access_log_structured(stage: Resource, context: Context) -> Iterator[str]:
    """Access logs are JSON that names request and status."""
    text = stage.get("accessLogSettings.format")
    if text is None:
        raise NotApplicable("logs no access")
    if not str(text).strip().startswith("{"):
        yield f"accessLogSettings.format of '{stage.name}' is no JSON"
    for field in ("requestId", "status"):
        if f"$context.{field}" not in str(text):
            yield f"accessLogSettings.format of '{stage.name}' lacks $context.{field}"


@rule(
    "api-usage-plan-limits", USAGE_PLAN,
    practices="REL05-BP02 COST02-BP05", checklist="CHK-REL-3", severity="medium", level="advisory",
    why="A plan without limits lets one client use up what all have, and what the month may cost.",
    fix="Set throttleSettings (rateLimit, burstLimit) or quotaSettings",
    reads="throttleSettings", compliant={"throttleSettings": {"rateLimit": 10, "burstLimit": 20}}, violating={"description": "all"},
)  # fmt: skip
def api_usage_plan_limits(plan: Resource, context: Context) -> str | None:
    """Usage plans limit what a client may use."""
    if plan.get("throttleSettings") or plan.get("quotaSettings"):
        return None
    return f"neither throttleSettings nor quotaSettings of '{plan.name}' is set"
