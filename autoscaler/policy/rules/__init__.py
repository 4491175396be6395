"""Algorithms, one file each: parameters (frozen pydantic), a pure function, a worked example in the docstring."""
