"""Every option of a resource that the engine, the pack or a provider is told of."""

import pulumi
import pulumi_aws as aws

Options = pulumi.ResourceOptions
first = aws.sqs.Queue("first")
second = aws.sqs.Queue("second", opts=Options(depends_on=[first]))
aws.sqs.Queue("protected", opts=Options(protect=True))
aws.sqs.Queue("unprotected", opts=Options(protect=False))
aws.sqs.Queue("kept", opts=Options(retain_on_delete=True))
aws.sqs.Queue("ignoring", tags={"a": "b"}, opts=Options(ignore_changes=["tags", 'tags["a.b"]', "policy"]))
aws.sqs.Queue("ignoring-all", opts=Options(ignore_changes=["*"]))
aws.sqs.Queue("first-deleted", opts=Options(delete_before_replace=True))
aws.sqs.Queue("last-deleted", opts=Options(delete_before_replace=False))
aws.sqs.Queue("secret-outputs", opts=Options(additional_secret_outputs=["url", "arn"]))
for index, text in enumerate(["5m", "1h30m", "250ms", "1.5h", "90s"]):
    aws.sqs.Queue(f"slow-{index}", opts=Options(custom_timeouts=pulumi.CustomTimeouts(create=text, update="1s", delete=text)))
aws.sqs.Queue("only-delete", opts=Options(custom_timeouts=pulumi.CustomTimeouts(delete="2m")))
aws.sqs.Queue("replaced", opts=Options(replace_on_changes=["name", "tags.*"]))
aws.sqs.Queue("versioned", opts=Options(version="7.40.0"))
aws.sqs.Queue("elsewhere", opts=Options(plugin_download_url="https://example.com/plugins"))
aws.sqs.Queue("with-first", opts=Options(deleted_with=first))
aws.sqs.Queue("replaced-with", opts=Options(replace_with=[first]))
aws.sqs.Queue("triggered", opts=Options(replacement_trigger="a"))
aws.sqs.Queue("quiet", opts=Options(hide_diffs=["tags"]))
aws.sqs.Queue("after-list", opts=Options(depends_on=pulumi.Output.from_input([first, second])))
aws.sqs.Queue(
    "merged", opts=Options.merge(Options(depends_on=[first], protect=True), Options(depends_on=[second], ignore_changes=["tags"]))
)
aws.sqs.Queue("named-by-urn", opts=Options(urn=None, aliases=[]))
aws.s3.BucketObject("object", bucket="b", content="c", opts=Options(parent=first, depends_on=[second]))
hook = pulumi.ResourceHook("hook", lambda args: None)
aws.sqs.Queue("hooked", opts=Options(hooks=pulumi.ResourceHookBinding(before_create=[hook], after_delete=[hook])))


class Group(pulumi.ComponentResource):
    """Options on a component: some reach its children, others do nothing."""

    def __init__(self, name, opts=None):
        super().__init__("options:index:Group", name, None, opts)
        self.queue = aws.sqs.Queue(f"{name}-queue", opts=Options(parent=self))
        self.register_outputs({})


Group("group", Options(deleted_with=first, retain_on_delete=True, ignore_changes=["a"], additional_secret_outputs=["b"]))
Group("timed", Options(custom_timeouts=pulumi.CustomTimeouts(create="5m"), replace_on_changes=["c"], delete_before_replace=True))
