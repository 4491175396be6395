"""The web: what the daemon tells over HTTP about itself (metrics, health, readiness, status, why).

A view of the present state and a registry come in, pages go out. This room reads only: no request changes anything,
and no page computes what `policy` did not record.
"""
