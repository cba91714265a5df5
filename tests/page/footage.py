"""Little videos in which every frame says its number: twelve squares, black or white, on top."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np

BITS = 12
SQUARE = 16


def make_film(
    path: Path,
    *,
    frames: int = 250,
    fps: int = 25,
    size: tuple[int, int] = (320, 180),
    shade: int = 60,
    noise: int = 0,
) -> Path:
    """A film with a keyframe each second and a tone. `noise` makes its file larger."""
    import imageio_ffmpeg

    width, height = size
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y"]
    command += ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{width}x{height}", "-r", str(fps)]
    command += ["-i", "-", "-f", "lavfi", "-i", f"sine=frequency=440:duration={frames / fps}"]
    command += ["-c:v", "libx264", "-preset", "ultrafast", "-g", str(fps), "-pix_fmt", "yuv420p"]
    command += ["-c:a", "aac", "-shortest", "-movflags", "+faststart", str(path)]
    random = np.random.default_rng(7)
    with subprocess.Popen(command, stdin=subprocess.PIPE) as ffmpeg:
        for number in range(frames):
            picture = np.full((height, width), shade, np.uint8)
            if noise:
                picture[SQUARE:] += random.integers(0, noise, picture[SQUARE:].shape, np.uint8)
            left = number * 3 % (width - 20)
            picture[height // 2 : height // 2 + 20, left : left + 20] = 255
            picture[:SQUARE, : BITS * SQUARE] = _strip(number)
            ffmpeg.stdin.write(picture.tobytes())
        ffmpeg.stdin.close()
        assert ffmpeg.wait(60) == 0
    return path


def _strip(number: int) -> np.ndarray:
    bits = [255 if number >> at & 1 else 0 for at in range(BITS)]
    return np.repeat(np.array(bits, np.uint8), SQUARE)[None, :]


#: What both videos really show: the strips, read from what is drawn. For `page.evaluate`.
READ_FRAMES = f"""() => [...document.querySelectorAll('.stage video')].map((video) => {{
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth;
  canvas.height = {SQUARE};
  const pen = canvas.getContext('2d', {{willReadFrequently: true}});
  pen.drawImage(video, 0, 0);
  const row = pen.getImageData(0, {SQUARE // 2}, {BITS * SQUARE}, 1).data;
  let number = 0;
  for (let at = 0; at < {BITS}; at++)
    if (row[4 * (at * {SQUARE} + {SQUARE // 2})] > 127) number += 2 ** at;
  return number;
}})"""
