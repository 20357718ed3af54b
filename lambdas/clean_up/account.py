"""What there is: descriptions of the stack's endpoints, versions, configurations, models and log groups, and their deletion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError
from findings import Finding, InUse, Limits, Stack, owner_of
from platform_common import metric_sums
from platform_common.objects import split_uri

GONE = ("ResourceNotFoundException", "StateMachineDoesNotExist", "ValidationException")


class Account:
    """Reads and deletes with the function's own rights; `clients` maps a service to its client."""

    def __init__(self, clients: Mapping[str, Any], stack: Stack, limits: Limits, ledger_table: str) -> None:
        self._clients, self._stack, self._limits, self._table = clients, stack, limits, ledger_table
        self._sagemaker = clients["sagemaker"]

    def _pages(self, operation: str, key: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        for page in self._sagemaker.get_paginator(operation).paginate(**parameters):
            yield from page[key]

    def _tags(self, arn: str) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in self._sagemaker.list_tags(ResourceArn=arn)["Tags"]}

    def endpoints(self, name_contains: str) -> list[dict[str, Any]]:
        """Endpoints whose name contains this text, with their fleet and the invocations of the idle time."""
        return [self._endpoint(each["EndpointName"]) for each in self._pages("list_endpoints", "Endpoints", NameContains=name_contains)]

    def _endpoint(self, name: str) -> dict[str, Any]:
        described = self._sagemaker.describe_endpoint(EndpointName=name)
        config = self._sagemaker.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
        counts = {each["VariantName"]: each.get("CurrentInstanceCount", 0) for each in described.get("ProductionVariants", [])}
        variants = config["ProductionVariants"]
        return {
            "name": name,
            "arn": described["EndpointArn"],
            "status": described["EndpointStatus"],
            "created": described["CreationTime"],
            "config": described["EndpointConfigName"],
            "tags": self._tags(described["EndpointArn"]),
            "fleet": [
                (each.get("InstanceType", "serverless"), counts.get(each["VariantName"]) or each.get("InitialInstanceCount", 0))
                for each in variants
            ],
            "invocations": sum(self._invocations(name, each["VariantName"]) for each in variants),
        }

    def _invocations(self, endpoint: str, variant: str) -> float:
        now, idle, hour = self._limits.now, timedelta(hours=self._limits.idle_hours), timedelta(hours=1)
        dimensions = {"EndpointName": endpoint, "VariantName": variant}
        cloudwatch = self._clients["cloudwatch"]
        return metric_sums.total(cloudwatch, "AWS/SageMaker", "Invocations", dimensions, now - idle, now + timedelta(minutes=1), hour)

    def in_use(self, endpoints: list[dict[str, Any]]) -> InUse:
        """What endpoints use, what is held for an endpoint that is switched off, and what the last deployment replaced."""
        configs = {endpoint["config"] for endpoint in endpoints}
        for name in self._stack.models:
            for item in (self._item(f"endpoint#{name}"), self._item(f"office-hours#{name}")):
                configs |= {item[key]["S"] for key in ("endpoint_config", "previous_endpoint_config") if key in item}
        models = {model for config in configs - {"none"} for model in self._models_of(config)}
        return InUse(frozenset(configs), frozenset(models))

    def _item(self, key: str) -> dict[str, Any]:
        return self._clients["dynamodb"].get_item(TableName=self._table, Key={"id": {"S": key}}, ConsistentRead=True).get("Item", {})

    def _models_of(self, config: str) -> list[str]:
        try:
            described = self._sagemaker.describe_endpoint_config(EndpointConfigName=config)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ValidationException":  # of an earlier deployment, and gone already
                return []
            raise
        return [variant["ModelName"] for variant in described["ProductionVariants"]]

    def versions(self, group: str, model: str, bucket: str) -> list[dict[str, Any]]:
        """The versions of a model, with the objects of the training job that made each of them."""
        try:
            listed = list(self._pages("list_model_packages", "ModelPackageSummaryList", ModelPackageGroupName=group))
        except ClientError as error:
            if error.response["Error"]["Code"] in GONE:
                return []
            raise
        found = []
        for summary in listed:
            package = self._sagemaker.describe_model_package(ModelPackageName=summary["ModelPackageArn"])
            archive = package["InferenceSpecification"]["Containers"][0].get("ModelDataUrl", "")
            objects, size = self._objects(archive, model, bucket)
            found.append(
                {
                    "arn": summary["ModelPackageArn"],
                    "version": summary["ModelPackageVersion"],
                    "status": package["ModelApprovalStatus"],
                    "model": model,
                    "archive": archive,
                    "objects": objects,
                    "size": size,
                }
            )
        return found

    def _objects(self, archive: str, model: str, bucket: str) -> tuple[str, int]:
        """The folder of the training job that wrote an archive, and its size; nothing for an archive that lies elsewhere."""
        if not archive.startswith(f"s3://{bucket}/{model}/training/"):
            return "", 0
        _, key = split_uri(archive)
        folder = "/".join(key.split("/")[:3]) + "/"
        pages = self._clients["s3"].get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder)
        return f"s3://{bucket}/{folder}", sum(each["Size"] for page in pages for each in page.get("Contents", []))

    def configs(self, endpoint: str) -> list[dict[str, Any]]:
        return self._listed("list_endpoint_configs", "EndpointConfigs", "EndpointConfigName", "EndpointConfigArn", endpoint)

    def models(self, endpoint: str) -> list[dict[str, Any]]:
        """SageMaker models made for an endpoint, with the archive each loads."""
        listed = self._listed("list_models", "Models", "ModelName", "ModelArn", endpoint)
        return [{**each, "archive": self._archive(each["name"])} for each in listed]

    def _archive(self, model: str) -> str:
        return self._sagemaker.describe_model(ModelName=model).get("PrimaryContainer", {}).get("ModelDataUrl", "")

    def _listed(self, operation: str, key: str, name: str, arn: str, endpoint: str) -> list[dict[str, Any]]:
        return [
            {"name": each[name], "created": each["CreationTime"], "tags": self._tags(each[arn])}
            for each in self._pages(operation, key, NameContains=f"{endpoint}-")
            if each[name].startswith(f"{endpoint}-")
        ]

    def log_groups(self) -> list[dict[str, Any]]:
        """Log groups under the stack's names, each with whether what writes it is still there."""
        logs, found = self._clients["logs"], []
        for folder in ("/aws/lambda/", "/aws/vendedlogs/states/", "/aws/sagemaker/Endpoints/"):
            for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=f"{folder}{self._stack.prefix}-"):
                for group in page["logGroups"]:
                    name = group["logGroupName"]
                    arn = group["arn"].removesuffix(":*")
                    found.append(
                        {
                            "name": name,
                            "created": datetime.fromtimestamp(group["creationTime"] / 1000, UTC),
                            "size": group.get("storedBytes", 0),
                            "tags": logs.list_tags_for_resource(resourceArn=arn)["tags"],
                            "owner_exists": self._owner_exists(name, arn),
                        }
                    )
        return found

    def _owner_exists(self, group: str, arn: str) -> bool:
        owner = owner_of(group)
        if owner is None:
            return True
        kind, name = owner
        partition, region, account = arn.split(":")[1], arn.split(":")[3], arn.split(":")[4]
        try:
            if kind == "function":
                self._clients["lambda"].get_function_configuration(FunctionName=name)
            elif kind == "state machine":
                machine = f"arn:{partition}:states:{region}:{account}:stateMachine:{name}"
                self._clients["stepfunctions"].describe_state_machine(stateMachineArn=machine)
            else:
                self._sagemaker.describe_endpoint(EndpointName=name)
        except ClientError as error:
            if error.response["Error"]["Code"] in GONE:
                return False
            raise
        return True

    def tagged(self) -> list[dict[str, Any]]:
        """Everything of the project that has an expiry (endpoints come with `endpoints`)."""
        filters = [{"Key": "Project", "Values": [self._stack.project]}, {"Key": "ExpiresOn"}]
        pages = self._clients["resourcegroupstaggingapi"].get_paginator("get_resources").paginate(TagFilters=filters)
        return [
            {"arn": each["ResourceARN"], "tags": {tag["Key"]: tag["Value"] for tag in each["Tags"]}, "fleet": []}
            for page in pages
            for each in page["ResourceTagMappingList"]
            if ":endpoint/" not in each["ResourceARN"]
        ]

    def delete(self, finding: Finding) -> None:
        """Deletes what a finding names."""
        if finding.kind in ("idle-endpoint", "expired"):
            self._sagemaker.delete_endpoint(EndpointName=finding.id.rsplit("/", 1)[-1])
        elif finding.kind == "old-version":
            self._sagemaker.delete_model_package(ModelPackageName=finding.id)
            self._delete_objects(finding.details["objects"])
        elif finding.kind == "endpoint-config":
            self._sagemaker.delete_endpoint_config(EndpointConfigName=finding.id)
        elif finding.kind == "model":
            self._sagemaker.delete_model(ModelName=finding.id)
        else:
            self._clients["logs"].delete_log_group(logGroupName=finding.id)

    def _delete_objects(self, folder: str) -> None:
        """In the versioned bucket this leaves the objects recoverable until the lifecycle expires their versions."""
        if not folder:
            return
        bucket, prefix = split_uri(folder)
        for page in self._clients["s3"].get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            keys = [{"Key": each["Key"]} for each in page.get("Contents", [])]
            if keys:
                answer = self._clients["s3"].delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
                if answer.get("Errors"):
                    first = answer["Errors"][0]
                    raise RuntimeError(f"s3://{bucket}/{first['Key']}: {first['Code']} {first['Message']}")
