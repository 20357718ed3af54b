"""AWS Config: recorder, delivery channel, whether it records, conformance packs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mlops.sandbox.provider.call import Call
from mlops.sandbox.provider.errors import AwsError
from mlops.sandbox.provider.handler import KEPT, Handler, Put
from mlops.sandbox.provider.properties import Properties

_GONE = {"NoSuchConfigurationRecorderException", "NoSuchDeliveryChannelException", "NoSuchConformancePackException"}


def _if_there(call: Call, operation: str, **parameters: Any) -> None:
    try:
        call(operation, **parameters)
    except AwsError as error:
        if error.code not in _GONE:
            raise


class Recorder(Put):
    type_, service, level = "aws:cfg/recorder:Recorder", "config", KEPT

    def defaults(self, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"name": "default"}

    def create(self, call: Call, p: Properties) -> str:
        name = p.require("name")
        recorder: dict[str, Any] = {"name": name, "roleARN": p.require("roleArn")}
        group = p.block("recordingGroup")
        if group:
            recorder["recordingGroup"] = call.parameters("put_configuration_recorder", group, member="ConfigurationRecorder.recordingGroup")
        call("put_configuration_recorder", ConfigurationRecorder=recorder)
        return name

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        _if_there(call, "delete_configuration_recorder", ConfigurationRecorderName=id_)


class DeliveryChannel(Put):
    type_, service, level = "aws:cfg/deliveryChannel:DeliveryChannel", "config", KEPT

    def defaults(self, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"name": "default"}

    def create(self, call: Call, p: Properties) -> str:
        name = p.require("name")
        names = {"snapshotDeliveryProperties": "configSnapshotDeliveryProperties"}
        p.expect("s3BucketName")
        channel = call.parameters("put_delivery_channel", p, names, member="DeliveryChannel")
        call("put_delivery_channel", DeliveryChannel={"name": name, **channel})
        return name

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        _if_there(call, "delete_delivery_channel", DeliveryChannelName=id_)


class RecorderStatus(Put):
    type_, service, level = "aws:cfg/recorderStatus:RecorderStatus", "config", KEPT

    def create(self, call: Call, p: Properties) -> str:
        name = p.require("name")
        recording = p.boolean("isEnabled", True)
        call("start_configuration_recorder" if recording else "stop_configuration_recorder", ConfigurationRecorderName=name)
        return name

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        _if_there(call, "stop_configuration_recorder", ConfigurationRecorderName=id_)


class ConformancePack(Handler):
    type_, service, level = "aws:cfg/conformancePack:ConformancePack", "config", KEPT
    name_property, name_length = "name", 51

    def create(self, call: Call, p: Properties) -> str:
        self._put(call, p)
        return str(p.values["name"])

    @staticmethod
    def _put(call: Call, p: Properties) -> None:
        inputs = [
            {"ParameterName": each.require("parameterName"), "ParameterValue": each.require("parameterValue")}
            for each in p.blocks("inputParameters")
        ]
        call(
            "put_conformance_pack",
            ConformancePackName=p.require("name"),
            TemplateBody=p.take("templateBody"),
            TemplateS3Uri=p.take("templateS3Uri"),
            DeliveryS3Bucket=p.take("deliveryS3Bucket"),
            DeliveryS3KeyPrefix=p.take("deliveryS3KeyPrefix"),
            ConformancePackInputParameters=inputs or None,
        )

    def computed(self, call: Call, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"arn": call("describe_conformance_packs", ConformancePackNames=[id_])["ConformancePackDetails"][0]["ConformancePackArn"]}

    def update(self, call: Call, id_: str, p: Properties, changed: Collection[str]) -> None:
        self._put(call, p)

    def delete(self, call: Call, id_: str, state: Mapping[str, Any]) -> None:
        _if_there(call, "delete_conformance_pack", ConformancePackName=id_)
