"""Prometheus' file_sd files: groups of targets, read again when a file changes.

Paths with `*` come in, groups and problems go out. What a file said last that made sense stays in force while it makes
none: a file half written is not an empty region. Blocking: call it in a thread.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from autoscaler.settings.target_groups import StaticConfig
from autoscaler.sources.target_groups import UnreadableGroups, read_groups

MAX_BYTES = 64 * 1024 * 1024

_Stamp = tuple[int, int, int]


@dataclass(slots=True)
class _File:
    """What is known of one file: as it was when last read, the groups that it last stated, and what is wrong now."""

    stamp: _Stamp | None = None
    groups: tuple[StaticConfig, ...] = ()
    problem: str | None = None


class FileGroups:
    """The groups of all files that the globs match.

    A file that a glob no longer matches was removed on purpose, and its targets with it, as in Prometheus. A file that
    is named without `*` has no reason to be missing, and nor has a directory: the last targets stay and the loss is a
    problem.
    """

    def __init__(self, globs: Iterable[Path]) -> None:
        self._globs = tuple(dict.fromkeys(globs))
        self._files: dict[Path, _File] = {}
        self._lost: dict[Path, str] = {}

    def refresh(self) -> bool:
        """Look at every file, read those that changed; tells whether anything is different from before."""
        former = self._state()
        seen = dict.fromkeys(path for glob in self._globs for path in self._matching(glob))
        self._files = {path: self._files.get(path) or _File() for path in seen}
        for path, file in self._files.items():
            _look(path, file)
        return self._state() != former

    @property
    def groups(self) -> Sequence[StaticConfig]:
        """All groups, in the order of the globs and then of the paths."""
        return tuple(group for file in self._files.values() for group in file.groups)

    @property
    def problems(self) -> Sequence[str]:
        """What is wrong with the files now."""
        return (*self._lost.values(), *(file.problem for file in self._files.values() if file.problem))

    def _state(self) -> dict[Path, tuple[_Stamp | None, str | None]]:
        return {path: (file.stamp, file.problem) for path, file in self._files.items()}

    def _matching(self, glob: Path) -> list[Path]:
        if "*" not in glob.name:
            return [glob]
        try:
            found = sorted(path for path in glob.parent.iterdir() if _fits(path, glob))
        except OSError as error:
            self._lost[glob] = _complaint(glob.parent, error.strerror or str(error))
            return [path for path in self._files if _fits(path, glob)]
        self._lost.pop(glob, None)
        return found


def _fits(path: Path, glob: Path) -> bool:
    return path.parent == glob.parent and fnmatchcase(path.name, glob.name)


def _look(path: Path, file: _File) -> None:
    try:
        status = path.stat()  # before reading: what is written meanwhile is seen the next time
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        if stamp == file.stamp:
            return
        file.groups, file.problem = _read(path), None
        file.stamp = stamp
    except OSError as error:
        file.stamp, file.problem = None, _complaint(path, error.strerror or str(error))
    except UnreadableGroups as error:
        file.stamp, file.problem = stamp, _complaint(path, str(error))


def _complaint(path: Path, why: str) -> str:
    return f"{path}: {why}; the targets that it last named stay"


def _read(path: Path) -> tuple[StaticConfig, ...]:
    with path.open("rb") as stream:
        content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise UnreadableGroups(f"is larger than {MAX_BYTES} bytes")
    parse = json.loads if path.suffix.lower() == ".json" else _yaml
    return read_groups(content, parse, {"__meta_filepath": str(path)})


def _yaml(text: str) -> Any:
    # The base loader leaves every scalar as it is written: Prometheus reads `rack: 1.10` as the text "1.10" too.
    try:
        return YAML(typ="base", pure=True).load(text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        raise UnreadableGroups(f"is no YAML: {line}{getattr(error, 'problem', None) or 'can not be read'}") from None
