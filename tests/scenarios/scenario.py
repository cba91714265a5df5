"""What may go wrong with a job, drawn from a seed.

Plain data: it knows neither engine nor sandbox.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random


class Point(StrEnum):
    """The calls of a cut, in the order of its life."""

    CREATE = "create"
    LOOK = "look"  # the state, before the upload
    UPLOAD = "upload"
    BEFORE = "before"  # the state, before the message
    BALANCE = "balance"
    MESSAGE = "message"
    AFTER = "after"  # the state, after the message and while it is looked for
    BOOKING = "booking"  # the balance, after the message
    DRAFT = "draft"  # the state, before the render
    SUBMIT = "submit"
    POLL = "poll"
    RESULT = "result"
    FALLBACK = "fallback"


class Kind(StrEnum):
    """What a call meets instead of its answer."""

    BUSY = "busy"  # 503
    PAGE = "page"  # 502 with a web page
    LIMITED = "limited"  # 429
    DROPPED = "dropped"  # the connection ends before anything was done
    UNHEARD = "unheard"  # it was done, the answer is lost
    TORN = "torn"  # half of the answer
    SLOW = "slow"  # the answer takes 15 s
    BROKEN = "broken"  # 500
    DEAD_TOKEN = "dead_token"  # 1001
    LOST_SESSION = "lost_session"  # 1002
    NO_CREDITS = "no_credits"  # 2001
    NO_PLAN = "no_plan"  # 402
    NO_SCOPE = "no_scope"  # 403
    BAD_FORMAT = "bad_format"  # 4001
    TOO_LARGE = "too_large"  # 4002
    MALFORMED = "malformed"  # 422
    FORGOTTEN = "forgotten"  # 404 on a render


#: What passes by itself, where nothing but time is needed.
PASSING = (Kind.BUSY, Kind.PAGE, Kind.LIMITED, Kind.DROPPED)
#: What only a person can mend; it lasts until then.
MENDED = frozenset({Kind.NO_CREDITS, Kind.NO_PLAN})


class Stream(StrEnum):
    """What becomes of the message and of the stream that answers it."""

    PLAIN = "plain"
    SILENT = "silent"
    SLOW = "slow"  # five minutes
    TRAILING = "trailing"
    DROP_BEFORE = "drop_before"  # cut, and the run ends with it
    DROP_AFTER = "drop_after"
    DROP_APPLIED = "drop_applied"  # cut before the edit, the run goes on
    NEVER = "never"  # says it edited, and did not
    NEVER_CHARGED = "never_charged"
    LATE = "late"  # applied 45 s after the end
    ERROR_BEFORE = "error_before"
    ERROR_AFTER = "error_after"
    APOLOGY = "apology"
    APOLOGY_AFTER = "apology_after"
    STALL_AFTER = "stall_after"  # heartbeats only, after the edit, for longer than is waited
    STALL_APPLIED = "stall_applied"  # the same before it, and the run goes on without us
    UNHEARD = "unheard"  # no byte of the answer arrives, the run goes on
    HUSH_BEFORE = "hush_before"  # the socket says nothing any more, and the run ends with it
    HUSH_AFTER = "hush_after"
    HUSH_APPLIED = "hush_applied"  # the same before the edit, and the run goes on without us
    STAGED = "staged"  # some time after a good end the backend adds music and a title by itself
    STAGED_CUT = "staged_cut"  # cut after the edit, and they come while it is looked for


class Export(StrEnum):
    """What becomes of the render."""

    PLAIN = "plain"
    FAILS_ONCE = "fails_once"
    FAILS_ALWAYS = "fails_always"
    DUPLICATE = "duplicate"  # the first id is refused as used, without having been
    NO_ADDRESS = "no_address"
    DEAD_LINK = "dead_link"
    NO_RESULT = "no_result"  # dead link, and no other way
    TOO_SLOW = "too_slow"  # longer than ten polls


class Death(StrEnum):
    """Where a worker ends, or is held up."""

    NONE = "none"
    AFTER_CREATE = "after_create"
    AFTER_UPLOAD = "after_upload"
    AFTER_INTENT = "after_intent"
    AFTER_STREAM = "after_stream"
    AFTER_SUBMIT = "after_submit"
    AT_FETCH = "at_fetch"
    HELD_UP = "held_up"  # a third of its lease is gone when it is about to send
    OVERTAKEN = "overtaken"  # all of it is gone, and another has the cut


class Person(StrEnum):
    """What somebody does when a job waits for a person."""

    NOTHING = "nothing"
    RESUMES = "resumes"  # after having mended what was wrong
    CANCELS = "cancels"


@dataclass(frozen=True, slots=True)
class Fault:
    """So many calls at a point meet something; 0 means all of them."""

    point: Point
    kind: Kind
    times: int = 1


@dataclass(frozen=True, slots=True)
class CutPlan:
    """What happens to one variant."""

    label: str
    stream: Stream = Stream.PLAIN
    export: Export = Export.PLAIN
    death: Death = Death.NONE
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Cancel:
    """The job is canceled when a cut reaches a state; `seen`: before the worker goes on."""

    label: str
    state: str
    seen: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """One job with one clip. `balance` 0 is an anonymous account with its 100 credits."""

    seed: int
    cuts: tuple[CutPlan, ...]
    balance: int
    deadline_s: float
    person: Person
    cancel: Cancel | None = None


#: The stream falls silent: nothing comes, not even heartbeats.
HUSHED = frozenset({Stream.HUSH_BEFORE, Stream.HUSH_AFTER, Stream.HUSH_APPLIED})
STAGED = frozenset({Stream.STAGED, Stream.STAGED_CUT})
#: Thought of later; they have dice of their own, so that other seeds draw what they always did.
_LATER = (*sorted(HUSHED), *sorted(STAGED))
_STREAMS = tuple(each for each in Stream if each not in _LATER)

LONG_S, SHORT_S = 86_400.0, 900.0
_QUIET = (Stream.PLAIN, Stream.SILENT, Stream.TRAILING)
_CALLS = tuple(each for each in Point if each is not Point.MESSAGE)
_READS = frozenset(
    {Point.LOOK, Point.BEFORE, Point.BALANCE, Point.AFTER, Point.BOOKING, Point.DRAFT, Point.POLL}
)
_REFUSALS = (
    (Point.CREATE, Kind.MALFORMED),
    (Point.UPLOAD, Kind.BAD_FORMAT),
    (Point.UPLOAD, Kind.TOO_LARGE),
    (Point.MESSAGE, Kind.NO_CREDITS),
    (Point.MESSAGE, Kind.BROKEN),
    (Point.MESSAGE, Kind.DROPPED),
    (Point.MESSAGE, Kind.BUSY),
    (Point.MESSAGE, Kind.LIMITED),
    (Point.SUBMIT, Kind.NO_PLAN),
    (Point.SUBMIT, Kind.NO_SCOPE),
    (Point.SUBMIT, Kind.UNHEARD),
    (Point.CREATE, Kind.UNHEARD),
    (Point.UPLOAD, Kind.UNHEARD),
    (Point.POLL, Kind.FORGOTTEN),
)
_LOSSES = (
    Point.LOOK, Point.UPLOAD, Point.BEFORE, Point.MESSAGE, Point.AFTER, Point.DRAFT, Point.SUBMIT,
)  # fmt: skip
_TOKENS = (
    Point.LOOK, Point.UPLOAD, Point.BEFORE, Point.BALANCE, Point.MESSAGE, Point.AFTER, Point.DRAFT,
    Point.SUBMIT, Point.POLL,
)  # fmt: skip
_STATES = ("session_open", "uploaded", "captioning", "captioned", "rendering", "rendered")


def draw(seed: int) -> Scenario:
    """The scenario of a seed; always the same one."""
    dice = Random(seed)
    labels = "AB" if dice.random() < 0.5 else "A"
    way = dice.random()
    if way < 0.12:
        return _endless(dice, seed, labels)
    if way < 0.22:
        return _canceled(dice, seed, labels)
    balance = dice.choice((1000, 1000, 1000, 50 * len(labels), 50 * len(labels) - 10, 0))
    cuts = tuple(_cut(dice, seed, label, balance) for label in labels)
    return Scenario(seed, cuts, balance, LONG_S, dice.choice(tuple(Person)))


def _cut(dice: Random, seed: int, label: str, balance: int) -> CutPlan:
    stream = dice.choice(_STREAMS) if dice.random() < 0.5 else dice.choice(_QUIET)
    export = dice.choice(tuple(Export)) if dice.random() < 0.4 else Export.PLAIN
    death = dice.choice(tuple(Death)) if dice.random() < 0.35 else Death.NONE
    faults = _faults(dice, balance)
    if stream is Stream.UNHEARD and any(fault.point is Point.MESSAGE for fault in faults):
        stream = Stream.PLAIN  # a refusal that nobody hears is no refusal
    later = Random(f"{seed}:{label}")
    if stream in _QUIET and later.random() < 0.15:
        stream = later.choice(_LATER)
    return CutPlan(label, stream, export, death, faults)


def _faults(dice: Random, balance: int) -> tuple[Fault, ...]:
    faults: list[Fault] = []
    for _ in range(dice.choice((0, 1, 1, 2, 3))):
        point = dice.choice(_CALLS)
        kinds = (*PASSING, Kind.TORN, Kind.SLOW) if point in _READS else PASSING
        faults.append(Fault(point, dice.choice(kinds), dice.choice((1, 1, 2, 4))))
    if dice.random() < 0.35:
        faults.append(Fault(*dice.choice(_REFUSALS)))
    elif dice.random() < 0.25:
        # an own token is dead for good, until somebody gives another
        faults.append(Fault(dice.choice(_TOKENS), Kind.DEAD_TOKEN, 0 if balance else 1))
    elif dice.random() < 0.3 and balance == 1000:
        faults.append(Fault(dice.choice(_LOSSES), Kind.LOST_SESSION))
    return _one_each(faults)


def _one_each(faults: list[Fault]) -> tuple[Fault, ...]:
    """One fault at a point, the last one drawn; a mended one lasts until then."""
    found = {each.point: each for each in faults}
    return tuple(
        Fault(each.point, each.kind, 0 if each.kind in MENDED else each.times)
        for each in found.values()
    )


def _endless(dice: Random, seed: int, labels: str) -> Scenario:
    """One call of the first cut never gets its answer again; its sibling is well."""
    point = dice.choice(tuple(Point))
    kinds = (Kind.BUSY, Kind.LIMITED) if point is Point.MESSAGE else PASSING
    faults = [Fault(point, dice.choice(kinds), 0)]
    if point is Point.FALLBACK:
        faults.append(Fault(Point.RESULT, dice.choice(PASSING), 0))
    cuts = [CutPlan("A", dice.choice(_QUIET), faults=tuple(faults))]
    cuts += [CutPlan(label, dice.choice(_QUIET)) for label in labels[1:]]
    return Scenario(seed, tuple(cuts), 1000, SHORT_S, Person.NOTHING)


def _canceled(dice: Random, seed: int, labels: str) -> Scenario:
    cuts = tuple(CutPlan(label, dice.choice(_QUIET)) for label in labels)
    state = dice.choice(_STATES)
    cancel = Cancel(dice.choice(labels), state, seen=dice.random() < 0.5)
    return Scenario(seed, cuts, 1000, LONG_S, Person.NOTHING, cancel)
