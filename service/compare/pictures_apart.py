"""Taking and drawing the stills of a comparison in a process of its own: bounded, without secrets.

`python -m service.compare.pictures_apart FILE` is that process; the file is its request as JSON. It
writes into the request's folder alone, and tells of each picture in a line of JSON when it is done.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.compare.pictures_plan import Plan, Worst, plan_pictures
from service.compare.pictures_words import (
    name_worst,
    say_contact_sheet,
    say_difference,
    say_poster,
    say_worst,
)
from service.errors import CaptionAbError
from service.media.limits import MediaLimits, limit_process
from service.model.documents import write_document

if TYPE_CHECKING:
    from PIL.Image import Image

    from service.compare.pictures_frames import Stills

Use = Callable[["Image"], None]
_QUALITY = 88
_POSTER_LONG = 1280
_TYPES = {"jpg": "image/jpeg", "png": "image/png"}


class Easel:
    """The stills of one clip: frames are taken variant by variant, and drawn as soon as it goes."""

    def __init__(self, films: Mapping[str, Stills], source: Path | None, folder: Path) -> None:
        self._films = films
        self._source = source
        self._folder = folder
        self._cells: dict[tuple[str, float], Image] = {}
        self._crops: dict[tuple[str, str], Image] = {}
        self._wholes: dict[str, Image] = {}

    def draw(self, plan: Plan, *, most_pixels: int) -> None:
        for label, film in self._films.items():
            self._guard(label, partial(self._read, film, self._uses(plan, label)))
        self._guard("contact_sheet", partial(self._sheet, plan))
        for worst in plan.worst:
            self._guard(f"worst_{worst.label}", partial(self._worst, worst))
        if plan.difference_s is not None:
            self._guard("difference", partial(self._difference, plan, most_pixels))

    def _guard(self, what: str, work: Callable[[], None]) -> None:
        """One thing that cannot be done leaves the others."""
        try:
            work()
        except MemoryError:
            _tell(fault=f"{what}: it takes more memory than allowed.")
        except CaptionAbError as error:
            _tell(fault=f"{what}: {error.detail}")
        except Exception as error:  # noqa: BLE001 - a library may raise anything at a damaged file
            _tell(fault=f"{what}: {type(error).__name__}.")

    def _read(self, film: Stills, uses: Mapping[float, list[Use]]) -> None:
        for at_s, image in film.take(sorted(uses)):
            for use in uses[at_s]:
                use(image)

    def _uses(self, plan: Plan, label: str) -> dict[float, list[Use]]:
        """For each time at which a variant's frame is needed: what is done with it."""
        uses: dict[float, list[Use]] = {}
        for at_s in plan.columns:
            uses.setdefault(at_s, []).append(partial(self._keep_cell, label, at_s))
        uses.setdefault(plan.posters[label], []).append(partial(self._poster, plan, label))
        for worst in plan.worst:
            if label in {worst.label, worst.other}:
                uses.setdefault(worst.at_s, []).append(partial(self._keep_crop, worst, label))
        if plan.difference_s is not None and label in plan.pair:
            uses.setdefault(plan.difference_s, []).append(partial(self._keep_whole, label))
        return uses

    def _keep_cell(self, label: str, at_s: float, image: Image) -> None:
        from service.compare.pictures_drawn import cell_size

        self._cells[label, at_s] = image.resize(cell_size(image.size), reducing_gap=2.0)

    def _keep_crop(self, worst: Worst, label: str, image: Image) -> None:
        from service.compare.pictures_drawn import cut_out

        crop = worst.crop if label == worst.label else worst.other_crop
        self._crops[worst.label, label] = cut_out(image, crop)

    def _keep_whole(self, label: str, image: Image) -> None:
        self._wholes[label] = _reduced(image)

    def _poster(self, plan: Plan, label: str, image: Image) -> None:
        self._save(f"poster_{label}", _reduced(image), say_poster(plan, label), variant=label)

    def _sheet(self, plan: Plan) -> None:
        from service.compare.pictures_drawn import draw_sheet

        if self._cells:
            sheet = draw_sheet(self._cells, plan.labels, plan.columns)
            self._save("contact_sheet", sheet, say_contact_sheet(plan))

    def _worst(self, worst: Worst) -> None:
        from service.compare.pictures_drawn import draw_two

        own = self._crops.get((worst.label, worst.label))
        other = self._crops.get((worst.label, worst.other))
        if own is None:
            return
        parts = [(name_worst(worst), own), *([] if other is None else [(worst.other, other)])]
        name = f"worst_{worst.label}"
        self._save(name, draw_two(parts), say_worst(worst), variant=worst.label)

    def _difference(self, plan: Plan, most_pixels: int) -> None:
        from service.compare.pictures_drawn import draw_difference, name_colours

        if plan.difference_s is None or any(label not in self._wholes for label in plan.pair):
            return
        first, second = (self._wholes[label] for label in plan.pair)
        clip = self._clip_at(plan.difference_s, most_pixels)
        image, share, coloured = draw_difference(first, second, clip)
        text = say_difference(plan.pair, plan.difference_s, share, coloured=coloured)
        sheet = name_colours(image, plan.pair, plan.difference_s, coloured=coloured)
        self._save("difference", sheet, text, suffix="png")

    def _clip_at(self, at_s: float, most_pixels: int) -> Image | None:
        """The clip's own frame, without captions; it only helps, so it may be missing."""
        from service.compare.pictures_frames import Stills

        if self._source is None:
            return None
        try:
            ((_, image),) = Stills(self._source, most_pixels=most_pixels).take([at_s])
        except CaptionAbError:
            return None
        return _reduced(image)

    def _save(
        self, name: str, image: Image, text: str, *, variant: str | None = None, suffix: str = "jpg"
    ) -> None:
        file = f"{name}.{suffix}"
        image.save(self._folder / file, quality=_QUALITY, optimize=True)
        made = {"name": name, "variant": variant, "file": file, "type": _TYPES[suffix]}
        _tell(made={**made, "width": image.width, "height": image.height, "text": text})


def _reduced(image: Image) -> Image:
    from service.compare.pictures_frames import fit

    size = fit(image.size, (_POSTER_LONG, _POSTER_LONG))
    return image if size == image.size else image.resize(size, reducing_gap=2.0)


def _tell(**said: Any) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def _open(path: Path, most_pixels: int) -> Stills:
    from service.compare.pictures_frames import Stills

    return Stills(path, most_pixels=most_pixels)


def main(request: Mapping[str, Any]) -> None:
    """Bound this process, plan the pictures, and draw the stills."""
    limits = MediaLimits(**request["limits"])
    limit_process(limits)
    os.umask(0o077)
    films: dict[str, Stills] = {}
    for label, path in request["variants"].items():
        try:
            films[label] = _open(Path(path), limits.pixels)
        except (CaptionAbError, MemoryError) as error:
            why = error.detail if isinstance(error, CaptionAbError) else "it takes too much memory."
            _tell(fault=f"{label}: {why}")
    if not films:
        return
    facts = {label: film.facts for label, film in films.items()}
    plan = plan_pictures(request["report"], {label: each.length_s for label, each in facts.items()})
    told = {label: asdict(each) for label, each in facts.items()}
    _tell(plan=json.loads(write_document(plan)), films=told)
    source = Path(request["source"]) if request["source"] else None
    Easel(films, source, Path(request["folder"])).draw(plan, most_pixels=limits.pixels)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
