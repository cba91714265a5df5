"""What a delivery remembers of its tries."""

from __future__ import annotations

from service.model.delivery import (
    MANUAL_KEPT,
    OLD_REPLY_CHARS,
    REPLY_CHARS,
    Attempt,
    DeliveryDoc,
    Trigger,
    add_attempt,
)
from service.model.documents import read_document, write_document

NEW = DeliveryDoc("job_1", 1, "whe_1", "https://you.example/", "ten_1", "evt_1")
LONG = "a" * REPLY_CHARS


def test_the_last_reply_is_kept_whole_and_those_before_it_by_their_first_words():
    doc = NEW
    for _ in range(10):
        doc = add_attempt(doc, Attempt(1, 500, 2, reply=LONG))
    lengths = [len(each.reply) for each in doc.attempts]
    assert lengths == [*[OLD_REPLY_CHARS] * 9, REPLY_CHARS]


def test_tries_by_hand_do_not_count_for_the_schedule():
    doc = add_attempt(NEW, Attempt(1, 500, 2))
    doc = add_attempt(doc, Attempt(2, 500, 2, trigger=Trigger.MANUAL))
    assert doc.scheduled == 1
    assert read_document(DeliveryDoc, write_document(doc)).scheduled == 1


def test_of_many_tries_by_hand_the_newest_are_kept_and_all_of_the_schedule():
    # Given a delivery that was tried twice by its schedule and very often by hand
    doc = NEW
    for at_ms in range(5 * MANUAL_KEPT):
        by_schedule = at_ms in {0, MANUAL_KEPT}
        trigger = Trigger.SCHEDULED if by_schedule else Trigger.MANUAL
        doc = add_attempt(doc, Attempt(at_ms, 500, 2, trigger=trigger))
    # Then it stays small, in order, and the schedule goes on where it was.
    kept = [each.at_ms for each in doc.attempts]
    assert kept == [0, MANUAL_KEPT, *range(4 * MANUAL_KEPT, 5 * MANUAL_KEPT)]
    assert doc.scheduled == 2


def test_tries_of_the_release_before_read_as_they_were_meant():
    # It kept the code of an error, or the first words of a reply, in one field.
    old = '{"at_ms":1,"status":500,"duration_ms":2,"note":"sorry"}'
    lost = '{"at_ms":1,"status":0,"duration_ms":2,"note":"outbound_timeout"}'
    answered, silent = (read_document(Attempt, each) for each in (old, lost))
    assert (answered.said, answered.error) == ("sorry", "")
    assert (silent.said, silent.error) == ("", "outbound_timeout")
    assert answered.trigger is Trigger.SCHEDULED
