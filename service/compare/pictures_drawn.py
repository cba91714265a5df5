"""The stills of a comparison, drawn: a sheet, two crops, what differs. Labels are never on a video.

Runs in the process of `pictures_apart` only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from service.compare.facts import Box
from service.compare.pictures_frames import fit_area
from service.compare.pictures_words import say_time
from service.media.pictures import FONT

BACKGROUND = (32, 32, 32)
_WRITING = (255, 255, 255)
#: Blue and orange are told apart by who sees no red or no green.
_FIRST, _SECOND = (86, 180, 255), (255, 159, 28)
_GAP = 6
_STRIP = 30
_LETTERS = 20
_GUTTER = 34
_CELL_LONG, _CELL_AREA = 480, 480 * 270
_SHEET_WIDTH = 1980
_CROP_WIDTH, _CROP_HEIGHT = 720, 480
_MOST_ENLARGED = 3.0
#: Levels beyond which pixels differ; encoders alone move edges by less after the median.
_DIFFERS = 32
_DIM = 0.4
_SHADE = 0.4
#: More than this is not captions but another picture: then nothing can be said of whose it is.
_MOST_OWN = 0.5

Pixels = NDArray[np.float32]


def cell_size(size: tuple[int, int]) -> tuple[int, int]:
    """The size of one still of a sheet."""
    return fit_area(size, _CELL_LONG, _CELL_AREA)


def draw_sheet(
    cells: Mapping[tuple[str, float], Image.Image],
    labels: Sequence[str],
    columns_s: Sequence[float],
) -> Image.Image:
    """A column for each time, a row for each label; in several bands where it would be too wide.

    A cell that is missing stays dark.
    """
    width = max(each.width for each in cells.values())
    height = max(each.height for each in cells.values())
    most = max(1, (_SHEET_WIDTH - _GUTTER) // (width + _GAP))
    bands = math.ceil(len(columns_s) / most)
    across = math.ceil(len(columns_s) / bands)
    band = _STRIP + len(labels) * (height + _GAP)
    sheet = Image.new("RGB", (_GUTTER + across * (width + _GAP), bands * band), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for number, at_s in enumerate(columns_s):
        left = _GUTTER + number % across * (width + _GAP)
        top = number // across * band
        _write(draw, (left + width / 2, top + _STRIP / 2), say_time(at_s))
        for row, label in enumerate(labels):
            y = top + _STRIP + row * (height + _GAP)
            if number % across == 0:
                _write(draw, (_GUTTER / 2, y + height / 2), label)
            cell = cells.get((label, at_s))
            if cell is not None:
                sheet.paste(cell, (left + (width - cell.width) // 2, y))
    return sheet


def cut_out(image: Image.Image, crop: Box) -> Image.Image:
    """A part of a picture, given in shares, at a size at which its text can be looked at."""
    x, y, width, height = crop
    left, top = round(x * image.width), round(y * image.height)
    right = max(left + 1, round((x + width) * image.width))
    low = max(top + 1, round((y + height) * image.height))
    part = image.crop((left, top, min(right, image.width), min(low, image.height)))
    scale = min(_CROP_WIDTH / part.width, _CROP_HEIGHT / part.height, _MOST_ENLARGED)
    size = (max(1, round(part.width * scale)), max(1, round(part.height * scale)))
    return part.resize(size, Image.Resampling.LANCZOS)


def draw_two(parts: Sequence[tuple[str, Image.Image]]) -> Image.Image:
    """Pictures with a line of words over each: wide ones one above the other, else in a row."""
    width = max(part.width for _, part in parts)
    height = max(part.height for _, part in parts) + _STRIP
    stacked = width > 1.4 * height
    across, down = (1, len(parts)) if stacked else (len(parts), 1)
    size = (across * width + (across - 1) * _GAP, down * height + (down - 1) * _GAP)
    sheet = Image.new("RGB", size, BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for number, (words, part) in enumerate(parts):
        left = 0 if stacked else number * (width + _GAP)
        top = number * (height + _GAP) if stacked else 0
        _write(draw, (left + 10, top + _STRIP / 2), words, anchor="lm")
        sheet.paste(part, (left + (width - part.width) // 2, top + _STRIP))
    return sheet


def draw_difference(
    first: Image.Image, second: Image.Image, clip: Image.Image | None
) -> tuple[Image.Image, float, bool]:
    """Where two variants differ, over the dimmed picture; the share of it; whether by whom.

    With the clip each place has the colour of the variant that is further from it there.
    """
    if second.size != first.size:
        second = second.resize(first.size, Image.Resampling.LANCZOS)
    if clip is not None and clip.size != first.size:
        clip = clip.resize(first.size, Image.Resampling.LANCZOS)
    differs = _off(first, second) > _DIFFERS
    from_first = _off(first, clip) if clip is not None else None
    from_second = _off(second, clip) if clip is not None else None
    firsts = np.zeros_like(differs)
    coloured = False
    if from_first is not None and from_second is not None:
        own = max(float((from_first > _DIFFERS).mean()), float((from_second > _DIFFERS).mean()))
        coloured = own <= _MOST_OWN
        firsts = differs & (from_first > from_second) if coloured else firsts
    behind = np.asarray(first.convert("L"), np.float32) * _DIM
    painted = np.repeat(behind[:, :, None], 3, axis=2)
    _paint(painted, differs & ~firsts, second, _SECOND)
    _paint(painted, firsts, first, _FIRST)
    return Image.fromarray(painted.astype(np.uint8)), float(differs.mean()), coloured


def name_colours(
    image: Image.Image, pair: Sequence[str], at_s: float, *, coloured: bool
) -> Image.Image:
    """The difference under a line that says which colour is whose."""
    a, b = pair
    words = [(f"At {say_time(at_s)}:", _WRITING)]
    if coloured:
        words += [(f"{a}'s", _FIRST), (f"{b}'s", _SECOND)]
    else:
        words += [(f"{a} and {b} differ", _SECOND)]
    sheet = Image.new("RGB", (image.width, image.height + _STRIP), BACKGROUND)
    sheet.paste(image, (0, _STRIP))
    draw = ImageDraw.Draw(sheet)
    left = 10.0
    for text, colour in words:
        _write(draw, (left, _STRIP / 2), text, anchor="lm", fill=colour)
        left += draw.textlength(text, font=_font()) + _LETTERS
    return sheet


def _paint(
    painted: Pixels, where: NDArray[np.bool_], image: Image.Image, colour: tuple[int, int, int]
) -> None:
    """A variant's own picture in one colour: its letters can still be told from its box."""
    light = np.asarray(image.convert("L"), np.float32)[where] / 255
    painted[where] = (_SHADE + (1 - _SHADE) * light)[:, None] * np.array(colour, np.float32)


def _off(first: Image.Image, second: Image.Image) -> Pixels:
    """How far pixels are apart, in levels of the channel that is furthest; specks are gone."""
    one, two = (np.asarray(each, np.int16) for each in (first, second))
    most = np.abs(one - two).max(axis=2).astype(np.uint8)
    smooth = Image.fromarray(most).filter(ImageFilter.MedianFilter(3))
    return np.asarray(smooth, np.float32)


def _write(
    draw: ImageDraw.ImageDraw,
    at: tuple[float, float],
    text: str,
    *,
    anchor: str = "mm",
    fill: tuple[int, int, int] = _WRITING,
) -> None:
    draw.text(at, text, font=_font(), fill=fill, anchor=anchor)


@cache
def _font() -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONT), _LETTERS)
