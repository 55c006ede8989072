"""Every error this project raises on purpose, and what each one means to whom.

::

    HooksError
      ConfigError                 start-up or reload stops; says the variable, or file:line:column and a hint
        SettingsError               an option, an environment variable, a folder
        RulesError                  routes.yaml: carries all findings at once
      ReceiveError                becomes an HTTP answer, in web/inbox.py only
        TooLarge                    413: the body is over the source's limit
        VerificationError           401, one answer for all of them; the true reason is for the operator
        NormalizationError          400 and a quarantine copy: authentic, but not readable
      DeliveryError               becomes a decision, in pipeline/retry.py only
        Transient                   try again on the schedule; ``unknown`` when the call may have acted
          AnswerCut                   a success that says more than is read
        Permanent                   never again: dead letter, kept and replayable
          Undecided                   a look-up that cannot tell what an earlier try did: hold for a person
        Unconfigured                credentials or rights are wrong: the connection waits, nothing dies
      Conflict                    409 at the admin's door: the run or rule is not in a state that allows this
      UnknownName                 422 at the admin's door: nothing goes by the name that was given
      StoreError                  503 with Retry-After at the door; the worker waits and tries again
        LeaseLost                   another worker has taken the run over: this one's late result is dropped
        StoreRefused                the database cannot be used at all: in use, too new, or not durable
"""

from __future__ import annotations


class HooksError(Exception):
    """The root: everything this project raises on purpose."""


class ConfigError(HooksError):
    """What was configured cannot be used. Exit code 3."""


class SettingsError(ConfigError):
    """An option, an environment variable or a folder is wrong."""


class RulesError(ConfigError):
    """``routes.yaml`` is wrong. ``hooks.rules`` raises the subclass that carries the findings."""


class ReceiveError(HooksError):
    """A request that does not become an event. ``reason`` is for the operator, never for the sender."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TooLarge(ReceiveError):
    """The body is over the source's limit. The sender hears 413."""


class VerificationError(ReceiveError):
    """Not authentic. The sender hears 401, the same for every reason.

    ``reason`` is a short word from a closed list that is safe to store: ``missing``, ``malformed``,
    ``repeated``, ``stale``, ``mismatch``.
    """


class NormalizationError(ReceiveError):
    """Authentic, but not readable. The sender hears 400 and a copy goes to quarantine.

    ``masked`` is the body to keep there instead, when the original holds the shared key.
    """

    def __init__(self, reason: str, *, masked: bytes | None = None) -> None:
        super().__init__(reason)
        self.masked = masked


class DeliveryError(HooksError):
    """A try at a step that did not end well.

    ``status`` is the HTTP status where there was an answer. ``message`` is the vendor's own words where it
    gave any, without credentials.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


class Transient(DeliveryError):
    """Try again on the schedule.

    ``unknown`` is true when the vendor may have carried the call out (the answer is missing, cut or
    unreadable, or is 408, 409, 500, 502 or 504): a step that is not repeatable is then resolved, not repeated.
    ``retry_after`` is what the vendor asked for, in seconds.
    """

    def __init__(
        self, message: str, *, status: int | None = None, unknown: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message, status=status)
        self.unknown = unknown
        self.retry_after = retry_after


class AnswerCut(Transient):
    """A success whose answer is longer than is read. What reads only is given up: the next answer is as long."""


class Permanent(DeliveryError):
    """The vendor refused, or the request cannot be made at all: trying again gives the same."""


class Undecided(Permanent):
    """Raised by ``Action.lookup`` only: these inputs give nothing that the vendor could be searched by.

    What an earlier try did stays unknown, and looking again would not help: the run is held for a person.
    """


class Unconfigured(DeliveryError):
    """Credentials or rights are wrong (401 after a fresh token, 403): an operator must act."""


class Conflict(HooksError):
    """What an operator asked for cannot be done in the state that the run or the rule is in; the text says which."""


class UnknownName(HooksError):
    """Nothing goes by the name that an operator gave; ``member`` is where it was given, the text has the nearest."""

    def __init__(self, member: str, why: str) -> None:
        super().__init__(f"{member}: {why}")
        self.member = member


class StoreError(HooksError):
    """The store cannot do this now."""


class LeaseLost(StoreError):
    """Another worker has claimed the run since: what this one found out is not written over the other's."""


class StoreRefused(StoreError):
    """The database cannot be used: another server has it, it is newer than us, or it would not be durable."""
