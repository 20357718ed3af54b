"""A churn model on SageMaker: a notebook, a state machine that trains, a model and an endpoint, straight from a workshop."""

import json

import pulumi
import pulumi_aws as aws

account = "123456789012"
image = f"{account}.dkr.ecr.eu-west-1.amazonaws.com/churn:latest"

data = aws.s3.Bucket("data")
role = aws.iam.Role(
    "sagemaker",
    assume_role_policy=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": ["sagemaker.amazonaws.com", "states.amazonaws.com"]},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
    ),
)
aws.iam.RolePolicyAttachment("sagemaker", role=role.name, policy_arn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess")

aws.sagemaker.NotebookInstance("lab", instance_type="ml.t2.medium", role_arn=role.arn)

aws.sfn.StateMachine(
    "train",
    role_arn=role.arn,
    definition=pulumi.Output.json_dumps(
        {
            "StartAt": "Train",
            "States": {
                "Train": {
                    "Type": "Task",
                    "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync",
                    "Parameters": {
                        "TrainingJobName.$": "$$.Execution.Name",
                        "RoleArn": role.arn,
                        "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File"},
                        "ResourceConfig": {"InstanceType": "ml.m4.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
                        "StoppingCondition": {"MaxRuntimeInSeconds": 432000},
                        "OutputDataConfig": {"S3OutputPath": data.id.apply(lambda id: f"s3://{id}/models")},
                        "HyperParameters": {"db_password": "hunter2hunter2"},
                    },
                    "End": True,
                }
            },
        }
    ),
)

model = aws.sagemaker.Model(
    "churn",
    execution_role_arn=role.arn,
    primary_container={"image": image, "model_data_url": data.id.apply(lambda id: f"s3://{id}/models/model.tar.gz")},
)
configuration = aws.sagemaker.EndpointConfiguration(
    "churn",
    production_variants=[{"variant_name": "all", "model_name": model.name, "instance_type": "ml.m4.xlarge", "initial_instance_count": 1}],
)
endpoint = aws.sagemaker.Endpoint("churn", endpoint_config_name=configuration.name)

pulumi.export("endpoint", endpoint.name)
