"""The sound of a variant against its clip's: lag, likeness and level, in windows of four seconds.

Runs in the process of `apart` only. The lag is found by GCC-PHAT at 8 kHz, as the prototype did.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from av.audio.resampler import AudioResampler
from av.error import FFmpegError
from numpy.typing import NDArray

from service.compare.facts import Sound
from service.compare.frames import open_media

Wave = NDArray[np.float32]

RATE = 8000
WINDOW_S = 4.0
_WINDOW = int(RATE * WINDOW_S)
_MOST_LAG = RATE  # one second
#: The highest peak of the correlation against the next one elsewhere (prototype: above 3).
_CLEAR_PEAK = 3.0
#: A window below this is silence: -60 dB of full scale.
_SILENT = 0.001
_TOO_LITTLE = RATE // 4
_MOST_SILENCE_S = 3600
_PARTS = np.linspace(-0.75, 0.75, 13)


def compare_sound(source: Path, variant: Path) -> Sound:
    """Measure a variant's sound against its clip's; both have some."""
    found: list[tuple[float, float | None, float]] = []
    power = np.zeros(2)
    at_s = 0.0
    for ours, theirs in _pairs(windows(source), windows(variant)):
        power += (float(np.sum(ours**2)), float(np.sum(theirs**2)))
        size = min(len(ours), len(theirs))
        if size >= _TOO_LITTLE:
            found += [(at_s, *each) for each in _measure(ours[:size], theirs[:size])]
        at_s += WINDOW_S
    gain_db = 10 * np.log10(power[1] / power[0]) if power.min() > 0 else None
    lags = [lag for _, lag, _ in found if lag is not None]
    worst = min(found, key=lambda each: each[2], default=None)
    return Sound(
        shift_s=float(np.median(lags)) / RATE if lags else None,
        likeness=worst[2] if worst else None,
        worst_s=worst[0] if worst else 0.0,
        gain_db=float(gain_db) if gain_db is not None else None,
    )


def _measure(ours: Wave, theirs: Wave) -> Iterator[tuple[float | None, float]]:
    loud = [float(np.sqrt(np.mean(each**2))) > _SILENT for each in (ours, theirs)]
    if not any(loud):
        return
    if not all(loud):
        yield None, 0.0
        return
    lag = find_lag(ours, theirs)
    yield lag, likeness(ours, theirs, round(lag or 0))


def find_lag(ours: Wave, theirs: Wave) -> float | None:
    """By how many samples `theirs` comes later; none where no lag stands out."""
    size = 1 << (len(ours) + _MOST_LAG).bit_length()
    cross = np.fft.rfft(theirs, size) * np.conj(np.fft.rfft(ours, size))
    strength = np.abs(cross)
    # Whitening bins that hold nothing but rounding would drown what a narrow sound has to say.
    weak = strength < strength.max() * 1e-6
    phase = np.where(weak, 0, cross / np.maximum(strength, 1e-20))
    line = np.fft.irfft(phase, size)
    near = np.concatenate([line[-_MOST_LAG:], line[: _MOST_LAG + 1]])
    best = int(np.argmax(near))
    rest = near.copy()
    rest[max(0, best - 8) : best + 9] = 0
    if near[best] < _CLEAR_PEAK * rest.max():
        return None
    return float(best - _MOST_LAG)


def likeness(ours: Wave, theirs: Wave, lag: int) -> float:
    """The normalised correlation of two waves, the second taken back by `lag` samples."""
    size = len(ours) - abs(lag)
    if size < _TOO_LITTLE:
        return 0.0
    first = ours[max(0, -lag) :][:size]
    second = theirs[max(0, lag) :][:size]
    scale = float(np.sqrt(np.sum(first**2) * np.sum(second**2)))
    if scale <= 0:
        return 0.0
    # Between two samples too: half a sample of 8 kHz would cost a bright sound a tenth.
    cross = np.fft.rfft(second) * np.conj(np.fft.rfft(first))
    turn = 2j * np.pi * np.arange(len(cross)) / size
    sums = [float(np.real(np.sum(cross * np.exp(turn * part)))) for part in _PARTS]
    return min(1.0, 2 * max(sums) / size / scale)


def windows(path: Path) -> Iterator[Wave]:
    """The first sound track, mono at 8 kHz from the start of the file, four seconds at a time."""
    waiting = np.zeros(0, np.float32)
    for piece in _pieces(path):
        waiting = np.concatenate([waiting, piece])
        while len(waiting) >= _WINDOW:
            yield waiting[:_WINDOW]
            waiting = waiting[_WINDOW:]
    if len(waiting):
        yield waiting


def _pieces(path: Path) -> Iterator[Wave]:
    """Samples as they come; silence where the file has a hole, so that time is kept."""
    with open_media(path) as container:
        start_s = float(container.start_time or 0) / 1e6
        resampler = AudioResampler(format="flt", layout="mono", rate=RATE)
        done = 0
        try:
            for frame in container.decode(container.streams.audio[0]):
                at = done
                if frame.time is not None:
                    at = round((float(frame.time) - start_s) * RATE)
                hole = at - done
                if hole > RATE // 50 or (done == 0 and hole > 0):
                    hole = min(hole, _MOST_SILENCE_S * RATE)
                    done += hole
                    while hole > 0:
                        yield np.zeros(min(hole, _WINDOW), np.float32)
                        hole -= _WINDOW
                for part in _resampled(resampler, frame):
                    done += len(part)
                    yield part
            yield from _resampled(resampler, None)
        except FFmpegError:
            return  # what is missing then shows as other sound


def _resampled(resampler: AudioResampler, frame: Any) -> Iterator[Wave]:
    for each in resampler.resample(frame):
        yield each.to_ndarray().reshape(-1).astype(np.float32)


def _pairs(first: Iterator[Wave], second: Iterator[Wave]) -> Iterator[tuple[Wave, Wave]]:
    """Windows side by side; a sound that has ended goes on in silence."""
    nothing = np.zeros(0, np.float32)
    while True:
        pair = next(first, nothing), next(second, nothing)
        if not len(pair[0]) and not len(pair[1]):
            return
        size = max(len(each) for each in pair)
        yield _filled(pair[0], size), _filled(pair[1], size)


def _filled(wave: Wave, size: int) -> Wave:
    return np.pad(wave, (0, size - len(wave)))
