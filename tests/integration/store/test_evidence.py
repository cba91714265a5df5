"""evidence: what was seen of a paid call, kept with or without a lease."""

from __future__ import annotations

import pytest


@pytest.fixture
def recovering(store):
    _, (a, _b) = store.ready_job()
    store.commit(store.claim(a), "recovering", ready_ms=store.now_ms + 30_000)
    store.silence()
    return a


def keep(store, row: str, kind: str, body: str = "{}") -> None:
    store.commands.evidence(row, "edt_1", kind, body, now_ms=store.now_ms)


def test_it_is_read_by_kind_and_the_last_word_counts(store, recovering):
    keep(store, recovering, "reading", "1")
    keep(store, recovering, "reading", "2")
    keep(store, recovering, "done", "x")
    assert store.commands.read_evidence("edt_1") == {"reading": "2", "done": "x"}


def test_it_wakes_whoever_recovers(store, recovering):
    keep(store, recovering, "done")
    assert store.due_in_ms(recovering) == 0
    assert store.bells("flow") == [recovering]


def test_the_word_of_a_reader_wakes_nobody(store, recovering):
    keep(store, recovering, "reading")
    assert store.due_in_ms(recovering) == 30_000


def test_a_row_in_another_state_is_left_alone(store):
    _, (a, _b) = store.ready_job()
    store.commit(store.claim(a), "rendering", ready_ms=store.now_ms + 30_000)
    keep(store, a, "done")
    assert store.due_in_ms(a) == 30_000


def test_it_is_kept_for_a_row_that_is_gone(store):
    keep(store, "cut:none", "done")
    assert "done" in store.commands.read_evidence("edt_1")
    assert not store.is_due("cut:none")


def test_it_outlives_the_longest_wait_for_a_person_and_ends(store, recovering):
    keep(store, recovering, "done")
    left_ms = store.client.pttl("cab:evidence:edt_1")
    assert left_ms > store.settings.action_required_s * 1000


def test_it_is_cut_to_four_kilobytes_between_characters(store, recovering):
    keep(store, recovering, "done", "字" * 3000)
    text = store.commands.read_evidence("edt_1")["done"]
    assert text == "字" * 1365
