"""The benchmark: our intake against the newest real Prometheus, in one run, on the same targets and pace.

Nothing of the product is in here and the product knows nothing of it: targets are served, the peers and our own scrape
source are started as processes of their own, their CPU clocks are read, and a table comes out. Run it as
`python -m bench`; docs/performance.md says what the rows mean.
"""
