"""Security groups of the compute in the VPC: nobody may call it, and it may call AWS over HTTPS only."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws


class SecurityGroups(pulumi.ComponentResource):
    """`functions`, `training` and `serving`; rules are resources of their own, never inline."""

    def __init__(self, name: str, *, vpc_id: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlops:network:SecurityGroups", name, None, opts)
        self._name = name
        self._vpc_id = vpc_id
        self.arns: list[pulumi.Output[str]] = []
        # None where there are no interface endpoints.
        self.endpoints_id: pulumi.Output[str] | None = None
        self.functions = self._group("functions", "Lambda functions")
        self.training = self._group("training", "SageMaker training jobs")
        self.serving = self._group("serving", "SageMaker endpoints")
        self._let_training_talk_to_itself()
        self.register_outputs({})

    @property
    def _compute(self) -> dict[str, aws.ec2.SecurityGroup]:
        return {"functions": self.functions, "training": self.training, "serving": self.serving}

    def _group(self, purpose: str, description: str) -> aws.ec2.SecurityGroup:
        group = aws.ec2.SecurityGroup(
            f"{self._name}-{purpose}",
            description=description,
            vpc_id=self._vpc_id,
            # Lambda keeps its network interfaces for a while after a function is gone.
            revoke_rules_on_delete=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.arns.append(group.arn)
        return group

    def _let_training_talk_to_itself(self) -> None:
        common = {"security_group_id": self.training.id, "referenced_security_group_id": self.training.id, "ip_protocol": "-1"}
        child = pulumi.ResourceOptions(parent=self)
        description = "Instances of one distributed training job"
        aws.vpc.SecurityGroupIngressRule(f"{self._name}-training-in", description=description, **common, opts=child)
        aws.vpc.SecurityGroupEgressRule(f"{self._name}-training-out", description=description, **common, opts=child)

    def endpoints(self) -> aws.ec2.SecurityGroup:
        """The group of the interface endpoints, which the compute's groups may call."""
        group = self._group("endpoints", "Interface endpoints of AWS services")
        child = pulumi.ResourceOptions(parent=self)
        https = {"ip_protocol": "tcp", "from_port": 443, "to_port": 443}
        self.endpoints_id = group.id
        for purpose, compute in self._compute.items():
            aws.vpc.SecurityGroupIngressRule(
                f"{self._name}-endpoints-from-{purpose}",
                security_group_id=group.id,
                referenced_security_group_id=compute.id,
                description=f"HTTPS from {purpose}",
                **https,
                opts=child,
            )
            aws.vpc.SecurityGroupEgressRule(
                f"{self._name}-{purpose}-to-endpoints",
                security_group_id=compute.id,
                referenced_security_group_id=group.id,
                description="HTTPS to interface endpoints",
                **https,
                opts=child,
            )
        return group

    def allow_prefix_list(self, service: str, prefix_list_id: pulumi.Input[str]) -> None:
        """HTTPS to a gateway endpoint's service."""
        for purpose, compute in self._compute.items():
            self._egress(f"{purpose}-to-{service}", compute, f"HTTPS to {service}", prefix_list_id=prefix_list_id)

    def allow_https_anywhere(self) -> None:
        """HTTPS through NAT, for services without an endpoint."""
        for purpose, compute in self._compute.items():
            self._egress(f"{purpose}-to-https", compute, "HTTPS to AWS services through NAT", cidr_ipv4="0.0.0.0/0")

    def _egress(
        self,
        name: str,
        group: aws.ec2.SecurityGroup,
        description: str,
        prefix_list_id: pulumi.Input[str] | None = None,
        cidr_ipv4: str | None = None,
    ) -> None:
        aws.vpc.SecurityGroupEgressRule(
            f"{self._name}-{name}",
            security_group_id=group.id,
            description=description,
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            prefix_list_id=prefix_list_id,
            cidr_ipv4=cidr_ipv4,
            opts=pulumi.ResourceOptions(parent=self),
        )
