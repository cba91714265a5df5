"""How the sandbox is told what a scenario's words mean."""

from __future__ import annotations

from typing import Any

from tests.scenarios.scenario import Export, Kind, Point, Stream

#: The states of a cut in which a point's call is made, and the sandbox's name of the call.
WHERE: dict[Point, tuple[frozenset[str], str]] = {
    Point.CREATE: (frozenset({"queued"}), "session"),
    Point.LOOK: (frozenset({"session_open"}), "state"),
    Point.UPLOAD: (frozenset({"session_open"}), "upload"),
    Point.BEFORE: (frozenset({"uploaded"}), "state"),
    Point.BALANCE: (frozenset({"uploaded"}), "credits"),
    Point.MESSAGE: (frozenset({"captioning"}), "message"),
    Point.AFTER: (frozenset({"captioning", "recovering"}), "state"),
    Point.BOOKING: (frozenset({"captioning", "recovering"}), "credits"),
    Point.DRAFT: (frozenset({"rendering"}), "state"),
    Point.SUBMIT: (frozenset({"rendering"}), "submit"),
    Point.POLL: (frozenset({"rendering"}), "poll"),
    Point.RESULT: (frozenset({"rendered"}), "result"),
    Point.FALLBACK: (frozenset({"rendered"}), "download"),
}

#: What a call meets; a lost session is no answer, it is taken away before the call.
RULES: dict[Kind, dict[str, Any]] = {
    Kind.BUSY: {"status": 503},
    Kind.PAGE: {"status": 502, "body": "html"},
    Kind.LIMITED: {"status": 429},
    Kind.DROPPED: {"drop": "before"},
    Kind.UNHEARD: {"drop": "after"},
    Kind.TORN: {"truncate": True},
    Kind.SLOW: {"delay_s": 15.0},
    Kind.BROKEN: {"status": 500},
    Kind.DEAD_TOKEN: {"code": 1001},
    Kind.NO_CREDITS: {"code": 2001},
    Kind.NO_PLAN: {"status": 402, "message": "Free plan export blocked."},
    Kind.NO_SCOPE: {"status": 403, "body": "detail", "message": "missing scope"},
    Kind.BAD_FORMAT: {"code": 4001},
    Kind.TOO_LARGE: {"code": 4002},
    Kind.MALFORMED: {"status": 422, "body": "detail", "message": "body.language: missing"},
    Kind.FORGOTTEN: {"status": 404, "body": "success", "message": "render not found"},
}

STREAMS: dict[Stream, dict[str, Any]] = {
    Stream.SILENT: {"silent_rate": 1.0},
    Stream.SLOW: {"edit_s": 300.0},
    Stream.TRAILING: {"trailing_text": True},
    Stream.DROP_BEFORE: {"drop_after_events": 1},
    Stream.DROP_AFTER: {"drop_after_events": 2},
    Stream.DROP_APPLIED: {"drop_after_events": 1, "run_continues": True},
    Stream.NEVER: {"edit_applied": "never"},
    Stream.NEVER_CHARGED: {"edit_applied": "never", "charge_unapplied": True},
    Stream.LATE: {"edit_applied": "late", "late_s": 45.0},
    Stream.ERROR_BEFORE: {"error_midstream": "before_edit"},
    Stream.ERROR_AFTER: {"error_midstream": "after_edit"},
    Stream.APOLOGY: {"apology": "instead"},
    Stream.APOLOGY_AFTER: {"apology": "after_edit"},
    Stream.STALL_AFTER: {"stall": "heartbeats", "stall_at": "after_edit", "stall_s": 1000.0},
    Stream.STALL_APPLIED: {
        "stall": "heartbeats", "stall_s": 700.0, "run_on_disconnect": "continue",
    },
    # Without any time before it: while a stream is silent the clock stands still.
    Stream.HUSH_BEFORE: {"edit_s": 0.0, "stall": "silence", "stall_s": 1000.0},
    Stream.HUSH_AFTER: {
        "edit_s": 0.0, "stall": "silence", "stall_at": "after_edit", "stall_s": 1000.0,
    },
    Stream.HUSH_APPLIED: {
        "edit_s": 0.0, "stall": "silence", "stall_s": 200.0, "run_on_disconnect": "continue",
    },
    Stream.STAGED: {"obedience": 0.0, "two_stage": "both", "two_stage_s": 20.0},
    Stream.STAGED_CUT: {
        "obedience": 0.0, "two_stage": "both", "two_stage_s": 40.0, "drop_after_events": 2,
    },
}  # fmt: skip

EXPORTS: dict[Export, dict[str, Any]] = {
    Export.FAILS_ONCE: {"render_fail": "once"},
    Export.FAILS_ALWAYS: {"render_fail": "always"},
    Export.DUPLICATE: {"duplicate_id": "once"},
    Export.NO_ADDRESS: {"completed_without_url": True},
    Export.DEAD_LINK: {"result_dead": True},
    Export.NO_RESULT: {"result_dead": True, "fallback": "none"},
    Export.TOO_SLOW: {"processing_s": 400.0},
}
