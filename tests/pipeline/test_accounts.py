"""What an account can take now: its slots, its rate, its pause after refused credentials."""

from __future__ import annotations

import pytest

from hooks.events import Done, Request
from hooks.pipeline.accounts import GONE, PAUSED, ROUNDING, Account, obstacle_of
from hooks.ports import ConnectionSettings


class Nobody:
    """A client that is never called."""

    async def send(self, request: Request, *, timeout: float, key: str | None = None) -> Done:
        raise AssertionError("nothing is sent here")

    def url(self, request: Request) -> str:
        return request.path

    async def aclose(self) -> None:
        return None


def account(*, rate: float | None = None, concurrency: int = 8, paused: bool = False) -> Account:
    settings = ConnectionSettings(base_url="http://127.0.0.1", rate=rate, concurrency=concurrency, paused=paused)
    return Account("office", "http", settings, Nobody())


def test_slots_that_are_taken_are_not_free() -> None:
    subject = account(concurrency=3)
    assert 3 == subject.free(0.0)
    subject.in_flight = 2
    assert 1 == subject.free(0.0)
    subject.in_flight = 5
    assert 0 == subject.free(0.0), "a reload may have made it narrower"


def test_a_blocked_account_takes_nothing_then_one_and_then_all() -> None:
    subject = account(concurrency=4)
    subject.breaker.refuse(0.0, 60.0, "the key was refused")
    assert [0, 0, 1] == [subject.free(now) for now in (0.0, 59.9, 60.0)]
    subject.in_flight = 1
    assert 0 == subject.free(61.0), "one is trying whether it works again"
    subject.breaker.works()
    assert 3 == subject.free(61.0)


def test_a_paused_account_takes_nothing() -> None:
    assert 0 == account(paused=True).free(0.0)


def test_turns_are_evenly_spaced_and_no_burst_follows_a_pause() -> None:
    subject = account(rate=2.0)
    each = 0.5 + ROUNDING / 2
    assert [0.0, each, 2 * each] == pytest.approx([subject.reserve(10.0) for _ in range(3)])
    assert [0.0, each] == pytest.approx([subject.reserve(100.0) for _ in range(2)])


@pytest.mark.parametrize(("rate", "held_up"), [(5.0, 0.9), (5.0, 0.3), (2.5, 0.5), (0.5, 1.0), (1.0, 0.0)])
def test_calls_that_were_held_up_do_not_come_too_close(rate: float, held_up: float) -> None:
    subject = account(rate=rate)
    now, left = 0.0, []
    for number in range(30):
        now = max(now, number * subject.spacing + (held_up if number % 7 == 0 else 0.0))
        while (wait := subject.leave(now)) > 0:
            now += wait
        left.append(now)
    worth = max(1, int(rate))
    assert all(left[at + worth] - left[at] >= worth / rate for at in range(30 - worth))
    assert left[-1] <= 29 * subject.spacing + 2 * held_up + 1, "and nobody waits for long"


def test_without_a_rate_nobody_waits() -> None:
    subject = account()
    assert [0.0, 0.0] == [subject.leave(1.0) for _ in range(2)]
    assert [0.0, 0.0] == [subject.reserve(1.0) for _ in range(2)]


def test_what_stands_in_the_way_of_a_connection() -> None:
    accounts = {"office": account(), "resting": account(paused=True)}
    assert [None, PAUSED, GONE] == [obstacle_of(name, accounts) for name in ("office", "resting", "elsewhere")]


def test_runs_are_claimed_ahead_of_quick_calls() -> None:
    subject = account(concurrency=4)
    subject.took(0.02)
    assert 8 == subject.free(0.0)
    subject.in_flight = 6
    assert 2 == subject.free(0.0)
    subject.in_flight = 5
    assert 3 == subject.free(0.0)
    subject.in_flight = 7
    assert 0 == subject.free(0.0), "three wait for a slot already"
    subject.in_flight = 6
    subject.breaker.fail("run_1", 0.0, "a failure")
    assert 0 == subject.free(0.0), "what fails is not hurried"


def test_a_run_makes_room_while_its_end_is_written_and_a_row_of_them_does_not() -> None:
    subject = account(concurrency=2)
    subject.in_flight = 2
    assert 0 == subject.free(0.0)
    subject.ending = 1
    assert 1 == subject.free(0.0)
    subject.in_flight, subject.ending = 9, 9
    assert 0 == subject.free(0.0), "no end is written"


def test_nothing_is_claimed_ahead_of_slow_calls_and_of_paced_ones() -> None:
    slow, paced = account(concurrency=4), account(concurrency=4, rate=5.0)
    for _ in range(20):
        slow.took(2.0)
        paced.took(0.02)
    assert (4, 4) == (slow.free(0.0), paced.free(0.0))
    for _ in range(20):
        slow.took(0.02)
    assert 8 == slow.free(0.0)
