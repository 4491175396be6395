"""The simulator: a faithful, faulty cloud (CS and ENS, over HTTP and in process) and an edge fleet, without money.

A scenario and a clock come in; HTTP handlers or a Cloud port go out, with the books that an audit reads and the faults
that a test or a seed sets. All time is the clock's and all chance a seed's. It shares no encoding, signing or
validation with the cloud room: it must stay a second opinion.
"""
