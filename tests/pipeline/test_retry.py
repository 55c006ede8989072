"""Retry: what follows a try that did not end well, from values alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.errors import DeliveryError, Permanent, Transient, Unconfigured
from hooks.pipeline.policies import schedule_of
from hooks.pipeline.retry import SCHEDULE, UNCONFIGURED_WAIT, Decision, Retry, decide
from hooks.ports import OnUnknown
from tests.rules.rules_world import PING, load_after_head, rule

THREE = Retry((1.0, 2.0, 3.0))
KNOWN = Transient("503", status=503)
LOST = Transient("no answer", unknown=True)


def after(
    error: DeliveryError,
    *,
    tries: int = 1,
    schedule: Retry = THREE,
    repeatable: bool = False,
    on_unknown: OnUnknown = "lookup",
    chance: float = 0.5,
) -> Decision:
    return decide(error, tries=tries, schedule=schedule, repeatable=repeatable, on_unknown=on_unknown, chance=chance)


@pytest.mark.parametrize(
    ("written", "waits"),
    [
        ("{attempts: 4, backoff: fixed, first_wait: 1h}", (3600.0, 3600.0, 3600.0)),
        ("{attempts: 4, first_wait: 20m}", (1200.0, 1200.0, 1200.0)),
        ("{attempts: 5, first_wait: 5m}", (300.0, 600.0, 900.0, 900.0)),
        ("{attempts: 4, first_wait: 5m, max_wait: 1h}", (300.0, 600.0, 1200.0)),
    ],
)
def test_a_rule_waits_as_it_is_written(written: str, waits: tuple[float, ...]) -> None:
    (made,) = load_after_head(rule(f"    retry: {written}\n{PING}")).rules
    assert waits == schedule_of(made.steps[0]).waits


def test_the_usual_schedule_is_twelve_retries_over_three_days() -> None:
    assert [1, 5, 30, 120, 600, 1800, 7200, 18000, 36000, 50400, 72000, 86400] == list(SCHEDULE)
    assert 75 < sum(SCHEDULE) / 3600 < 77


@pytest.mark.parametrize(
    ("error", "repeatable", "on_unknown", "decision"),
    [
        (KNOWN, False, "hold", Decision("again", "transient", 1.0)),
        (LOST, True, "hold", Decision("again", "unknown", 1.0)),
        (LOST, False, "repeat", Decision("again", "unknown", 1.0)),
        (LOST, False, "lookup", Decision("resolve", "unknown", 1.0)),
        (LOST, False, "hold", Decision("hold", "unknown")),
        (Permanent("422"), True, "repeat", Decision("fail", "permanent")),
        (DeliveryError("of no known kind"), True, "repeat", Decision("fail", "permanent")),
        (Unconfigured("401"), True, "repeat", Decision("wait", "unconfigured", UNCONFIGURED_WAIT)),
    ],
)
def test_each_error_has_its_decision(
    error: DeliveryError, repeatable: bool, on_unknown: OnUnknown, decision: Decision
) -> None:
    assert decision == after(error, repeatable=repeatable, on_unknown=on_unknown)


def test_waits_follow_the_schedule_and_then_it_is_over() -> None:
    assert [1.0, 2.0, 3.0] == [after(KNOWN, tries=tries).delay for tries in (1, 2, 3)]
    assert Decision("fail", "transient") == after(KNOWN, tries=4)
    assert Decision("fail", "unknown") == after(LOST, tries=4)


def test_what_is_refused_for_its_credentials_is_never_over() -> None:
    assert "wait" == after(Unconfigured("401"), tries=1000).next


def test_jitter_is_a_fifth_either_way() -> None:
    assert [0.8, 1.0] == [after(KNOWN, chance=chance).delay for chance in (0.0, 0.5)]
    assert 1.19 < after(KNOWN, chance=0.999).delay < 1.2


@pytest.mark.parametrize(("asked", "delay"), [(None, 1.0), (0.0, 1.0), (0.5, 1.0), (60.0, 60.0)])
def test_retry_after_wins_when_it_is_longer(asked: float | None, delay: float) -> None:
    assert delay == after(Transient("429", status=429, retry_after=asked)).delay


def test_retry_after_gives_no_try_more_than_there_are() -> None:
    assert "fail" == after(Transient("429", retry_after=60.0), tries=4).next


@pytest.mark.parametrize(
    ("attempts", "exponential", "waits"),
    [
        (1, True, ()),
        (2, True, (5.0,)),
        (5, True, (5.0, 10.0, 20.0, 30.0)),
        (4, False, (5.0, 5.0, 5.0)),
    ],
)
def test_a_rules_own_schedule(attempts: int, exponential: bool, waits: tuple[float, ...]) -> None:
    assert waits == Retry.of(attempts, 5.0, 30.0, exponential).waits


def test_the_longest_schedule_that_can_be_written_is_one() -> None:
    waits = Retry.of(100, 10 * 366 * 86400.0, 10 * 366 * 86400.0, True).waits
    assert (99, {10 * 366 * 86400.0}) == (len(waits), set(waits))


def test_a_first_wait_over_the_longest_is_cut() -> None:
    assert (3.0, 3.0) == Retry.of(3, 5.0, 3.0, False).waits


@given(
    tries=st.integers(1, 200),
    waits=st.lists(st.floats(0, 1e6), max_size=20),
    unknown=st.booleans(),
    repeatable=st.booleans(),
    on_unknown=st.sampled_from(["repeat", "lookup", "hold"]),
    retry_after=st.none() | st.floats(0, 86400),
    chance=st.floats(0, 1, exclude_max=True),
)
def test_tries_are_bounded_and_delays_never_negative(
    tries: int,
    waits: list[float],
    unknown: bool,
    repeatable: bool,
    on_unknown: OnUnknown,
    retry_after: float | None,
    chance: float,
) -> None:
    decision = after(
        Transient("x", unknown=unknown, retry_after=retry_after),
        tries=tries,
        schedule=Retry(tuple(waits)),
        repeatable=repeatable,
        on_unknown=on_unknown,
        chance=chance,
    )
    assert decision.delay >= (retry_after or 0.0 if decision.next in ("again", "resolve") else 0.0)
    if tries > len(waits):
        assert decision.next in ("fail", "hold")
    if not unknown:
        assert decision.next in ("again", "fail")
