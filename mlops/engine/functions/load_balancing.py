"""Accounts and hosted zones of Elastic Load Balancing, fixed for each region.

Source: AWS, "Enable access logs for your Classic Load Balancer" and "Elastic Load Balancing endpoints", as terraform-provider-aws keeps
them in `internal/service/elb/{service_account,hosted_zone_id}_data_source.go` (read 2026-11-26).
"""

from __future__ import annotations

from typing import Any

from mlops.engine.functions.call import Call, Wrong

_REGIONS = """
af-south-1      098369216593  Z268VQBMOI5EKX
ap-east-1       754344448648  Z3DQVH9N71FHZ0
ap-northeast-1  582318560864  Z14GRHDCWA56QT
ap-northeast-2  600734575887  ZWKZPGTI48KDX
ap-northeast-3  383597477331  Z5LXEXXYW11ES
ap-south-1      718504428378  ZP97RAFLXTNZK
ap-southeast-1  114774131450  Z1LMS91P8CMLE5
ap-southeast-2  783225319266  Z1GM3OXH4ZPM65
ca-central-1    985666609251  ZQSVJUPU6J1EY
cn-north-1      638102146993  Z1GDH35T77C1KE
cn-northwest-1  037604701340  ZM7IZAIOVVDZF
eu-central-1    054676820928  Z215JYRZR1TBD5
eu-north-1      897822967062  Z23TAZ6LKFMNIO
eu-south-1      635631232127  Z3ULH7SSC9OV64
eu-west-1       156460612806  Z32O12XQLNTSW2
eu-west-2       652711504416  ZHURV8PSTC4K8
eu-west-3       009996457667  Z3Q77PNBQS71R4
me-south-1      076674570225  ZS929ML54UICD
sa-east-1       507241528517  Z2P70J7HTTTPLU
us-east-1       127311923021  Z35SXDOTRQ7X7K
us-east-2       033677994240  Z3AADJGX6KTTL2
us-gov-east-1   190560391635  Z166TLBEWOO7G0
us-gov-west-1   048591011584  Z33AYJ8TM3BH4J
us-west-1       027434742980  Z368ELLRRE2KJ0
us-west-2       797873946194  Z1H1FL5HABSF5
"""
_BY_REGION = {region: (account, zone) for region, account, zone in (line.split() for line in _REGIONS.strip().splitlines())}


def service_account(call: Call) -> dict[str, Any]:
    account, _ = _known(call.region)
    return {"arn": f"arn:{call.partition}:iam::{account}:root", "id": account, "region": call.region}


def hosted_zone_id(call: Call) -> dict[str, Any]:
    _, zone = _known(call.region)
    return {"id": zone, "region": call.region}


def _known(region: str) -> tuple[str, str]:
    if region not in _BY_REGION:
        raise Wrong(f"unsupported AWS Region: {region}")
    return _BY_REGION[region]
