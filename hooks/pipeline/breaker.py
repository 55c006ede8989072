"""When an account is left alone: decided from values alone, the same every time.

A breaker opens on refused credentials at once, and on a run of calls that failed one after the other, of several runs,
so that one event that a vendor stumbles over is not taken for a vendor that is down. While it is open nothing is
claimed for the account; then one run at a time tries whether it works again. A try that finds it does not uses up none
of the run's attempts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

FAILURES = 10
"""Calls that failed in a row before the breaker opens."""

FAILED_RUNS = 3
"""Runs that they must have belonged to at least."""

FIRST_WAIT = 5.0
LONGEST_WAIT = 60.0
"""Seconds between two tries whether a failing account works again: doubled each time, up to this."""

BreakerState = Literal["closed", "half_open", "open"]
BREAKER_STATES: tuple[BreakerState, ...] = get_args(BreakerState)
"""From well to ill: the figure of a state is its place."""


@dataclass(slots=True)
class Breaker:
    """The breaker of one account. Instants are monotonic seconds. ``reason`` says why it is not closed."""

    until: float = 0.0
    probing: bool = False
    probe: str | None = None
    """The run that tries whether the account works again."""
    reason: str | None = None
    refused: bool = False
    """Whether it opened because credentials or rights were refused."""
    _wait: float = 0.0
    _failures: int = 0
    _runs: set[str] = field(default_factory=set)

    @property
    def steady(self) -> bool:
        """Whether the last call did not fail in a way that another one may too."""
        return not self.probing and not self._failures

    def state(self, now: float) -> BreakerState:
        """As it is shown to people."""
        if now < self.until:
            return "open"
        return "half_open" if self.probing else "closed"

    def keeps_out(self, run: str, now: float) -> bool:
        """Whether a run must not call now. The first that comes after the pause is the one that tries."""
        if now < self.until:
            return True
        if not self.probing:
            return False
        if self.probe is None:
            self.probe = run
        return self.probe != run

    def works(self) -> None:
        """The account has answered as one that works."""
        self.until, self.probing, self.probe, self.reason, self.refused = 0.0, False, None, None, False
        self._wait, self._failures = 0.0, 0
        self._runs.clear()

    def refuse(self, now: float, wait: float, reason: str) -> None:
        """Credentials or rights were refused: leave it alone for ``wait`` seconds."""
        self._open(now, wait, reason)
        self.refused = True

    def follow(self, until: float, reason: str, refused: bool) -> None:
        """Another server has found out that the account is to be left alone until then."""
        if not self.probing or until > self.until:
            self._open(until, 0.0, reason)
        self.refused = refused

    def fail(self, run: str, now: float, reason: str) -> bool:
        """A call failed in a way that another one may too. Whether it is to count for the run: not for the one that
        only tried whether the account works again."""
        if self.probing:
            if self.probe == run and now >= self.until:
                self._wait = min(LONGEST_WAIT, max(FIRST_WAIT, self._wait * 2))
                self._open(now, self._wait, reason)
                return False
            return True  # it was on its way when the breaker opened
        self._failures += 1
        self._runs.add(run)
        if self._failures >= FAILURES and len(self._runs) >= FAILED_RUNS:
            self._wait = FIRST_WAIT
            self._open(now, self._wait, reason)
        return True

    def leave(self, run: str) -> None:
        """The run has ended or waits: if it was to try whether the account works, another one may."""
        if self.probe == run:
            self.probe = None

    def _open(self, now: float, wait: float, reason: str) -> None:
        self.until, self.probing, self.probe, self.reason = now + wait, True, None, reason
