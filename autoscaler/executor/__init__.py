"""The rate-limited executor: from order intents to nodes that are ready.

Intents come in, capacity and orders go out. Every step is in the ledger before it is acted on. This room knows the
Cloud and the Ledger by their ports only, decides nothing about how many nodes are needed, and never sends a purchase
twice: it sends again only what provably did not happen.
"""
