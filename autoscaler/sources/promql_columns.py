"""An instant vector, sorted by region: one status and one column for each. Pure.

A vector comes in, statuses go out. Series that have no region are told of and dropped; those of one region stay
together, since a policy may name how they become one number. Series that are the same as at the last answer are the
same objects, so that whoever reads them can keep by identity what follows from their labels.
"""

from collections import defaultdict
from collections.abc import Mapping

from autoscaler.model.names import RegionId
from autoscaler.model.reason import Reason
from autoscaler.model.signals import Column, TargetStatus
from autoscaler.sources.promql_answer import Series, Vector

NO_REGION = RegionId("")
"""The region of what concerns a query as a whole."""

_Key = tuple[tuple[tuple[str, str], ...], ...]


class RegionColumns:
    """The columns of one query, remembered from answer to answer. `region_label` names the region of a series."""

    def __init__(self, query: str, region_label: str) -> None:
        self._query = query
        self._region_label = region_label
        self._known: dict[_Key, tuple[Mapping[str, str], ...]] = {}

    def statuses(self, vector: Vector, detail: str) -> tuple[TargetStatus, ...]:
        """One status for each region in the answer, and one of region "": that the query was answered.

        The latter is no success, with WRONG_RESULT, if series lack the label of the region.
        """
        regions: dict[RegionId, list[tuple[tuple[tuple[str, str], ...], Series]]] = defaultdict(list)
        for series in vector.series:
            region = RegionId(series.labels.get(self._region_label, ""))
            regions[region].append((tuple(sorted(series.labels.items())), series))
        homeless = len(regions.pop(NO_REGION, ()))
        former, self._known = self._known, {}
        statuses = [
            TargetStatus(
                self._query,
                region,
                up=True,
                reason=Reason.UP,
                detail=detail,
                labels={self._region_label: region},
                columns={self._query: self._column(found, former)},
            )
            for region, found in regions.items()
        ]
        return (*statuses, self._whole(homeless, detail))

    def _column(
        self,
        found: list[tuple[tuple[tuple[str, str], ...], Series]],
        former: Mapping[_Key, tuple[Mapping[str, str], ...]],
    ) -> Column:
        if len(found) > 1:
            found.sort(key=lambda one: one[0])  # a server gives them in any order
        key = tuple(tuple(pair for pair in labels if pair[0] != self._region_label) for labels, _ in found)
        series = self._known.get(key)
        if series is None:
            series = self._known[key] = former.get(key) or tuple(dict(labels) for labels in key)
        return Column(series, tuple(one.value for _, one in found), min(one.at for _, one in found))

    def _whole(self, homeless: int, detail: str) -> TargetStatus:
        if not homeless:
            return TargetStatus(self._query, NO_REGION, up=True, reason=Reason.UP, detail=detail)
        why = f"{homeless} series have no label {self._region_label} and are dropped"
        return TargetStatus(self._query, NO_REGION, up=False, reason=Reason.WRONG_RESULT, detail=why)
