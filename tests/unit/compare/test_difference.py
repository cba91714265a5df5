"""Where a variant differs from its source by more than encoding explains."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.compare.components import fill_holes, find_parts
from service.compare.difference import (
    differ,
    find_floor,
    find_floor_beside,
    find_footprint,
    find_gradient,
    persist,
)
from tests.unit.compare.scenes import HEIGHT, WIDTH, draw, flat, letters

_masks = st.integers(0, 2**40 - 1).map(
    lambda bits: np.array([bits >> n & 1 for n in range(40)], bool).reshape(5, 8)
)


def _footprint(variants, sources, clean):
    floor = find_floor([differ(a, b) for a, b in clean], find_gradient([b for _, b in clean]))
    lasting = persist([differ(a, b) for a, b in zip(variants, sources, strict=True)])
    return find_footprint(lasting, floor.at(find_gradient(sources)), floor.always)


def _noisy(level, seeds):
    return [flat(level, noise=2, seed=seed) for seed in seeds]


def test_letters_are_found_where_they_are():
    sources, mask = _noisy(60, range(8)), letters()
    variants = [draw(each, mask, 235) for each in _noisy(60, range(8, 16))]
    found = _footprint(variants, sources, list(zip(_noisy(60, (20, 21)), sources, strict=False)))
    assert (found == mask).all()


def test_noise_alone_leaves_no_footprint():
    clean = list(zip(_noisy(60, (20, 21)), _noisy(60, (22, 23)), strict=True))
    assert not _footprint(_noisy(60, range(8, 16)), _noisy(60, range(8)), clean).any()


def test_letters_of_the_ground_s_colour_leave_no_footprint():
    sources = _noisy(200, range(8))
    variants = [draw(each, letters(), 200) for each in _noisy(200, range(8, 16))]
    clean = list(zip(_noisy(200, (20, 21)), sources, strict=False))
    assert not _footprint(variants, sources, clean).any()


def test_a_logo_that_is_always_there_is_no_caption():
    logo = np.zeros((HEIGHT, WIDTH), bool)
    logo[10:40, 10:60] = True
    sources = _noisy(60, range(8))
    branded = [draw(each, logo, 235) for each in _noisy(60, range(8, 18))]
    variants = [draw(each, letters(), 235) for each in branded[:8]]
    found = _footprint(variants, sources, list(zip(branded[8:], sources, strict=False)))
    assert (found == letters()).all()


def test_a_moment_at_which_the_ground_has_the_letters_colour_hides_nothing():
    sources = [flat(60 if n != 3 else 235) for n in range(8)]
    variants = [draw(each, letters(), 235) for each in sources]
    assert (_footprint(variants, sources, [(flat(60), flat(60))]) == letters()).all()


def test_without_clean_frames_the_floor_is_high():
    gradient = find_gradient([flat(60)])
    known = find_floor([flat(0).y], gradient)
    assert find_floor([], gradient).thresholds.min() > known.thresholds.min()


@given(_masks)
def test_parts_are_connected_and_apart(mask):
    """Given any mask, then each part is what spreading from one of its pixels reaches."""
    parts = find_parts(mask)
    assert ((parts.labels > 0) == mask).all()
    for number in range(1, parts.count + 1):
        part = parts.labels == number
        reached = np.zeros_like(mask)
        reached.flat[np.flatnonzero(part)[0]] = True
        for _ in range(mask.size):
            padded = np.pad(reached, 1)
            near = [
                padded[1 + dy : 6 + dy, 1 + dx : 9 + dx] for dy in (-1, 0, 1) for dx in (-1, 0, 1)
            ]
            reached = mask & np.any(near, axis=0)
        assert (reached == part).all()


@given(_masks, st.integers(0, 6))
def test_filling_holes_only_adds_and_nothing_at_the_border(mask, most):
    filled = fill_holes(mask, most)
    assert (filled | ~mask).all()
    added = filled & ~mask
    assert not added[0].any()
    assert not added[:, -1].any()
    assert most or not added.any()


def test_a_ring_is_filled():
    ring = np.zeros((7, 7), bool)
    ring[1:6, 1:6] = True
    ring[2:5, 2:5] = False
    assert fill_holes(ring, 9).sum() == 25
    assert fill_holes(ring, 8).sum() == 16


def test_where_captions_never_leave_what_is_beside_them_is_the_ground():
    """Given only moments with letters, then the floor is that of the same noise without any."""
    sources, mask = _noisy(60, range(8)), letters()
    variants = [draw(each, mask, 235) for each in _noisy(60, range(8, 16))]
    differences = [differ(a, b) for a, b in zip(variants, sources, strict=True)]
    gradient = find_gradient(sources)
    beside = find_floor_beside(differences, gradient)
    clean = [differ(a, b) for a, b in zip(_noisy(60, range(8, 16)), sources, strict=True)]
    assert beside is not None
    assert beside.always is None
    assert np.allclose(beside.thresholds, find_floor(clean, gradient).thresholds, rtol=0.1)
    assert (find_footprint(persist(differences), beside.at(gradient)) == mask).all()


def test_captions_over_most_of_the_picture_leave_no_ground():
    sources = _noisy(60, range(4))
    covered = np.zeros((HEIGHT, WIDTH), bool)
    covered[: round(HEIGHT * 0.6)] = True
    variants = [draw(each, covered, 235) for each in sources]
    differences = [differ(a, b) for a, b in zip(variants, sources, strict=True)]
    assert find_floor_beside(differences, find_gradient(sources)) is None


def test_a_floor_beside_captions_never_hides_what_differs_much():
    """Given pictures that differ wildly beside the letters, then plain differences still count."""
    sources = _noisy(60, range(4))
    variants = [flat(60, noise=12, seed=seed) for seed in range(4, 8)]
    differences = [differ(a, b) for a, b in zip(variants, sources, strict=True)]
    beside = find_floor_beside(differences, find_gradient(sources))
    assert beside is None or beside.thresholds.max() <= 21
