"""Measuring in a process of its own: bounded in memory and time, without secrets, writing nothing.

`python -m service.compare.apart`, with a request as JSON on its input, is that process. What else
differs and how captions read are two such processes, so that neither takes the other with it.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from service.captions.model import Cue
from service.compare.facts import ClipFacts, ClipSights
from service.media.child import ChildFailed, Work, run_child
from service.media.limits import MediaLimits, limit_process
from service.model.documents import read_document, write_document

_log = logging.getLogger(__name__)
#: Facts of a long clip in many variants are some 10 MB.
_MOST_BYTES = 100_000_000
_Facts = TypeVar("_Facts", ClipFacts, ClipSights)


def measure_apart(
    source: Path,
    variants: Mapping[str, Path],
    cues: Sequence[tuple[float, float]],
    limits: MediaLimits,
) -> ClipFacts:
    """Measure a clip as `measure` does; what goes wrong on the way is the `fault` of the facts."""
    request = {"cues": [list(each) for each in cues], **_places(source, variants)}
    return _run("control", request, limits, ClipFacts)


def look_apart(
    source: Path | None,
    variants: Mapping[str, Path],
    cards: Mapping[str, Sequence[Cue]],
    asked: Mapping[str, str],
    limits: MediaLimits,
) -> ClipSights:
    """Look at captions as `look` does; what goes wrong on the way is the `fault` of the facts."""
    told = {
        label: [[card.start_ms, card.end_ms, card.text] for card in each]
        for label, each in cards.items()
    }
    request = {"cards": told, "asked": dict(asked), **_places(source, variants)}
    return _run("captions", request, limits, ClipSights)


def _places(source: Path | None, variants: Mapping[str, Path]) -> dict[str, Any]:
    return {
        "source": str(source) if source else "",
        "variants": {label: str(path) for label, path in variants.items()},
    }


def _run(what: str, request: Mapping[str, Any], limits: MediaLimits, kind: type[_Facts]) -> _Facts:
    asked = {"what": what, "limits": asdict(limits), **request}
    work = Work("service.compare.apart", given=json.dumps(asked).encode())
    try:
        said = run_child(work, deadline_s=limits.deadline_s, most_bytes=_MOST_BYTES)
        return read_document(kind, said.decode())
    except ChildFailed as error:
        if error.late:
            return kind(fault=f"Comparing took longer than {limits.deadline_s:.0f} s.")
        _log.warning(
            "measuring_ended", extra={"why": error.detail, "said": error.words, "what": what}
        )
        return kind(fault=f"Comparing failed. {error.detail}")
    except ValueError:
        return kind(fault="What was measured cannot be read.")


def main(request: dict[str, Any]) -> None:
    """Bound this process, measure, and print the facts as JSON."""
    limits = MediaLimits(**request["limits"])
    measure = {"control": _control, "captions": _captions}[request["what"]]
    limit_process(limits)
    try:
        facts = measure(request, limits)
    except MemoryError:
        fault = f"Comparing takes more than {limits.memory_bytes} bytes of memory."
        facts = (ClipFacts if request["what"] == "control" else ClipSights)(fault=fault)
    sys.stdout.write(write_document(facts))


def _control(request: Mapping[str, Any], limits: MediaLimits) -> ClipFacts:
    from service.compare.measure import measure

    cues = [(start_s, end_s) for start_s, end_s in request["cues"]]
    source, variants = Path(request["source"]), _paths(request)
    return measure(source, variants, cues, most_pixels=limits.pixels)


def _captions(request: Mapping[str, Any], limits: MediaLimits) -> ClipSights:
    from service.compare.sights import look

    source = Path(request["source"]) if request["source"] else None
    cards = {label: [Cue(*each) for each in told] for label, told in request["cards"].items()}
    return look(source, _paths(request), cards, request["asked"], most_pixels=limits.pixels)


def _paths(request: Mapping[str, Any]) -> dict[str, Path]:
    return {label: Path(path) for label, path in request["variants"].items()}


if __name__ == "__main__":
    main(json.load(sys.stdin))
