"""A job as the commands see it: what is asked for, how far it is, what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.client import Client, Problem, Progress
from cli.interrupt import Interrupt
from cli.terminal import printable

ENDED = frozenset({"succeeded", "partial", "failed", "canceled", "expired"})
_LOOK_EVERY_S = 0.4
#: A service that is being restarted answers again within this time.
_PATIENCE_S = 60.0
_PATHS = {".srt": "srt", ".vtt": "vtt", ".ttml": "ttml", ".dfxp": "ttml", ".xml": "ttml"}


@dataclass(frozen=True, slots=True)
class Seen:
    """A unit that has moved: `what` is `job`, `clip` or a variant's label."""

    at_s: float
    what: str
    status: str
    note: str = ""


def captions_of(path: Path) -> dict[str, str]:
    """A captions file as the API takes it; without a known ending the API tells the format.

    Raises:
        Problem: the file is not there or not text.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise Problem({"detail": f"There is no captions file {path}."}) from None
    except (OSError, UnicodeDecodeError) as error:
        raise Problem({"detail": f"{path} cannot be read as UTF-8 text ({error})."}) from None
    known = _PATHS.get(path.suffix.lower())
    return {"text": text, **({"format": known} if known else {})}


def job_request(
    upload_id: str, captions: Mapping[str, str] | None, presets: Mapping[str, str]
) -> dict[str, Any]:
    """The request of an A/B job of one clip; `presets` maps labels to style presets."""
    request: dict[str, Any] = {
        "clips": [{"upload_id": upload_id}],
        "variants": [
            {"label": label, "style": {"preset": preset}} for label, preset in presets.items()
        ],
    }
    if captions is not None:
        request["captions"] = dict(captions)
    return request


def follow(
    client: Client, job_id: str, interrupt: Interrupt, look: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Show a job to `look` again and again until it has ended or needs a person.

    Raises:
        Problem: the API refuses, or has been away for a minute.
        Interrupted: the user asked to stop.
    """
    answered_s = time.monotonic()
    while True:
        try:
            job = client.job(job_id)
            answered_s = time.monotonic()
        except Problem as problem:
            away = problem.status in {0, 502, 503}
            if not away or time.monotonic() - answered_s > _PATIENCE_S:
                raise
        else:
            look(job)
            if job["status"] in ENDED or job["status"] == "action_required":
                return job
        interrupt.wait(_LOOK_EVERY_S)


class Changes:
    """Tells what has changed between one look at a job and the next."""

    def __init__(self) -> None:
        self._began_s = time.monotonic()
        self._last: dict[str, tuple[str, str]] = {}

    def since_last(self, job: Mapping[str, Any]) -> Iterator[Seen]:
        """Each unit whose state is another than at the last look."""
        at_s = time.monotonic() - self._began_s
        for what, status, note in units(job):
            if self._last.get(what) != (status, note):
                self._last[what] = (status, note)
                yield Seen(at_s, what, status, note)


def units(job: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """The job, its clips and its cuts: what, status and a note."""
    yield "job", job["status"], ""
    many = len(job["clips"]) > 1
    for clip in job["clips"]:
        yield _named("clip", clip["index"], many), clip["status"], _clip_note(clip)
    for variant in job["variants"]:
        for cut in variant["cuts"]:
            yield _named(variant["label"], cut["clip"], many), cut["status"], _cut_note(cut)


def _named(what: str, index: int, many: bool) -> str:  # noqa: FBT001
    return f"{what} {index + 1}" if many else what


def _clip_note(clip: Mapping[str, Any]) -> str:
    if clip.get("error"):
        return str(clip["error"]["detail"])
    media = clip.get("media")
    if not media:
        return ""
    sound = "with sound" if media["audio"] else "without sound"
    return f"{media['width']}x{media['height']}, {media['duration_s']:.2f} s, {sound}"


def _cut_note(cut: Mapping[str, Any]) -> str:
    if cut.get("error"):
        return str(cut["error"]["detail"])
    if cut["status"] == "succeeded" and cut.get("video"):
        video = cut["video"]
        return f"{video['width']}x{video['height']}, {video['size'] / 1e6:.1f} MB"
    if cut["status"] == "captioned" and cut.get("edit", {}).get("credits"):
        return f"{cut['edit']['credits']} credits"
    return ""


def errors_of(job: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every error that a clip or a cut of the job carries, each once."""
    told: set[str] = set()
    cuts = [cut for variant in job["variants"] for cut in variant["cuts"]]
    for unit in [*job["clips"], *cuts]:
        error = unit.get("error")
        if error and error["detail"] not in told:
            told.add(error["detail"])
            yield error


def warnings_of(job: Mapping[str, Any]) -> Iterator[str]:
    """Every warning of the job and of its cuts, each once; those of a cut name its variant.

    They may hold words of the backend, so nothing of them moves the cursor.
    """
    told = dict.fromkeys(str(each["detail"]) for each in job.get("warnings") or ())
    for variant in job["variants"]:
        texts = [text for cut in variant["cuts"] for text in cut.get("warnings") or ()]
        told |= dict.fromkeys(f"{variant['label']}: {text}" for text in texts)
    yield from map(printable, told)


def download_results(
    client: Client, job: Mapping[str, Any], folder: Path, progress: Progress
) -> dict[str, Path]:
    """Fetch the video of every cut that has one: `A.mp4`, or `A-2.mp4` for the second clip."""
    folder.mkdir(parents=True, exist_ok=True)
    videos = {}
    for variant in job["variants"]:
        for cut in variant["cuts"]:
            if not cut.get("video"):
                continue
            more = f"-{cut['clip'] + 1}" if cut["clip"] else ""
            target = folder / f"{variant['label']}{more}.mp4"
            client.download(cut["video"]["url"], target, progress)
            videos[f"{variant['label']}{more}"] = target
    return videos
