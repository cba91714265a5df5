"""What a person does with the page of a job: views, keys, moments, blind mode."""

from __future__ import annotations

import pytest

from api.page_view import PageRights
from tests.page.jobs import make_job, make_report, make_view

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

LABELS = "() => [...document.querySelectorAll('.stage figcaption')].map((each) => each.textContent)"
FIRST = "() => +document.querySelector('.stage video').dataset.slot"
HIDDEN = (
    "() => [...document.querySelectorAll('.slot')].map((each) => getComputedStyle(each).opacity)"
)


def focus(look) -> None:
    look.page.focus(".compare")


def test_in_place_shows_one_and_then_the_other_on_the_same_frame(look):
    # Given a frame is shown
    page = look(after="#f=70&v=side")
    page.wait_shown(70)
    # When it is looked at in place, and flipped
    page.page.click(".views [data-view=flip]")
    first = page.page.evaluate(HIDDEN)
    page.do("flip")
    # Then the other one is seen, both are still at the frame, and the address keeps it
    assert first == ["1", "0"]
    assert page.page.evaluate(HIDDEN) == ["0", "1"]
    assert page.frames() == [70, 70]
    assert page.said() == "Shown: B."
    assert page.page.url.endswith("#f=70&v=flip")


def test_the_divider_of_split_is_a_slider(look):
    # Given a landscape film, which is shown split
    page = look()
    page.wait_shown()
    assert page.view() == "split"
    # When the divider is moved by keys
    page.page.focus(".cut")
    for _ in range(5):
        page.page.keyboard.press("ArrowLeft")
    # Then the second picture is cut there
    clip = page.page.evaluate(
        "getComputedStyle(document.querySelector('.second video')).clipPath.replace(/px/g, '')"
    )
    assert "45%" in clip
    assert page.page.get_attribute(".cut", "aria-valuetext") == "45 percent"
    # and the address brings back all of it
    assert page.page.url.endswith("#f=140&v=split&cut=45")
    page.page.reload()
    page.wait_shown()
    assert page.page.input_value(".cut") == "45"


def test_upright_films_stand_side_by_side(look):
    # Given films that are higher than wide; then they are not split
    page = look(make_view(make_job(), make_report(width=180, height=320)))
    page.wait_shown()
    assert page.view() == "side"


def test_one_after_the_other_plays_first_the_one_and_then_the_other(look):
    # Given a short loop's end, in the view of one by one
    page = look(after="#f=225&v=one")
    page.wait_shown(225)
    # When it plays to the end
    page.do("play")
    page.wait_until("getComputedStyle(document.querySelector('.slot1')).opacity === '1'")
    # Then the second one plays from its beginning, alone
    page.wait_until("!document.querySelectorAll('.stage video')[1].paused")
    assert page.page.evaluate("document.querySelectorAll('.stage video')[0].paused")
    page.do("play")


def test_keys_work_while_the_comparison_has_the_focus(look):
    # Given the comparison has the focus
    page = look(after="#f=50")
    page.wait_shown(50)
    focus(page)
    press = page.page.keyboard.press
    # When keys are pressed; then each does what the list of keys says
    for key, frame in [(".", 51), (",", 50), ("l", 75), ("j", 50), ("m", 80), ("m", 140)]:
        press(key)
        page.wait_shown(frame)
        assert page.frames() == [frame, frame]
    press("d")
    assert page.view() == "side"
    press("x")
    assert page.view() == "flip"
    press("s")
    assert page.view() == "split"
    press("[")
    assert "Loop from frame 140 to 249" in page.said()
    press("\\")
    assert page.said() == "No loop."
    muted = "[...document.querySelectorAll('.stage video')].map((each) => each.muted)"
    press("2")
    assert page.page.evaluate(muted) == [True, False]
    press("1")
    assert page.page.evaluate(muted) == [False, True]
    assert not page.page.is_visible("[data-keys] dl")
    press("?")
    assert page.page.is_visible("[data-keys] dl")
    for key in ("k", " "):
        press(key)
        page.page.wait_for_timeout(100)
        assert page.is_playing()
        press(key)
        page.wait_shown()
        assert not page.is_playing()


def test_keys_leave_everything_else_alone(look):
    # Given a frame is shown
    page = look(after="#f=50")
    page.wait_shown(50)
    # When keys are pressed elsewhere, or together with Control, Alt or Meta
    page.page.focus("details summary")
    page.page.keyboard.press("l")
    focus(page)
    for key in ("Control+l", "Alt+.", "Meta+k"):
        page.page.keyboard.press(key)
    # or where they mean something else: letters choose from a list, arrows move a slider
    page.page.focus("[data-speed]")
    page.page.keyboard.press("l")
    page.page.wait_for_timeout(200)
    # Then nothing has moved
    assert page.frames() == [50, 50]
    assert not page.is_playing()
    page.page.focus(".scrub")
    page.page.keyboard.press("ArrowRight")
    assert page.wait_shown(51) == 51
    # and a space on a button presses that button alone
    page.page.focus("[data-do=on]")
    page.page.keyboard.press(" ")
    assert page.wait_shown(52) == 52
    assert not page.is_playing()


def test_captions_and_moments_lead_to_their_frames(look):
    # Given the list of captions
    page = look()
    page.wait_shown()
    # When the third is chosen
    page.page.click(".cues [data-frame] >> nth=2")
    # Then it is shown with its text below the pictures, as it was written
    at = page.wait_shown()
    assert 120 <= at <= 122
    assert page.page.inner_text("[data-caption]") == '<b>Pour & stir</b> "twice"'
    assert page.page.locator("tr[data-now]").count() == 1
    # and a moment leads to its frame, a click into the curve to the one below it
    page.page.click("[data-moment] >> nth=0")
    page.wait_shown(80)
    box = page.page.locator("[data-curve]").bounding_box()
    page.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 20)
    assert abs(page.wait_shown() - 124) <= 1


def test_blind_mode_hides_names_and_all_that_tells_then_notes_the_choice(look):
    # Given a page on which a preference may be given
    page = look()
    page.wait_shown()
    # When it is looked at blind
    page.do("blind")
    # Then neither names nor figures are there
    assert page.page.evaluate(LABELS) == ["First", "Second"]
    assert page.page.locator("[data-hear]").all_inner_texts() == ["Hear First", "Hear Second"]
    assert page.page.get_attribute("[data-hear] >> nth=0", "aria-pressed") == "true"
    told = page.page.inner_text("main")
    assert "easier to read than" not in told
    assert "Weakest" not in told
    assert page.page.locator(".tells:visible").count() == 0
    # When the first is chosen, with a word why
    first = page.page.evaluate(FIRST)
    page.scrub(90)
    assert page.frames() == [90, 90]
    page.page.fill("[name=note]", "larger")
    page.page.click("[data-prefer=first]")
    page.wait_until("document.querySelector('[data-said]').textContent !== ''")
    page.page.wait_for_selector(".verdict", state="visible")
    # Then the choice is sent under its label, with the order that was seen, and is revealed
    chosen, other = "AB"[first], "AB"[1 - first]
    (sent,) = page.site.posted
    assert sent["preferred"] == chosen
    assert sent["pair"] == f"{chosen}|{other}"
    assert sent["revisions"] == "1|1"
    assert sent["note"] == "larger"
    assert sent["csrf"] == "c5rf"
    assert page.said() == f"You chose {chosen}. It was noted. The first was {chosen}."
    assert page.page.evaluate(LABELS) == ["A", "B"]


def test_sides_are_shuffled_in_blind_mode(look):
    # Given blind mode is begun and ended again and again
    page = look(make_view(rights=PageRights()))
    page.wait_shown()
    seen = set()
    for _ in range(40):
        page.do("blind")
        seen.add(page.page.evaluate(FIRST))
        page.page.click("[data-prefer=none]")
        page.page.wait_for_selector(".verdict", state="visible")
    # Then either side has been the first, and without leave to do so nothing is sent
    assert seen == {0, 1}
    assert page.site.posted == []
    assert page.said().startswith("You saw no difference.")


def test_the_page_opens_where_the_captions_differ_and_plays_from_the_beginning(look):
    # Given an address that names no frame; then both show where the two differ most
    page = look()
    assert page.wait_shown() == 140
    assert page.frames() == [140, 140]
    # When it is played without another choice, then from the beginning
    page.do("play")
    page.wait_until("+document.querySelector('.scrub').value < 100")


def test_from_a_moment_that_was_chosen_the_page_plays_on(look):
    # Given a moment that was chosen
    page = look()
    page.page.click("[data-moment]:has-text('Largest difference')")
    page.wait_shown(140)
    # When it is played, then from there
    page.do("play")
    for _ in range(20):
        assert page.page.evaluate("+document.querySelector('.scrub').value") >= 140
        page.page.wait_for_timeout(50)
    page.wait_until("+document.querySelector('.scrub').value > 150")
