"""The stills of a comparison, asked of a process of their own and listened to while it draws."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from service.compare.pictures_plan import Plan
from service.media.child import ENVIRONMENT, Work, end_group, ended_after, name_end, read_tail
from service.media.limits import MediaLimits
from service.model.documents import read_document

_log = logging.getLogger(__name__)
_MOST_SAID = 500
_STILL_BYTES = 64_000_000
#: A process that a file has taken over says anything; our own says less.
_MOST_LINES, _LINE_BYTES = 200, 100_000
_NAME = re.compile(r"[a-z]+[A-Za-z0-9 _-]{0,40}")
_TYPES = {"jpg": "image/jpeg", "png": "image/png"}

#: Told how many of all pictures are done.
Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is pictured: local files of a clip and its variants, and the clip's part of the report.

    All pictures are made into `folder`.
    """

    source: Path | None
    variants: Mapping[str, Path]
    report: Mapping[str, Any]
    folder: Path


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in its folder: size in pixels, and what it shows in words."""

    name: str
    file: str
    type: str
    width: int
    height: int
    text: str
    variant: str | None = None


@dataclass
class Drawn:
    """What the process has told: its plan, what it knows of each video, and what it made."""

    plan: Plan | None = None
    films: dict[str, dict[str, Any]] = field(default_factory=dict)
    pictures: list[Picture] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def hear(self, told: Mapping[str, Any]) -> None:
        """Take one line of the process.

        Raises:
            ValueError, TypeError, KeyError: it is none that our own code writes.
        """
        if "made" in told:
            picture = Picture(**told["made"])
            if self.plan is None or picture.name not in self.plan.names or not _is_ours(picture):
                raise ValueError("a picture that was not planned")
            self.pictures.append(picture)
        elif "fault" in told:
            self.faults.append(told["fault"])
        else:
            self.plan = read_document(Plan, json.dumps(told["plan"]))
            self.films = told["films"]


def _is_ours(picture: Picture) -> bool:
    """Whether a picture is named as ours are: its file is read, and sent, under this name."""
    ends = picture.file.removeprefix(f"{picture.name}.")
    return _NAME.fullmatch(picture.name) is not None and _TYPES.get(ends) == picture.type


def draw_stills(subject: Subject, limits: MediaLimits, tell: Tell) -> Drawn:
    """All pictures but the video. What was made before the process ended counts."""
    asked = subject.folder / "request.json"
    asked.write_text(json.dumps(_request(subject, limits)), encoding="utf-8")
    drawn = Drawn()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            Work("service.compare.pictures_apart", (str(asked.absolute()),)).command,
            cwd=subject.folder,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            start_new_session=True,
        )
        with ended_after(process, limits.deadline_s) as late:
            listen(process, drawn, tell)
            process.wait()
        if late.is_set():
            drawn.faults.append(f"The stills took longer than {limits.deadline_s:g} s.")
        elif process.returncode != 0:
            _log.warning(
                "drawing_ended",
                extra={"code": process.returncode, "said": read_tail(said, _MOST_SAID)},
            )
            drawn.faults.append(f"Drawing the stills ended with {name_end(process.returncode)}.")
    return drawn


def listen(process: subprocess.Popen[bytes], drawn: Drawn, tell: Tell) -> None:
    """Take lines until the process ends; it is killed when it says what our own code never does."""
    for _ in range(_MOST_LINES):
        line = process.stdout.readline(_LINE_BYTES) if process.stdout else b""
        if not line:
            return
        try:
            drawn.hear(json.loads(line))
        except (ValueError, TypeError, KeyError):
            break
        if drawn.plan is not None:
            tell(len(drawn.pictures), len(drawn.plan.names))
    drawn.faults.append("What the process of the stills said cannot be read.")
    end_group(process)


def _request(subject: Subject, limits: MediaLimits) -> dict[str, Any]:
    return {
        "source": None if subject.source is None else str(subject.source.absolute()),
        "variants": {label: str(path.absolute()) for label, path in subject.variants.items()},
        "report": subject.report,
        "folder": str(subject.folder.absolute()),
        "limits": asdict(replace(limits, output_bytes=_STILL_BYTES)),
    }
