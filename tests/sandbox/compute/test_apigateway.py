"""A deployed REST API answers over HTTP as API Gateway does."""

from __future__ import annotations

import json

import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from mlops.sandbox.compute.apigateway_routes import Route, substitute

ECHO = """
import json, time
def handler(event, context):
    body = json.loads(event["body"] or "{}")
    if body.get("sleep"):
        time.sleep(body["sleep"])
    if body.get("fail"):
        raise ValueError("no")
    if body.get("malformed"):
        return "just text"
    answer = {"path": event["pathParameters"], "query": event["queryStringParameters"], "caller": event["requestContext"]["identity"]["userArn"]}
    return {"statusCode": 201, "headers": {"X-Own": "1"}, "body": json.dumps(answer)}
"""
SCHEMA = {
    "$schema": "http://json-schema.org/draft-04/schema#",
    "type": "object",
    "required": ["instances"],
    "properties": {"instances": {"type": "array"}},
}


@pytest.fixture(scope="module")
def api(aws):
    return Api(aws)


class Api:
    """POST /models/{model} (signed, validated) → function; OPTIONS → MOCK."""

    def __init__(self, aws):
        self.aws, self.client = aws, aws.client("apigateway")
        self.function = aws.function(ECHO)
        arn = aws.arn("lambda", f"function:{self.function}")
        made = self.client.create_rest_api(name=aws.name("api"))
        self.id, self.name = made["id"], made["name"]
        common = {"restApiId": self.id}
        root = self.client.get_resources(**common)["items"][0]["id"]
        models = self.client.create_resource(**common, parentId=root, pathPart="models")["id"]
        common["resourceId"] = self.client.create_resource(**common, parentId=models, pathPart="{model}")["id"]
        validator = self.client.create_request_validator(
            restApiId=self.id, name="body", validateRequestBody=True, validateRequestParameters=True
        )["id"]
        self.client.create_model(restApiId=self.id, name="Body", contentType="application/json", schema=json.dumps(SCHEMA))
        self.client.put_method(
            **common,
            httpMethod="POST",
            authorizationType="AWS_IAM",
            requestValidatorId=validator,
            requestModels={"application/json": "Body"},
            requestParameters={"method.request.querystring.mode": True},
        )
        uri = f"arn:aws:apigateway:{aws.running.region}:lambda:path/2015-03-31/functions/{arn}/invocations"
        self.client.put_integration(
            **common, httpMethod="POST", type="AWS_PROXY", integrationHttpMethod="POST", uri=uri, timeoutInMillis=1500
        )
        self.client.put_method(**common, httpMethod="OPTIONS", authorizationType="NONE")
        self.client.put_integration(
            **common, httpMethod="OPTIONS", type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'}
        )
        header = "method.response.header.Access-Control-Allow-Origin"
        self.client.put_method_response(**common, httpMethod="OPTIONS", statusCode="200", responseParameters={header: True})
        self.client.put_integration_response(
            **common, httpMethod="OPTIONS", statusCode="200", responseParameters={header: "'https://a.example'"}
        )
        template = {"application/json": '{"code": "bad", "detail": "$context.error.validationErrorString"}'}
        self.client.put_gateway_response(restApiId=self.id, responseType="BAD_REQUEST_BODY", statusCode="400", responseTemplates=template)
        self.client.create_deployment(restApiId=self.id, stageName="v1")
        source = aws.arn("execute-api", f"{self.id}/*/POST/models/*")
        aws.client("lambda").add_permission(
            FunctionName=self.function,
            StatementId="api",
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=source,
        )

    def post(self, body, *, path="models/flights", query="?mode=x", credentials=None, signed=True):
        url = f"{self.aws.running.api_url}/{self.id}/v1/{path}{query}"
        data = body if isinstance(body, str | bytes) else json.dumps(body)
        request = AWSRequest("POST", url, data=data, headers={"Content-Type": "application/json"})
        if signed:
            keys = credentials or self.aws.running.administrator
            SigV4Auth(
                Credentials(keys.access_key_id, keys.secret_access_key, keys.session_token), "execute-api", self.aws.running.region
            ).add_auth(request)
        return requests.post(url, data=data, headers=dict(request.headers), timeout=60)


@pytest.mark.spec("REL-3d", "PERF-3b", "SEC-1d")
def test_signed_request_reaches_the_function_with_parameters_and_caller(api):
    answer = api.post({"instances": []})
    assert answer.status_code == 201
    assert answer.headers["X-Own"] == "1"
    assert answer.json() == {"path": {"model": "flights"}, "query": {"mode": "x"}, "caller": api.aws.running.administrator.principal_arn}


@pytest.mark.spec("SEC-6b")
def test_unsigned_request_and_unknown_path_miss_a_token(api):
    for answer in (api.post({"instances": []}, signed=False), api.post({}, path="nothing")):
        assert (answer.status_code, answer.json()) == (403, {"message": "Missing Authentication Token"})


def test_unknown_stage_is_forbidden(api):
    answer = requests.get(f"{api.aws.running.api_url}/{api.id}/nostage/models/x", timeout=10)
    assert (answer.status_code, answer.json()) == (403, {"message": "Forbidden"})


def test_made_up_key_is_refused(api):
    class Nobody:
        access_key_id, secret_access_key, session_token = "AKIAIOSFODNN7EXAMPLE", "secret", None

    answer = api.post({"instances": []}, credentials=Nobody)
    assert answer.status_code == 403
    assert "security token" in answer.json()["message"]


def test_caller_without_the_right_is_denied_by_name(api):
    iam = api.aws.client("iam")
    user = api.aws.name("user")
    iam.create_user(UserName=user)
    key = iam.create_access_key(UserName=user)["AccessKey"]

    class Caller:
        access_key_id, secret_access_key, session_token = key["AccessKeyId"], key["SecretAccessKey"], None

    answer = api.post({"instances": []}, credentials=Caller)
    assert answer.status_code == 403
    assert f"user/{user} is not authorized to perform: execute-api:Invoke" in answer.json()["Message"]


def test_wrong_body_is_answered_with_the_apis_own_gateway_response(api):
    answer = api.post({"rows": []})
    assert answer.status_code == 400
    assert answer.json()["code"] == "bad"
    assert "'instances' is a required property" in answer.json()["detail"]


def test_missing_parameter_is_named(api):
    answer = api.post({"instances": []}, query="")
    assert (answer.status_code, answer.json()["message"]) == (400, "Missing required request parameters: [mode]")


def test_failing_and_malformed_function_is_a_bad_gateway(api):
    for body in ({"instances": [], "fail": True}, {"instances": [], "malformed": True}):
        answer = api.post(body)
        assert (answer.status_code, answer.json()) == (502, {"message": "Internal server error"})


def test_slow_function_is_a_gateway_timeout(api):
    answer = api.post({"instances": [], "sleep": 3})
    assert (answer.status_code, answer.json()) == (504, {"message": "Endpoint request timed out"})


def test_too_large_body_is_refused(api):
    assert api.post(b"x" * (10 * 1024 * 1024 + 1)).status_code == 413


@pytest.mark.spec("SEC-3c")
def test_preflight_is_answered_by_the_api_itself(api):
    answer = requests.options(f"{api.aws.running.api_url}/{api.id}/v1/models/flights", timeout=10)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "https://a.example"


def test_requests_are_metrics_and_access_logs(api, wait):
    group = api.aws.name("/aws/apigateway/log")
    api.aws.client("logs").create_log_group(logGroupName=group)
    role = api.aws.role("apigateway.amazonaws.com", "logs:*")
    api.client.update_account(patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": role}])
    settings = {
        "destinationArn": api.aws.arn("logs", f"log-group:{group}"),
        "format": '{"status": "$context.status", "caller": "$context.identity.userArn"}',
    }
    operations = [{"op": "replace", "path": f"/accessLogSettings/{key}", "value": value} for key, value in settings.items()]
    api.client.update_stage(restApiId=api.id, stageName="v1", patchOperations=operations)
    api.post({"instances": []})
    [line] = wait(lambda: api.aws.log_lines(group))
    assert json.loads(line) == {"status": "201", "caller": api.aws.running.administrator.principal_arn}
    dimensions = [{"Name": "ApiName", "Value": api.name}]
    counted = api.aws.client("cloudwatch").list_metrics(Namespace="AWS/ApiGateway", Dimensions=dimensions)["Metrics"]
    assert {"Count", "4XXError", "5XXError", "Latency", "IntegrationLatency"} <= {metric["MetricName"] for metric in counted}


@pytest.mark.spec("PERF-6f")
def test_throttled_requests_are_answered_429(api):
    operations = [
        {"op": "replace", "path": "/*/*/throttling/rateLimit", "value": "1"},
        {"op": "replace", "path": "/*/*/throttling/burstLimit", "value": "1"},
    ]
    api.client.update_stage(restApiId=api.id, stageName="v1", patchOperations=operations)
    answers = [api.post({"instances": []}) for _ in range(5)]
    throttled = [answer for answer in answers if answer.status_code == 429]
    assert throttled
    assert throttled[0].json() == {"message": "Too Many Requests"}


def test_change_needs_a_deployment(aws):
    client = aws.client("apigateway")
    api_id = client.create_rest_api(name=aws.name("api"))["id"]
    root = client.get_resources(restApiId=api_id)["items"][0]["id"]
    common = {"restApiId": api_id, "resourceId": root, "httpMethod": "GET"}
    client.put_method(**common, authorizationType="NONE")
    client.put_integration(**common, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    client.put_integration_response(**common, statusCode="200", responseTemplates={"application/json": "one"})
    client.create_deployment(restApiId=api_id, stageName="s")
    client.put_integration_response(**common, statusCode="200", responseTemplates={"application/json": "two"})
    url = f"{aws.running.api_url}/{api_id}/s"
    assert requests.get(url, timeout=10).text == "one"
    client.update_stage(
        restApiId=api_id,
        stageName="s",
        patchOperations=[{"op": "replace", "path": "/deploymentId", "value": client.create_deployment(restApiId=api_id)["id"]}],
    )
    assert requests.get(url, timeout=10).text == "two"


def test_paths_match_parameters_and_greedy_parameters():
    assert Route("/models/{model}/predictions", "r", {}).match("/models/a.b/predictions") == {"model": "a.b"}
    assert Route("/models/{model}", "r", {}).match("/models/a/b") is None
    assert Route("/{proxy+}", "r", {}).match("/a/b") == {"proxy": "a/b"}


def test_context_values_are_escaped_inside_json():
    assert (
        substitute('{"a": "$context.x", "b": $context.error.messageString}', {"x": 'q"', "error.messageString": '"m"'})
        == '{"a": "q\\"", "b": "m"}'
    )
