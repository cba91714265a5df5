"""When each word of captions is spoken in a clip: forced alignment, in a process of its own.

pocketsphinx, the extra `align`, carries an English model. The words are known, so it does not
recognise: it finds where they are. A cue whose words are not what is heard there is left out.
`python -m service.media.align <path> <limits as JSON>`, with cues as JSON on its input, is the
process, bounded as in `service.media.apart`.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.captions.model import Cue
from service.captions.words import Times, is_speakable, spoken_words
from service.media.child import ChildFailed, Work, run_child
from service.media.limits import MOST_STREAMS, MediaLimits, limit_process

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Sound = NDArray[np.int16]

_log = logging.getLogger(__name__)
#: Two numbers for each word of captions, which are text of a few hundred kB at most.
_MOST_BYTES = 10_000_000
RATE = 16_000
_FRAME_MS = 10
#: Speech may begin a little before its caption, and end after it.
_AROUND_MS = 200
#: Sound that is decoded at most, from the first caption on.
_MOST_S = 900
#: Mean log likelihood of a frame, below which a caption is not what is heard. Of 288 sentences of
#: six voices, with and without noise, 98 % are above it; of others' sentences 9 %.
_LEAST = -0.0045
#: Root mean square of samples, -60 dB, below which nobody speaks: silence is like any sound.
_LEAST_LOUD = 33.0
#: Words that the dictionary lacks are guessed by their letters; more than a third are too many.
_MOST_GUESSED = 1 / 3
_LETTERS = {
    "a": "AE", "b": "B", "c": "K", "d": "D", "e": "EH", "f": "F", "g": "G", "h": "HH", "i": "IH",
    "j": "JH", "k": "K", "l": "L", "m": "M", "n": "N", "o": "AA", "p": "P", "q": "K", "r": "R",
    "s": "S", "t": "T", "u": "AH", "v": "V", "w": "W", "x": "K S", "y": "IY", "z": "Z",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Heard:
    """A word as it was found: milliseconds from the start of its sound."""

    start_ms: int
    end_ms: int


def can_align() -> bool:
    """Whether the extra `align` is installed."""
    return importlib.util.find_spec("pocketsphinx") is not None


def align_apart(path: Path, cues: Sequence[Cue], limits: MediaLimits) -> Times:
    """Find the words of each cue in a file's sound; nothing at all where that did not work.

    Cues that have times of words already are left out, as are those that are not heard.
    """
    asked = json.dumps([[cue.start_ms, cue.end_ms, cue.text, bool(cue.words)] for cue in cues])
    work = Work("service.media.align", (str(path), json.dumps(asdict(limits))), asked.encode())
    try:
        said = run_child(work, deadline_s=limits.deadline_s, most_bytes=_MOST_BYTES)
        return tuple(tuple(each) for each in json.loads(said))
    except (ChildFailed, ValueError, TypeError) as error:
        _log.info("not_aligned", extra={"why": str(error)})
        return ()


def align_cues(path: Path, cues: Sequence[tuple[int, int, str, bool]]) -> Times:
    """The same in this process.

    Raises:
        FFmpegError, OSError: the file cannot be read.
    """
    bare = [(start_ms, end_ms) for start_ms, end_ms, _, timed in cues if not timed]
    if not bare:
        return ()
    first_ms = max(0, bare[0][0] - _AROUND_MS)
    sound = read_sound(path, first_ms, min(max(end for _, end in bare), first_ms + _MOST_S * 1000))
    listener = Listener()
    found = []
    for n, (start_ms, end_ms, text, timed) in enumerate(cues):
        before = max((cue[1] for cue in cues[:n]), default=0)
        after = min((cue[0] for cue in cues[n + 1 :]), default=end_ms + _AROUND_MS)
        begin = max(first_ms, start_ms - _AROUND_MS, min(before, start_ms))
        end = min(end_ms + _AROUND_MS, max(after, end_ms))
        part = sound[(begin - first_ms) * RATE // 1000 : (end - first_ms) * RATE // 1000]
        heard = () if timed else listener.find(part, text)
        found.append(fit_words(heard, begin - start_ms, end_ms - start_ms))
    return tuple(found)


def fit_words(heard: Sequence[Heard], shift_ms: int, length_ms: int) -> tuple[int, ...]:
    """Starts and ends from a cue's start, in order and within the cue. Pure."""
    times: list[int] = []
    at_ms = 0
    for word in heard:
        start = min(max(word.start_ms + shift_ms, at_ms), length_ms)
        at_ms = min(max(word.end_ms + shift_ms, start), length_ms)
        times += [start, at_ms]
    return tuple(times)


class Listener:
    """Finds known words in sound; one for a whole file, as its model takes a while to load."""

    def __init__(self) -> None:
        from pocketsphinx import Decoder

        # Wide beams, and no search for a better path afterwards, which drops the last words.
        self._decoder = Decoder(
            loglevel="FATAL", beam=1e-120, pbeam=1e-120, wbeam=1e-100, bestpath=False
        )

    def find(self, sound: Sound, text: str) -> tuple[Heard, ...]:
        """Each word of a text that white space divides; nothing where it is not what is said."""
        parts = spoken_words(text)
        spoken = [word for part in parts for word in part]
        if not spoken or not is_speakable(text) or not self._knows(spoken):
            return ()
        if not len(sound) or _loudness(sound) < _LEAST_LOUD:
            return ()
        segments = self._align(sound, " ".join(spoken))
        words = [each for each in segments if not each.word.startswith("<")]
        if [each.word.partition("(")[0] for each in words] != spoken or _mean(segments) < _LEAST:
            return ()
        return _join(parts, words)

    def _align(self, sound: Sound, text: str) -> list[Any]:
        self._decoder.set_align_text(text)
        self._decoder.start_utt()
        self._decoder.process_raw(sound.tobytes(), full_utt=True)
        self._decoder.end_utt()
        return list(self._decoder.seg()) if self._decoder.hyp() else []

    def _knows(self, spoken: Sequence[str]) -> bool:
        guessed = {word for word in spoken if self._decoder.lookup_word(word) is None}
        if len(guessed) > _MOST_GUESSED * len(spoken):
            return False
        for word in guessed:
            sounds = " ".join(_LETTERS[char] for char in word if char in _LETTERS)
            self._decoder.add_word(word, sounds, update=True)
        return True


def read_sound(path: Path, from_ms: int, to_ms: int) -> Sound:
    """A part of a file's sound as 16 kHz mono; silence where there is none.

    Raises:
        FFmpegError, OSError: the file cannot be read.
    """
    import av
    import numpy as np

    from service.media.formats import HEAD_BYTES, detect

    kept = np.zeros((to_ms - from_ms + _AROUND_MS) * RATE // 1000, np.int16)
    with path.open("rb") as file:
        found = detect(file.read(HEAD_BYTES))
    options = {"protocol_whitelist": "file", "max_streams": str(MOST_STREAMS)}
    with av.open(str(path), format=found.demuxer if found else None, options=options) as container:
        if not container.streams.audio:
            return kept
        stream = container.streams.audio[0]
        zero_s = (container.start_time or 0) / av.time_base
        resampler = av.AudioResampler("s16", "mono", RATE)
        for frame in container.decode(stream):
            at_s = frame.time - zero_s if frame.time is not None else 0.0
            if at_s * 1000 > to_ms + _AROUND_MS:
                break
            at = round((at_s - from_ms / 1000) * RATE)
            for piece in resampler.resample(frame):
                samples = piece.to_ndarray().reshape(-1)
                _lay(kept, samples.astype(np.int16, copy=False), at)
                at += len(samples)
    return kept


def _lay(kept: Sound, samples: Sound, at: int) -> None:
    first, last = max(0, at), min(len(kept), at + len(samples))
    if last > first:
        kept[first:last] = samples[first - at : last - at]


def _loudness(sound: Sound) -> float:
    """Root mean square of the samples."""
    return math.sqrt(float((sound.astype(float) ** 2).mean()))


def _mean(segments: Sequence[Any]) -> float:
    """Mean log likelihood of a frame, over words and pauses."""
    frames: int = sum(each.end_frame - each.start_frame + 1 for each in segments)
    logs = [math.log(max(each.ascore, 1e-300)) for each in segments]
    return math.fsum(logs) / max(1, frames)


def _join(parts: Sequence[Sequence[str]], words: Sequence[Any]) -> tuple[Heard, ...]:
    """Put what is spoken of one word together; what is not spoken comes with the word before it."""
    joined, at, last_ms = [], 0, 0
    for part in parts:
        own = words[at : at + len(part)]
        at += len(part)
        start_ms = own[0].start_frame * _FRAME_MS if own else last_ms
        last_ms = (own[-1].end_frame + 1) * _FRAME_MS if own else last_ms
        joined.append(Heard(start_ms, last_ms))
    return tuple(joined)


def main(path: str, limits: MediaLimits) -> None:
    """Bound this process, align what stands on its input and print the times as JSON."""
    limit_process(limits)
    cues = [(start, end, text, timed) for start, end, text, timed in json.load(sys.stdin)]
    sys.stdout.write(json.dumps(align_cues(Path(path), cues)))


if __name__ == "__main__":
    main(sys.argv[1], MediaLimits(**json.loads(sys.argv[2])))
