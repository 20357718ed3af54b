"""A stage's cache: answers of GET for as long as the settings say, never those of another method, another key or another stage."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

COUNTS = """
import json
calls = []
def handler(event, context):
    calls.append(event["httpMethod"])
    status = 503 if event["path"].endswith("/broken") else 200
    return {"statusCode": status, "headers": {"X-Own": "1"}, "body": json.dumps({"call": len(calls), "path": event["path"]})}
"""
SECONDS = 2


class Api:
    """GET and POST of /models/{model}, signed, answered by a function that counts."""

    def __init__(self, aws):
        self.aws, self.client = aws, aws.client("apigateway")
        self.id = self.client.create_rest_api(name=aws.name("api"))["id"]
        self.function = aws.function(COUNTS)
        self.arn = aws.arn("lambda", f"function:{self.function}")
        root = self.client.get_resources(restApiId=self.id)["items"][0]["id"]
        models = self.client.create_resource(restApiId=self.id, parentId=root, pathPart="models")["id"]
        self.resource = self.client.create_resource(restApiId=self.id, parentId=models, pathPart="{model}")["id"]
        uri = f"arn:aws:apigateway:{aws.running.region}:lambda:path/2015-03-31/functions/{self.arn}/invocations"
        for method in ("GET", "POST"):
            where = {"restApiId": self.id, "resourceId": self.resource, "httpMethod": method}
            self.client.put_method(**where, authorizationType="AWS_IAM")
            keys = {"cacheKeyParameters": ["method.request.path.model"]} if method == "GET" else {}
            self.client.put_integration(**where, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri, **keys)
        self.deployment = self.client.create_deployment(restApiId=self.id)["id"]
        aws.client("lambda").add_permission(
            FunctionName=self.function,
            StatementId="api",
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=aws.arn("execute-api", f"{self.id}/*"),
        )

    def stage(self, name, *, cluster=True, path="*/*", **settings):
        common = {"restApiId": self.id, "stageName": name}
        self.client.create_stage(**common, deploymentId=self.deployment, cacheClusterEnabled=cluster, cacheClusterSize="0.5")
        values = {"caching/enabled": "true", "caching/ttlInSeconds": str(SECONDS), **settings}
        operations = [{"op": "replace", "path": f"/{path}/{key}", "value": value} for key, value in values.items()]
        self.client.update_stage(**common, patchOperations=operations)
        return name

    def ask(self, stage, model="flights", method="GET", headers=None, keys=None):
        url = f"{self.aws.running.api_url}/{self.id}/{stage}/models/{model}"
        request = AWSRequest(method, url, headers=headers or {})
        keys = keys or self.aws.running.administrator
        credentials = Credentials(keys.access_key_id, keys.secret_access_key, keys.session_token)
        SigV4Auth(credentials, "execute-api", self.aws.running.region).add_auth(request)
        return requests.request(method, url, headers=dict(request.headers), timeout=30)

    def call(self, *arguments, **options):
        answer = self.ask(*arguments, **options)
        return answer.json()["call"]


@pytest.fixture(scope="module")
def api(aws):
    return Api(aws)


@pytest.mark.spec("PERF-6e")
def test_a_cached_answer_is_given_again_until_it_is_too_old(api):
    stage = api.stage("aged")
    first = api.ask(stage)
    again = api.ask(stage)
    assert first.json() == again.json() and again.headers["X-Own"] == "1"
    time.sleep(SECONDS)
    assert api.call(stage) > first.json()["call"]


@pytest.mark.spec("PERF-6e")
def test_post_is_never_answered_from_the_cache(api):
    stage = api.stage("posts")
    assert api.call(stage, method="POST") < api.call(stage, method="POST") < api.call(stage, method="POST")


def test_models_have_answers_of_their_own_and_errors_are_not_kept(api):
    stage = api.stage("keys")
    assert api.ask(stage, "flights").json()["path"].endswith("/flights")
    assert api.ask(stage, "delays").json()["path"].endswith("/delays")
    broken = [api.ask(stage, "broken") for _ in range(2)]
    assert [each.status_code for each in broken] == [503, 503] and broken[0].json()["call"] < broken[1].json()["call"]


@pytest.mark.spec("PERF-6e")
@pytest.mark.parametrize(("name", "options"), [("nocluster", {"cluster": False}), ("disabled", {"caching/enabled": "false"})])
def test_without_cluster_or_setting_every_request_reaches_the_function(api, name, options):
    stage = api.stage(name, **options)
    assert api.call(stage) < api.call(stage)


def test_settings_of_one_method_leave_the_others_alone_and_go_when_they_are_removed(api):
    stage = api.stage("own", path="~1models~1{model}/GET")
    assert api.call(stage) == api.call(stage)
    assert api.call(stage, method="POST") < api.call(stage, method="POST")
    removal = [{"op": "remove", "path": "/~1models~1{model}/GET"}]
    api.client.update_stage(restApiId=api.id, stageName=stage, patchOperations=removal)
    assert api.call(stage) < api.call(stage)


def reader(api, *actions):
    """Access keys of a user who may do this with the API."""
    iam, name = api.aws.client("iam"), api.aws.name("reader")
    iam.create_user(UserName=name)
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": api.aws.arn("execute-api", f"{api.id}/*")}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    iam.put_user_policy(UserName=name, PolicyName="api", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]

    class Keys:
        access_key_id, secret_access_key, session_token = key["AccessKeyId"], key["SecretAccessKey"], None

    return Keys


FRESH = {"Cache-Control": "max-age=0"}


def test_a_fresh_answer_is_for_those_who_may_invalidate_the_cache(api):
    reads, renews = reader(api, "execute-api:Invoke"), reader(api, "execute-api:Invoke", "execute-api:InvalidateCache")
    rule = "caching/unauthorizedCacheControlHeaderStrategy"
    stage = api.stage("strict", **{"caching/ttlInSeconds": "600", rule: "FAIL_WITH_403"})
    first = api.call(stage, keys=reads)
    refused = api.ask(stage, keys=reads, headers=FRESH)
    assert (refused.status_code, api.call(stage, keys=reads)) == (403, first)
    fresh = api.call(stage, keys=renews, headers=FRESH)
    assert fresh > first and api.call(stage, keys=reads) == fresh
    lenient = api.stage("lenient", **{"caching/ttlInSeconds": "600", rule: "SUCCEED_WITH_RESPONSE_HEADER"})
    api.call(lenient, keys=reads)
    told = api.ask(lenient, keys=reads, headers=FRESH)
    assert told.status_code == 200 and "not authorized" in told.headers["Warning"]


def test_a_cached_answer_is_only_for_callers_who_may_ask(api):
    stage = api.stage("signed", **{"caching/ttlInSeconds": "600"})
    assert api.ask(stage).status_code == 200
    assert api.ask(stage, keys=reader(api, "execute-api:ManageConnections")).status_code == 403


def test_hits_and_misses_are_counted(api, wait):
    stage = api.stage("counted", **{"caching/ttlInSeconds": "600"})
    api.ask(stage)
    with ThreadPoolExecutor(4) as callers:
        list(callers.map(lambda _: api.ask(stage), range(6)))
    name = api.client.get_rest_api(restApiId=api.id)["name"]
    cloudwatch = api.aws.client("cloudwatch")

    def counted(metric):
        now = time.time()
        answer = cloudwatch.get_metric_statistics(
            Namespace="AWS/ApiGateway",
            MetricName=metric,
            Dimensions=[{"Name": "ApiName", "Value": name}, {"Name": "Stage", "Value": stage}],
            StartTime=now - 3600,
            EndTime=now + 3600,
            Period=7200,
            Statistics=["Sum"],
        )
        return sum(point["Sum"] for point in answer["Datapoints"])

    assert wait(lambda: (counted("CacheHitCount"), counted("CacheMissCount")) == (6, 1))
