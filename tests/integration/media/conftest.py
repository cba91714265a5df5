"""Small real media files, made once by the packaged ffmpeg."""

from __future__ import annotations

import subprocess

import pytest

from service.media.ffmpeg import find_ffmpeg

PICTURE = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25"]
SOUND = ["-f", "lavfi", "-i", "sine=frequency=440"]
X264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]


@pytest.fixture(scope="session")
def ffmpeg():
    return find_ffmpeg()


@pytest.fixture(scope="session")
def make_media(ffmpeg, tmp_path_factory):
    """Run ffmpeg with these arguments into a named file of a folder of its own."""

    def make(name, *args):
        path = tmp_path_factory.mktemp("media") / name
        command = [ffmpeg, "-nostdin", "-y", "-loglevel", "error", *args, str(path)]
        subprocess.run(command, check=True, timeout=60)
        return path

    return make


@pytest.fixture(scope="session")
def clip(make_media):
    """2 s of 320x180 at 25 fps with sound."""
    return make_media("clip.mp4", *PICTURE, *SOUND, "-t", "2", *X264, "-c:a", "aac")


@pytest.fixture(scope="session")
def portrait(make_media):
    """1 s of 180x320 at 30 fps without sound."""
    source = ["-f", "lavfi", "-i", "testsrc=size=180x320:rate=30"]
    return make_media("portrait.mp4", *source, "-t", "1", *X264)
