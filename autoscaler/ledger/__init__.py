"""The ledger: orders that outlive the process, and the history of each.

Orders come in, and go out as they were; every write is durable before it is reported. This room must not decide what
is ordered, call the cloud, read a clock or hold a secret.
"""
