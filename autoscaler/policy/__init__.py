"""PURE: from facts to a plan. `decide(facts, policies) -> Plan` is the whole tick.

Facts come in as values (`at` included), decisions go out as values. No I/O, no clock, no randomness, no logging,
no environment: the daemon, the demo and the tests all call this same function and get the same answer.
"""
