"""A process that has the whole product imported and forks a daemon whenever it is asked: a start costs milliseconds.

Run with -m. One request a line comes in on stdin and one answer a line goes out on stdout, both JSON:
{"config", "log", "port", "plant"} starts `autoscaler run` and answers {"pid"}; {"reap": pid} waits for its end and
{"look": pid} does not, both answer {"code"}. It must not start a thread or an event loop, which no fork survives.
When stdin ends, so do all of its children.
"""

import gc
import json
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import autoscaler.__main__ as product
from tests.integration.kills.plants import PLANTS


def main() -> None:
    """Serve requests until there are no more."""
    gc.freeze()  # what is shared with the children stays shared
    children: set[int] = set()
    try:
        for line in sys.stdin.buffer:
            _serve(children, json.loads(line))
    finally:
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _serve(children: set[int], request: dict[str, Any]) -> None:
    if "config" in request:
        pid = _fork(request)
        children.add(pid)
        _answer({"pid": pid})
    elif "reap" in request:
        _answer({"code": _code(children, request["reap"], 0)})
    else:
        _answer({"code": _code(children, request["look"], os.WNOHANG)})


def _answer(document: dict[str, object]) -> None:
    os.write(1, json.dumps(document).encode() + b"\n")


def _code(children: set[int], pid: int, options: int) -> int | None:
    """The exit code, negative for a signal; None while it runs. A child that was not asked for keeps its number."""
    found, status = os.waitpid(pid, options)
    if not found:
        return None
    children.discard(pid)
    return os.waitstatus_to_exitcode(status)


def _fork(request: dict[str, Any]) -> int:
    assert threading.active_count() == 1, "a thread was started before the fork"
    pid = os.fork()
    if pid == 0:
        _become_a_daemon(request)
    return pid


def _become_a_daemon(request: dict[str, Any]) -> NoReturn:
    """What `autoscaler run --config FILE` does from its first line on, in this process."""
    code = 70
    try:
        config = Path(request["config"])
        os.chdir(config.parent)
        nothing = os.open(os.devnull, os.O_RDWR)
        log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        for source, target in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        os.environ["AUTOSCALER_WEB__PORT"] = str(request["port"])
        if request["plant"]:
            PLANTS[request["plant"]](config)
        sys.argv = ["autoscaler", "run", "--config", config.name]
        product.main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001  # told here, since no frame above this one is the daemon's
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
