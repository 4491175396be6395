"""Keys of Prometheus' `scrape_configs` that are not taken, each with what to write instead.

A pasted block that has one is refused, with these words: a key that is silently ignored is a target not scraped.
"""

from collections.abc import Mapping

_OTHER_SD = "write what it finds to a file_sd file or serve it for http_sd_configs, or read a Prometheus with promql"
_NO_HISTOGRAMS = "leave it out: native histograms are not read, classic ones as they are exposed"
_DISCOVERIES = (
    "aws",
    "azure",
    "consul",
    "digitalocean",
    "dns",
    "docker",
    "dockerswarm",
    "ec2",
    "eureka",
    "gce",
    "hetzner",
    "ionos",
    "kubernetes",
    "kuma",
    "lightsail",
    "linode",
    "marathon",
    "nerve",
    "nomad",
    "openstack",
    "ovhcloud",
    "puppetdb",
    "scaleway",
    "serverset",
    "stackit",
    "triton",
    "uyuni",
    "vultr",
)

UNSPOKEN_HTTP: Mapping[str, str] = {
    "bearer_token": "write `authorization: {credentials: ...}`, or bearer_token_file",
    "oauth2": "let something else fetch the token and write authorization.credentials_file: it is read as it changes",
    "proxy_url": "proxies are not spoken to; let the Prometheus behind the proxy scrape, and read it with promql",
    "proxy_from_environment": "proxies are not spoken to, whatever the environment says; leave it out",
    "no_proxy": "proxies are not spoken to; leave it out",
    "proxy_connect_header": "proxies are not spoken to; leave it out",
    "http_headers": "write authorization or basic_auth; other headers are not sent",
}
"""Of every block that has the keys of an HTTP client (`<http_config>`)."""

UNSPOKEN_SCRAPE: Mapping[str, str] = {
    **UNSPOKEN_HTTP,
    **{f"{discovery}_sd_configs": _OTHER_SD for discovery in _DISCOVERIES},
    "target_limit": "leave it out: the number of a job's targets is not limited",
    "keep_dropped_targets": "leave it out: dropped targets are counted and not kept",
    "track_timestamps_staleness": "leave it out: the age of every timestamp is judged, see maxAge of a signal",
    "scrape_failure_log_file": "leave it out: failures are logged, and counted by target",
    "extra_scrape_metrics": "leave it out: the daemon's own /metrics tells about scrapes",
    "scrape_native_histograms": _NO_HISTOGRAMS,
    "scrape_classic_histograms": _NO_HISTOGRAMS,
    "always_scrape_classic_histograms": _NO_HISTOGRAMS,
    "convert_classic_histograms_to_nhcb": _NO_HISTOGRAMS,
    "native_histogram_bucket_limit": _NO_HISTOGRAMS,
    "native_histogram_min_bucket_factor": _NO_HISTOGRAMS,
}
"""Of a job (`<scrape_config>`)."""
