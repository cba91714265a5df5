"""Whether captions are shown at all: their times beside the length of a clip. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from service.captions.model import POINTER, Captions, format_time

CODE = "captions_past_end"
HINT = "Correct the times of `captions.text`, which count from the start of the clip."


@dataclass(frozen=True, slots=True)
class Misfit:
    """Captions that start when the clip is over; `all_late` when none starts before.

    `clip` is the index of the clip, times are milliseconds from its start.
    """

    clip: int
    late: int
    cues: int
    first_ms: int
    clip_ms: int

    @property
    def all_late(self) -> bool:
        return self.late == self.cues

    @property
    def detail(self) -> str:
        length = f"clip {self.clip + 1} lasts {format_time(self.clip_ms)}"
        first = format_time(self.first_ms)
        if self.all_late:
            return f"No caption starts before the clip's end: the first at {first}, {length}."
        return (
            f"{self.late} of {self.cues} captions start after the clip's end and are not shown: "
            f"the first of them at {first}, {length}."
        )

    @property
    def place(self) -> dict[str, str | int | float]:
        """Where to look, as fields of an error."""
        return {
            "pointer": POINTER,
            "clip": self.clip,
            "first_caption_s": self.first_ms / 1000,
            "clip_duration_s": self.clip_ms / 1000,
        }


def find_misfit(captions: Captions | None, clip: int, duration_s: float) -> Misfit | None:
    """What of some captions starts after the end of a clip; None when nothing does.

    A script without times and captions that the backend transcribes fit any clip; so does
    anything where the length is not known (0).
    """
    clip_ms = round(duration_s * 1000)
    if captions is None or not captions.cues or clip_ms <= 0:
        return None
    late = [cue.start_ms for cue in captions.cues if cue.start_ms >= clip_ms]
    if not late:
        return None
    return Misfit(clip, len(late), len(captions.cues), min(late), clip_ms)
