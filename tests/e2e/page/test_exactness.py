"""Both videos show the same frame: always when paused, and within one while they play."""

from __future__ import annotations

import random
import time

import pytest

from tests.page.footage import READ_FRAMES, make_film
from tests.page.jobs import make_job, make_report, make_view

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

#: Resolves with the largest distance of both videos in so many looks, one in each drawn frame.
WATCH = """async (looks) => {
  const read = READ;
  let most = 0;
  for (let at = 0; at < looks; at++) {
    await new Promise(requestAnimationFrame);
    const [one, other] = read();
    most = Math.max(most, Math.abs(one - other));
  }
  return most;
}"""


#: Keeps how fast the second video has played.
NOTE_RATES = """() => {
  const second = document.querySelectorAll('video')[1];
  window.rates = [second.playbackRate];
  second.addEventListener('ratechange', () => window.rates.push(second.playbackRate));
}"""


def watch(look, looks: int = 8) -> int:
    return look.page.evaluate(WATCH.replace("READ", READ_FRAMES), looks)


def wait_together(look, within_s: float) -> None:
    """Wait until both have been within a frame for eight looks; fails after `within_s`.

    Seconds count in which the page had its processor: a busy machine must not decide.
    """
    look.page.evaluate(
        """() => {
          let last = performance.now();
          window.fairly = 0;
          setInterval(() => {
            const now = performance.now();
            if (now - last < 80) window.fairly += now - last;
            last = now;
          }, 40);
        }"""
    )
    while (apart := watch(look)) > 1:
        passed_s = look.page.evaluate("window.fairly") / 1000
        assert passed_s < within_s, f"{apart} frames apart after {passed_s:.1f} s"


def test_twenty_jumps_are_exact_in_both(look):
    # Given the page of two variants
    page = look()
    page.wait_shown()
    # When the slider is put on twenty frames
    wanted = random.Random(1).sample(range(250), 20)
    seen = []
    for frame in wanted:
        page.scrub(frame)
        seen.append(page.frames())
    # Then both show each of them, and the page says that it has looked
    assert seen == [[frame, frame] for frame in wanted]
    page.wait_until("document.querySelector('[data-exact]').textContent === 'exact in both'")


def test_twenty_steps_are_exact_in_both(look):
    # Given a page that begins at a frame which its address names
    page = look(after="#f=118&v=side")
    assert page.wait_shown() == 118
    assert page.frames() == [118, 118]
    # When there are twenty steps of a frame or a second, by buttons
    at, steps, seen, wanted = 118, random.Random(2), [], []
    for name in [steps.choice(["back", "on", "on", "back1", "on1"]) for _ in range(20)]:
        page.do(name)
        at = min(249, max(0, at + {"back": -1, "on": 1, "back1": -25, "on1": 25}[name]))
        page.wait_shown(at)
        seen.append(page.frames())
        wanted.append([at, at])
    # Then each is exact in both
    assert seen == wanted


def test_a_pause_leaves_both_on_the_frame_of_the_first(look):
    # Given both play
    page = look()
    page.wait_shown()
    page.do("play")
    page.page.wait_for_timeout(1200)
    # When it is paused
    page.do("play")
    at = page.wait_shown()
    # Then both show one frame, and the slider, the address and the announcement name it
    assert page.frames() == [at, at]
    assert at > 10
    assert page.page.input_value(".scrub") == str(at)
    assert f"#f={at}&" in page.page.url
    assert f"Paused at frame {at}" in page.said()


def test_they_are_together_again_five_seconds_after_a_stall(look, tmp_path):
    # Given films too large to be there at once, and a server that stops sending the second one
    noisy = {
        label: make_film(tmp_path / f"{label}.mp4", frames=500, shade=60, noise=60)
        for label in "AB"
    }
    report = make_report(frames=500, duration_s=20.0)
    stop_at = noisy["B"].stat().st_size * 3 // 10
    page = look(make_view(make_job(), report), after="#f=100", own=noisy, halted={"B": stop_at})
    page.wait_shown(100)
    # When it runs dry while both play
    page.do("play")
    page.wait_until("document.querySelectorAll('video')[1].readyState < 3")
    # Then the other one waits for it, too
    page.wait_until("document.querySelectorAll('video')[0].paused")
    assert page.is_playing()
    # and when the bytes come, both go on and are together within five seconds
    page.site.going.set()
    page.wait_until("!document.querySelectorAll('video')[0].paused")
    wait_together(page, 5)


def test_what_has_come_apart_is_brought_together_by_playing_faster(look):
    # Given both play
    page = look()
    page.wait_shown()
    page.do("play")
    page.page.wait_for_timeout(500)
    page.page.evaluate(NOTE_RATES)
    # When the second one falls eight frames behind; where that takes a busy machine so long that
    # they are half a second apart, both are sought anew instead, and it falls behind once more
    for _ in range(5):
        page.page.evaluate("document.querySelectorAll('video')[1].currentTime -= 0.32")
        page.page.wait_for_timeout(1000)
        if page.page.evaluate("Math.max(...window.rates)") > 1:
            break
    # Then it plays a little faster, by a tenth at most, and has caught up in five seconds
    assert 1 < page.page.evaluate("Math.max(...window.rates)") <= 1.1
    wait_together(page, 5)
    page.wait_until("document.querySelectorAll('video')[1].playbackRate === 1")


def test_a_loop_repeats_its_part(look):
    # Given a loop over ten frames, set by buttons
    page = look(after="#f=50")
    page.wait_shown(50)
    page.do("in")
    page.scrub(60)
    page.do("out")
    assert "Loop from frame 50 to 60" in page.said()
    assert page.page.url.endswith("&loop=50-60")
    # When it plays for long enough to come around
    page.do("play")
    turned, before = 0, 0
    until = time.monotonic() + 10
    while turned < 2 and time.monotonic() < until:
        at = int(page.page.input_value(".scrub"))
        turned += at < before
        assert 50 <= at <= 60
        before = at
    # Then it has turned, stayed within, and pauses exactly
    assert turned == 2
    page.do("play")
    at = page.wait_shown()
    assert page.frames() == [at, at]


def test_films_that_count_differently_are_called_approximate(look, films, tmp_path):
    # Given a second film of 30 frames a second
    faster = make_film(tmp_path / "B.mp4", frames=300, fps=30)
    report = make_report()
    report["clips"][0]["film"]["B"] |= {"fps": "30/1", "frames": 300}
    page = look(make_view(make_job(), report), own={"A": films["A"], "B": faster})
    page.wait_shown()
    # When a frame of the first is shown
    page.scrub(100)
    # Then the second shows the same time, and the page does not call it exact
    assert page.frames()[0] == 100
    assert abs(page.frames()[1] - 120) <= 1
    assert page.page.inner_text("[data-exact]") == (
        "approximate: the frame rates differ (25 and 30)"
    )
