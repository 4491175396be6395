"""Telemetry: what happens, told as metrics and as log lines.

Events come in through `ports.Observer`; series in a registry and lines on a stream go out. This room decides nothing,
awaits nothing and must never stop the shell: what fails here is logged and left behind.
"""
