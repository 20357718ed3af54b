"""Machines and what they stand on: EC2, auto-scaling groups, EBS, EFS, load balancers, EMR."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any

from ..changes import put
from ..model import Changes, Context, Example, Parameter, Resource, rule
from ..policies import denies_insecure_transport
from ..values import NotApplicable, as_list, as_number, dig
from ._checks import both, not_given, not_set, not_true
from ._secrets import secret_like
from ._types import KEY_ARN

MACHINE = "aws:ec2/instance:Instance"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
GROUP = "aws:autoscaling/group:Group"
GROUP_POLICY = "aws:autoscaling/policy:Policy"
VOLUME = "aws:ebs/volume:Volume"
EBS_DEFAULT = "aws:ebs/encryptionByDefault:EncryptionByDefault"
FILE_SYSTEM = "aws:efs/fileSystem:FileSystem"
FILE_SYSTEM_POLICY = "aws:efs/fileSystemPolicy:FileSystemPolicy"
FILE_BACKUP = "aws:efs/backupPolicy:BackupPolicy"
ACCESS_POINT = "aws:efs/accessPoint:AccessPoint"
MOUNT_TARGET = "aws:efs/mountTarget:MountTarget"
BALANCER = "aws:lb/loadBalancer:LoadBalancer"
LISTENER = "aws:lb/listener:Listener"
TARGET_GROUP = "aws:lb/targetGroup:TargetGroup"
WEB_ACL_ASSOCIATION = "aws:wafv2/webAclAssociation:WebAclAssociation"
EMR = "aws:emr/cluster:Cluster"
EIP = "aws:ec2/eip:Eip"

GRAVITON = re.compile(r"^[a-z]+\d+g[a-z]*[.-]")
OLD = re.compile(r"^(?:t[12]|m[1-4]|c[134]|r[34]|i[23]|d2|p[23]|g[23]|x1e?|h1|f1)\.")


def disks(resource: Resource) -> list[tuple[str, Any]]:
    """The disks of a machine or launch template with where they stand."""
    if resource.type == TEMPLATE:
        given = enumerate(as_list(resource.get("blockDeviceMappings")))
        return [(f"blockDeviceMappings[{index}].ebs", disk) for index, item in given if (disk := dig(item, "ebs")) is not None]
    found: list[tuple[str, Any]] = [("rootBlockDevice", resource.get("rootBlockDevice"))]
    found += [(f"ebsBlockDevices[{index}]", item) for index, item in enumerate(as_list(resource.get("ebsBlockDevices")))]
    return [(where, disk) for where, disk in found if disk is not None]


@rule(
    "ec2-metadata-v2", f"{MACHINE} {TEMPLATE}",
    practices="SEC06-BP02 SEC05-BP02", checklist="CHK-SEC-1", severity="high", level="advisory",
    sources="checkov:CKV_AWS_79 securityhub:EC2.8 securityhub:EC2.170",
    why="With version 1, a server that fetches a URL for its caller hands out the machine's credentials.",
    fix="Set metadataOptions.httpTokens to required",
    reads="metadataOptions.httpTokens",
    **both({"metadataOptions": {"httpTokens": "required"}}, {"metadataOptions": {"httpTokens": "optional"}}, MACHINE, TEMPLATE),
    remediation=put({"metadataOptions.httpTokens": "required"}),
)  # fmt: skip
def ec2_metadata_v2(machine: Resource, context: Context) -> str | None:
    """Machines give their credentials only to sessions."""
    if machine.get("metadataOptions.httpEndpoint", "enabled") == "disabled":
        return None
    tokens = machine.get("metadataOptions.httpTokens", "optional")
    return None if tokens == "required" else f"metadataOptions.httpTokens of '{machine.name}' is {tokens}"


@rule(
    "ec2-metadata-hops", f"{TEMPLATE} {MACHINE}",
    practices="SEC05-BP02", checklist="CHK-SEC-1", severity="medium", level="advisory",
    sources="checkov:CKV_AWS_341",
    why="With more than one hop, containers on the machine reach the machine's own credentials.",
    fix="Set metadataOptions.httpPutResponseHopLimit to 1",
    reads="metadataOptions.httpPutResponseHopLimit", missing="pass",
    **both({"metadataOptions": {"httpPutResponseHopLimit": 1}}, {"metadataOptions": {"httpPutResponseHopLimit": 2}}, TEMPLATE, MACHINE),
    remediation=put({"metadataOptions.httpPutResponseHopLimit": 1}),
)  # fmt: skip
def ec2_metadata_hops(machine: Resource, context: Context) -> str | None:
    """The credentials of a machine stay on it."""
    hops = machine.get("metadataOptions.httpPutResponseHopLimit", 1)
    return f"metadataOptions.httpPutResponseHopLimit of '{machine.name}' is {hops:g}" if hops > 1 else None


@rule(
    "ec2-no-public-address", f"{MACHINE} {TEMPLATE}",
    practices="SEC05-BP01", checklist="CHK-SEC-6", severity="high", level="advisory",
    sources="checkov:CKV_AWS_88 securityhub:EC2.9 securityhub:EC2.25",
    why="A machine with a public address is attacked from its first minute; a load balancer or Session Manager needs none.",
    fix="Set associatePublicIpAddress to false",
    reads="associatePublicIpAddress", missing="pass",
    compliant=(Example(MACHINE, "m", {"associatePublicIpAddress": False}), Example(TEMPLATE, "t", {"networkInterfaces":
        [{"associatePublicIpAddress": "false"}]})),
    violating=(Example(MACHINE, "m", {"associatePublicIpAddress": True}), Example(TEMPLATE, "t", {"networkInterfaces":
        [{"associatePublicIpAddress": "true"}]})),
)  # fmt: skip
def ec2_no_public_address(machine: Resource, context: Context) -> Iterator[str]:
    """Machines have no public addresses."""
    if machine.type == MACHINE and machine.get("associatePublicIpAddress", False):
        yield f"associatePublicIpAddress of '{machine.name}' is true"
    if machine.type == TEMPLATE:
        for index, item in enumerate(as_list(machine.get("networkInterfaces"))):
            if str(dig(item, "associatePublicIpAddress", "false")).lower() == "true":
                yield f"networkInterfaces[{index}].associatePublicIpAddress of '{machine.name}' is true"


@rule(
    "ec2-disks-encrypted", f"{MACHINE} {TEMPLATE} {VOLUME}", scope="stack",
    practices="SEC08-BP02", checklist="CHK-SEC-2", severity="high", level="advisory",
    sources="cdk-nag:AwsSolutions-EC26 checkov:CKV_AWS_3 checkov:CKV_AWS_8 securityhub:EC2.3",
    why="A snapshot of a disk in clear can be shared with anybody in one call.",
    fix="Set encrypted to true (also of rootBlockDevice), or declare aws.ebs.EncryptionByDefault",
    reads="rootBlockDevice.encrypted",
    compliant=(Example(MACHINE, "m", {"rootBlockDevice": {"encrypted": True}}), Example(VOLUME, "v", {"encrypted": True})),
    violating=(Example(MACHINE, "m", {"rootBlockDevice": {"volumeSize": 20}}), Example(VOLUME, "v"), Example(TEMPLATE, "t",
        {"blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": {"volumeSize": 20}}]})),
)  # fmt: skip
def ec2_disks_encrypted(resource: Resource, context: Context) -> Iterator[str]:
    """Disks are encrypted."""
    if any(default.get("enabled", True) for default in context.graph.of(EBS_DEFAULT)):
        return
    found = [("", resource.values)] if resource.type == VOLUME else disks(resource)
    if not found and resource.type == MACHINE:
        yield f"rootBlockDevice.encrypted of '{resource.name}' is not true"
    for where, disk in found:
        if str(dig(disk, "encrypted", False)).lower() != "true":
            yield f"{where}{'.' if where else ''}encrypted of '{resource.name}' is not true"


@rule(
    "ec2-storage-type", f"{VOLUME} {MACHINE} {TEMPLATE}",
    practices="COST06-BP02 PERF03-BP02", checklist="CHK-PERF-4", severity="low", level="advisory",
    why="gp3 costs a fifth less than gp2 and is not slower the smaller it is.",
    fix="Set type (volumeType of a machine's disks) to gp3",
    reads="type",
    compliant=(Example(VOLUME, "v", {"type": "gp3"}), Example(MACHINE, "m", {"rootBlockDevice": {"volumeType": "gp3"}})),
    violating=(Example(VOLUME, "v", {"type": "gp2"}), Example(MACHINE, "m", {"rootBlockDevice": {"volumeType": "gp2"}}), Example(TEMPLATE,
        "t", {"blockDeviceMappings": [{"ebs": {"volumeType": "io1"}}]})),
)  # fmt: skip
def ec2_storage_type(resource: Resource, context: Context) -> Iterator[str]:
    """Disks are of a current type."""
    found = [("type", resource.get("type", "gp2"))] if resource.type == VOLUME else [
        (f"{where}.volumeType", dig(disk, "volumeType")) for where, disk in disks(resource)
    ]  # fmt: skip
    for where, kind in found:
        if kind in ("gp2", "io1", "standard"):
            yield f"{where} of '{resource.name}' is {kind}"


@rule(
    "ec2-generation", f"{MACHINE} {TEMPLATE}",
    practices="PERF02-BP02 SUS06-BP03", checklist="CHK-PERF-4", severity="medium", level="advisory",
    why="A current generation does more for the same money and energy, and has the Nitro system's isolation.",
    fix="Choose an instance type of a current generation",
    reads="instanceType", missing="not_applicable",
    **both({"instanceType": "m7g.large"}, {"instanceType": "m4.large"}, MACHINE, TEMPLATE),
)  # fmt: skip
def ec2_generation(machine: Resource, context: Context) -> str | None:
    """Machines are of a current generation."""
    kind = machine.get("instanceType")
    if kind is None:
        raise NotApplicable("names no instance type")
    return f"instanceType of '{machine.name}' is {kind}" if OLD.match(str(kind)) else None


@rule(
    "ec2-graviton", f"{MACHINE} {TEMPLATE}",
    practices="SUS05-BP02 COST06-BP02", checklist="CHK-SUS-2", severity="low", level="advisory",
    why="Graviton does the same work with up to 60 % less energy, for less money.",
    fix="Choose a type with g after the generation, such as m7g.large (accelerators are not demanded)",
    reads="instanceType", missing="not_applicable",
    **both({"instanceType": "m7g.large"}, {"instanceType": "m6i.large"}, MACHINE, TEMPLATE),
)  # fmt: skip
def ec2_graviton(machine: Resource, context: Context) -> str | None:
    """Machines run on Graviton."""
    kind = machine.get("instanceType")
    if kind is None:
        raise NotApplicable("names no instance type")
    if re.match(r"^(?:p|g|inf|trn|dl|vt|f|mac|u|hpc)\d?", str(kind)):
        raise NotApplicable("has an accelerator or special hardware")
    return None if GRAVITON.match(kind) else f"instanceType of '{machine.name}' is {kind}"


@rule(
    "ec2-image-not-public", "aws:ec2/amiLaunchPermission:AmiLaunchPermission",
    practices="SEC03-BP07 SEC06-BP01", checklist="CHK-SEC-1", severity="critical", level="advisory", sources="checkov:CKV_AWS_205",
    why="A public image shows everybody what is installed, and every key and password that was left on its disk.",
    fix="Remove group, and name the account, the organisation or its unit that may start the image",
    reads=None, compliant={"imageId": "ami-1", "accountId": "123456789012"}, violating={"imageId": "ami-1", "group": "all"},
)  # fmt: skip
def ec2_image_not_public(permission: Resource, context: Context) -> str | None:
    """No machine image is public."""
    return f"group of '{permission.name}' is all" if permission.get("group") == "all" else None


@rule(
    "ec2-no-secrets-in-user-data", f"{MACHINE} {TEMPLATE}",
    practices="SEC02-BP03", checklist="CHK-SEC-1", severity="critical", sources="checkov:CKV_AWS_46",
    why="User data can be read by every process on the machine and by everybody who may describe it.",
    fix="Read the value from Secrets Manager when the machine starts",
    reads="userData", missing="pass",
    **both({"userData": "#!/bin/sh\nstart"}, {"userData": "#!/bin/sh\nexport DB_PASSWORD=hunter2\n"}, MACHINE),
)  # fmt: skip
def ec2_no_secrets_in_user_data(machine: Resource, context: Context) -> str | None:
    """User data holds no credentials."""
    text = f"{_plain_script(machine.get('userData', ''))}\n{_plain_script(machine.get('userDataBase64', ''))}"
    pairs = dict(re.findall(r"^\s*(?:export\s+)?(\w+)=[\"']?([^\s\"'$`]+)", text, re.MULTILINE))
    found = secret_like(pairs) or re.findall(r"\bAKIA[0-9A-Z]{16}\b|BEGIN (?:RSA |EC )?PRIVATE KEY", text)
    return f"userData of '{machine.name}' looks like it holds a credential" if found else None


def _plain_script(given: Any) -> str:
    """User data as the machine reads it: launch templates take it in Base64 only."""
    text = str(given)
    try:
        return base64.b64decode(text, validate=True).decode()
    except ValueError:
        return text


@rule(
    "ec2-no-ssh-key", f"{MACHINE} {TEMPLATE}",
    practices="SEC06-BP03 SEC02-BP02", checklist="CHK-SEC-1", severity="medium", level="advisory",
    why="A shared key belongs to nobody, never expires and leaves no record; Session Manager does all three.",
    fix="Remove keyName and use Session Manager",
    reads="keyName", missing="pass", compliant={"instanceType": "m7g.large", "keyName": ""}, violating={"keyName": "admin"},
)  # fmt: skip
def ec2_no_ssh_key(machine: Resource, context: Context) -> str | None:
    """Machines have no shared login key."""
    return f"keyName of '{machine.name}' is set" if machine.get("keyName", "") != "" else None


@rule(
    "ec2-instance-profile", MACHINE, scope="stack",
    practices="SEC02-BP02", checklist="CHK-SEC-1", severity="medium", level="advisory", sources="checkov:CKV2_AWS_41",
    why="A machine without a role gets access keys sooner or later.",
    fix="Set iamInstanceProfile",
    reads="iamInstanceProfile", compliant={"iamInstanceProfile": "worker"}, violating={"instanceType": "m7g.large"},
)  # fmt: skip
def ec2_instance_profile(machine: Resource, context: Context) -> str | None:
    """Machines have a role."""
    return None if context.graph.given(machine, "launchTemplate") else not_given(machine, context, "iamInstanceProfile")


@rule(
    "ec2-detailed-monitoring", MACHINE,
    practices="PERF02-BP03 OPS08-BP01", checklist="CHK-PERF-5", severity="low", level={"dev": "disabled", "prod": "advisory"},
    sources="cdk-nag:AwsSolutions-EC28 checkov:CKV_AWS_126",
    why="At five minutes a point, alarms and scaling come five minutes late.",
    fix="Set monitoring to true",
    reads="monitoring", compliant={"monitoring": True}, violating={"monitoring": False},
)  # fmt: skip
def ec2_detailed_monitoring(machine: Resource, context: Context) -> str | None:
    """Production machines are measured every minute."""
    return not_true(machine, "monitoring")


@rule(
    "ec2-in-group", MACHINE,
    practices="REL11-BP03 REL10-BP02", checklist="CHK-REL-5", severity="medium", level={"dev": "disabled", "prod": "advisory"},
    sources="cdk-nag:AwsSolutions-EC29",
    why="Nobody replaces a lone machine when it fails.",
    fix="Put the machine into an aws.autoscaling.Group (of one, if need be), or use managed compute",
    reads=None, compliant=(Example(GROUP, "group", {"maxSize": 2, "minSize": 1}),), violating=(Example(MACHINE, "m"),),
)  # fmt: skip
def ec2_in_group(machine: Resource, context: Context) -> str | None:
    """Production machines belong to an auto-scaling group."""
    return f"'{machine.name}' is a single machine"


@rule(
    "ec2-eip-in-use", EIP,
    practices="COST04-BP03 SUS02-BP03", checklist="CHK-COST-5", severity="low", level="advisory", sources="checkov:CKV2_AWS_19",
    why="A public address costs money by the hour, attached or not.",
    fix="Attach the address (instance, networkInterface, a NAT gateway or a load balancer), or remove it",
    reads="instance", scope="stack", compliant={"instance": "i-1"}, violating={"domain": "vpc"},
)  # fmt: skip
def ec2_eip_in_use(address: Resource, context: Context) -> str | None:
    """Public addresses are in use."""
    if context.graph.given(address, "instance") or context.graph.given(address, "networkInterface"):
        return None
    users = (("aws:ec2/natGateway:NatGateway", "allocationId"), ("aws:ec2/eipAssociation:EipAssociation", "allocationId"),
        (BALANCER, "subnetMappings"), ("aws:transfer/server:Server", "endpointDetails"))  # fmt: skip
    if any(address.urn in user.property_dependencies.get(path, ()) for type_, path in users for user in context.graph.of(type_)):
        return None
    return f"nothing uses address '{address.name}'"


@rule(
    "asg-multi-az", GROUP,
    practices="REL10-BP01", checklist="CHK-REL-1", severity="high", level={"dev": "disabled", "prod": "advisory"},
    sources="securityhub:AutoScaling.2",
    why="A group in one zone has nowhere to go when the zone fails.",
    fix="Set vpcZoneIdentifiers to subnets of two zones or more",
    reads="vpcZoneIdentifiers", compliant={"vpcZoneIdentifiers": ["subnet-1", "subnet-2"]}, violating={"vpcZoneIdentifiers": ["subnet-1"]},
)  # fmt: skip
def asg_multi_az(group: Resource, context: Context) -> str | None:
    """Production groups span zones."""
    places = as_list(group.get("vpcZoneIdentifiers")) or as_list(group.get("availabilityZones"))
    return f"vpcZoneIdentifiers of '{group.name}' has {len(places)} subnet(s)" if len(places) < 2 else None


@rule(
    "asg-health-checked", GROUP, scope="stack",
    practices="REL11-BP01 REL11-BP03", checklist="CHK-REL-5", severity="medium", level="advisory",
    sources="securityhub:AutoScaling.1",
    why="EC2's own check sees a running machine, not that its program no longer answers.",
    fix="Set healthCheckType to ELB",
    reads="healthCheckType", compliant={"targetGroupArns": ["arn:tg"], "healthCheckType": "ELB"},
        violating={"targetGroupArns": ["arn:tg"], "healthCheckType": "EC2"},
)  # fmt: skip
def asg_health_checked(group: Resource, context: Context) -> str | None:
    """Groups behind a load balancer replace what it finds ill."""
    if not any(context.graph.given(group, path) for path in ("targetGroupArns", "loadBalancers")):
        raise NotApplicable("is behind no load balancer")
    kind = str(group.get("healthCheckType", "EC2"))
    return None if "ELB" in kind else f"healthCheckType of '{group.name}' is {kind}"


@rule(
    "asg-launch-template", GROUP,
    practices="OPS05-BP03 SUS06-BP03", checklist="CHK-OPS-1", severity="medium", level="advisory",
    sources="checkov:CKV_AWS_315 securityhub:AutoScaling.9",
    why="Launch configurations get no new features, and new accounts cannot make them.",
    fix="Set launchTemplate (or mixedInstancesPolicy) instead of launchConfiguration",
    reads="launchConfiguration", missing="pass", compliant={"launchTemplate": {"id": "lt-1"}, "launchConfiguration": ""},
        violating={"launchConfiguration": "old"},
)  # fmt: skip
def asg_launch_template(group: Resource, context: Context) -> str | None:
    """Groups start machines from launch templates."""
    return f"launchConfiguration of '{group.name}' is set" if group.get("launchConfiguration", "") != "" else None


@rule(
    "asg-spot", GROUP,
    practices="COST07-BP04 SUS02-BP01", checklist="CHK-COST-2", severity="low", level={"dev": "advisory", "prod": "disabled"},
    example_environment="dev",
    why="Outside production an interruption costs nothing, and spot machines cost up to 90 % less.",
    fix="Set mixedInstancesPolicy.instancesDistribution.onDemandPercentageAboveBaseCapacity below 100",
    reads="mixedInstancesPolicy",
    compliant={"mixedInstancesPolicy": {"instancesDistribution": {"onDemandPercentageAboveBaseCapacity": 0}}},
    violating={"launchTemplate": {"id": "lt-1"}},
)  # fmt: skip
def asg_spot(group: Resource, context: Context) -> str | None:
    """Groups outside production use spot machines."""
    share = group.get("mixedInstancesPolicy.instancesDistribution.onDemandPercentageAboveBaseCapacity", 100)
    return f"'{group.name}' starts on-demand machines only" if share >= 100 else None


@rule(
    "asg-scales", GROUP, scope="stack",
    practices="PERF02-BP05 REL07-BP01 SUS02-BP01", checklist="CHK-PERF-2", severity="medium", level="advisory",
    why="A group that never scales is a fleet at its largest size day and night.",
    fix="Set maxSize above minSize and add an aws.autoscaling.Policy",
    reads="maxSize",
    compliant=(Example(GROUP, "g", {"minSize": 1, "maxSize": 4}), Example(GROUP_POLICY, "p", {"policyType": "TargetTrackingScaling"},
        links={"autoscalingGroupName": "g"})),
    violating=(Example(GROUP, "g", {"minSize": 2, "maxSize": 2}),),
)  # fmt: skip
def asg_scales(group: Resource, context: Context) -> Iterator[str]:
    """Groups scale with demand."""
    if group.get("maxSize", 0) <= group.get("minSize", 0):
        yield f"maxSize of '{group.name}' is not above minSize"
    schedules = context.graph.referring(group, "aws:autoscaling/schedule:Schedule", "autoscalingGroupName")
    if not schedules and not context.graph.referring(group, GROUP_POLICY, "autoscalingGroupName"):
        yield f"no policy scales '{group.name}'"


@rule(
    "asg-refresh-rolls-back", GROUP,
    practices="OPS06-BP04 REL08-BP05", checklist="CHK-OPS-2", severity="low", level="advisory",
    why="A bad image otherwise replaces the whole fleet before anybody looks.",
    fix="Set instanceRefresh.preferences.autoRollback to true",
    reads="instanceRefresh.preferences.autoRollback",
    compliant={"instanceRefresh": {"strategy": "Rolling", "preferences": {"autoRollback": True}}},
    violating={"instanceRefresh": {"strategy": "Rolling"}},
)  # fmt: skip
def asg_refresh_rolls_back(group: Resource, context: Context) -> str | None:
    """A refresh of a group that fails is rolled back."""
    if group.get("instanceRefresh") is None:
        raise NotApplicable("has no instance refresh")
    return not_true(group, "instanceRefresh.preferences.autoRollback")


@rule(
    "efs-encrypted", FILE_SYSTEM,
    practices="SEC08-BP02", checklist="CHK-SEC-2", severity="high", level="advisory",
    sources="cdk-nag:AwsSolutions-EFS1 checkov:CKV_AWS_42 securityhub:EFS.1 securityhub:EFS.8",
    why="Encryption is decided when the file system is created, once and for ever.",
    fix="Set encrypted to true (with kmsKeyId for a customer key)",
    reads="encrypted", compliant={"encrypted": True}, violating={"encrypted": False},
)  # fmt: skip
def efs_encrypted(files: Resource, context: Context) -> str | None:
    """File systems are encrypted."""
    return not_true(files, "encrypted")


@rule(
    "storage-customer-key", f"{FILE_SYSTEM} {VOLUME} aws:fsx/lustreFileSystem:LustreFileSystem", scope="stack",
    practices="SEC08-BP01", checklist="CHK-SEC-2", severity="low", level="advisory",
    sources="checkov:CKV_AWS_184 checkov:CKV_AWS_189 checkov:CKV_AWS_190",
    why="With a customer key, snapshots and backups can be shared and access to them taken away.",
    fix="Set kmsKeyId",
    reads="kmsKeyId",
    **both({"kmsKeyId": KEY_ARN}, {"kmsKeyId": ""}, FILE_SYSTEM, VOLUME, "aws:fsx/lustreFileSystem:LustreFileSystem"),
)  # fmt: skip
def storage_customer_key(storage: Resource, context: Context) -> str | None:
    """Volumes and file systems are encrypted with a customer key."""
    return not_given(storage, context, "kmsKeyId")


@rule(
    "efs-lifecycle", FILE_SYSTEM,
    practices="COST04-BP05 SUS04-BP03", checklist="CHK-COST-3", severity="medium", level="advisory",
    why="Most files are never read again; in Infrequent Access they cost a tenth.",
    fix="Add lifecyclePolicies with transitionToIa (and transitionToPrimaryStorageClass AFTER_1_ACCESS)",
    reads="lifecyclePolicies", compliant={"lifecyclePolicies": [{"transitionToIa": "AFTER_30_DAYS"}]}, violating={"lifecyclePolicies": []},
)  # fmt: skip
def efs_lifecycle(files: Resource, context: Context) -> str | None:
    """Files that nobody reads move to a cheaper class."""
    if any(dig(item, "transitionToIa") or dig(item, "transitionToArchive") for item in as_list(files.get("lifecyclePolicies"))):
        return None
    return f"lifecyclePolicies of '{files.name}' move nothing"


@rule(
    "efs-elastic", FILE_SYSTEM,
    practices="SUS04-BP04 COST09-BP03 PERF03-BP02", checklist="CHK-SUS-1", severity="low", level="advisory",
    why="Provisioned throughput is paid for when nobody reads; bursting stops when its credits are used up.",
    fix="Set throughputMode to elastic",
    reads="throughputMode", compliant={"throughputMode": "elastic"}, violating={"throughputMode": "provisioned",
        "provisionedThroughputInMibps": 100},
)  # fmt: skip
def efs_elastic(files: Resource, context: Context) -> str | None:
    """File systems scale their throughput themselves."""
    mode = files.get("throughputMode", "bursting")
    return None if mode == "elastic" else f"throughputMode of '{files.name}' is {mode}"


@rule(
    "efs-backed-up", FILE_SYSTEM, scope="stack",
    practices="REL09-BP03", checklist="CHK-REL-2", severity="medium", level={"dev": "disabled", "prod": "advisory"},
    sources="securityhub:EFS.2",
    why="Copies in three zones do not help against a wrong command.",
    fix="Attach an aws.efs.BackupPolicy with status ENABLED",
    reads="backupPolicy.status", reads_of=FILE_BACKUP,
    compliant=(Example(FILE_SYSTEM, "f"), Example(FILE_BACKUP, "b", {"backupPolicy": {"status": "ENABLED"}},
        links={"fileSystemId": "f"})),
    violating=(Example(FILE_SYSTEM, "f"),),
)  # fmt: skip
def efs_backed_up(files: Resource, context: Context) -> str | None:
    """Production file systems are backed up."""
    policies = context.graph.referring(files, FILE_BACKUP, "fileSystemId")
    if any(policy.get("backupPolicy.status") == "ENABLED" for policy in policies):
        return None
    return f"no enabled backup policy covers file system '{files.name}'"


@rule(
    "efs-tls-only", FILE_SYSTEM, scope="stack",
    practices="SEC09-BP02", checklist="CHK-SEC-3", severity="medium", level="advisory",
    why="NFS travels in clear unless the file system refuses it.",
    fix="Attach an aws.efs.FileSystemPolicy that denies everybody where aws:SecureTransport is false",
    reads="policy", reads_of=FILE_SYSTEM_POLICY,
    compliant=(Example(FILE_SYSTEM, "f"), Example(FILE_SYSTEM_POLICY, "p", {"policy": {"Statement": [{"Effect": "Deny", "Principal": "*",
        "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]}}, links={"fileSystemId": "f"})),
    violating=(Example(FILE_SYSTEM, "f"),),
)  # fmt: skip
def efs_tls_only(files: Resource, context: Context) -> str | None:
    """File systems refuse clients without TLS."""
    policies = context.graph.referring(files, FILE_SYSTEM_POLICY, "fileSystemId")
    if any(denies_insecure_transport(policy, "policy") for policy in policies):
        return None
    return f"no policy of file system '{files.name}' refuses clients without TLS"


@rule(
    "efs-access-point-limited", ACCESS_POINT,
    practices="SEC03-BP02", checklist="CHK-SEC-1", severity="medium", level="advisory",
    sources="checkov:CKV_AWS_329 checkov:CKV_AWS_330 securityhub:EFS.3 securityhub:EFS.4",
    why="An access point without a directory and a user of its own gives the whole file system to whoever says it is root.",
    fix="Set rootDirectory.path (not /) and posixUser",
    reads="rootDirectory.path", compliant={"rootDirectory": {"path": "/models"}, "posixUser": {"uid": 1000, "gid": 1000}},
        violating={"posixUser": {"uid": 1000, "gid": 1000}},
)  # fmt: skip
def efs_access_point_limited(point: Resource, context: Context) -> Iterator[str]:
    """Access points see one directory, as one user."""
    if point.get("rootDirectory.path", "/") == "/":
        yield f"rootDirectory.path of '{point.name}' is /"
    if point.get("posixUser") is None:
        yield f"posixUser of '{point.name}' is not set"


@rule(
    "efs-multi-az", FILE_SYSTEM,
    practices="REL10-BP01", checklist="CHK-REL-1", severity="medium", level={"dev": "disabled", "prod": "advisory"},
    why="A One Zone file system is gone with its zone.",
    fix="Remove availabilityZoneName",
    reads="availabilityZoneName", missing="pass", compliant={"encrypted": True, "availabilityZoneName": ""},
        violating={"availabilityZoneName": "eu-west-1a"},
)  # fmt: skip
def efs_multi_az(files: Resource, context: Context) -> str | None:
    """Production file systems are in several zones."""
    return f"availabilityZoneName of '{files.name}' is set" if files.get("availabilityZoneName", "") != "" else None


def is_application(balancer: Resource) -> bool:
    """Whether it is an application load balancer."""
    return balancer.get("loadBalancerType", "application") == "application"


@rule(
    "lb-access-logs", BALANCER,
    practices="SEC04-BP01 OPS04-BP02", checklist="CHK-OPS-4", severity="medium", level="advisory",
    sources="cdk-nag:AwsSolutions-ELB2 checkov:CKV_AWS_91 securityhub:ELB.5",
    why="Requests that never reach the program are seen nowhere else.",
    fix="Set accessLogs with bucket and enabled true",
    reads="accessLogs.enabled", compliant={"accessLogs": {"bucket": "logs", "enabled": True}}, violating={"accessLogs": {"bucket": "logs"}},
)  # fmt: skip
def lb_access_logs(balancer: Resource, context: Context) -> str | None:
    """Load balancers log access."""
    if balancer.get("loadBalancerType", "application") == "gateway":
        raise NotApplicable("a gateway load balancer has no access log")
    return not_true(balancer, "accessLogs.enabled")


@rule(
    "lb-deletion-protection", BALANCER,
    practices="SEC08-BP04 REL11-BP02", checklist="CHK-REL-6", severity="medium", level={"dev": "disabled", "prod": "advisory"},
    sources="checkov:CKV_AWS_150 securityhub:ELB.6",
    why="A new load balancer has another name: everything that points to the old one is down until DNS has changed.",
    fix="Set enableDeletionProtection to true",
    reads="enableDeletionProtection", compliant={"enableDeletionProtection": True}, violating={"enableDeletionProtection": False},
    remediation=put({"enableDeletionProtection": True}),
)  # fmt: skip
def lb_deletion_protection(balancer: Resource, context: Context) -> str | None:
    """Production load balancers cannot be deleted by accident."""
    return None if balancer.protect else not_true(balancer, "enableDeletionProtection")


def drop_invalid_headers(balancer: Resource, context: Context) -> Changes:
    """Invalid headers dropped, and the default mitigation where there is only monitoring."""
    changes: dict[str, object] = {"dropInvalidHeaderFields": True}
    if balancer.get("desyncMitigationMode", "defensive") == "monitor":
        changes["desyncMitigationMode"] = "defensive"
    return changes


@rule(
    "lb-drops-invalid-headers", BALANCER,
    practices="SEC05-BP03", checklist="CHK-SEC-3", severity="medium", level="advisory",
    sources="checkov:CKV_AWS_131 securityhub:ELB.4",
    why="Headers that balancer and program read differently smuggle a second request past the first one's checks.",
    fix="Set dropInvalidHeaderFields to true (and leave desyncMitigationMode at defensive or strictest)",
    reads="dropInvalidHeaderFields", compliant={"dropInvalidHeaderFields": True}, violating={"desyncMitigationMode": "monitor"},
    remediation=drop_invalid_headers,
)  # fmt: skip
def lb_drops_invalid_headers(balancer: Resource, context: Context) -> Iterator[str]:
    """Application load balancers drop malformed requests."""
    if not is_application(balancer):
        raise NotApplicable("not an application load balancer")
    if problem := not_true(balancer, "dropInvalidHeaderFields"):
        yield problem
    if balancer.get("desyncMitigationMode", "defensive") == "monitor":
        yield f"desyncMitigationMode of '{balancer.name}' is monitor"


@rule(
    "lb-multi-az", BALANCER,
    practices="REL10-BP01 PERF04-BP04", checklist="CHK-REL-1", severity="high", level="advisory", sources="securityhub:ELB.13",
    why="An application load balancer needs two zones or AWS refuses it; any other is down with its one zone.",
    fix="Set subnets of two zones or more",
    reads="subnets", compliant={"subnets": ["subnet-1", "subnet-2"]}, violating={"subnets": ["subnet-1"]},
)  # fmt: skip
def lb_multi_az(balancer: Resource, context: Context) -> str | None:
    """Load balancers are in several zones."""
    places = as_list(balancer.get("subnets")) or as_list(balancer.get("subnetMappings"))
    return f"subnets of '{balancer.name}' has {len(places)} subnet(s)" if len(places) < 2 else None


@rule(
    "lb-cross-zone", BALANCER,
    practices="PERF04-BP04 REL11-BP05", checklist="CHK-REL-1", severity="low", level="advisory",
    sources="checkov:CKV_AWS_152",
    why="Without it a zone with one target gets as much traffic as a zone with five.",
    fix="Set enableCrossZoneLoadBalancing to true",
    reads="enableCrossZoneLoadBalancing", compliant={"loadBalancerType": "network", "enableCrossZoneLoadBalancing": True},
        violating={"loadBalancerType": "network"},
)  # fmt: skip
def lb_cross_zone(balancer: Resource, context: Context) -> str | None:
    """Network load balancers spread traffic over all zones."""
    if is_application(balancer):
        raise NotApplicable("an application load balancer always does")
    return not_true(balancer, "enableCrossZoneLoadBalancing")


@rule(
    "lb-firewall", BALANCER, scope="stack",
    practices="SEC05-BP03", checklist="CHK-SEC-5", severity="medium", level={"dev": "disabled", "prod": "advisory"},
    sources="checkov:CKV2_AWS_28 securityhub:ELB.16",
    why="Managed rules stop the known attacks of a new vulnerability hours after it is published, before the patch.",
    fix="Attach a web ACL with aws.wafv2.WebAclAssociation",
    reads="resourceArn", reads_of=WEB_ACL_ASSOCIATION,
    compliant=(Example(BALANCER, "lb", {"internal": False}), Example(WEB_ACL_ASSOCIATION, "a", {"webAclArn": "arn"},
        links={"resourceArn": "lb"})),
    violating=(Example(BALANCER, "lb", {"internal": False}),),
)  # fmt: skip
def lb_firewall(balancer: Resource, context: Context) -> str | None:
    """Public load balancers stand behind a web application firewall."""
    if not is_application(balancer) or balancer.get("internal", False):
        raise NotApplicable("not a public application load balancer")
    found = context.graph.referring(balancer, WEB_ACL_ASSOCIATION, "resourceArn")
    return None if found else f"no web ACL protects '{balancer.name}'"


@rule(
    "lb-listener-tls", LISTENER,
    practices="SEC09-BP02", checklist="CHK-SEC-3", severity="high", level="advisory",
    sources="checkov:CKV_AWS_2 securityhub:ELB.1",
    why="A listener that serves plain HTTP serves everybody on the way too.",
    fix="Set protocol to HTTPS (TLS of a network load balancer), or redirect port 80 to HTTPS in defaultActions",
    reads="protocol",
    compliant={"protocol": "HTTPS", "port": 443}, violating={"protocol": "HTTP", "port": 80, "defaultActions": [{"type": "forward"}]},
)  # fmt: skip
def lb_listener_tls(listener: Resource, context: Context) -> str | None:
    """Listeners speak TLS, or redirect to one that does."""
    protocol = listener.get("protocol")
    if protocol is None and listener.get("port") is None:
        raise NotApplicable("a gateway's listener has neither protocol nor port")
    if (protocol or "HTTP") != "HTTP":
        return None
    actions = as_list(listener.get("defaultActions"))
    if actions and all(dig(item, "type") == "redirect" and dig(item, "redirect.protocol", "#{protocol}") == "HTTPS" for item in actions):
        return None
    return f"protocol of '{listener.name}' is HTTP"


@rule(
    "lb-tls-policy", LISTENER,
    practices="SEC09-BP02", checklist="CHK-SEC-3", severity="high", level="advisory", sources="checkov:CKV_AWS_103 securityhub:ELB.17",
    why="The default policy still accepts TLS 1.0.",
    fix="Set sslPolicy to ELBSecurityPolicy-TLS13-1-2-2021-06 (or a newer one with TLS 1.2 at least)",
    reads="sslPolicy", compliant={"protocol": "HTTPS", "sslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06"},
        violating={"protocol": "HTTPS", "sslPolicy": "ELBSecurityPolicy-2016-08"},
    remediation=put({"sslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06"}),
)  # fmt: skip
def lb_tls_policy(listener: Resource, context: Context) -> str | None:
    """Listeners accept TLS 1.2 or newer."""
    if listener.get("protocol", "") not in ("HTTPS", "TLS"):
        raise NotApplicable("not a TLS listener")
    policy = str(listener.get("sslPolicy", "ELBSecurityPolicy-2016-08"))
    return None if re.search(r"TLS13-1-[23]|FS-1-2|TLS-1-2", policy) else f"sslPolicy of '{listener.name}' is {policy}"


@rule(
    "lb-targets-checked", TARGET_GROUP,
    practices="REL11-BP01", checklist="CHK-REL-5", severity="medium", level="advisory", sources="checkov:CKV_AWS_261",
    why="/ answers on most servers even when what matters behind it does not.",
    fix="Set healthCheck.path to an endpoint that checks what the service needs",
    reads="healthCheck.path", compliant={"protocol": "HTTP", "healthCheck": {"path": "/health"}}, violating={"protocol": "HTTP"},
)  # fmt: skip
def lb_targets_checked(group: Resource, context: Context) -> str | None:
    """Targets are asked whether they are well."""
    if group.get("targetType", "instance") in ("lambda", "alb") or group.get("protocol", "HTTP") not in ("HTTP", "HTTPS"):
        raise NotApplicable("is not asked over HTTP")
    if not group.get("healthCheck.enabled", True):
        return f"healthCheck.enabled of '{group.name}' is false"
    return f"healthCheck.path of '{group.name}' is /" if group.get("healthCheck.path", "/") == "/" else None


@rule(
    "lb-drains-quickly", TARGET_GROUP,
    practices="PERF04-BP04 OPS05-BP09", checklist="CHK-PERF-2", severity="low", level="advisory",
    why="With the default of 300 seconds every deployment and every step of scaling in waits five minutes for connections long gone.",
    fix="Set deregistrationDelay to the longest request (60 seconds or less, mostly)",
    reads="deregistrationDelay", compliant={"deregistrationDelay": 30}, violating={"deregistrationDelay": 300},
    parameters={"maximum_seconds": Parameter(120, "Longest wait for connections to end", {"type": "integer", "minimum": 0})},
)  # fmt: skip
def lb_drains_quickly(group: Resource, context: Context) -> str | None:
    """Targets leave a load balancer in good time."""
    if group.get("targetType", "instance") == "lambda":
        raise NotApplicable("functions have nothing to drain")
    seconds = as_number(group.get("deregistrationDelay", 300), "deregistrationDelay")
    return f"deregistrationDelay of '{group.name}' is {seconds:g} s" if seconds > context.parameters["maximum_seconds"] else None


@rule(
    "emr-terminates", EMR,
    practices="COST04-BP04 SUS02-BP03", checklist="CHK-COST-5", severity="high", level="advisory",
    why="A forgotten cluster is among the most expensive things to forget.",
    fix="Set autoTerminationPolicy.idleTimeout, or keepJobFlowAliveWhenNoSteps to false",
    reads="autoTerminationPolicy.idleTimeout", compliant={"autoTerminationPolicy": {"idleTimeout": 3600}},
        violating={"releaseLabel": "emr-7.5.0"},
)  # fmt: skip
def emr_terminates(cluster: Resource, context: Context) -> str | None:
    """Clusters end when nobody uses them."""
    if cluster.get("autoTerminationPolicy.idleTimeout", 0) > 0:
        return None
    keeps = cluster.get("keepJobFlowAliveWhenNoSteps", True)
    return f"autoTerminationPolicy.idleTimeout of '{cluster.name}' is not set" if keeps else None


@rule(
    "emr-security-configuration", EMR, scope="stack",
    practices="SEC08-BP02 SEC09-BP02", checklist="CHK-SEC-2", severity="high", level="advisory",
    sources="cdk-nag:AwsSolutions-EMR4",
    why="Without one, disks, S3 data and traffic between nodes are in clear.",
    fix="Set securityConfiguration",
    reads="securityConfiguration", compliant={"securityConfiguration": "encrypted"}, violating={"releaseLabel": "emr-7.5.0"},
)  # fmt: skip
def emr_security_configuration(cluster: Resource, context: Context) -> str | None:
    """Clusters encrypt what they store and send."""
    return not_given(cluster, context, "securityConfiguration")


@rule(
    "emr-logs", EMR,
    practices="OPS04-BP02", checklist="CHK-OPS-4", severity="medium", level="advisory", sources="cdk-nag:AwsSolutions-EMR2",
    why="Logs on the nodes are gone with the cluster, above all when a step failed.",
    fix="Set logUri",
    reads="logUri", compliant={"logUri": "s3://logs/emr/"}, violating={"releaseLabel": "emr-7.5.0"},
)  # fmt: skip
def emr_logs(cluster: Resource, context: Context) -> str | None:
    """Clusters keep their logs."""
    return not_set(cluster, "logUri")


@rule(
    "emr-spot", EMR,
    practices="COST07-BP04", checklist="CHK-COST-2", severity="low", level="advisory",
    why="Core and task nodes on spot capacity do the same work for a fraction of the price.",
    fix="Set bidPrice of coreInstanceGroup, or targetSpotCapacity of an instance fleet",
    reads="coreInstanceFleet.targetSpotCapacity", compliant={"coreInstanceFleet": {"targetSpotCapacity": 4}},
        violating={"coreInstanceGroup": {"instanceType": "m7g.xlarge", "instanceCount": 4}},
)  # fmt: skip
def emr_spot(cluster: Resource, context: Context) -> str | None:
    """Clusters use spot capacity."""
    if cluster.get("coreInstanceFleet.targetSpotCapacity", 0) > 0 or cluster.get("coreInstanceGroup.bidPrice"):
        return None
    return f"the core nodes of '{cluster.name}' are on demand"


@rule(
    "ebs-default-on", EBS_DEFAULT, scope="account",
    practices="SEC08-BP03", checklist="CHK-SEC-2", severity="high", level="advisory", sources="checkov:CKV_AWS_106 securityhub:EC2.7",
    why="Whoever declares the default to be off switches it off for the whole account and region.",
    fix="Remove enabled: false",
    reads="enabled", missing="pass", compliant={"enabled": True}, violating={"enabled": False},
    remediation=put({"enabled": True}),
)  # fmt: skip
def ebs_default_on(default: Resource, context: Context) -> str | None:
    """Encryption of new disks is never switched off."""
    return not_true(default, "enabled", True)
