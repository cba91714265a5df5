"""Clips of which variants are made: real footage, shortened once for the session."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.compare.apart import measure_apart
from service.compare.verdict import Judgement, judge
from service.media.limits import MediaLimits
from tests.integration.compare.footage import CUES, Cut, make_source, make_variant

CLIPS = ("bigbuckbunny", "bikes")


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which sources and A variants lie for all tests."""
    return tmp_path_factory.mktemp("compare")


class Bench:
    """One clip with a clean A; `judge` sets another variant beside it."""

    def __init__(self, source: Path, folder: Path) -> None:
        self.source = source
        self.folder = folder
        self.a = source.with_name(f"{source.stem}-A.mp4")
        if not self.a.exists():
            make_variant(source, Cut(), self.a)

    def make(self, cut: Cut, name: str = "B.mp4") -> Path:
        return make_variant(self.source, cut, self.folder / name)

    def judge(self, other: Path, cues: object = CUES, **limits: float) -> Judgement:
        bounds = MediaLimits(**{"deadline_s": 90.0, **limits})
        return judge(measure_apart(self.source, {"A": self.a, "B": other}, cues, bounds))


@pytest.fixture(params=CLIPS)
def bench(request: pytest.FixtureRequest, shelf: Path, tmp_path: Path) -> Bench:
    return Bench(make_source(request.param, shelf), tmp_path)


@pytest.fixture
def one_bench(shelf: Path, tmp_path: Path) -> Bench:
    """For what does not hang on the pictures: one clip is enough."""
    return Bench(make_source(CLIPS[0], shelf), tmp_path)
