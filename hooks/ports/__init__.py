"""The shapes that the engine knows and the parts have: read this first.

The engine knows ``Source``, ``Action``, ``Store`` and ``Clock``, and no vendor. A vendor knows these shapes, and no
engine. Whoever adds a vendor implements `Source` (``inbound``: how its webhooks are checked and read) and `Client` with
`Action` rows (``outbound``: what can be done there), and names them in one `Vendor` (``vendor``). Each subject has a
module here, and all are imported from ``hooks.ports``.
"""

from hooks.events import Answer
from hooks.ports.audit import Audit, AuditFilter, Change, ChangeOutcome
from hooks.ports.clock import Clock
from hooks.ports.configured import ConnectionSettings, SourceSettings
from hooks.ports.desks import DeliveryDesk, Desk, RulesDesk, RulesDraft, RulesWriting, Upkeep
from hooks.ports.emitting import BuiltIn, Emitter
from hooks.ports.history import (
    EventFilter,
    EventState,
    History,
    Page,
    PastEvent,
    ReceiptFilter,
    RuleRecords,
    RunFilter,
    Span,
    StepAnswer,
)
from hooks.ports.inbound import Draft, Inbound, Normalizer, Outcome, OutcomeKind, Reading, Reply, Source
from hooks.ports.outbound import (
    Action,
    Call,
    Client,
    FilledByConnection,
    NeedsOfConnection,
    OnUnknown,
    TokenSharer,
)
from hooks.ports.people import Mention, People, PeopleDesk, PersonRecord
from hooks.ports.runs import UNTIMED, Attempt, Claimed, Echo, Plan, PlannedRun, Progress, Repeated, Step, Timing, Wrote
from hooks.ports.silences import HEARD, QUIET, SELF_TEST_AGENT, Heard, Silence
from hooks.ports.steering import (
    OLDER_PART,
    Chosen,
    Edit,
    Opened,
    PastRun,
    Pause,
    Replay,
    ReplayMode,
    ReplaySelection,
    ReplayState,
    Resolution,
    ResolutionOutcome,
    RuleOrigin,
    RunsAct,
    UnknownStep,
)
from hooks.ports.store import ConnectionStates, Hear, Intake, Store
from hooks.ports.subscribers import Asked, Hooks, Subscriber, SubscriberClient, SubscriberStore
from hooks.ports.tokens import KeptToken, TokenShelf, TokenStore
from hooks.ports.vendor import Catalogue, EventKind, Probe, Vendor

__all__ = [
    "HEARD",
    "OLDER_PART",
    "QUIET",
    "SELF_TEST_AGENT",
    "UNTIMED",
    "Action",
    "Answer",
    "Asked",
    "Attempt",
    "Audit",
    "AuditFilter",
    "BuiltIn",
    "Call",
    "Catalogue",
    "Change",
    "ChangeOutcome",
    "Chosen",
    "Claimed",
    "Client",
    "Clock",
    "ConnectionSettings",
    "ConnectionStates",
    "DeliveryDesk",
    "Desk",
    "Draft",
    "Echo",
    "Edit",
    "Emitter",
    "EventFilter",
    "EventKind",
    "EventState",
    "FilledByConnection",
    "Hear",
    "Heard",
    "History",
    "Hooks",
    "Inbound",
    "Intake",
    "KeptToken",
    "Mention",
    "NeedsOfConnection",
    "Normalizer",
    "OnUnknown",
    "Opened",
    "Outcome",
    "OutcomeKind",
    "Page",
    "PastEvent",
    "PastRun",
    "Pause",
    "People",
    "PeopleDesk",
    "PersonRecord",
    "Plan",
    "PlannedRun",
    "Probe",
    "Progress",
    "Reading",
    "ReceiptFilter",
    "Repeated",
    "Replay",
    "ReplayMode",
    "ReplaySelection",
    "ReplayState",
    "Reply",
    "Resolution",
    "ResolutionOutcome",
    "RuleOrigin",
    "RuleRecords",
    "RulesDesk",
    "RulesDraft",
    "RulesWriting",
    "RunFilter",
    "RunsAct",
    "Silence",
    "Source",
    "SourceSettings",
    "Span",
    "Step",
    "StepAnswer",
    "Store",
    "Subscriber",
    "SubscriberClient",
    "SubscriberStore",
    "Timing",
    "TokenSharer",
    "TokenShelf",
    "TokenStore",
    "UnknownStep",
    "Upkeep",
    "Vendor",
    "Wrote",
]
