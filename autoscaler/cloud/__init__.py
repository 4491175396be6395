"""The cloud room: ACK (CS) and ENS over HTTPS, behind the Cloud port.

Operations and ids come in; receipts, tasks, nodes, instances, pools, stocks and prices go out. Every failure leaves as
a CloudError named by the reaction it calls for. This room must not decide, retry, limit, log or keep a secret longer
than a call.
"""
