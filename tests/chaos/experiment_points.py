"""Named points in the life of an experiment, as `points.py` has those of a job. Plain data.

Plans are attached and outcomes are counted by the API, whose caller asks again; the book is opened,
and the verdict frozen and told, by the look of a media worker.
"""

from __future__ import annotations

from tests.chaos.points import Expected, Keeps, Point
from tests.chaos.stores import COUNTING as COUNTS
from tests.chaos.stores import MAIN
from tests.chaos.watch import Deed, Wire

_ROW = "^experiment:"
_BEGUN, _LOOKED, _FROZEN = ("", "begun"), ("", "looked at"), ("", "frozen")
#: Nobody had claimed anything, or all that was claimed is done.
_FREE = Expected(resumes=False)
_HELD = Expected()

BEGINNING = (
    Point("before a plan is attached", Wire.BEFORE, "attach_plan", Keeps.NOTHING_WRITTEN, _FREE),
    Point("after a plan is attached", Wire.AFTER, "attach_plan", Keeps.SAME_PLAN, _FREE),
    Point("before an experiment begins", Wire.BEFORE, "attach_experiment", Keeps.LEASE_ENDS, _HELD,
          _ROW, _BEGUN, victim="media"),
    Point("after an experiment has begun", Wire.AFTER, "attach_experiment", Keeps.OPENED_ONCE,
          _HELD, _ROW, _BEGUN, victim="media"),
)  # fmt: skip
COUNTING = (
    Point("before outcomes are counted", Wire.BEFORE, "record_outcomes", Keeps.NOTHING_WRITTEN,
          _FREE),
    # A batch is two pieces; a store that has just begun is asked for each twice.
    Point("in the middle of a batch", Wire.BEFORE, "record_outcomes", Keeps.COUNTED_ONCE, _FREE,
          skips=3),
    Point("after outcomes are counted", Wire.AFTER, "record_outcomes", Keeps.COUNTED_ONCE, _FREE),
)  # fmt: skip
DECIDING = (
    Point("before a look is kept", Wire.BEFORE, "freeze_verdict", Keeps.LEASE_ENDS, _HELD, _ROW,
          _LOOKED),
    Point("after a look is kept", Wire.AFTER, "freeze_verdict", Keeps.LEASE_ENDS, _HELD, _ROW,
          _LOOKED),
    Point("before a verdict is frozen", Wire.BEFORE, "freeze_verdict", Keeps.LEASE_ENDS, _HELD,
          _ROW, _FROZEN),
    Point("between the freeze and the telling", Wire.AFTER, "freeze_verdict", Keeps.FROZEN_IS_TOLD,
          _HELD, _ROW, _FROZEN),
    Point("before a verdict is told", Wire.BEFORE, "close_experiment", Keeps.FROZEN_IS_TOLD, _HELD),
    Point("after a verdict is told", Wire.AFTER, "close_experiment", Keeps.TELLING_WRITTEN, _FREE),
    Point("stopped between the freeze and the telling", Wire.AFTER, "freeze_verdict",
          Keeps.TOLD_ONCE, _FREE, _ROW, _FROZEN, deed=Deed.STOP),
)  # fmt: skip
#: It is a store that dies, in the middle of what it is asked.
STORING = (
    Point("the main store dies when a plan is attached", Wire.AFTER, "attach_plan",
          Keeps.SAME_PLAN, _FREE, victim=MAIN),
    Point("the store of counts dies in the middle of a batch", Wire.BEFORE, "record_outcomes",
          Keeps.COUNTED_ONCE, _FREE, victim=COUNTS, skips=3),
    Point("the store of counts dies when a verdict is frozen", Wire.AFTER, "freeze_verdict",
          Keeps.FROZEN_IS_TOLD, _FREE, _ROW, _FROZEN, victim=COUNTS),
    Point("the main store dies before a verdict is told", Wire.BEFORE, "close_experiment",
          Keeps.FROZEN_IS_TOLD, _FREE, victim=MAIN),
    Point("the main store dies when a verdict is told", Wire.AFTER, "close_experiment",
          Keeps.TELLING_WRITTEN, _FREE, victim=MAIN),
)  # fmt: skip
EXPERIMENT_POINTS = (*BEGINNING, *COUNTING, *DECIDING, *STORING)
