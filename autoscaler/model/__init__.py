"""The nouns: frozen values shared by every room.

Nothing comes in and nothing goes out: this room holds dataclasses, reason codes and errors.
It must not do I/O, read a clock, or import any other room. Times are Unix seconds (float), always passed in.
"""
