"""From samples to signals: per series first, then per region, with the age of the oldest sample and the coverage.

Statuses of targets come in as a source delivers them; one Signal per region and name goes out. What is not known is
missing and says why: it is never zero, unless the policy states so (`absent: zero`). No I/O, no clock: time comes in.
"""
