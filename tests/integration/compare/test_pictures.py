"""The pictures of a comparison, made of real clips by the real ffmpeg and the real process."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from service.clock import MachineClock
from service.compare.pictures import Gallery, keep_pictures, make_pictures
from service.compare.pictures_stills import Subject
from service.media.ffmpeg import find_ffmpeg
from service.media.files import LocalFiles
from service.media.limits import MediaLimits
from service.media.probe import probe
from tests.integration.compare.footage import CUES, Cut, make_source, make_variant, run

LOW = [0.2, 0.8, 0.6, 0.15]
TEXTS = ("Cold brew in under", "thirty seconds flat")
NAMES = [
    "side_by_side", "contact_sheet", "poster_A", "poster_B", "worst_A", "worst_B", "difference"
]  # fmt: skip


def a_report(labels="AB", **parts):
    """What is known of the footage's two captions."""
    seen = {label: {"weakest": 3.0, "box": LOW, "visible": True} for label in labels}
    cues = [
        {"index": at, "start_s": start, "end_s": end, "text": TEXTS[at], "variants": seen}
        for at, (start, end) in enumerate(CUES)
    ]
    return {"ranking": list(labels), "cues": cues, **parts}


@pytest.fixture(scope="module")
def films(shelf):
    """A clip of 3.2 s with sound, A outlined and B boxed."""
    source = make_source("bigbuckbunny", shelf)
    made = {label: shelf / f"pictured-{label}.mp4" for label in "AB"}
    for style, path in zip(("outline", "boxed"), made.values(), strict=True):
        make_variant(source, Cut(style), path)
    return {"clip": source, **made}


@pytest.fixture
def draw(films, tmp_path):
    """Make the pictures of some variants into the test's folder."""

    def make(variants=None, report=None, *, source=True, **limits):
        variants = {label: films[label] for label in "AB"} if variants is None else variants
        clip = films["clip"] if source is True else source
        report = a_report() if report is None else report
        return draw_into(tmp_path, clip, variants, report, **limits)

    return make


def draw_into(folder, clip, variants, report, *, tell=lambda _done, _total: None, **limits):
    return make_pictures(
        Subject(clip, variants, report, folder),
        ffmpeg=find_ffmpeg(),
        limits=MediaLimits(**{"deadline_s": 100.0, **limits}),
        clock=MachineClock(),
        tell=tell,
    )


@dataclass
class Wall:
    """Pictures that hang: their folder, and how far their making was each time it was told."""

    folder: Path
    gallery: Gallery | None = None
    told: list[tuple[int, int]] = field(default_factory=list)


@pytest.fixture(scope="module")
def wall(films, shelf):
    """All pictures of A and B, made once: the tests that use it only look."""
    wall = Wall(shelf / "wall")
    wall.folder.mkdir()
    variants = {label: films[label] for label in "AB"}
    tell = lambda done, total: wall.told.append((done, total))  # noqa: E731
    wall.gallery = draw_into(wall.folder, films["clip"], variants, a_report(), tell=tell)
    return wall


def names(gallery):
    return [each.name for each in gallery.pictures]


def look(wall, name):
    (found,) = [each for each in wall.gallery.pictures if each.name == name]
    with Image.open(wall.folder / found.file) as image:
        assert image.size == (found.width, found.height)
        assert image.get_format_mimetype() == found.type
        return image.convert("RGB")


def mean_of(image, box):
    return ImageStat.Stat(image.crop(box).convert("L")).mean[0]


def test_all_pictures_are_made_and_said_in_words(wall):
    # Given two variants of a clip and its report, when the pictures are made,
    gallery = wall.gallery
    # Then all are there, in order, each with words,
    assert (names(gallery), gallery.faults) == (NAMES, ())
    assert all(len(each.text) > 20 for each in gallery.pictures)
    assert {each.name: each.variant for each in gallery.pictures if each.variant} == {
        "poster_A": "A", "poster_B": "B", "worst_A": "A", "worst_B": "B"
    }  # fmt: skip
    # and it was told how far it was, never backwards.
    assert wall.told == sorted(wall.told)
    assert wall.told[-1] == (7, 7)
    video = probe(wall.folder / "side_by_side.mp4")
    assert (video.width, video.height, video.has_audio) == (1280, 388, True)
    assert video.duration_s == pytest.approx(3.2, abs=0.1)


def test_a_sheet_has_a_column_for_each_caption_and_a_row_for_each_variant(wall):
    sheet = look(wall, "contact_sheet")
    assert sheet.size == (34 + 2 * 486, 30 + 2 * 276)
    # B's captions stand in a dark box at the top and A's do not: the lower row is darker there.
    for left in (34, 34 + 486):
        at = (left + 160, 30 + 14, left + 320, 30 + 34)
        below = (at[0], at[1] + 276, at[2], at[3] + 276)
        assert mean_of(sheet, below) < mean_of(sheet, at) - 10


def test_a_poster_shows_its_variant_while_the_longest_caption_is_shown(wall, films, tmp_path):
    # Given the poster of A, and the same moment of A as ffmpeg gives it,
    poster = look(wall, "poster_A")
    (start, end) = CUES[1]
    out = tmp_path / "seen.png"
    run(["-ss", str((start + end) / 2), "-i", str(films["A"]), "-frames:v", "1"], out)
    with Image.open(out) as image:
        seen = image.convert("RGB")
    # Then they are the same picture but for what JPEG loses, and their colours are the same.
    assert poster.size == seen.size
    assert max(ImageStat.Stat(ImageChops.difference(poster, seen)).mean) < 6
    pairs = zip(ImageStat.Stat(poster).mean, ImageStat.Stat(seen).mean, strict=True)
    assert max(abs(ours - theirs) for ours, theirs in pairs) < 1


def test_the_weakest_moment_is_cut_out_around_the_caption_of_both(wall):
    image = look(wall, "worst_A")
    # Then they are 0.76 by 0.36 of 640x360, enlarged to 720 wide, one above the other.
    assert image.width == 720
    assert image.height == pytest.approx(2 * (30 + 720 * 0.36 / 0.76 * 9 / 16) + 6, abs=6)


def test_what_differs_is_drawn_in_colour_over_a_dark_picture(wall):
    # Given B's words in a box at the top, and A's at the bottom, when the difference is drawn,
    image = look(wall, "difference")
    orange, blue = [], []
    for y in range(30, 390):
        for x in range(640):
            red, _, azure = image.getpixel((x, y))
            if abs(red - azure) > 40:
                (orange if red > azure else blue).append(y - 30)
    # Then its place at the top is orange, that of A's words at the bottom is blue,
    assert 0.005 < len(orange) / (360 * 640) < 0.1
    assert len(blue) > 500
    assert sum(y < 100 for y in orange) > 0.98 * len(orange)
    assert sum(y > 260 for y in blue) > 0.98 * len(blue)


def test_without_cues_moments_come_from_the_length(draw):
    gallery = draw(report={}, source=None)
    assert names(gallery) == [
        "side_by_side", "contact_sheet", "poster_A", "poster_B", "difference"
    ]  # fmt: skip
    assert gallery.faults == ()


def test_four_variants_have_four_rows_and_the_best_two_are_the_video(draw, films, tmp_path):
    variants = {"A": films["A"], "B": films["B"], "C": films["A"], "D": films["B"]}
    gallery = draw(variants, a_report("DBAC"))
    assert len(gallery.pictures) == 11
    assert "B on the left, D on the right" in gallery.pictures[0].text
    assert look(Wall(tmp_path, gallery), "contact_sheet").height == 30 + 4 * 276


def test_a_turned_clip_is_shown_as_players_show_it(draw, films, tmp_path):
    # Given variants that are turned only when they are shown,
    turned = {label: tmp_path / f"turned-{label}.mp4" for label in "AB"}
    for label, path in turned.items():
        run(["-display_rotation", "90", "-i", str(films[label]), "-c", "copy"], path)
    # When the pictures are made, then they stand.
    gallery = draw(turned)
    assert (names(gallery), gallery.faults) == (NAMES, ())
    assert look(Wall(tmp_path, gallery), "poster_A").size == (360, 640)
    assert probe(tmp_path / "side_by_side.mp4").height > 640


def test_odd_sizes_no_sound_and_a_variable_frame_rate_are_shown(draw, films, tmp_path):
    odd = tmp_path / "odd.mp4"
    uneven = tmp_path / "uneven.mp4"
    size = ["-vf", "scale=319:181", "-pix_fmt", "yuv444p", "-an"]
    run(["-i", str(films["A"]), *size], odd)
    drop = ["-vf", "select='not(eq(mod(n,3),1))'", "-fps_mode", "vfr"]
    run(["-i", str(films["B"]), *drop], uneven)
    gallery = draw({"A": odd, "B": uneven})
    assert (names(gallery), gallery.faults) == (NAMES, ())
    # The best has no sound, so there is none.
    assert not probe(tmp_path / "side_by_side.mp4").has_audio


def test_a_variant_that_is_no_video_leaves_the_other_its_pictures(draw, films, tmp_path):
    text = tmp_path / "B.mp4"
    text.write_text("#EXTM3U\nfile:///etc/passwd\n")
    gallery = draw({"A": films["A"], "B": text})
    assert names(gallery) == ["contact_sheet", "poster_A"]
    assert gallery.faults[0].startswith("B: ")


def test_a_variant_that_breaks_off_leaves_what_could_be_seen(draw, films, tmp_path):
    # Given a B of which the second half is noise, though its index promises all of it,
    data = bytearray(films["B"].read_bytes())
    middle = len(data) * 2 // 3
    data[middle:-2000] = bytes(len(data) - 2000 - middle)
    broken = tmp_path / "B.mp4"
    broken.write_bytes(data)
    # When the pictures are made, then A's are there, and a sheet.
    gallery = draw({"A": films["A"], "B": broken})
    assert {"contact_sheet", "poster_A"} <= set(names(gallery))


def test_when_nothing_can_be_read_there_is_nothing_but_a_reason(draw, tmp_path):
    empty = tmp_path / "empty.mp4"
    empty.write_bytes(b"")
    gallery = draw({"A": empty, "B": empty})
    assert gallery.pictures == ()
    assert [each[:2] for each in gallery.faults] == ["A:", "B:"]


def test_a_clip_that_cannot_be_read_costs_the_difference_its_second_colour(draw, tmp_path):
    text = tmp_path / "clip.mp4"
    text.write_text("no video")
    gallery = draw(source=text)
    assert names(gallery) == NAMES
    assert "what differs is orange" in gallery.pictures[-1].text


def test_a_deadline_ends_it_with_reasons(draw):
    gallery = draw(deadline_s=0.05)
    assert gallery.pictures == ()
    assert gallery.faults == ("The stills took longer than 0.05 s.",)


def test_a_bound_of_memory_ends_the_stills_with_a_reason(draw, caplog):
    caplog.set_level(logging.ERROR)
    gallery = draw(memory_bytes=20_000_000)
    assert gallery.pictures == ()
    assert gallery.faults


def test_a_picture_of_too_many_pixels_is_not_read(draw):
    gallery = draw(pixels=10_000)
    assert gallery.pictures == ()
    assert "a picture may have 10000 pixels" in gallery.faults[0]


def test_pictures_are_kept_with_their_sums_and_addresses(wall, tmp_path):
    # Given pictures that were made, when they are put among a job's files,
    gallery = wall.gallery
    files = LocalFiles(tmp_path / "store")
    told = keep_pictures(
        gallery, wall.folder, files,
        key=lambda file: f"jobs/job_1/comparison-0-{file}", address=lambda name: f"https://x/{name}",
    )  # fmt: skip
    # Then the report lists each as it lies there,
    assert (told["status"], told["reason"]) == ("done", None)
    assert [each["name"] for each in told["files"]] == NAMES
    assert json.loads(json.dumps(told)) == told
    for each, picture in zip(told["files"], gallery.pictures, strict=True):
        stored = b"".join(files.open_range(f"jobs/job_1/comparison-0-{picture.file}"))
        assert each["size"] == len(stored)
        assert each["sha256"] == hashlib.sha256(stored).hexdigest()
        assert each["url"] == f"https://x/{each['name']}"
    # and no key of a file is in it.
    assert "jobs/job_1" not in json.dumps(told)


def test_a_store_that_refuses_leaves_a_reason(wall, tmp_path):
    (tmp_path / "store").write_text("a file where a folder should be")
    told = keep_pictures(
        wall.gallery, wall.folder, LocalFiles(tmp_path / "store"),
        key=lambda file: f"jobs/job_1/comparison-0-{file}", address=str,
    )  # fmt: skip
    assert told["status"] == "unavailable"
    assert "side_by_side: it could not be kept." in told["reason"]
