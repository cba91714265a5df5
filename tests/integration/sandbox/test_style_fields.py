"""Every field of a style changes what is drawn, and a safe area holds all of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sandbox.agent import plan_message
from sandbox.ass import write_ass
from sandbox.ffmpeg import PACKAGED_FONTS, ffmpeg_binary
from sandbox.style import resolve
from service.captions.parameters import PARAMETERS
from service.captions.style import build_style
from service.media.ffmpeg import run_ffmpeg
from service.media.masks import draw_masks
from tests.unit.sandbox.test_sandbox_looks import message

#: Of each field two values, beside what they need to be seen.
VALUES: dict[str, tuple[dict[str, Any], Any, Any]] = {
    "font": ({}, "Inter", "Anton"),
    "size": ({}, 5, 7),
    "weight": ({}, 400, 700),
    "color": ({}, "white", "yellow"),
    "outline_color": ({}, "black", "red"),
    "outline_width": ({}, 2, 8),
    "box": ({}, False, True),
    "box_color": ({}, "black", "blue"),
    "box_opacity": ({"box": True}, 0.3, 0.9),
    "position": ({}, "top", "middle"),
    "alignment": ({}, "left", "right"),
    "case": ({}, "none", "upper"),
    "words_per_line": ({}, 0, 2),
    "highlight_color": ({"animation": "karaoke"}, "gold", "cyan"),
    "animation": ({}, "none", "pop"),
    "safe_area": ({}, {"platform": "broadcast"}, {"platform": "vertical"}),
}


def ass_of(values: dict[str, Any], width: int = 640, height: int = 360) -> str:
    """What the sandbox draws of a style, by the message that a backend gets."""
    plan = plan_message(message(build_style(values)))
    style = resolve(plan.overrides)
    return write_ass([(cue, style) for cue in plan.cues], width=width, height=height)


def draw(ass: str, folder: Path, at_s: float = 0.6) -> np.ndarray:
    """One picture, grey below the captions."""
    folder.mkdir()
    (folder / "fonts").symlink_to(PACKAGED_FONTS)
    (folder / "captions.ass").write_text(ass, encoding="utf-8")
    graph = f"color=c=0x606060:s=640x360:d=1,setpts={at_s}/TB,ass=captions.ass:fontsdir=fonts"
    args = ["-f", "lavfi", "-i", graph, "-frames:v", "1", "-pix_fmt", "rgb24", "-f", "rawvideo"]
    run_ffmpeg(ffmpeg_binary(), [*args, "out.raw"], cwd=folder, deadline_s=60)
    return np.fromfile(folder / "out.raw", np.uint8).reshape(360, 640, 3).astype(np.int16)


def test_no_field_is_forgotten():
    assert list(VALUES) == [each.name for each in PARAMETERS]


@pytest.mark.parametrize("name", list(VALUES))
def test_a_field_changes_the_picture(name: str, tmp_path: Path):
    """Given two values of a field and nothing else, then pictures differ; given one twice, not."""
    beside, one, other = VALUES[name]
    files = [ass_of({**beside, name: value}) for value in (one, other)]
    assert files[0] == ass_of({**beside, name: one})
    assert files[0] != files[1]
    first, second = (draw(ass, tmp_path / str(n)) for n, ass in enumerate(files))
    differing = (np.abs(first - second).max(axis=2) > 40).sum()
    assert differing > 100


LOOKS: list[dict[str, Any]] = [
    {"outline_width": 12},
    {"preset": "boxed"},
    {"preset": "boxed", "outline_width": 10},
    {"preset": "karaoke"},
    {"preset": "pop"},
    {"preset": "lowerthird"},
    {"preset": "shorts", "size": 12},
]
AREAS: list[dict[str, Any]] = [
    {"platform": "tiktok"},
    {"top": 0, "bottom": 40, "left": 30, "right": 0},
]


@pytest.mark.parametrize("position", ["top", "middle", "bottom"])
@pytest.mark.parametrize("alignment", ["left", "center", "right"])
@pytest.mark.parametrize("area", AREAS, ids=["tiktok", "corner"])
def test_all_that_is_drawn_stays_inside_the_safe_area(
    position: str, alignment: str, area: dict[str, Any]
):
    """Given any look anywhere, then letters, outline and box are inside, and close to the edge."""
    width, height = 270, 480
    for look in LOOKS:
        style = build_style(
            {**look, "position": position, "alignment": alignment, "safe_area": area}
        )
        edges = style.safe_area
        assert edges is not None
        ass = ass_of(
            {**look, "position": position, "alignment": alignment, "safe_area": area},
            width,
            height,
        )
        masks = draw_masks(
            ffmpeg_binary(), ass, width=width, height=height, times_s=[0.1, 0.7, 1.5],
            fonts=PACKAGED_FONTS,
        )  # fmt: skip
        for mask in masks:
            rows, columns = np.nonzero(mask.footprint > 8)
            assert rows.size, (look, mask.at_s)
            found = (rows.min(), height - 1 - rows.max(), columns.min(), width - 1 - columns.max())
            least = (edges.top * height / 100, edges.bottom * height / 100,
                     edges.left * width / 100, edges.right * width / 100)  # fmt: skip
            assert all(at >= edge - 1 for at, edge in zip(found, least, strict=True)), (look, found)
            near = {"top": 0, "bottom": 1}.get(position)
            if near is not None and mask.at_s > 0.5:  # popped up
                assert found[near] <= least[near] + 0.035 * height, (look, found)


def test_the_middle_is_that_of_the_area():
    """Given an area high in the frame, then its middle is where captions stand."""
    look = {"preset": "boxed", "position": "middle", "safe_area": {"top": 10, "bottom": 70}}
    ass = ass_of(look, 640, 360)
    (mask,) = draw_masks(
        ffmpeg_binary(), ass, width=640, height=360, times_s=[0.5], fonts=PACKAGED_FONTS
    )
    rows = np.nonzero(mask.footprint > 8)[0]
    assert (rows.min() + rows.max()) / 2 == pytest.approx(0.2 * 360, abs=3)


def test_a_style_without_an_area_keeps_its_margins():
    row = re.search(r"^Style: .*$", ass_of({}, 1920, 1080), re.MULTILINE)
    assert row is not None
    assert row.group().split(",")[19:22] == ["192", "192", "86"]
