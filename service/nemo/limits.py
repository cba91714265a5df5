"""The durations of the backend's calls, taken from the settings."""

from __future__ import annotations

from dataclasses import dataclass

from service.settings import Settings


@dataclass(frozen=True, slots=True)
class Limits:
    """How long the client waits and how often it tries; every figure but the last is a setting."""

    connect_s: float = 10.0
    read_s: float = 60.0
    transfer_s: float = 1800.0
    silence_s: float = 90.0
    idle_s: float = 600.0
    total_s: float = 900.0
    #: As many tries of a safe call as there are figures.
    backoff_s: tuple[float, ...] = (1.0, 2.0, 4.0)
    reply_bytes: int = 64 * 1024 * 1024

    @classmethod
    def from_settings(cls, settings: Settings) -> Limits:
        return cls(
            connect_s=settings.connect_timeout_s,
            read_s=settings.read_timeout_s,
            transfer_s=settings.transfer_deadline_s,
            silence_s=settings.stream_silence_s,
            idle_s=settings.stream_idle_s,
            total_s=settings.stream_total_s,
            backoff_s=settings.retry_backoff_s,
        )
