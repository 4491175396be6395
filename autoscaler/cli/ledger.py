"""The ledger of a configuration, as the verbs of a human use it: looked into, or given an act.

The path of autoscaler.yaml comes in; orders, or an act with its outcome, go out. Nothing here moves an order: that is
done by the daemon that owns the ledger, or by the executor's own code while no daemon runs.
"""

import getpass
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import click

from autoscaler.executor.acts import carry_out_offline
from autoscaler.ledger.file import Access
from autoscaler.ledger.sqlite import SqliteLedger
from autoscaler.model.act import Act, ActKind
from autoscaler.model.errors import AutoscalerError, ConfigurationRefused, LedgerError, LedgerUnusable
from autoscaler.ports import Clock, Ledger
from autoscaler.settings.base import parse_duration
from autoscaler.settings.documents import read_directory
from autoscaler.settings.mainfile import read_main_file
from autoscaler.settings.outline import sites
from autoscaler.settings.problems import nearest
from autoscaler.settings.shape import Settings
from autoscaler.telemetry.observers import Observers

POLL = 0.2
"""Seconds between two looks at an act that the daemon has yet to carry out."""
EVERY = 2**31 - 1
"""More orders than a ledger can have."""
_MOST_SHOWN = 20


def _seconds(_context: click.Context, _option: click.Parameter, value: str) -> float:
    try:
        return float(str(parse_duration(value)))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _words(_context: click.Context, _option: click.Parameter, value: str) -> str:
    text = " ".join(value.split())
    if not text:
        raise click.BadParameter("it must say why: it is kept in the ledger")
    return text


REASON_OPTION = click.option(
    "--reason", required=True, callback=_words, help="Why, in your words: kept in the ledger with your name."
)
WAIT_OPTION = click.option(
    "--wait",
    default="30s",
    show_default=True,
    callback=_seconds,
    metavar="DURATION",
    help="How long to wait for the daemon to carry it out; 0s only files it.",
)


@contextmanager
def refusals_are_lines() -> Iterator[None]:
    """Turn everything that this program raises on purpose into a line (for a configuration: lines), and exit code 1."""
    try:
        yield
    except ConfigurationRefused as refused:
        for problem in refused.problems:
            click.echo(problem, err=True)
        raise click.exceptions.Exit(1) from refused
    except AutoscalerError as error:
        click.echo(" ".join(str(error).split()), err=True)
        raise click.exceptions.Exit(1) from error


def own_settings(config: Path) -> Settings:
    """What autoscaler.yaml says. The policies are not read: a mistake in one must not hide the orders, nor bar an act.

    Raises:
        ConfigurationRefused: autoscaler.yaml or a variable over it is wrong.
    """
    main = read_main_file(config)
    if main.problems or main.settings is None:
        raise ConfigurationRefused([str(problem) for problem in main.problems])
    return main.settings


def ledger_path(config: Path) -> Path:
    """Where the configuration keeps its ledger. Raises ConfigurationRefused."""
    return own_settings(config).ledger.path


async def require_region(region: str, settings: Settings, ledger: Ledger) -> None:
    """See that the fleet has the region, or that the ledger knows it; of the fleet counts what can be read.

    Raises:
        ConfigurationRefused: neither does; with the likely one.
        LedgerUnusable: the ledger can not be read.
    """
    directory = read_directory(settings.policies)
    fleet = {site.region.name for one in directory.of("Fleet") for site in sites(one)}
    if region in fleet:
        return
    known = fleet | await _regions_of(ledger)
    if region in known:
        return
    told = sorted(known)[:_MOST_SHOWN]
    near = nearest(region, known)
    hint = f"; did you mean {near!r}?" if near else f"; regions are: {', '.join(told)}" if told else ""
    more = "" if near or len(known) <= _MOST_SHOWN else f" and {len(known) - _MOST_SHOWN} more"
    unread = "; the policy directory has mistakes: see `autoscaler check`" if directory.problems else ""
    raise ConfigurationRefused([f"neither the fleet nor the ledger has a region {region!r}{hint}{more}{unread}"])


async def _regions_of(ledger: Ledger) -> set[str]:
    """Every region that was ever ordered in or for, or had a node."""
    orders = await ledger.all(EVERY)
    named = {region for order in orders for region in (order.region, order.for_region) if region is not None}
    return {*named, *await ledger.totals(), *(await ledger.remembered()).values()}


@asynccontextmanager
async def opened(path: Path, access: Access) -> AsyncIterator[SqliteLedger]:
    """The ledger, closed afterwards. Raises LedgerUnusable."""
    ledger = await SqliteLedger.connect(path, access=access)
    try:
        yield ledger
    finally:
        await ledger.close()


def new_act(kind: ActKind, subject: str, reason: str, at: float) -> Act:
    """An act of the user who runs this; an account without a name is told by its number."""
    try:
        by = getpass.getuser()
    except (KeyError, OSError):
        by = f"uid {os.getuid()}"
    return Act(kind, subject, reason, by, at)


def same_pending(acts: Sequence[Act], act: Act) -> Act | None:
    """An act that waits already and asks for the same, so that asking twice is asking once.

    Raises:
        LedgerError: what waits about the same order is the contrary.
    """
    waiting = [one for one in acts if one.subject == act.subject and one.done_at is None]
    for one in waiting:
        if one.kind is act.kind:
            return one
        if {one.kind, act.kind} <= {ActKind.RESOLVE_BOUGHT, ActKind.RESOLVE_NOT_BOUGHT}:
            raise LedgerError(f"act {one.id} of {one.by} says the contrary and waits to be carried out: {one.kind}")
    return None


async def carried_out(path: Path, act: Act, wait: float, clock: Clock) -> Act:
    """The act, filed and carried out by the daemon that owns the ledger; without a daemon by this process.

    `wait` is seconds; 0 gives the act as it was filed.

    Raises:
        LedgerUnusable: it could not be filed.
        LedgerError: it is filed, and nobody has carried it out in time; it stays filed.
    """
    try:
        ledger = await SqliteLedger.connect(path, access=Access.OWNER)
    except LedgerUnusable:  # a daemon owns it; a ledger that nobody can use is told by the clerk, too
        return await _by_the_daemon(path, act, wait, clock)
    try:
        filed = await _filed(ledger, act)
        done = await carry_out_offline(ledger, clock, Observers(()))
        return next(one for one in done if one.id == filed.id)
    finally:
        await ledger.close()


async def _filed(ledger: SqliteLedger, act: Act) -> Act:
    return same_pending(await ledger.acts(), act) or await ledger.file(act)


async def _by_the_daemon(path: Path, act: Act, wait: float, clock: Clock) -> Act:
    async with opened(path, Access.CLERK) as ledger:
        filed = await _filed(ledger, act)
        end = clock.monotonic() + wait
        while filed.done_at is None and clock.monotonic() < end:
            await clock.sleep(POLL)
            filed = next(one for one in await ledger.acts() if one.id == filed.id)
        if filed.done_at is None and wait:
            raise LedgerError(
                f"act {filed.id} is filed and was not carried out within {wait:g} s; it need not be filed again, the "
                f"daemon carries it out as soon as it can: look at its log and /readyz?verbose"
            )
        return filed


def tell(act: Act) -> None:
    """Print what came of an act. Raises click's Exit with code 1 for a refused one."""
    if act.done_at is None:
        click.echo(f"act {act.id} is filed and waits for the daemon")
    elif act.outcome.startswith("refused"):
        click.echo(f"act {act.id}: {act.outcome}", err=True)
        raise click.exceptions.Exit(1)
    else:
        click.echo(f"act {act.id}: {act.outcome}")
