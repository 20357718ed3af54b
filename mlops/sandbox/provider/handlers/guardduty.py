"""GuardDuty: the detector, its features and where its findings go."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.handler import KEPT, Handler, Put
from mlops.sandbox.provider.properties import Properties


class Detector(Handler):
    type_, service, level, tagged = "aws:guardduty/detector:Detector", "guardduty", KEPT, True

    def create(self, call: Call, p: Properties) -> str:
        return call(
            "create_detector",
            Enable=p.boolean("enable", True),
            FindingPublishingFrequency=p.take("findingPublishingFrequency"),
            Tags=call.tags or None,
        )["DetectorId"]

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found = call("get_detector", DetectorId=id_)
        frequency = found["FindingPublishingFrequency"]
        return {"arn": call.arn(f"detector/{id_}"), "accountId": call.account, "findingPublishingFrequency": frequency}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        frequency = p.take("findingPublishingFrequency")
        call("update_detector", DetectorId=id_, Enable=p.boolean("enable", True), FindingPublishingFrequency=frequency)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        _missing_is_fine(call, "delete_detector", DetectorId=id_)


class DetectorFeature(Put):
    """Part of the detector: a deletion leaves the feature as it is, as with the real provider."""

    type_, service, level = "aws:guardduty/detectorFeature:DetectorFeature", "guardduty", KEPT

    def create(self, call: Call, p: Properties) -> str:
        detector = p.require("detectorId")
        feature: dict[str, Any] = {"Name": p.require("name"), "Status": p.require("status")}
        more = [{"Name": each.require("name"), "Status": each.require("status")} for each in p.blocks("additionalConfigurations")]
        if more:
            feature["AdditionalConfiguration"] = more
        call("update_detector", DetectorId=detector, Features=[feature])
        return f"{detector}/{feature['Name']}"

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        return


class PublishingDestination(Handler):
    type_, service, level, tagged = "aws:guardduty/publishingDestination:PublishingDestination", "guardduty", KEPT, True
    replaced_here = ("destinationType",)

    def create(self, call: Call, p: Properties) -> str:
        detector = p.require("detectorId")
        made = call(
            "create_publishing_destination",
            DetectorId=detector,
            DestinationType=p.take("destinationType", "S3"),
            DestinationProperties=self._properties(p),
            Tags=call.tags or None,
        )
        return f"{detector}:{made['DestinationId']}"

    @staticmethod
    def _properties(p: Properties) -> dict[str, Any]:
        return {"DestinationArn": p.require("destinationArn"), "KmsKeyArn": p.require("kmsKeyArn")}

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        detector, destination = id_.split(":")
        call("describe_publishing_destination", DetectorId=detector, DestinationId=destination)
        arn = call.arn(f"detector/{detector}/publishingDestination/{destination}")
        return {"destinationId": destination, "arn": arn, "destinationType": inputs.get("destinationType", "S3")}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        detector, destination = id_.split(":")
        properties = self._properties(p)
        call("update_publishing_destination", DetectorId=detector, DestinationId=destination, DestinationProperties=properties)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        detector, destination = id_.split(":")
        _missing_is_fine(call, "delete_publishing_destination", DetectorId=detector, DestinationId=destination)


def _missing_is_fine(call: Call, operation: str, **parameters: str) -> None:
    # GuardDuty says BadRequestException of what is not there.
    listed = call("list_detectors")["DetectorIds"]
    if parameters["DetectorId"] in listed and (
        "DestinationId" not in parameters
        or parameters["DestinationId"]
        in [each["DestinationId"] for each in call("list_publishing_destinations", DetectorId=parameters["DetectorId"])["Destinations"]]
    ):
        call(operation, **parameters)
