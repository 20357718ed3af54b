"""Who deploys into a sandbox: a session of its own role, as on AWS, so that records tell a deployment from what people do."""

from __future__ import annotations

import boto3
from botocore.config import Config

from mlops.sandbox.context import DEPLOYER, Credentials
from mlops.sandbox.lifecycle import Running

# A daemon that hangs is told within a minute.
CALLS = Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 2, "mode": "standard"})


def deployer(running: Running) -> Credentials:
    """Fresh keys for an hour; the administrator may assume the role."""
    keys = running.administrator
    session = boto3.Session(keys.access_key_id, keys.secret_access_key, keys.session_token, region_name=running.region)
    role = f"arn:aws:iam::{running.account}:role/{DEPLOYER}"
    sts = session.client("sts", endpoint_url=running.endpoint, config=CALLS)
    made = sts.assume_role(RoleArn=role, RoleSessionName="deployment")["Credentials"]
    return Credentials(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"], role)
