"""The durations of a run: those of production, shortened; at scale 1 a lease lasts 3 seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

#: Seconds at scale 1.
_DURATIONS: Mapping[str, tuple[float, ...]] = {
    "LEASE_S": (3,),
    "LEASE_GRACE_S": (0.5,),
    "EXTEND_EVERY_S": (0.5,),
    "READING_FRESH_S": (1.5,),
    "TICK_EVERY_S": (0.3,),
    "RING_S": (0.5,),
    "RING_MAX_S": (2,),
    "LOOK_EVERY_S": (3,),
    "EXPERIMENT_LOOK_EVERY_S": (1,),
    "STEP_RETRY_S": (0.5,),
    "POLL_EVERY_S": (0.5,),
    "RECOVERY_LOOKS_S": (1, 3, 5, 7, 9),
    "SETTLE_S": (0.7,),
    "STREAM_SILENCE_S": (9,),
    "STREAM_IDLE_S": (30,),
    "STREAM_TOTAL_S": (45,),
    "RETRY_BACKOFF_S": (0.1, 0.2, 0.4),
    "READ_TIMEOUT_S": (5,),
    "TOKEN_LOCK_S": (3,),
    "OUTBOUND_READ_S": (1,),
    "OUTBOUND_CONNECT_S": (1,),
    "WEBHOOK_DEADLINE_S": (1.5,),
    "WEBHOOK_SCHEDULE_S": (0, 0.3, 1, 2, 3, 4, 5, 6, 8, 10),
    "DRAIN_S": (5,),
    "HANDBACK_S": (2,),
}
#: What is no duration, or is not a matter of scale.
_FIXED = {
    "POLL_LIMIT": "60",
    "JOB_DEADLINE_S": "1200",
    "TENANT_OPEN_JOBS": "100000",
    "KEY_JOBS_PER_MINUTE": "0",
    "KEY_REQUESTS_PER_MINUTE": "0",
    "ACCOUNT_SLOTS": "16",
    "FLOW_STREAMS": "100",
    "TRANSFER_THREADS": "4",
    "MEDIA_PROCESSES": "1",
    "HOOKS_GREENLETS": "50",
    "COMPARE_DEADLINE_S": "0",  # a job's videos are copies here: there is nothing to measure
    "CALLER_HTTP": "true",
}


@dataclass(frozen=True, slots=True)
class Scale:
    """How long things take; 2 is twice as slow as 1."""

    factor: float = 1.0

    @property
    def lease_s(self) -> float:
        return 3.0 * self.factor

    @property
    def grace_s(self) -> float:
        return 0.5 * self.factor

    @property
    def resume_bound_s(self) -> float:
        """Within what time the rows of a killed process are worked on again."""
        return self.lease_s + self.grace_s + 2.0

    def as_env(self) -> dict[str, str]:
        """The settings of every process of a run."""
        lasting = {
            f"CAPTION_AB_{name}": ",".join(f"{each * self.factor:g}" for each in seconds)
            for name, seconds in _DURATIONS.items()
        }
        lasting |= {f"CAPTION_AB_{name}": value for name, value in _FIXED.items()}
        return lasting


@dataclass(frozen=True, slots=True)
class Production:
    """Every duration as it is when nobody sets it; only the receiver on this machine is let in."""

    def as_env(self) -> dict[str, str]:
        return {"CAPTION_AB_CALLER_HTTP": "true"}
