"""Programs that look wrong and are none of the engine's business."""

import pulumi
import pulumi_aws as aws
import pulumi_awsx as awsx

Options = pulumi.ResourceOptions
# The same name, but of another type or below another parent.
queue = aws.sqs.Queue("same")
aws.sns.Topic("same")
aws.sqs.Queue("same", opts=Options(parent=queue))
# A function that a preview never comes to.
queue.arn.apply(lambda arn: 1 / 0)
# Outputs are always true, even those nobody knows.
if queue.arn:
    aws.sqs.Queue("when-true")
other = pulumi.resource.DependencyResource("urn:pulumi:dev::other::aws:sqs/queue:Queue::queue")
aws.sqs.Queue("after-another-stacks", opts=Options(depends_on=[other]))
aws.sqs.Queue("wrong-type", delay_seconds="many")
aws.sqs.Queue("of-another-provider", opts=Options(provider=awsx.Provider("awsx")))
aws.sqs.Queue("name with spaces, é and ::")
pulumi.log.error("this is wrong, but it goes on")
