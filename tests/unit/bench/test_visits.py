"""What the targets count: answers, and scrapes that did not come."""

from bench.visits import Visits

INTERVAL = 10.0


def scraped(*times: float) -> Visits:
    visits = Visits(INTERVAL)
    for time in times:
        visits.asked(0, time)
    return visits


def test_each_scrape_of_a_target_gets_the_next_version() -> None:
    visits = Visits(INTERVAL)
    assert [visits.asked(target, 0.0) for target in (0, 0, 1, 0)] == [0, 1, 0, 2]


def test_jitter_is_no_missed_scrape() -> None:
    assert scraped(0.0, 12.0, 18.0, 31.0).missed == 0


def test_every_scrape_that_was_left_out_counts() -> None:
    assert scraped(0.0, 20.0).missed == 1
    assert scraped(0.0, 10.0, 50.0).missed == 3


def test_a_target_that_is_not_asked_any_more_is_missed_though_it_can_not_tell() -> None:
    visits = scraped(0.0, 10.0)
    assert visits.missed_by(24.0) == 0
    assert visits.missed_by(40.0) == 2
    assert visits.missed == 0


def test_what_was_missed_while_warming_up_does_not_count() -> None:
    visits = scraped(0.0, 50.0)
    visits.begin(55.0)
    visits.asked(0, 60.0)
    assert visits.missed_by(64.0) == 0


def test_a_gap_that_was_open_at_the_beginning_counts_from_there() -> None:
    visits = scraped(0.0)
    visits.begin(9.0)
    assert visits.missed_by(30.0) == 1
