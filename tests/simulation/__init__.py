"""The deterministic simulation: the whole daemon on a virtual clock and a seeded scheduler, killed and started again.

A seed comes in; a tally of what it held, or a violation with its story and the command that replays it, goes out.
Nothing here opens a socket, sleeps for real or reads the real time.
"""
