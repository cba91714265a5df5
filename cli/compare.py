"""`caption-ab compare`: how captions of finished videos read, from files alone."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cli.client import Problem
from cli.comparison import show_comparison
from cli.terminal import Screen, say
from service.captions.cues import parse_captions
from service.captions.model import Cue
from service.captions.style import PRESETS, Style, build_style
from service.compare.files import compare_files

_LABELS = "ABCDEFGH"
_FORMATS = {".srt": "srt", ".vtt": "vtt", ".ttml": "ttml", ".dfxp": "ttml", ".xml": "ttml"}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser("compare", help="compare finished videos by their captions")
    parser.add_argument("videos", type=Path, nargs="+", metavar="VIDEO", help="two to eight videos")
    parser.add_argument("--source", type=Path, help="the clip without captions")
    parser.add_argument(
        "--captions", type=Path, action="append", default=[],
        help="what is shown when; one file for all videos, or one for each in their order",
    )  # fmt: skip
    parser.add_argument(
        "--style", action="append", default=[], metavar="PRESET",
        help=f"the style of each video in their order: {', '.join(PRESETS)}",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--out", type=Path, help="write the report as JSON to this file")
    parser.set_defaults(action=compare)


def compare(options: argparse.Namespace) -> int:
    """Measure and print; 0 when there is a comparison, 1 when there is none.

    Raises:
        Problem: a file is not there, or there are too few or too many of something.
    """
    videos = options.videos
    if not 2 <= len(videos) <= len(_LABELS):
        raise Problem({"detail": f"Two to {len(_LABELS)} videos are compared, not {len(videos)}."})
    labels = _LABELS[: len(videos)]
    for path in (*videos, *([options.source] if options.source else [])):
        if not path.is_file():
            raise Problem({"detail": f"There is no file {path}."})
    own = _cues_of(options.captions, labels)
    report = compare_files(
        options.source,
        dict(zip(labels, videos, strict=True)),
        own.get(labels[0], []),
        _styles_of(options.style, labels),
        cues_of=own,
    )
    if options.out:
        options.out.write_text(_as_text(report), encoding="utf-8")
    if options.json:
        say(_as_text(report))
    else:
        for label, path in zip(labels, videos, strict=True):
            say(f"{label}: {path}")
        show_comparison(report, Screen())
        for line in _advise(options, labels):
            say(line)
    return 0 if report["status"] == "done" else 1


def _advise(options: argparse.Namespace, labels: str) -> Iterator[str]:
    """What the user may not have meant, and what more there could be."""
    named = dict(zip(labels, options.videos, strict=True))
    named |= {"the clip": options.source} if options.source else {}
    seen: dict[str, str] = {}
    for name, path in named.items():
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest in seen:
            yield f"Note: {seen[digest]} and {name} are the same file."
        seen.setdefault(digest, name)
    if not options.source:
        yield "With --source CLIP it can be measured whether only the captions differ."
    if not options.captions:
        yield "With --captions FILE (SRT, VTT or TTML) it can be measured how they read."


def _as_text(report: dict[str, Any]) -> str:
    return json.dumps(report, ensure_ascii=False, indent=2)


def _cues_of(paths: list[Path], labels: str) -> dict[str, list[Cue]]:
    """The cues of each video; none where no captions are given."""
    if not paths:
        return {}
    return dict(zip(labels, map(_read_cues, _for_each(paths, labels, "captions")), strict=True))


def _styles_of(names: list[str], labels: str) -> dict[str, Style] | None:
    if not names:
        return None
    styles = [build_style({"preset": name}) for name in _for_each(names, labels, "style")]
    return dict(zip(labels, styles, strict=True))


def _for_each(given: list[Any], labels: str, option: str) -> list[Any]:
    """One for all, or one for each."""
    if len(given) == 1:
        return given * len(labels)
    if len(given) != len(labels):
        detail = f"--{option} is given {len(given)} times for {len(labels)} videos."
        raise Problem({"detail": detail, "hint": "Give it once for all, or once for each video."})
    return given


def _read_cues(path: Path) -> list[Cue]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise Problem({"detail": f"There is no captions file {path}."}) from None
    except (OSError, UnicodeDecodeError) as error:
        raise Problem({"detail": f"{path} cannot be read as UTF-8 text ({error})."}) from None
    cues = parse_captions(_FORMATS.get(path.suffix.lower()), text).cues
    if not cues:
        hint = "Give SRT, VTT or TTML: legibility is measured while captions are shown."
        raise Problem({"detail": f"{path} has no times.", "hint": hint})
    return list(cues)
