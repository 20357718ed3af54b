"""What the sandbox does with each resource type and each operation.

executed   it has its effect: objects are served, code runs, alarms fire
kept       it is validated, stored, listed and deleted, and has no effect here (a subnet, a dashboard)
refused    an error names it: an effect the sandbox cannot have is never pretended

An operation that no line below admits is refused, and so is every service that is not listed.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlops.sandbox.http import Call
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlops.sandbox.http import Call

EXECUTED, KEPT, REFUSED = "executed", "kept", "refused"


@dataclass(frozen=True)
class Operations:
    """A service's operations as patterns (`*` stands for any letters); `refused` wins, then `executed`, then `kept`."""

    executed: str = ""
    kept: str = ""
    refused: str = ""

    def level(self, operation: str) -> str:
        for level, patterns in ((REFUSED, self.refused), (EXECUTED, self.executed), (KEPT, self.kept)):
            if any(fnmatchcase(operation, pattern) for pattern in patterns.split()):
                return level
        return REFUSED


SERVICES: dict[str, Operations] = {
    "accessanalyzer": Operations(
        kept="CreateAnalyzer GetAnalyzer ListAnalyzers UpdateAnalyzer DeleteAnalyzer TagResource UntagResource ListTagsForResource"
    ),
    "apigateway": Operations(
        executed="""*RestApi *RestApis *Resource *Resources *Method *MethodResponse *Integration *IntegrationResponse *Deployment
            *Deployments *Stage *Stages *RequestValidator *RequestValidators *Model *Models *GatewayResponse *GatewayResponses
            TagResource UntagResource GetTags""",
        kept="GetAccount UpdateAccount",
        refused="ImportRestApi PutRestApi TestInvoke* GetModelTemplate *Domain*",
    ),
    "application-autoscaling": Operations(
        kept="RegisterScalableTarget DeregisterScalableTarget Describe* PutScalingPolicy DeleteScalingPolicy TagResource UntagResource List*"
    ),
    "backup": Operations(
        kept="""*BackupVault *BackupVaults *BackupVaultAccessPolicy *BackupVaultNotifications *BackupVaultLockConfiguration *BackupPlan
            *BackupPlans *BackupSelection *BackupSelections *RestoreTestingPlan *RestoreTestingSelection TagResource UntagResource ListTags""",
        refused="CreateLogicallyAirGappedBackupVault *RestoreAccess*",
    ),
    "budgets": Operations(
        kept="""CreateBudget DescribeBudget DescribeBudgets UpdateBudget DeleteBudget *Notification DescribeNotificationsForBudget
            CreateBudgetAction DescribeBudgetAction UpdateBudgetAction DeleteBudgetAction TagResource UntagResource ListTagsForResource""",
        refused="DescribeSubscribersForNotification UpdateNotification",
    ),
    # What costs something is known to AWS alone.
    "ce": Operations(
        kept="""*AnomalyMonitor *AnomalySubscription GetAnomalyMonitors GetAnomalySubscriptions TagResource UntagResource ListTagsForResource
            UpdateCostAllocationTagsStatus ListCostAllocationTags"""
    ),
    # No edge: what a distribution would do is not done by anything here.
    "cloudfront": Operations(
        kept="""CreateDistribution CreateDistributionWithTags GetDistribution GetDistributionConfig UpdateDistribution DeleteDistribution
            ListDistributions TagResource UntagResource ListTagsForResource""",
    ),
    "cloudtrail": Operations(
        executed="""CreateTrail UpdateTrail DeleteTrail DescribeTrails GetTrail GetTrailStatus ListTrails StartLogging StopLogging
            PutEventSelectors GetEventSelectors LookupEvents AddTags RemoveTags ListTags""",
        kept="PutInsightSelectors GetInsightSelectors",
    ),
    "cloudwatch": Operations(
        executed="""PutMetricData GetMetricData GetMetricStatistics ListMetrics PutMetricAlarm DescribeAlarms DescribeAlarmsForMetric
            DescribeAlarmHistory DeleteAlarms SetAlarmState EnableAlarmActions DisableAlarmActions PutCompositeAlarm TagResource UntagResource
            ListTagsForResource""",
        kept="PutDashboard GetDashboard ListDashboards DeleteDashboards",
    ),
    "codebuild": Operations(
        executed="""CreateProject UpdateProject DeleteProject BatchGetProjects ListProjects StartBuild RetryBuild StopBuild BatchGetBuilds
            ListBuilds ListBuildsForProject BatchDeleteBuilds CreateReportGroup UpdateReportGroup DeleteReportGroup BatchGetReportGroups
            ListReportGroups BatchGetReports ListReports ListReportsForReportGroup DeleteReport DescribeTestCases DescribeCodeCoverages""",
    ),
    "codecommit": Operations(
        executed="""CreateRepository DeleteRepository GetRepository ListRepositories BatchGetRepositories UpdateRepositoryDescription
            UpdateDefaultBranch CreateBranch DeleteBranch GetBranch ListBranches CreateCommit PutFile GetCommit GetFile TagResource
            UntagResource ListTagsForResource""",
        kept="UpdateRepositoryEncryptionKey",
    ),
    "codeconnections": Operations(
        executed="CreateConnection GetConnection ListConnections DeleteConnection TagResource UntagResource ListTagsForResource"
    ),
    "codepipeline": Operations(
        executed="""CreatePipeline GetPipeline UpdatePipeline DeletePipeline ListPipelines StartPipelineExecution StopPipelineExecution
            GetPipelineState GetPipelineExecution ListPipelineExecutions ListActionExecutions RetryStageExecution RollbackStage
            PutApprovalResult EnableStageTransition DisableStageTransition PutJobSuccessResult PutJobFailureResult TagResource UntagResource
            ListTagsForResource""",
    ),
    "codestar-connections": Operations(
        executed="CreateConnection GetConnection ListConnections DeleteConnection TagResource UntagResource ListTagsForResource"
    ),
    "codestar-notifications": Operations(
        executed="""CreateNotificationRule DescribeNotificationRule UpdateNotificationRule DeleteNotificationRule ListNotificationRules
            ListTagsForResource TagResource UntagResource"""
    ),
    "config": Operations(
        kept="""PutConfigurationRecorder DescribeConfigurationRecorders DescribeConfigurationRecorderStatus DeleteConfigurationRecorder
            StartConfigurationRecorder StopConfigurationRecorder PutDeliveryChannel DescribeDeliveryChannels DeleteDeliveryChannel
            PutConformancePack DescribeConformancePacks DescribeConformancePackStatus DeleteConformancePack"""
    ),
    "dynamodb": Operations(
        executed="""*Item BatchGetItem BatchWriteItem TransactGetItems TransactWriteItems Query Scan ExecuteStatement CreateTable DeleteTable
            DescribeTable ListTables UpdateTable TagResource UntagResource ListTagsOfResource DescribeEndpoints UpdateContinuousBackups
            DescribeContinuousBackups RestoreTableToPointInTime RestoreTableFromBackup CreateBackup DescribeBackup ListBackups DeleteBackup""",
        kept="UpdateTimeToLive DescribeTimeToLive",
    ),
    "dynamodbstreams": Operations(executed="DescribeStream GetRecords GetShardIterator ListStreams"),
    "ec2": Operations(
        kept="""*Vpc *Vpcs *VpcAttribute *Subnet *Subnets *SubnetAttribute *Route *RouteTable *RouteTables *InternetGateway *InternetGateways
            *NatGateway *NatGateways *Address *Addresses *SecurityGroup *SecurityGroups *SecurityGroupRules *SecurityGroupIngress
            *SecurityGroupEgress *SecurityGroupRuleDescriptionsIngress *SecurityGroupRuleDescriptionsEgress *NetworkAcl *NetworkAcls
            *NetworkAclEntry *NetworkAclAssociation *VpcEndpoint *VpcEndpoints *VpcEndpointServices *FlowLogs *Tags DescribeNetworkInterfaces
            DescribeAvailabilityZones DescribeRegions DescribePrefixLists DescribeManagedPrefixLists DescribeDhcpOptions
            DescribeAccountAttributes DescribeInstances DescribeInstanceTypeOfferings EnableEbsEncryptionByDefault DisableEbsEncryptionByDefault
            GetEbsEncryptionByDefault""",
        refused="""*ClassicLink* *Vpn* *LocalGateway* *Secondary* *Ipam* *EgressOnly* *PrivateNat* CreateDefault* Accept* *Transit* *Ipv6*
            *PrivateIpAddresses MoveAddressToVpc DescribeMovingAddresses DescribeStaleSecurityGroups""",
    ),
    "ecr": Operations(
        kept="""CreateRepository DescribeRepositories DeleteRepository PutImageTagMutability PutImageScanningConfiguration
            PutLifecyclePolicy GetLifecyclePolicy DeleteLifecyclePolicy SetRepositoryPolicy GetRepositoryPolicy DeleteRepositoryPolicy
            PutRegistryPolicy GetRegistryPolicy DeleteRegistryPolicy PutRegistryScanningConfiguration GetRegistryScanningConfiguration
            DescribeImages ListImages TagResource UntagResource ListTagsForResource"""
    ),
    "events": Operations(
        executed="""PutRule DescribeRule DeleteRule EnableRule DisableRule ListRules PutTargets RemoveTargets ListTargetsByRule
            ListRuleNamesByTarget PutEvents TestEventPattern CreateEventBus DescribeEventBus DeleteEventBus ListEventBuses TagResource
            UntagResource ListTagsForResource PutPermission RemovePermission"""
    ),
    "glue": Operations(
        executed="""*Database *Databases *Table *Tables *TableVersion *TableVersions *Partition *Partitions BatchCreatePartition
            BatchDeletePartition BatchGetPartition BatchUpdatePartition BatchDeleteTable *Crawler *Crawlers GetCrawlerMetrics ListCrawls
            CreateJob UpdateJob DeleteJob GetJob GetJobs ListJobs BatchGetJobs StartJobRun GetJobRun GetJobRuns BatchStopJobRun
            TagResource UntagResource GetTags""",
        kept="CreateSecurityConfiguration GetSecurityConfiguration GetSecurityConfigurations DeleteSecurityConfiguration",
    ),
    "guardduty": Operations(
        executed="CreateSampleFindings ListFindings GetFindings",
        kept="""CreateDetector GetDetector ListDetectors UpdateDetector DeleteDetector *PublishingDestination *PublishingDestinations
            TagResource UntagResource ListTagsForResource""",
    ),
    "iam": Operations(
        executed="""CreateRole DeleteRole GetRole UpdateRole UpdateRoleDescription *Roles *RolePolicy *RolePolicies *RolePermissionsBoundary UpdateAssumeRolePolicy *Policy *Policies *PolicyVersion
            *PolicyVersions *PolicyTags *RoleTags TagRole UntagRole TagPolicy UntagPolicy ListEntitiesForPolicy SimulatePrincipalPolicy
            *User *Users *UserPolicy *UserPolicies *UserPermissionsBoundary *UserTags *Group *Groups *GroupPolicy
            *GroupPolicies AddUserToGroup RemoveUserFromGroup ListGroupsForUser *AccessKey *AccessKeys GetAccessKeyLastUsed
            *OpenIDConnectProvider *OpenIDConnectProviders *OpenIDConnectProviderThumbprint *OpenIDConnectProviderTags""",
        kept="""*InstanceProfile *InstanceProfiles ListInstanceProfilesForRole *AccountAlias *AccountAliases GetAccountSummary
            GetAccountAuthorizationDetails *AccountPasswordPolicy *ServiceLinkedRole""",
        refused="AcquireRole",
    ),
    "kms": Operations(
        executed="""CreateKey DescribeKey ListKeys EnableKey DisableKey ScheduleKeyDeletion CancelKeyDeletion UpdateKeyDescription Encrypt
            Decrypt ReEncrypt GenerateDataKey GenerateDataKeyWithoutPlaintext GenerateRandom Sign Verify GenerateMac VerifyMac GetPublicKey
            CreateAlias UpdateAlias DeleteAlias ListAliases PutKeyPolicy GetKeyPolicy ListKeyPolicies TagResource UntagResource
            ListResourceTags CreateGrant ListGrants RevokeGrant RetireGrant ListRetirableGrants""",
        kept="EnableKeyRotation DisableKeyRotation GetKeyRotationStatus ListKeyRotations",
    ),
    "lambda": Operations(
        executed="""CreateFunction GetFunction GetFunctionConfiguration ListFunctions UpdateFunctionCode UpdateFunctionConfiguration
            DeleteFunction Invoke PublishVersion ListVersionsByFunction *Alias *Aliases PublishLayerVersion *LayerVersion
            GetLayerVersionByArn ListLayers ListLayerVersions AddPermission RemovePermission GetPolicy *EventSourceMapping
            *EventSourceMappings *FunctionConcurrency *FunctionEventInvokeConfig *FunctionEventInvokeConfigs TagResource UntagResource
            ListTags""",
        kept="GetAccountSettings *ProvisionedConcurrencyConfig",
    ),
    "logs": Operations(
        executed="""CreateLogGroup DeleteLogGroup DescribeLogGroups CreateLogStream DeleteLogStream DescribeLogStreams PutLogEvents
            GetLogEvents FilterLogEvents PutMetricFilter DescribeMetricFilters DeleteMetricFilter StartQuery GetQueryResults DescribeQueries
            TagResource UntagResource ListTagsForResource TagLogGroup UntagLogGroup ListTagsLogGroup""",
        kept="""PutRetentionPolicy DeleteRetentionPolicy AssociateKmsKey DisassociateKmsKey PutResourcePolicy DescribeResourcePolicies
            DeleteResourcePolicy PutQueryDefinition DescribeQueryDefinitions DeleteQueryDefinition PutDeliverySource GetDeliverySource
            DescribeDeliverySources DeleteDeliverySource PutDeliveryDestination GetDeliveryDestination DescribeDeliveryDestinations
            DeleteDeliveryDestination CreateDelivery GetDelivery DescribeDeliveries DeleteDelivery""",
    ),
    "macie2": Operations(kept="EnableMacie GetMacieSession UpdateMacieSession DisableMacie *ClassificationExportConfiguration"),
    "organizations": Operations(
        executed="""CreateOrganization DescribeOrganization DeleteOrganization ListRoots *OrganizationalUnit *OrganizationalUnitsForParent
            ListParents ListChildren ListAccounts ListAccountsForParent DescribeAccount MoveAccount CreatePolicy DescribePolicy UpdatePolicy
            DeletePolicy ListPolicies ListPoliciesForTarget ListTargetsForPolicy AttachPolicy DetachPolicy EnablePolicyType DisablePolicyType
            TagResource UntagResource ListTagsForResource""",
        kept="""CreateAccount DescribeCreateAccountStatus RemoveAccountFromOrganization EnableAWSServiceAccess DisableAWSServiceAccess ListAWSServiceAccessForOrganization *DelegatedAdministrator
            *DelegatedAdministrators ListDelegatedServicesForAccount""",
    ),
    "resourcegroupstaggingapi": Operations(executed="GetResources GetTagKeys GetTagValues TagResources UntagResources"),
    "route53": Operations(
        executed="""CreateHealthCheck GetHealthCheck UpdateHealthCheck DeleteHealthCheck ListHealthChecks GetHealthCheckStatus
            ChangeTagsForResource ListTagsForResource""",
    ),
    "s3": Operations(
        executed="""*Object *Objects ListObjectsV2 ListObjectVersions *ObjectTagging GetObjectAttributes GetObjectAcl PutObjectAcl *MultipartUpload
            ListMultipartUploads UploadPart UploadPartCopy ListParts CreateBucket DeleteBucket HeadBucket ListBuckets GetBucketLocation
            *BucketVersioning *BucketEncryption *BucketPolicy GetBucketPolicyStatus *BucketNotificationConfiguration *BucketTagging
            *BucketReplication""",
        kept="""*PublicAccessBlock *BucketOwnershipControls *BucketLifecycleConfiguration *BucketLifecycle *BucketLogging *BucketAcl *BucketCors
            *BucketWebsite *BucketRequestPayment *ObjectLockConfiguration *ObjectRetention *ObjectLegalHold
            *BucketAccelerateConfiguration *BucketIntelligentTieringConfiguration ListBucket*""",
        refused="RestoreObject RenameObject SelectObjectContent WriteGetObjectResponse PutBucketWebsite",
    ),
    "sagemaker": Operations(
        executed="""CreateTrainingJob DescribeTrainingJob ListTrainingJobs StopTrainingJob DeleteTrainingJob CreateModel DescribeModel
            ListModels DeleteModel CreateEndpointConfig DescribeEndpointConfig ListEndpointConfigs DeleteEndpointConfig CreateEndpoint
            UpdateEndpoint UpdateEndpointWeightsAndCapacities DescribeEndpoint ListEndpoints DeleteEndpoint CreateTransformJob
            DescribeTransformJob ListTransformJobs StopTransformJob *ModelPackage *ModelPackages *ModelPackageGroup *ModelPackageGroups
            AddTags ListTags DeleteTags""",
    ),
    "sagemaker-runtime": Operations(executed="InvokeEndpoint"),
    "s3control": Operations(kept="PutPublicAccessBlock GetPublicAccessBlock DeletePublicAccessBlock"),
    "scheduler": Operations(executed="*Schedule *Schedules *ScheduleGroup *ScheduleGroups TagResource UntagResource ListTagsForResource"),
    "securityhub": Operations(
        kept="""EnableSecurityHub DescribeHub UpdateSecurityHubConfiguration DisableSecurityHub BatchEnableStandards BatchDisableStandards
            GetEnabledStandards"""
    ),
    # Quotas are told, not enforced.
    "service-quotas": Operations(
        kept="""ListServiceQuotas ListAWSDefaultServiceQuotas GetServiceQuota GetAWSDefaultServiceQuota RequestServiceQuotaIncrease
            ListRequestedServiceQuotaChangeHistory"""
    ),
    "sns": Operations(
        executed="""*Topic *Topics *TopicAttributes Publish PublishBatch Subscribe Unsubscribe ConfirmSubscription ListSubscriptions
            ListSubscriptionsByTopic *SubscriptionAttributes TagResource UntagResource ListTagsForResource AddPermission RemovePermission""",
    ),
    "sqs": Operations(
        executed="""*Queue *Queues *QueueAttributes GetQueueUrl SendMessage SendMessageBatch ReceiveMessage DeleteMessage DeleteMessageBatch
            ChangeMessageVisibility ChangeMessageVisibilityBatch ListDeadLetterSourceQueues ListQueueTags AddPermission RemovePermission""",
    ),
    "stepfunctions": Operations(
        executed="""*StateMachine *StateMachines ValidateStateMachineDefinition StartExecution StopExecution DescribeExecution ListExecutions
            GetExecutionHistory DescribeStateMachineForExecution SendTaskSuccess SendTaskFailure SendTaskHeartbeat DescribeMapRun ListMapRuns
            TagResource UntagResource ListTagsForResource""",
    ),
    "xray": Operations(
        kept="*Group *Groups *SamplingRule GetSamplingRules TagResource UntagResource ListTagsForResource PutTraceSegments PutTelemetryRecords"
    ),
    "sts": Operations(executed="GetCallerIdentity AssumeRole AssumeRoleWithWebIdentity", kept="GetSessionToken DecodeAuthorizationMessage"),
}


@functools.lru_cache(maxsize=4096)
def level_of_operation(service: str, operation: str) -> str:
    """The level of an operation; service as boto3 names it, operation as the API does ("stepfunctions", "StartExecution")."""
    operations = SERVICES.get(service)
    return operations.level(operation) if operations else REFUSED


@functools.lru_cache(maxsize=1024)
def level_of_type(type_: str) -> str:
    """The level of a Pulumi resource type; one the provider has no handler for is refused."""
    # Only here: the handlers bring boto3 with them.
    from mlops.sandbox.provider.handlers import HANDLERS

    handler = HANDLERS.get(type_)
    return handler.level if handler else REFUSED


def refusal(service: str, operation: str) -> str | None:
    """Why an operation is not let through, or None. `operation` is empty when AWS has none like it."""
    if service not in SERVICES:
        return f"the sandbox does not have the service {service}; it has: {', '.join(sorted(SERVICES))}"
    if level_of_operation(service, operation) == REFUSED:
        name = f"{service}:{operation or 'an operation that AWS does not have'}"
        return f"the sandbox does not execute {name}, and refuses it rather than pretend"
    return None


def gate(call: Call) -> None:
    """The endpoint's gate: a refused operation is answered with an error that names it."""
    from mlops.sandbox.http import ServiceError

    message = refusal(call.service, call.operation)
    if message:
        raise ServiceError("UnsupportedOperation", message, 501)


def counts(types: Iterable[str]) -> dict[str, int]:
    """How many of these resources are executed, kept and refused; types of other packages than `aws` are not counted."""
    found = Counter(level_of_type(type_) for type_ in types if type_.startswith("aws:"))
    return {level: found[level] for level in (EXECUTED, KEPT, REFUSED)}
