"""Which host answers for which product.

Settings come in, base URLs (`scheme://host[:port]`, no trailing slash) go out. Pure: nothing is resolved or opened.
Source: endpoint maps and rules of alibabacloud_cs20151215 7.2.3 and alibabacloud_ens20171110 12.1.0.
"""

from dataclasses import dataclass

from autoscaler.settings.alibaba import AlibabaSettings

CS_CENTRAL_REGIONS = frozenset(
    {
        "ap-northeast-2-pop",
        "cn-beijing-finance-pop",
        "cn-beijing-gov-1",
        "cn-beijing-nu16-b01",
        "cn-edge-1",
        "cn-fujian",
        "cn-haidian-cm12-c01",
        "cn-hangzhou-bj-b01",
        "cn-hangzhou-internal-prod-1",
        "cn-hangzhou-internal-test-1",
        "cn-hangzhou-internal-test-2",
        "cn-hangzhou-internal-test-3",
        "cn-hangzhou-test-306",
        "cn-hongkong-finance-pop",
        "cn-qingdao-nebula",
        "cn-shanghai-et15-b01",
        "cn-shanghai-et2-b01",
        "cn-shanghai-inner",
        "cn-shanghai-internal-test-1",
        "cn-shenzhen-inner",
        "cn-shenzhen-st4-d01",
        "cn-shenzhen-su18-b01",
        "cn-wuhan",
        "cn-yushanfang",
        "cn-zhangbei",
        "cn-zhangbei-na61-b01",
        "cn-zhangjiakou-na62-a01",
        "cn-zhengzhou-nebula-1",
        "eu-west-1-oxs",
        "rus-west-1-pop",
    }
)
"""Regions without a CS endpoint of their own: the central one answers, whatever the network."""

ENS_CENTRAL_REGIONS = frozenset(
    {"cn-beijing", "cn-chengdu", "cn-hangzhou", "cn-heyuan", "cn-shanghai", "cn-wulanchabu", "cn-zhangjiakou"}
)
"""Regions whose ENS calls go to the central endpoint, whatever the network."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Base URLs of the two products."""

    cs: str
    ens: str


def endpoints(settings: AlibabaSettings) -> Endpoints:
    """The base URLs for these settings: a written endpoint wins, then the region's rule."""
    return Endpoints(
        cs=settings.cs_endpoint or _by_rule("cs", settings, CS_CENTRAL_REGIONS),
        ens=settings.ens_endpoint or _by_rule("ens", settings, ENS_CENTRAL_REGIONS),
    )


def _by_rule(product: str, settings: AlibabaSettings, central: frozenset[str]) -> str:
    if settings.region in central:
        return f"https://{product}.aliyuncs.com"
    suffix = "-vpc" if settings.network == "vpc" else ""
    return f"https://{product}{suffix}.{settings.region}.aliyuncs.com"
