"""The simulator: a faithful, faulty cloud (CS and ENS over HTTP) and an edge fleet, for trying policies without money.

A scenario and a clock come in; an HTTP server goes out, with the books that an audit reads and the faults that a test
sets. It shares no encoding, signing or validation with the cloud room: it must stay a second opinion.
"""
