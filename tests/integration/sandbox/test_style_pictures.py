"""The packaged pictures of the presets, drawn again."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from service.captions.pictures import picture_name, picture_size
from service.captions.style import PRESETS
from tests.architecture.write_styles import PICTURES, draw_ground, draw_picture, pack


def packaged(preset: str) -> np.ndarray:
    return unpack((PICTURES / picture_name(preset)).read_bytes(), picture_size(preset))


def unpack(data: bytes, size: tuple[int, int]) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.size == size
        return np.asarray(picture.convert("RGB")).astype(np.int16)


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """Pixels that differ plainly, in percent."""
    return float((np.abs(one - other).max(axis=2) > 60).mean() * 100)


@pytest.mark.parametrize("preset", list(PRESETS))
def test_a_picture_is_what_the_sandbox_draws_today(preset: str):
    """Given a preset drawn and packed anew, then it is the packaged picture.

    Where this fails `make styles` writes them anew.
    """
    kept, size = packaged(preset), picture_size(preset)
    drawn = unpack(pack(draw_picture(preset)), size)
    assert apart(kept, drawn) < 0.05
    ground = np.asarray(draw_ground(*size)).astype(np.int16)
    assert apart(kept, ground) > 0.2


def test_no_two_pictures_are_alike():
    """Given all pictures of one shape, then each differs from the others by its captions."""
    names = [name for name in PRESETS if picture_size(name) == (640, 360)]
    pictures = {name: packaged(name) for name in names}
    for n, one in enumerate(names):
        for other in names[n + 1 :]:
            assert apart(pictures[one], pictures[other]) > 0.4, (one, other)
