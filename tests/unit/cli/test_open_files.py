"""The limit of open files: raised as far as it may be, and no further."""

import resource
from collections.abc import Iterator

import pytest

from autoscaler.cli.open_files import allow_open_files


@pytest.fixture
def hard() -> Iterator[int]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_limit_is_raised_to_what_the_machine_allows(hard: int) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    allowed = allow_open_files()
    assert allowed > 512
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (allowed, hard)


def test_a_machine_that_allows_less_than_it_says_does_not_keep_the_daemon_from_starting(
    hard: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))

    def refuse(*_: object) -> None:
        raise ValueError("not allowed to raise maximum limit")

    with monkeypatch.context() as refusing:
        refusing.setattr(resource, "setrlimit", refuse)
        assert allow_open_files() == 512


def test_a_limit_that_is_high_already_stays(hard: int) -> None:
    allowed = allow_open_files()
    assert allow_open_files() == allowed
