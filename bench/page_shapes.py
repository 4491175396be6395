"""The two pages of the benchmark, shaped after real ones: node_exporter's and kube-state-metrics'. Pure.

Family names, types, label names and the number of series are those of prometheus-node-exporter 1.5.0 on a machine with
two cores (57 KB, some 470 samples) and of kube-state-metrics for 90 pods and 60 deployments (some 410 KB, 3,090
samples).
"""

from collections.abc import Iterable
from functools import cache
from random import Random

from bench.pages import Change, Entity, Family, Labels, Page, evolve, family

NODE_WANTED = (
    "node_load1",
    "node_memory_MemAvailable_bytes",
    "node_memory_MemTotal_bytes",
    "node_cpu_seconds_total",
    "node_filesystem_avail_bytes",
)
KSM_WANTED = (
    "kube_deployment_status_replicas_available",
    "kube_deployment_spec_replicas",
    "kube_pod_status_ready",
)
MODES = ("idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user")


def words(text: str) -> tuple[str, ...]:
    """What is parted by blanks."""
    return tuple(text.split())


_GO = words(
    """goroutines memstats_alloc_bytes memstats_alloc_bytes_total memstats_buck_hash_sys_bytes memstats_frees_total
memstats_gc_sys_bytes memstats_heap_alloc_bytes memstats_heap_idle_bytes memstats_heap_inuse_bytes memstats_heap_objects
memstats_heap_released_bytes memstats_heap_sys_bytes memstats_last_gc_time_seconds memstats_lookups_total
memstats_mallocs_total memstats_mcache_inuse_bytes memstats_mcache_sys_bytes memstats_mspan_inuse_bytes
memstats_mspan_sys_bytes memstats_next_gc_bytes memstats_other_sys_bytes memstats_stack_inuse_bytes
memstats_stack_sys_bytes memstats_sys_bytes threads"""
)
_DISK = words(
    """discard_time_seconds_total discarded_sectors_total discards_completed_total discards_merged_total
flush_requests_time_seconds_total flush_requests_total info io_now io_time_seconds_total io_time_weighted_seconds_total
read_bytes_total read_time_seconds_total reads_completed_total reads_merged_total write_time_seconds_total
writes_completed_total writes_merged_total written_bytes_total"""
)
_FILESYSTEM = words("avail_bytes device_error files files_free free_bytes readonly size_bytes")
_MEMORY = words(
    """Active_anon_bytes Active_bytes Active_file_bytes AnonHugePages_bytes AnonPages_bytes Balloon_bytes
Bounce_bytes Buffers_bytes Cached_bytes CommitLimit_bytes Committed_AS_bytes DirectMap1G_bytes DirectMap2M_bytes
DirectMap4k_bytes Dirty_bytes FileHugePages_bytes FilePmdMapped_bytes HugePages_Free HugePages_Rsvd HugePages_Surp
HugePages_Total Hugepagesize_bytes Hugetlb_bytes Inactive_anon_bytes Inactive_bytes Inactive_file_bytes
KReclaimable_bytes KernelStack_bytes Mapped_bytes MemAvailable_bytes MemFree_bytes MemTotal_bytes Mlocked_bytes
NFS_Unstable_bytes PageTables_bytes Percpu_bytes SReclaimable_bytes SUnreclaim_bytes SecPageTables_bytes
ShmemHugePages_bytes ShmemPmdMapped_bytes Shmem_bytes Slab_bytes SwapCached_bytes SwapFree_bytes SwapTotal_bytes
Unevictable_bytes VmallocChunk_bytes VmallocTotal_bytes VmallocUsed_bytes WritebackTmp_bytes Writeback_bytes
Zswap_bytes Zswapped_bytes"""
)
_NETSTAT = words(
    """Icmp6_InErrors Icmp6_InMsgs Icmp6_OutMsgs Icmp_InErrors Icmp_InMsgs Icmp_OutMsgs Ip6_InOctets
Ip6_OutOctets IpExt_InOctets IpExt_OutOctets Ip_Forwarding TcpExt_ListenDrops TcpExt_ListenOverflows
TcpExt_SyncookiesFailed TcpExt_SyncookiesRecv TcpExt_SyncookiesSent TcpExt_TCPSynRetrans TcpExt_TCPTimeouts
Tcp_ActiveOpens Tcp_CurrEstab Tcp_InErrs Tcp_InSegs Tcp_OutRsts Tcp_OutSegs Tcp_PassiveOpens Tcp_RetransSegs
Udp6_InDatagrams Udp6_InErrors Udp6_NoPorts Udp6_OutDatagrams Udp6_RcvbufErrors Udp6_SndbufErrors UdpLite6_InErrors
UdpLite_InErrors Udp_InDatagrams Udp_InErrors Udp_NoPorts Udp_OutDatagrams Udp_RcvbufErrors Udp_SndbufErrors"""
)
_NETWORK = words(
    """address_assign_type carrier_changes_total carrier_down_changes_total carrier_up_changes_total device_id
flags iface_id iface_link iface_link_mode info mtu_bytes net_dev_group protocol_type receive_bytes_total
receive_compressed_total receive_drop_total receive_errs_total receive_fifo_total receive_frame_total
receive_multicast_total receive_nohandler_total receive_packets_total transmit_bytes_total transmit_carrier_total
transmit_colls_total transmit_compressed_total transmit_drop_total transmit_errs_total transmit_fifo_total
transmit_packets_total transmit_queue_length up"""
)
_SINGLE = words(
    """arp_entries boot_time_seconds context_switches_total entropy_available_bits entropy_pool_size_bits
filefd_allocated filefd_maximum forks_total intr_total load1 load15 load5 nf_conntrack_entries
nf_conntrack_entries_limit nf_conntrack_stat_drop nf_conntrack_stat_early_drop nf_conntrack_stat_found
nf_conntrack_stat_ignore nf_conntrack_stat_insert nf_conntrack_stat_insert_failed nf_conntrack_stat_invalid
nf_conntrack_stat_search_restart pressure_cpu_waiting_seconds_total pressure_io_stalled_seconds_total
pressure_io_waiting_seconds_total pressure_memory_stalled_seconds_total pressure_memory_waiting_seconds_total
procs_blocked procs_running selinux_enabled sockstat_FRAG6_inuse sockstat_FRAG6_memory sockstat_FRAG_inuse
sockstat_FRAG_memory sockstat_RAW6_inuse sockstat_RAW_inuse sockstat_TCP6_inuse sockstat_TCP_alloc sockstat_TCP_inuse
sockstat_TCP_mem sockstat_TCP_mem_bytes sockstat_TCP_orphan sockstat_TCP_tw sockstat_UDP6_inuse
sockstat_UDPLITE6_inuse sockstat_UDPLITE_inuse sockstat_UDP_inuse sockstat_UDP_mem sockstat_UDP_mem_bytes
sockstat_sockets_used textfile_scrape_error time_seconds timex_estimated_error_seconds
timex_frequency_adjustment_ratio timex_loop_time_constant timex_maxerror_seconds timex_offset_seconds
timex_pps_calibration_total timex_pps_error_total timex_pps_frequency_hertz timex_pps_jitter_seconds
timex_pps_jitter_total timex_pps_shift_seconds timex_pps_stability_exceeded_total timex_pps_stability_hertz
timex_status timex_sync_status timex_tai_offset_seconds timex_tick_seconds vmstat_oom_kill vmstat_pgfault
vmstat_pgmajfault vmstat_pgpgin vmstat_pgpgout vmstat_pswpin vmstat_pswpout"""
)
_COLLECTORS = words(
    """arp bcache bonding btrfs conntrack cpu cpufreq diskstats dmi edac entropy fibrechannel filefd filesystem
hwmon infiniband ipvs loadavg mdadm meminfo netclass netdev netstat nfs nfsd nvme os powersupplyclass pressure rapl
schedstat selinux sockstat softnet stat tapestats textfile thermal_zone time timex udp_queues uname vmstat watchdog xfs
zfs"""
)
_POD = words(
    """info start_time created status_phase status_ready container_status_ready container_status_restarts_total
container_status_running container_resource_requests container_resource_limits owner labels status_scheduled"""
)
_DEPLOYMENT = words(
    """created status_replicas status_replicas_available status_replicas_unavailable status_replicas_updated
status_observed_generation spec_replicas spec_paused metadata_generation labels spec_strategy_rollingupdate_max_surge
status_condition"""
)
STILL = Change(values=0.5, churn=0.0)
"""Values change, series stay: what is summed up over time needs series that live for a while."""
_NODE_CHANGE = Change(values=0.5, churn=0.03)
_KSM_CHANGE = Change(values=0.1, churn=0.03, shuffled=True)
_NAMESPACES = ("default", "kube-system", "edge-apps", "tenant-a")


@cache
def node_page(change: Change = _NODE_CHANGE, *, only_wanted: bool = False, seed: int = 7) -> Page:
    """A node_exporter page: 57 KB of which 20 samples are wanted. `only_wanted` leaves the other families out."""
    dice = Random(seed)  # noqa: S311  # a page needs no secret
    families = sorted(_node_families(dice), key=lambda one: one.name)
    if only_wanted:
        families = [one for one in families if one.name in NODE_WANTED]
    return Page(evolve(families, change, dice), NODE_WANTED)


@cache
def ksm_page(change: Change = _KSM_CHANGE, *, seed: int = 7) -> Page:
    """A kube-state-metrics page: some 410 KB of which 390 samples are wanted."""
    dice = Random(seed)  # noqa: S311  # a page needs no secret
    return Page(evolve([*_deployments(60, dice), *_pods(90, dice)], change, dice), KSM_WANTED)


def _node_families(dice: Random) -> Iterable[Family]:
    def one(prefix: str, name: str, about: str, *rows: Labels, value: str = "") -> Family:
        kind = "counter" if name.endswith("_total") else "gauge"
        full = f"{prefix}_{name}"
        return family(full, kind, f"{about} {full}.", [(row, Entity() if row else None) for row in rows], dice, value)

    devices: list[Labels] = [[("device", name)] for name in ("eth0", "ifb0", "ifb1", "lo")]
    root: Labels = [("device", "/dev/vda"), ("fstype", "ext4"), ("mountpoint", "/")]
    cores = ("0", "1")
    yield from (one("go", name, "Number of the Go runtime", []) for name in _GO)
    yield from (one("node", f"memory_{name}", "Memory information field", []) for name in _MEMORY)
    yield from (one("node", f"netstat_{name}", "Statistic", []) for name in _NETSTAT)
    yield from (one("node", name, "Number taken from the proc file system:", []) for name in _SINGLE)
    yield from (one("node", f"filesystem_{name}", "Filesystem space:", root) for name in _FILESYSTEM)
    disks: list[Labels] = [[("device", "vda")], [("device", "vdb")]]
    yield from (one("node", f"disk_{name}", "The number of this kind of disk operation:", *disks) for name in _DISK)
    for name in _NETWORK:
        yield one("node", f"network_{name}", "Network device statistic", *(devices[:3] if "_to" in name else devices))
    yield one("node", "cpu_seconds_total", "Seconds the CPUs spent in each mode:",
              *([("cpu", core), ("mode", mode)] for core in cores for mode in MODES))  # fmt: skip
    yield one("node", "cpu_guest_seconds_total", "Seconds the CPUs spent in guests for each mode:",
              *([("cpu", core), ("mode", mode)] for core in cores for mode in ("nice", "user")))  # fmt: skip
    for name in ("dropped_total", "processed_total", "times_squeezed_total"):
        yield one("node", f"softnet_{name}", "Number of packets", *([("cpu", core)] for core in cores))
    collectors = [[("collector", name)] for name in _COLLECTORS]
    yield one("node", "scrape_collector_duration_seconds", "Duration of a collector scrape:", *collectors)
    yield one("node", "scrape_collector_success", "Whether a collector succeeded:", *collectors, value="one")
    yield one("node", "uname_info", "Labeled system information as provided by the uname system call:",
              [("nodename", "edge-node"), ("machine", "x86_64"), ("sysname", "Linux")], value="one")  # fmt: skip
    yield one("process", "cpu_seconds_total", "Total user and system CPU time spent in seconds:", [])
    yield one("process", "resident_memory_bytes", "Resident memory size in bytes:", [])


def _deployments(count: int, dice: Random) -> Iterable[Family]:
    named = [(f"app{number}", dice.choice(_NAMESPACES), Entity(own_on_each_target=True)) for number in range(count)]
    for metric in _DEPLOYMENT:
        rows: list[tuple[Labels, Entity]] = []
        for name, namespace, entity in named:
            base = [("deployment", name), ("namespace", namespace)]
            if metric == "status_condition":
                states = [(kind, status) for kind in ("Progressing", "Available") for status in _TRISTATE]
                rows += [([*base, ("condition", kind), ("status", status)], entity) for kind, status in states]
            else:
                rows.append((base, entity))
        name = f"kube_deployment_{metric}"
        yield family(name, "gauge", f"The {metric.replace('_', ' ')} per deployment.", rows, dice)


def _pods(count: int, dice: Random) -> Iterable[Family]:
    named = [
        ([("pod", f"app{number % 40}-{_hex(dice, 3)}-{_hex(dice, 5)}"), ("namespace", dice.choice(_NAMESPACES)),
          ("uid", "-".join(_hex(dice, n) for n in (8, 4, 4, 4, 12)))], Entity(own_on_each_target=True))
        for number in range(count)
    ]  # fmt: skip
    for metric in _POD:
        rows = [([*base, *more], entity) for base, entity in named for more in _of_pod(metric)]
        yield family(f"kube_pod_{metric}", "gauge", f"The {metric.replace('_', ' ')} of a pod.", rows, dice)


def _of_pod(metric: str) -> list[list[tuple[str, str]]]:
    """The further labels of each series that one pod has in a family."""
    if metric == "status_phase":
        return [[("phase", phase)] for phase in ("Pending", "Succeeded", "Failed", "Unknown", "Running")]
    if metric in ("status_ready", "status_scheduled"):
        return [[("condition", condition)] for condition in _TRISTATE]
    if "resource" in metric:
        node = [("container", "main"), ("node", "edge-node-3")]
        return [[*node, ("resource", what), ("unit", unit)] for what, unit in (("cpu", "core"), ("memory", "byte"))]
    return [[("container", "main")]] if "container" in metric else [[]]


_TRISTATE = ("true", "false", "unknown")


def _hex(dice: Random, digits: int) -> str:
    return f"{dice.getrandbits(4 * digits):0{digits}x}"
