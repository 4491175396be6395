"""Where numbers come from: scraped targets and Prometheus servers, as ports.SampleSource.

Settings come in, waves of samples go out. A source keeps its own faults to itself: a target that does not answer is a
status with a reason. It must not judge a value or its age, must not decide anything, and knows no other room's state.
"""
