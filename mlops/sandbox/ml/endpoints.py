"""SageMaker endpoints: serving processes a variant, updates that move traffic between two fleets and take it back on an alarm."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from moto.applicationautoscaling.exceptions import AWSValidationException
from moto.applicationautoscaling.models import ApplicationAutoscalingBackend
from moto.sagemaker.responses import SageMakerResponse

from mlops.sandbox.ml import jobs
from mlops.sandbox.ml.fleets import Rollback, Traffic, launch, shift, steps
from mlops.sandbox.ml.jobs import JobError
from mlops.sandbox.ml.models import EndpointConfiguration
from mlops.sandbox.ml.operations import implement
from mlops.sandbox.ml.serving import START_SECONDS
from mlops.sandbox.ml.validation import ValidationException, check_name, refuse_members

if TYPE_CHECKING:
    from mlops.sandbox.context import Sandbox

# How the state change event spells the statuses.
_EVENT_STATUS = {
    "Creating": "CREATING",
    "Updating": "UPDATING",
    "InService": "IN_SERVICE",
    "Failed": "FAILED",
    "RollingBack": "ROLLING_BACK",
    "Deleting": "DELETING",
}
_BURSTABLE = ("ml.t2.", "ml.t3.")


class Endpoint:
    """An endpoint as moto's store keeps it, with its traffic."""

    def __init__(self, sandbox: Sandbox, request: dict[str, Any]):
        self.endpoint_name: str = request["EndpointName"]
        self.arn = f"arn:aws:sagemaker:{sandbox.region}:{sandbox.account}:endpoint/{self.endpoint_name}"
        self.endpoint_config_name: str = request["EndpointConfigName"]
        self.tags: list[dict[str, str]] = request.get("Tags", [])
        self.endpoint_status = "Creating"
        self.failure_reason: str | None = None
        self.creation_time = self.last_modified_time = jobs.now()
        self.traffic = Traffic()
        self.deployment: dict[str, Any] | None = request.get("DeploymentConfig")
        self.pending: dict[str, Any] | None = None
        self.deleted = threading.Event()

    @property
    def production_variants(self) -> list[dict[str, Any]]:
        """The variants of the fleet in service, as ProductionVariantSummary."""
        fleet = self.traffic.stable
        return [
            {
                "VariantName": variant.name,
                "DeployedImages": [
                    {"SpecifiedImage": variant.image, "ResolvedImage": variant.image, "ResolutionTime": self.last_modified_time}
                ],
                "CurrentWeight": variant.weight,
                "DesiredWeight": variant.weight,
                "CurrentInstanceCount": variant.count,
                "DesiredInstanceCount": variant.count,
            }
            for variant in (fleet.variants.values() if fleet else [])
        ]

    @property
    def response_object(self) -> dict[str, Any]:
        """DescribeEndpoint."""
        optional = {
            "FailureReason": self.failure_reason,
            "LastDeploymentConfig": self.deployment,
            "PendingDeploymentSummary": self.pending,
            "ProductionVariants": self.production_variants or None,
        }
        return {
            **self.summary(),
            "EndpointConfigName": self.endpoint_config_name,
            **{name: value for name, value in optional.items() if value is not None},
        }

    def summary(self) -> dict[str, Any]:
        """ListEndpoints."""
        return {
            "EndpointName": self.endpoint_name,
            "EndpointArn": self.arn,
            "CreationTime": self.creation_time,
            "LastModifiedTime": self.last_modified_time,
            "EndpointStatus": self.endpoint_status,
        }


class Endpoints:
    """Creates, updates and deletes endpoints; every one works in a background thread."""

    def __init__(self, sandbox: Sandbox):
        self.sandbox = sandbox
        self._start_seconds = float(sandbox.options.executors.get("endpoints", {}).get("start_timeout", START_SECONDS))

    @property
    def known(self) -> dict[str, Endpoint]:
        return self.sandbox.backend("sagemaker").endpoints

    def find(self, name: str) -> Endpoint:
        """The endpoint of that name; ValidationException when there is none."""
        endpoint = self.known.get(name)
        if endpoint is None:
            arn = f"arn:aws:sagemaker:{self.sandbox.region}:{self.sandbox.account}:endpoint/{name}"
            raise ValidationException(f'Could not find endpoint "{arn}".')
        return endpoint

    def _config(self, name: str) -> EndpointConfiguration:
        config = self.sandbox.backend("sagemaker").endpoint_configs.get(name)
        if config is None:
            arn = f"arn:aws:sagemaker:{self.sandbox.region}:{self.sandbox.account}:endpoint-config/{name}"
            raise ValidationException(f'Could not find endpoint configuration "{arn}".')
        return config

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        """CreateEndpoint."""
        name = request["EndpointName"]
        check_name("EndpointName", name)
        config = self._config(request["EndpointConfigName"])
        self._check_deployment(request.get("DeploymentConfig"), None, config)
        endpoint = Endpoint(self.sandbox, request)
        if self.known.setdefault(name, endpoint) is not endpoint:
            raise ValidationException(f'Cannot create already existing endpoint "{endpoint.arn}".')
        self._becomes(endpoint, "Creating")
        self.sandbox.submit(self._bring_up, endpoint, config)
        return {"EndpointArn": endpoint.arn}

    def _bring_up(self, endpoint: Endpoint, config: EndpointConfiguration) -> None:
        try:
            fleet = launch(self.sandbox, endpoint.endpoint_name, config, self._start_seconds)
        except JobError as error:
            self._becomes(endpoint, "Failed", str(error))
            return
        except Exception as error:
            self._becomes(endpoint, "Failed", f"the sandbox failed to start the endpoint: {type(error).__name__}: {error}")
            raise
        if endpoint.deleted.is_set():
            fleet.stop()
            return
        endpoint.traffic.stable = fleet
        self._becomes(endpoint, "InService")

    def update(self, request: dict[str, Any]) -> dict[str, Any]:
        """UpdateEndpoint."""
        endpoint = self.find(request["EndpointName"])
        config = self._config(request["EndpointConfigName"])
        if endpoint.endpoint_status == "Failed":
            raise ValidationException(f'Cannot update failed endpoint "{endpoint.arn}": DeleteEndpoint is the only operation on it.')
        if endpoint.endpoint_status != "InService":
            raise ValidationException(f'Cannot update in-progress endpoint "{endpoint.arn}".')
        deployment = endpoint.deployment if request.get("RetainDeploymentConfig") else request.get("DeploymentConfig")
        self._check_deployment(deployment, endpoint, config)
        excluded = {entry["VariantPropertyType"] for entry in request.get("ExcludeRetainedVariantProperties", [])}
        retained = {"DesiredInstanceCount", "DesiredWeight"} - excluded if request.get("RetainAllVariantProperties") else set()
        endpoint.pending = {"EndpointConfigName": config.endpoint_config_name, "StartTime": jobs.now()}
        self._becomes(endpoint, "Updating")
        self.sandbox.submit(self._replace, endpoint, config, deployment or {}, retained)
        return {"EndpointArn": endpoint.arn}

    def _replace(self, endpoint: Endpoint, config: EndpointConfiguration, deployment: dict[str, Any], retained: set[str]) -> None:
        traffic = endpoint.traffic
        try:
            fleet = launch(self.sandbox, endpoint.endpoint_name, config, self._start_seconds)
        except JobError as error:
            endpoint.pending = None
            # Without a fleet in service there is nothing to go back to.
            self._becomes(endpoint, "InService" if traffic.stable else "Failed", str(error))
            return
        except Exception as error:
            endpoint.pending = None
            self._becomes(endpoint, "InService" if traffic.stable else "Failed", f"the sandbox failed to update the endpoint: {error}")
            raise
        old = traffic.stable
        for name, variant in fleet.variants.items():
            if old and name in old.variants:
                variant.weight = old.variants[name].weight if "DesiredWeight" in retained else variant.weight
                variant.count = old.variants[name].count if "DesiredInstanceCount" in retained else variant.count
        if old is not None:
            try:
                self._shift(endpoint, fleet, deployment)
            except Rollback as reason:
                self._becomes(endpoint, "RollingBack", str(reason))
                traffic.candidate = None
                endpoint.pending = None
                fleet.stop()
                if not endpoint.deleted.is_set():
                    self._becomes(endpoint, "InService", str(reason))
                return
        traffic.stable, traffic.candidate, traffic.share = fleet, None, 0.0
        if old is not None:
            old.stop()
        endpoint.endpoint_config_name = config.endpoint_config_name
        endpoint.deployment, endpoint.pending = deployment or None, None
        self._becomes(endpoint, "InService")

    def _shift(self, endpoint: Endpoint, fleet: Any, deployment: dict[str, Any]) -> None:
        update = deployment.get("BlueGreenUpdatePolicy", {})
        names = [entry["AlarmName"] for entry in deployment.get("AutoRollbackConfiguration", {}).get("Alarms", [])]
        alarms = self.sandbox.backend("cloudwatch").alarms
        endpoint.traffic.share = 0.0
        endpoint.traffic.candidate = fleet
        instances = sum(variant.count for variant in fleet.variants.values())
        shift(
            endpoint.traffic,
            steps(update, instances),
            update.get("TerminationWaitInSeconds", 0),
            lambda: [name for name in names if name in alarms and alarms[name].state_value == "ALARM"],
            endpoint.deleted,
        )

    def _check_deployment(self, deployment: dict[str, Any] | None, endpoint: Endpoint | None, config: EndpointConfiguration) -> None:
        if not deployment:
            return
        refuse_members("UpdateEndpoint", deployment, ("RollingUpdatePolicy",))
        for entry in deployment.get("AutoRollbackConfiguration", {}).get("Alarms", []):
            if entry["AlarmName"] not in self.sandbox.backend("cloudwatch").alarms:
                raise ValidationException(f"AutoRollbackConfiguration: there is no alarm {entry['AlarmName']}")
        routing = deployment.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {"Type": "ALL_AT_ONCE"})
        check_routing(routing, sum(variant["InitialInstanceCount"] for variant in config.variants))
        fleet = endpoint.traffic.stable if endpoint else None
        if fleet and routing["Type"] != "ALL_AT_ONCE":
            before, after = set(fleet.variants), {variant["VariantName"] for variant in config.variants}
            if before != after:
                raise ValidationException(
                    f"{routing['Type']} traffic shifting needs the same variant names before and after: {sorted(before)} and {sorted(after)}"
                )

    def update_weights(self, request: dict[str, Any]) -> dict[str, Any]:
        """UpdateEndpointWeightsAndCapacities."""
        endpoint = self.find(request["EndpointName"])
        fleet = endpoint.traffic.stable
        if endpoint.endpoint_status != "InService" or fleet is None:
            raise ValidationException(f'Cannot update in-progress endpoint "{endpoint.arn}".')
        changes = request["DesiredWeightsAndCapacities"]
        unknown = [change["VariantName"] for change in changes if change["VariantName"] not in fleet.variants]
        if unknown:
            raise ValidationException(
                f'The variant name(s) "{", ".join(unknown)}" is/are not present within endpoint configuration "{endpoint.endpoint_config_name}".'
            )
        self._becomes(endpoint, "Updating")
        for change in changes:
            variant = fleet.variants[change["VariantName"]]
            variant.weight = change.get("DesiredWeight", variant.weight)
            variant.count = change.get("DesiredInstanceCount", variant.count)
        self._becomes(endpoint, "InService")
        return {"EndpointArn": endpoint.arn}

    def delete(self, request: dict[str, Any]) -> None:
        """DeleteEndpoint."""
        endpoint = self.find(request["EndpointName"])
        endpoint.deleted.set()
        self._becomes(endpoint, "Deleting")
        del self.known[endpoint.endpoint_name]
        for fleet in (endpoint.traffic.stable, endpoint.traffic.candidate):
            if fleet is not None:
                # In the background: requests that are under way are answered first.
                self.sandbox.submit(fleet.stop)

    def _becomes(self, endpoint: Endpoint, status: str, reason: str | None = None) -> None:
        endpoint.failure_reason = reason[:1024] if reason else None
        endpoint.last_modified_time = jobs.now()
        endpoint.endpoint_status = status
        detail = jobs.epoch_milliseconds(endpoint.response_object)
        detail |= {"EndpointStatus": _EVENT_STATUS[status], "Tags": {tag["Key"]: tag["Value"] for tag in endpoint.tags}}
        jobs.emit(self.sandbox, "aws.sagemaker", "SageMaker Endpoint State Change", detail, [endpoint.arn])


def check_routing(routing: dict[str, Any], instances: int) -> None:
    """AWS's limits of traffic shifting: a canary of at most half, linear steps of 10 to 50 percent, at least two instances."""
    kind = routing["Type"]
    if kind == "ALL_AT_ONCE":
        return
    member = "CanarySize" if kind == "CANARY" else "LinearStepSize"
    size = routing.get(member)
    if not size:
        raise ValidationException(f"TrafficRoutingConfiguration of type {kind} needs {member}")
    percent = size["Value"] if size["Type"] == "CAPACITY_PERCENT" else 100 * size["Value"] / instances
    lowest = 10 if kind == "LINEAR" and size["Type"] == "CAPACITY_PERCENT" else 1
    if not lowest <= percent <= 50:
        raise ValidationException(
            f"{member} must be between {lowest} and 50 percent of the capacity ({instances} instances), got {percent:.0f}"
        )
    if instances < 2:
        raise ValidationException(f"{kind} traffic shifting needs at least two instances, the configuration has {instances}")


def require_endpoint(endpoints: Endpoints, resource_id: str) -> None:
    """Application Auto Scaling takes a variant that is in service, on an instance type that does not burst."""
    parts = resource_id.split("/")
    if len(parts) != 4 or parts[0] != "endpoint" or parts[2] != "variant":
        raise AWSValidationException(f"expected endpoint/<name>/variant/<name>, got {resource_id!r}")
    endpoint = endpoints.known.get(parts[1])
    fleet = endpoint.traffic.stable if endpoint and endpoint.endpoint_status == "InService" else None
    if fleet is None or parts[3] not in fleet.variants:
        raise AWSValidationException(f"No SageMaker variant in service found for resource ID: {resource_id}")
    instance_type = fleet.variants[parts[3]].instance_type
    if instance_type.startswith(_BURSTABLE):
        raise AWSValidationException(f"Scaling is not supported for the burstable instance type {instance_type} of {resource_id}")


def install(sandbox: Sandbox) -> Endpoints:
    """Replace moto's pretended endpoints."""
    endpoints = Endpoints(sandbox)
    implement(SageMakerResponse, "CreateEndpoint", endpoints.create)
    implement(SageMakerResponse, "UpdateEndpoint", endpoints.update)
    implement(SageMakerResponse, "UpdateEndpointWeightsAndCapacities", endpoints.update_weights)
    implement(SageMakerResponse, "DeleteEndpoint", endpoints.delete)

    stored = ApplicationAutoscalingBackend.__dict__.get("_stored_register") or ApplicationAutoscalingBackend.register_scalable_target

    def register(self: Any, namespace: str, r_id: str, *arguments: Any, **fields: Any) -> Any:
        if namespace == "sagemaker":
            require_endpoint(endpoints, r_id)
        return stored(self, namespace, r_id, *arguments, **fields)

    ApplicationAutoscalingBackend._stored_register = stored  # type: ignore[attr-defined]
    ApplicationAutoscalingBackend.register_scalable_target = register  # type: ignore[method-assign, assignment]
    return endpoints
