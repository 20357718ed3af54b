"""Will it deploy? What AWS refuses although the program is well-formed, found before anything is changed."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Any

from .. import asl
from ..model import STACK, Context, Example, Parameter, Resource, rule
from ..values import NotApplicable, as_list, dig, is_set
from ._types import (
    ALARM,
    BUCKET,
    EVENT_RULE,
    EVENT_TARGET,
    FUNCTION,
    GLUE_JOB,
    KEY_ALIAS,
    LOG_GROUP,
    QUEUE,
    ROLE,
    SCHEDULE,
    SECURITY_GROUP,
    STATE_MACHINE,
    SUBNET,
    TABLE,
    TOPIC,
    VPC,
    VPC_ENDPOINT,
)

REFUSED = {"practices": "OPS06-BP02 OPS05-BP02", "checklist": "CHK-OPS-3", "level": "advisory"}
QUOTA = {"practices": "REL01-BP03 REL01-BP01", "checklist": "CHK-OPS-3", "level": "advisory"}


@rule(
    "lambda-limits", FUNCTION, **QUOTA, severity="high",
    why="Lambda refuses memory outside 128 to 10,240 MB, timeouts over 900 s, storage outside 512 to 10,240 MB and more than five layers.",
    fix="Choose values inside the limits",
    reads="memorySize", missing="pass", compliant={"memorySize": 512, "timeout": 60}, violating={"memorySize": 20480, "timeout": 1200},
)  # fmt: skip
def lambda_limits(function: Resource, context: Context) -> Iterator[str]:
    """Functions stay inside Lambda's limits."""
    if function.get("capacityProviderConfig") is not None:
        raise NotApplicable("runs on machines of its own, which have other limits")
    for path, default, least, most in (
        ("memorySize", 128, 128, 10240), ("timeout", 3, 1, 900), ("ephemeralStorage.size", 512, 512, 10240),
    ):  # fmt: skip
        value = function.get(path, default)
        if not least <= value <= most:
            yield f"{path} of '{function.name}' is {value:g}, outside {least} to {most}"
    if len(as_list(function.get("layers"))) > 5:
        yield f"layers of '{function.name}' has more than 5"


@rule(
    "lambda-environment-size", FUNCTION, **QUOTA, severity="high",
    why="Lambda refuses environments over 4 KB, and names that it reserves for itself.",
    fix="Move large values to a parameter or an object, and rename reserved variables",
    reads="environment.variables", missing="pass", compliant={"environment": {"variables": {"LEVEL": "info"}}},
        violating={"environment": {"variables": {"AWS_REGION": "eu-west-1"}}},
)  # fmt: skip
def lambda_environment_size(function: Resource, context: Context) -> Iterator[str]:
    """The environment of a function is one that Lambda takes."""
    variables = dict(function.get("environment.variables", {}))
    reserved = {"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "_HANDLER",
        "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR", "AWS_LAMBDA_FUNCTION_NAME", "AWS_EXECUTION_ENV"}  # fmt: skip
    for name in sorted(reserved & variables.keys()):
        yield f"environment.variables of '{function.name}' sets {name}, which is reserved"
    size = sum(len(key) + len(value) for key, value in variables.items() if isinstance(value, str))
    if size > 4096:
        yield f"environment.variables of '{function.name}' has {size} characters"


@rule(
    "lambda-concurrency-left", STACK, scope="stack", when_types=FUNCTION, **QUOTA, severity="high",
    why="Lambda refuses a reservation that leaves less than 100 executions for the account's other functions.",
    fix="Lower reservedConcurrentExecutions of the functions, or raise the quota and the rule's parameter",
    reads="reservedConcurrentExecutions", reads_of=FUNCTION, missing="pass",
    compliant=(Example(FUNCTION, "f", {"reservedConcurrentExecutions": 50}),), violating=(Example(FUNCTION, "f",
        {"reservedConcurrentExecutions": 950}),),
    parameters={"quota": Parameter(1000, "Concurrent executions of the account and region", {"type": "integer", "minimum": 10})},
)  # fmt: skip
def lambda_concurrency_left(stack: Resource, context: Context) -> str | None:
    """Reservations leave capacity for other functions."""
    reserved = sum(max(function.get("reservedConcurrentExecutions", -1), 0) for function in context.graph.of(FUNCTION))
    left = context.parameters["quota"] - reserved
    return f"the stack's functions reserve {reserved:g} executions, which leaves {left:g}" if left < 100 else None


@rule(
    "fifo-named", f"{QUEUE} {TOPIC}", **REFUSED, severity="high",
    why="AWS refuses a FIFO queue or topic whose name does not end in .fifo, a standard one whose name does, and deduplication without FIFO.",
    fix="End the name in .fifo exactly if fifoQueue (fifoTopic) is true",
    reads="name", missing="not_applicable",
    compliant=(Example(QUEUE, "q", {"name": "orders.fifo", "fifoQueue": True}), Example(TOPIC, "t", {"name": "orders"})),
    violating=(Example(QUEUE, "q", {"name": "orders", "fifoQueue": True}), Example(TOPIC, "t", {"name": "orders.fifo"})),
)  # fmt: skip
def fifo_named(resource: Resource, context: Context) -> Iterator[str]:
    """The name of a FIFO queue or topic says so."""
    fifo = resource.get("fifoQueue" if resource.type == QUEUE else "fifoTopic", False)
    name = resource.get("name")
    if name is None and not resource.get("contentBasedDeduplication", False):
        raise NotApplicable("the provider names it")
    if name is not None and name.endswith(".fifo") != fifo:
        yield f"name of '{resource.name}' {'does not end' if fifo else 'ends'} in .fifo"
    if resource.get("contentBasedDeduplication", False) and not fifo:
        yield f"contentBasedDeduplication of '{resource.name}' is true without FIFO"


@rule(
    "alarm-window", ALARM, **REFUSED, severity="high",
    why="CloudWatch refuses an alarm that looks back further than a day (a week with periods of an hour or more), or counts more points "
        "than it looks at.",
    fix="Lower period times evaluationPeriods, and datapointsToAlarm to evaluationPeriods at most",
    reads="period", missing="pass", compliant={"period": 300, "evaluationPeriods": 3, "datapointsToAlarm": 2},
        violating={"period": 300, "evaluationPeriods": 3, "datapointsToAlarm": 4},
)  # fmt: skip
def alarm_window(alarm: Resource, context: Context) -> Iterator[str]:
    """An alarm looks back no further than it may."""
    periods, period = alarm.get("evaluationPeriods", 1), alarm.get("period", 0)
    points = alarm.get("datapointsToAlarm", periods)
    if points > periods:
        yield f"datapointsToAlarm of '{alarm.name}' is {points:g} of {periods:g}"
    if period * periods > (604800 if period >= 3600 else 86400):
        yield f"period times evaluationPeriods of '{alarm.name}' is {period * periods:g} s"
    if period and period not in (1, 5, 10, 20, 30) and period % 60:
        yield f"period of '{alarm.name}' is {period:g} s, which is no multiple of 60"


@rule(
    "logs-retention-allowed", LOG_GROUP, **REFUSED, severity="high",
    why="CloudWatch knows certain numbers of days and refuses all others.",
    fix="Set retentionInDays to 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653",
    reads="retentionInDays", missing="pass", compliant={"retentionInDays": 30}, violating={"retentionInDays": 45},
)  # fmt: skip
def logs_retention_allowed(group: Resource, context: Context) -> str | None:
    """The retention of a log group is one that exists."""
    allowed = (0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
    days = group.get("retentionInDays", 0)
    return None if days in allowed else f"retentionInDays of '{group.name}' is {days:g}"


@rule(
    "bucket-name-valid", BUCKET, **REFUSED, severity="high",
    why="S3 refuses names with capitals, underscores, two dots together or a wrong length.",
    fix="Use 3 to 63 lower-case letters, digits, hyphens and single dots",
    reads="bucket", missing="not_applicable", compliant={"bucket": "lake-raw-123"}, violating={"bucket": "Lake_Raw"},
)  # fmt: skip
def bucket_name_valid(bucket: Resource, context: Context) -> str | None:
    """The name of a bucket is one that S3 takes."""
    name = bucket.get("bucket")
    if name is None:
        raise NotApplicable("the provider names it")
    good = re.fullmatch(r"(?!xn--|\d+\.\d+\.\d+\.\d+$)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", str(name))
    return None if good else f"bucket of '{bucket.name}' is no valid name"


@rule(
    "role-name-length", f"{ROLE} {FUNCTION}", **REFUSED, severity="high",
    why="Names of roles and functions end at 64 characters; a longer stack or project name is refused half-way through a deployment.",
    fix="Shorten the name",
    reads="name", missing="not_applicable", compliant={"name": "predict"}, violating={"name": "x" * 65},
)  # fmt: skip
def role_name_length(resource: Resource, context: Context) -> str | None:
    """Names of roles and functions have 64 characters at most."""
    name = resource.get("name")
    if name is None:
        raise NotApplicable("the provider names it")
    return f"name of '{resource.name}' has {len(name)} characters" if len(name) > 64 else None


@rule(
    "table-attributes-used", TABLE, **REFUSED, severity="high",
    why="DynamoDB refuses attributes that no key or index uses, and keys that are not declared.",
    fix="Declare in attributes exactly the attributes of hashKey, rangeKey and the indexes",
    reads="attributes", missing="not_applicable",
    compliant={"hashKey": "id", "attributes": [{"name": "id", "type": "S"}]},
    violating={"hashKey": "id", "attributes": [{"name": "id", "type": "S"}, {"name": "created", "type": "N"}]},
)  # fmt: skip
def table_attributes_used(table: Resource, context: Context) -> Iterator[str]:
    """A table declares the attributes of its keys, and no others."""
    given = as_list(table.get("attributes"))
    if not given:
        raise NotApplicable("declares no attributes")
    declared = {str(dig(item, "name", "")) for item in given}
    indexes: list[Any] = [*as_list(table.get("globalSecondaryIndexes")), *as_list(table.get("localSecondaryIndexes"))]
    keys = [table.get("hashKey"), table.get("rangeKey"), *(dig(item, key) for item in indexes for key in ("hashKey", "rangeKey"))]
    keys += [dig(key, "attributeName") for item in indexes for key in as_list(dig(item, "keySchemas"))]
    used = {str(key) for key in keys if key is not None}
    if unused := sorted(declared - used):
        yield f"attributes of '{table.name}' declares {', '.join(unused)}, which no key uses"
    if absent := sorted(used - declared):
        yield f"attributes of '{table.name}' lacks {', '.join(absent)}"


@rule(
    "table-capacity-given", TABLE, **REFUSED, severity="high",
    why="A provisioned table without capacities is refused, and so is an on-demand one with them.",
    fix="Set readCapacity and writeCapacity exactly if billingMode is PROVISIONED",
    reads="billingMode", missing="fail", compliant={"billingMode": "PAY_PER_REQUEST"}, violating={"billingMode": "PROVISIONED"},
)  # fmt: skip
def table_capacity_given(table: Resource, context: Context) -> Iterator[str]:
    """Capacities of a table fit its billing mode."""
    mode = table.get("billingMode", "PROVISIONED")
    for path in ("readCapacity", "writeCapacity"):
        value = table.get(path, 0)
        if mode == "PROVISIONED" and not value:
            yield f"{path} of '{table.name}' is not set although billingMode is PROVISIONED"
        elif mode == "PAY_PER_REQUEST" and value:
            yield f"{path} of '{table.name}' is set although billingMode is PAY_PER_REQUEST"


@rule(
    "state-machine-express-integrations", STATE_MACHINE, **REFUSED, severity="high",
    why="Express workflows cannot wait for jobs or tokens: Step Functions refuses .sync and .waitForTaskToken in them.",
    fix="Set type to STANDARD, or call the service without .sync",
    reads="definition",
    compliant={"type": "EXPRESS", "definition": {"StartAt": "a", "States": {"a": {"Type": "Task", "Resource":
        "arn:aws:states:::lambda:invoke", "End": True}}}},
    violating={"type": "EXPRESS", "definition": {"StartAt": "a", "States": {"a": {"Type": "Task", "Resource":
        "arn:aws:states:::glue:startJobRun.sync", "End": True}}}},
)  # fmt: skip
def state_machine_express_integrations(machine: Resource, context: Context) -> Iterator[str]:
    """Express state machines wait for nothing."""
    if machine.get("type", "STANDARD") != "EXPRESS":
        raise NotApplicable("a standard state machine")
    for state in asl.tasks(machine):
        if state.integration[1]:
            yield f"state '{state.path}' of '{machine.name}' uses .{state.integration[1]}"


@rule(
    "glue-bookmark-single-run", GLUE_JOB, practices="REL04-BP04 OPS06-BP02", checklist="CHK-REL-3", severity="medium", level="advisory",
    why="Bookmarks know one run at a time: of two, one fails to commit or reads everything twice.",
    fix="Set executionProperty.maxConcurrentRuns to 1, or disable the bookmark",
    reads="executionProperty.maxConcurrentRuns", missing="pass",
    compliant={"defaultArguments": {"--job-bookmark-option": "job-bookmark-enable"}, "executionProperty": {"maxConcurrentRuns": 1}},
    violating={"defaultArguments": {"--job-bookmark-option": "job-bookmark-enable"}, "executionProperty": {"maxConcurrentRuns": 4}},
)  # fmt: skip
def glue_bookmark_single_run(job: Resource, context: Context) -> str | None:
    """A job with a bookmark runs once at a time."""
    arguments = job.get("defaultArguments", {})
    if arguments.get("--job-bookmark-option") != "job-bookmark-enable":
        raise NotApplicable("keeps no bookmark")
    runs = job.get("executionProperty.maxConcurrentRuns", 1)
    return f"executionProperty.maxConcurrentRuns of '{job.name}' is {runs:g}" if runs > 1 else None


@rule(
    "glue-workers-or-capacity", GLUE_JOB, **REFUSED, severity="high",
    why="Glue refuses maxCapacity together with workerType or numberOfWorkers.",
    fix="Remove maxCapacity",
    reads="maxCapacity", missing="pass", compliant={"workerType": "G.1X", "numberOfWorkers": 2, "maxCapacity": 0},
        violating={"workerType": "G.1X", "numberOfWorkers": 2, "maxCapacity": 10},
)  # fmt: skip
def glue_workers_or_capacity(job: Resource, context: Context) -> str | None:
    """A job's size is given in one way."""
    if job.get("maxCapacity", 0) > 0 and (job.get("workerType") is not None or job.get("numberOfWorkers") is not None):
        return f"maxCapacity of '{job.name}' is set beside workerType or numberOfWorkers"
    return None


@rule(
    "alias-name-valid", KEY_ALIAS, **REFUSED, severity="high",
    why="KMS refuses aliases that do not begin with alias/, and keeps alias/aws/ to itself.",
    fix="Begin the name with alias/ (not alias/aws/)",
    reads="name", missing="not_applicable", compliant={"name": "alias/data"}, violating={"name": "data"},
)  # fmt: skip
def alias_name_valid(alias: Resource, context: Context) -> str | None:
    """The name of a key's alias is one that KMS takes."""
    name = alias.get("name")
    if name is None:
        raise NotApplicable("the provider names it")
    good = name.startswith("alias/") and not name.startswith("alias/aws/")
    return None if good else f"name of '{alias.name}' is no alias of a customer key"


@rule(
    "event-rule-complete", EVENT_RULE, **REFUSED, severity="high",
    why="EventBridge refuses a rule without a pattern and a schedule, and a schedule on a bus of one's own.",
    fix="Set eventPattern, or scheduleExpression on the default bus",
    reads="eventPattern", compliant={"eventPattern": '{"source": ["aws.s3"]}'}, violating={"description": "nothing"},
)  # fmt: skip
def event_rule_complete(event_rule: Resource, context: Context) -> Iterator[str]:
    """A rule says for what events it is."""
    pattern, schedule = event_rule.get("eventPattern"), event_rule.get("scheduleExpression")
    if not is_set(pattern) and not is_set(schedule):
        yield f"neither eventPattern nor scheduleExpression of '{event_rule.name}' is set"
    if schedule is not None and event_rule.get("eventBusName", "default") != "default":
        yield f"scheduleExpression of '{event_rule.name}' is set on a bus of its own"


@rule(
    "event-rule-targets", EVENT_RULE, scope="stack",
    practices="OPS05-BP02 COST04-BP03", checklist="CHK-OPS-3", severity="medium", level="advisory",
    why="A rule without a target matches events and does nothing; with more than five targets EventBridge refuses it.",
    fix="Add an aws.cloudwatch.EventTarget that names the rule (five at most)",
    reads="rule", reads_of=EVENT_TARGET,
    compliant=(Example(EVENT_RULE, "r", {"name": "r"}), Example(EVENT_TARGET, "t", {"arn": "arn"}, links={"rule": "r"})),
    violating=(Example(EVENT_RULE, "r", {"name": "r"}),),
)  # fmt: skip
def event_rule_targets(event_rule: Resource, context: Context) -> str | None:
    """Rules do something."""
    if event_rule.get("state", "ENABLED") == "DISABLED":
        raise NotApplicable("is disabled")
    count = len(context.graph.referring(event_rule, EVENT_TARGET, "rule"))
    return None if 1 <= count <= 5 else f"rule '{event_rule.name}' has {count} targets"


SCHEDULE_FORMS = re.compile(
    r"^(?:rate\([1-9]\d* (?:minutes?|hours?|days?)\)|cron\(\S+ \S+ \S+ \S+ \S+ \S+\)|at\(\d{4}-\d\d-\d\dT[\d:]+\))$"
)


@rule(
    "schedule-expression-valid", f"{SCHEDULE} {EVENT_RULE}", **REFUSED, severity="high",
    why="A cron of five fields, or a rule's rate(1 days), is refused by AWS though it looks right.",
    fix="Write rate(N minutes), cron(minutes hours day-of-month month day-of-week year) with a ? in one of the day fields, or at(…)",
    reads="scheduleExpression", missing="not_applicable",
    compliant={"scheduleExpression": "cron(0 3 * * ? *)"}, violating={"scheduleExpression": "cron(0 3 * * *)"},
)  # fmt: skip
def schedule_expression_valid(schedule: Resource, context: Context) -> str | None:
    """Schedules are written as AWS reads them."""
    text = schedule.get("scheduleExpression")
    if text is None:
        raise NotApplicable("has no schedule")
    text = str(text)
    good = bool(SCHEDULE_FORMS.match(text))
    fields = re.match(r"cron\((.*)\)$", text)
    if good and fields:
        parts = fields[1].split()
        good = "?" in (parts[2], parts[4])
    if schedule.type == EVENT_RULE:
        good = good and not re.match(r"at\(|rate\((?!1 )\d+ (?:minute|hour|day)\)|rate\(1 \w+s\)", text)
    return None if good else f"scheduleExpression of '{schedule.name}' is {text}"


@rule(
    "endpoint-private-dns", VPC_ENDPOINT, scope="stack", **REFUSED, severity="high",
    why="AWS refuses private DNS names of an endpoint in a VPC that does not resolve DNS.",
    fix="Set enableDnsSupport and enableDnsHostnames of the VPC to true",
    reads="enableDnsHostnames", reads_of=VPC,
    compliant=(Example(VPC, "vpc", {"enableDnsHostnames": True}), Example(VPC_ENDPOINT, "e", {"vpcEndpointType": "Interface",
        "privateDnsEnabled": True}, links={"vpcId": "vpc"})),
    violating=(Example(VPC, "vpc", {"enableDnsHostnames": False}), Example(VPC_ENDPOINT, "e", {"vpcEndpointType": "Interface",
        "privateDnsEnabled": True}, links={"vpcId": "vpc"})),
)  # fmt: skip
def endpoint_private_dns(endpoint: Resource, context: Context) -> Iterator[str]:
    """Endpoints with private names are in a VPC that resolves names."""
    if endpoint.get("vpcEndpointType", "Gateway") != "Interface" or not endpoint.get("privateDnsEnabled", False):
        raise NotApplicable("has no private names")
    for vpc in context.graph.linked(endpoint, "vpcId", VPC):
        for path, default in (("enableDnsSupport", True), ("enableDnsHostnames", False)):
            if not vpc.get(path, default):
                yield f"{path} of VPC '{vpc.name}' is not true"


def _network(text: object) -> Any:
    try:
        return ipaddress.ip_network(str(text))
    except ValueError:
        return None


@rule(
    "subnets-fit", SUBNET, scope="stack", practices="REL02-BP03 REL02-BP05", checklist="CHK-OPS-3", severity="high", level="advisory",
    why="AWS refuses a subnet outside its VPC's range, one that overlaps another, and any smaller than /28 or larger than /16.",
    fix="Choose a cidrBlock inside the VPC's range that overlaps no other subnet",
    reads="cidrBlock", missing="not_applicable",
    compliant=(Example(VPC, "vpc", {"cidrBlock": "10.0.0.0/16"}), Example(SUBNET, "a", {"cidrBlock": "10.0.0.0/24"},
        links={"vpcId": "vpc"})),
    violating=(Example(VPC, "vpc", {"cidrBlock": "10.0.0.0/16"}), Example(SUBNET, "a", {"cidrBlock": "10.1.0.0/24"},
        links={"vpcId": "vpc"})),
)  # fmt: skip
def subnets_fit(subnet: Resource, context: Context) -> Iterator[str]:
    """Subnets lie inside their VPC, beside each other."""
    text = subnet.get("cidrBlock")
    if text is None:
        raise NotApplicable("has no IPv4 range of its own")
    own = _network(text)
    if own is None or not 16 <= own.prefixlen <= 28:
        yield f"cidrBlock of '{subnet.name}' is no range of a subnet"
        return
    for vpc in context.graph.linked(subnet, "vpcId", VPC):
        whole = _network(vpc.get("cidrBlock")) if vpc.get("cidrBlock") is not None else None
        extra = context.graph.referring(vpc, "aws:ec2/vpcIpv4CidrBlockAssociation:VpcIpv4CidrBlockAssociation", "vpcId")
        if whole is not None and not extra and not own.subnet_of(whole):
            yield f"cidrBlock of '{subnet.name}' is outside VPC '{vpc.name}'"
        for other in context.graph.referring(vpc, SUBNET, "vpcId"):
            theirs = other.get("cidrBlock") if other is not subnet else None
            if theirs is not None and (found := _network(theirs)) and own.overlaps(found):
                yield f"cidrBlock of '{subnet.name}' overlaps '{other.name}'"


@rule(
    "security-group-named", SECURITY_GROUP, **REFUSED, severity="medium",
    why="EC2 refuses names that begin with sg-, and descriptions with other than plain characters.",
    fix="Choose a name that does not begin with sg-, and a description of plain ASCII",
    reads="name", missing="pass", compliant={"name": "functions", "description": "Functions"}, violating={"name": "sg-functions"},
)  # fmt: skip
def security_group_named(group: Resource, context: Context) -> Iterator[str]:
    """Names and descriptions of security groups are ones that EC2 takes."""
    if str(group.get("name", "")).startswith("sg-"):
        yield f"name of '{group.name}' begins with sg-"
    if not re.fullmatch(r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{0,255}", str(group.get("description", ""))):
        yield f"description of '{group.name}' has characters that EC2 refuses"


@rule(
    "queue-limits", QUEUE, **QUOTA, severity="medium",
    why="SQS refuses a visibility timeout over 12 hours, a delay over 15 minutes and a retention outside a minute to 14 days.",
    fix="Choose values inside the limits",
    reads="visibilityTimeoutSeconds", missing="pass", compliant={"visibilityTimeoutSeconds": 300},
        violating={"visibilityTimeoutSeconds": 86400},
)  # fmt: skip
def queue_limits(queue: Resource, context: Context) -> Iterator[str]:
    """Queues stay inside the limits of SQS."""
    for path, default, least, most in (
        ("visibilityTimeoutSeconds", 30, 0, 43200), ("delaySeconds", 0, 0, 900), ("messageRetentionSeconds", 345600, 60, 1209600),
        ("receiveWaitTimeSeconds", 0, 0, 20),
    ):  # fmt: skip
        value = queue.get(path, default)
        if not least <= value <= most:
            yield f"{path} of '{queue.name}' is {value:g}, outside {least} to {most}"


# What an account may have of each in a region before anybody asks for more.
QUOTAS = {"aws:ec2/vpc:Vpc": 5, "aws:ec2/eip:Eip": 5, "aws:ec2/internetGateway:InternetGateway": 5,
    "aws:rds/instance:Instance": 40, "aws:cloudtrail/trail:Trail": 5, "aws:dynamodb/table:Table": 2500, "aws:iam/role:Role": 1000}  # fmt: skip


@rule(
    "quotas-suffice", STACK, scope="stack", practices="REL01-BP01 REL01-BP02", checklist="CHK-OPS-3", severity="medium", level="advisory",
    when_types=" ".join(QUOTAS),
    why="A deployment that needs a sixth VPC fails at the sixth VPC, with five made.",
    fix="Ask for a higher quota and raise the rule's parameter, or declare fewer",
    reads=None, compliant=(Example(VPC, "a"),), violating=tuple(Example(VPC, f"vpc-{index}") for index in range(6)),
    parameters={"quotas": Parameter({}, "Quotas that were raised, by resource type", {"type": "object", "additionalProperties":
        {"type": "integer"}})},
)  # fmt: skip
def quotas_suffice(stack: Resource, context: Context) -> Iterator[str]:
    """The stack needs no more of anything than a new account may have."""
    for type_, quota in {**QUOTAS, **context.parameters["quotas"]}.items():
        count = len(context.graph.of(type_))
        if count > quota:
            yield f"the stack declares {count} of {type_}, the quota is {quota}"
