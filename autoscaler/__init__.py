"""An autoscaler for ACK edge clusters whose worker nodes are ENS instances.

The rooms of this package and the direction of imports between them are described in docs/architecture.md.
"""

__version__ = "0.1.0"
