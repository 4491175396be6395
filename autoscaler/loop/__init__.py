"""The async shell around the pure tick: collect, decide, keep the status board.

Waves of samples and news from the executor ring the bell; the decider decides the regions that were touched. Facts are
gathered before the tick and acted on after it. This room knows sources and the executor by their ports only.
"""
