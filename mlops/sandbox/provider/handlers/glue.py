"""Glue databases, crawlers, jobs and security configurations."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.handler import EXECUTED, KEPT, Handler
from mlops.sandbox.provider.properties import Properties


class CatalogDatabase(Handler):
    type_, service, level, tagged = "aws:glue/catalogDatabase:CatalogDatabase", "glue", EXECUTED, True
    name_property = "name"

    def create(self, call: Call, p: Properties) -> str:
        name = p.require("name")
        catalog = p.take("catalogId")
        definition = call.parameters("create_database", p, member="DatabaseInput")
        call("create_database", CatalogId=catalog, DatabaseInput={"Name": name, **definition}, Tags=call.tags or None)
        return f"{catalog or call.account}:{name}"

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        catalog, name = id_.split(":", 1)
        call("get_database", CatalogId=catalog, Name=name)
        return {"arn": call.arn(f"database/{name}"), "catalogId": catalog}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        name = p.require("name")
        p.take("catalogId")
        definition = call.parameters("create_database", p, member="DatabaseInput")
        call("update_database", Name=name, DatabaseInput={"Name": name, **definition})

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        catalog, name = id_.split(":", 1)
        call("delete_database", CatalogId=catalog, Name=name)


class Crawler(Handler):
    type_, service, level, tagged = "aws:glue/crawler:Crawler", "glue", EXECUTED, True
    name_property = "name"
    # Only data in S3 can be crawled here.
    _TARGETS = ("catalogTargets", "deltaTargets", "dynamodbTargets", "hudiTargets", "icebergTargets", "jdbcTargets", "mongodbTargets")
    _NAMES = {"securityConfiguration": "CrawlerSecurityConfiguration", "dlqEventQueueArn": "DlqEventQueueArn"}

    def create(self, call: Call, p: Properties) -> str:
        parameters = self._parameters(call, p)
        call("create_crawler", **parameters, Tags=call.tags or None)
        return parameters["Name"]

    def _parameters(self, call: Call, p: Properties) -> dict[str, Any]:
        p.expect("name", "role", "databaseName", "s3Targets")
        for other in self._TARGETS:
            p.only(other, because="it crawls S3 only")
        targets = Properties({"s3Targets": p.take("s3Targets", [])}, problems=p.problems)
        converted = call.parameters("create_crawler", targets, member="Targets")
        return {**call.parameters("create_crawler", p, self._NAMES), "Targets": converted}

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"arn": call.arn(f"crawler/{id_}")}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        call("update_crawler", **self._parameters(call, p))

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_crawler", Name=id_)


class Job(Handler):
    type_, service, level, tagged = "aws:glue/job:Job", "glue", EXECUTED, True
    name_property = "name"
    _NAMES = {"roleArn": "Role", "connections": "Connections"}

    def create(self, call: Call, p: Properties) -> str:
        name = p.require("name")
        call("create_job", Name=name, **self._parameters(call, p), Tags=call.tags or None)
        return name

    def _parameters(self, call: Call, p: Properties) -> dict[str, Any]:
        p.expect("roleArn", "command")
        connections = p.take("connections")
        parameters = call.parameters("create_job", p, self._NAMES)
        if connections:
            parameters["Connections"] = {"Connections": connections}
        return parameters

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"arn": call.arn(f"job/{id_}")}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        p.take("name")
        call("update_job", JobName=id_, JobUpdate=self._parameters(call, p))

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_job", JobName=id_)


class SecurityConfiguration(Handler):
    type_, service, level = "aws:glue/securityConfiguration:SecurityConfiguration", "glue", KEPT
    name_property = "name"
    _NAMES = {"s3Encryption": "S3Encryption", "cloudwatchEncryption": "CloudWatchEncryption"}

    def create(self, call: Call, p: Properties) -> str:
        name = p.require("name")
        parameters = call.parameters("create_security_configuration", p, self._NAMES)
        call("create_security_configuration", Name=name, **parameters)
        return name

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        call("get_security_configuration", Name=id_)
        return {}

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        call("delete_security_configuration", Name=id_)
