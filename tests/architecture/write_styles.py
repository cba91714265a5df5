"""Write what the product knows of styles without drawing them: `make styles`.

The pictures of `GET /v1/styles` in api/static/, drawn by the sandbox from the very message that a
backend gets, and service/captions/glyphs.json, the characters that the presets' fonts have.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from fontTools.ttLib import TTFont
from PIL import Image

from sandbox.agent import plan_message
from sandbox.ass import write_ass
from sandbox.ffmpeg import PACKAGED_FONTS, ffmpeg_binary, write_fonts_conf
from sandbox.style import resolve
from service.captions.cues import parse_captions
from service.captions.instruction import build_instruction
from service.captions.pictures import picture_name, picture_size
from service.captions.style import PRESETS
from service.model.job import OutputSpec
from tests.architecture.tree import ROOT

PICTURES = ROOT / "api" / "static"
GLYPHS = ROOT / "service" / "captions" / "glyphs.json"
#: The files of each font whose characters are told. A font cut into files has what any of them has;
#: of one with several weights a character counts when each weight has it.
FONTS = {
    "Inter": (("Inter-Regular.otf",), ("Inter-Bold.otf",)),
    "Anton": (("Anton-Latin.ttf", "Anton-LatinExt.ttf", "Anton-Vietnamese.ttf"),),
}
_SRT = "1\n00:00:00,000 --> 00:00:03,000\nThis is how captions\nlook in this style\n"
_AT_S = 1.6
_QUALITY = 82


def draw_picture(preset: str) -> Image.Image:
    """One frame of a preset's captions on a ground that no captions were made for."""
    width, height = picture_size(preset)
    message = build_instruction(
        PRESETS[preset].style,
        parse_captions("srt", _SRT),
        instruction="",
        language="en",
        clip_name="ground.png",
        output=OutputSpec(),
        duration_ms=3000,
    )
    plan = plan_message(message)
    style = resolve(plan.overrides)
    ass = write_ass([(cue, style) for cue in plan.cues], width=width, height=height)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw_ground(width, height).save(folder / "ground.png")
        (folder / "captions.ass").write_text(ass, encoding="utf-8")
        command = [
            ffmpeg_binary(), "-nostdin", "-loglevel", "error", "-i", "ground.png",
            "-vf", f"setpts={_AT_S}/TB,format=gbrp,ass=captions.ass", "-frames:v", "1",
            "-f", "image2", "drawn.png",
        ]  # fmt: skip
        env = {**os.environ, "FONTCONFIG_FILE": str(write_fonts_conf(folder).resolve())}
        subprocess.run(command, cwd=folder, env=env, check=True, timeout=60)
        with Image.open(folder / "drawn.png") as drawn:
            return drawn.convert("RGB")


def pack(picture: Image.Image) -> bytes:
    """A picture as the bytes that are sent."""
    held = io.BytesIO()
    picture.save(held, "webp", quality=_QUALITY, method=6)
    return held.getvalue()


def draw_ground(width: int, height: int) -> Image.Image:
    """Soft light and shade out of focus, as behind most captions; always the same."""
    random = np.random.default_rng(7)
    light = np.zeros((height, width))
    for cells, weight in ((3, 1.0), (6, 0.6), (14, 0.3)):
        rough = Image.fromarray(random.random((cells * height // width + 1, cells)))
        light += weight * np.asarray(rough.resize((width, height), Image.Resampling.BICUBIC))
    light = (light - light.min()) / np.ptp(light)
    across, down = np.meshgrid(np.arange(width), np.arange(height))
    for _ in range(14):
        at, radius = random.random(2) * (width, height), (0.02 + 0.06 * random.random()) * width
        inside = np.clip(radius - np.hypot(across - at[0], down - at[1]), 0, 3) / 3
        light += 0.22 * inside * random.random()
    tint = np.array([0.92, 0.98, 1.0]) * 215 * (0.18 + 0.82 * np.clip(light, 0, 1.2))[..., None]
    return Image.fromarray(np.clip(tint, 0, 255).astype(np.uint8))


def code_points(family: str) -> set[int]:
    """The characters of a packaged font, by its own tables."""
    faces = []
    for parts in FONTS[family]:
        tables = (TTFont(PACKAGED_FONTS / part).getBestCmap() for part in parts)
        faces.append({point for table in tables for point in table})
    return set.intersection(*faces)


def write_ranges(points: Iterable[int]) -> str:
    """Code points in hexadecimal, neighbours as a range: `20-7E A0`."""
    ranges: list[list[int]] = []
    for point in sorted(points):
        if ranges and point == ranges[-1][1] + 1:
            ranges[-1][1] = point
        else:
            ranges.append([point, point])
    return " ".join(f"{a:X}" if a == b else f"{a:X}-{b:X}" for a, b in ranges)


def write_glyphs() -> str:
    """The whole text of glyphs.json."""
    table = {family: write_ranges(code_points(family)) for family in FONTS}
    return json.dumps(table, indent=1) + "\n"


def main() -> None:
    """Write all of it."""
    GLYPHS.write_text(write_glyphs(), encoding="utf-8")
    for preset in PRESETS:
        (PICTURES / picture_name(preset)).write_bytes(pack(draw_picture(preset)))


if __name__ == "__main__":
    main()
