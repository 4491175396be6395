"""The cloud room: ACK (CS) and ENS over HTTPS, behind the Cloud port.

Operations and ids come in, receipts, tasks, nodes and instances go out; every failure leaves as a CloudError named by
the reaction it calls for. This room must not decide, retry, limit, log or keep a secret longer than a call.
"""
