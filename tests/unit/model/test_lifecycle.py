"""States: an end is an end, every state is worked on somewhere, a job ends as its cuts did."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.model.lifecycle import (
    ENDED_CLIP,
    ENDED_CUT,
    ENDED_JOB,
    ClipState,
    CutState,
    JobStatus,
    Queue,
    clip_may_become,
    clip_queue,
    cut_may_become,
    cut_queue,
    job_end,
)

CUTS = st.sampled_from(CutState)
ENDS = st.sampled_from(sorted(ENDED_CUT))


@given(st.sampled_from(sorted(ENDED_CUT)), CUTS)
def test_no_cut_leaves_its_end(state, following):
    assert not cut_may_become(state, following)


@given(st.sampled_from(sorted(ENDED_CLIP)), st.sampled_from(ClipState))
def test_no_clip_leaves_its_end(state, following):
    assert not clip_may_become(state, following)


@pytest.mark.parametrize("state", sorted(set(CutState) - ENDED_CUT))
def test_a_cut_in_work_may_end_badly_or_wait_for_a_person(state):
    for following in ENDED_CUT - {CutState.SUCCEEDED}:
        assert cut_may_become(state, following)
    waits = cut_may_become(state, CutState.ACTION_REQUIRED)
    assert waits == (state is not CutState.ACTION_REQUIRED)


@pytest.mark.parametrize("state", sorted(set(ClipState) - ENDED_CLIP))
def test_a_clip_in_work_may_fail_or_be_canceled(state):
    assert clip_may_become(state, ClipState.FAILED)
    assert clip_may_become(state, ClipState.CANCELED)


@pytest.mark.parametrize("state", CutState)
def test_a_cut_succeeds_only_with_a_stored_video(state):
    assert cut_may_become(state, CutState.SUCCEEDED) == (state is CutState.STORED)


def test_a_paid_message_is_sent_only_from_a_state_that_prepares_it():
    into = {state for state in CutState if cut_may_become(state, CutState.CAPTIONING)}
    assert into == {CutState.UPLOADED}


def test_what_is_recovering_is_never_sent_again():
    following = {s for s in CutState if cut_may_become(CutState.RECOVERING, s)}
    assert following == {
        CutState.CAPTIONED,
        CutState.ACTION_REQUIRED,
        CutState.FAILED,
        CutState.CANCELED,
        CutState.EXPIRED,
    }


@pytest.mark.parametrize("state", sorted(set(CutState) - ENDED_CUT))
def test_every_cut_can_still_succeed(state):
    # Given any state of a cut in work, then some path leads from it to success.
    reached, edge = {state}, {state}
    while edge:
        edge = {s for s in CutState for e in edge if cut_may_become(e, s)} - reached
        reached |= edge
    assert CutState.SUCCEEDED in reached


def test_the_path_of_a_cut_crosses_its_queues():
    path = [
        CutState.QUEUED,
        CutState.SESSION_OPEN,
        CutState.UPLOADED,
        CutState.CAPTIONING,
        CutState.CAPTIONED,
        CutState.RENDERING,
        CutState.RENDERED,
        CutState.STORED,
        CutState.SUCCEEDED,
    ]
    assert all(cut_may_become(a, b) for a, b in pairwise(path))
    queues = [cut_queue(state) for state in path[:-1]]
    assert queues == [
        *(Queue.FLOW, Queue.TRANSFER, Queue.FLOW, Queue.FLOW, Queue.FLOW, Queue.FLOW),
        *(Queue.TRANSFER, Queue.MEDIA),
    ]


@pytest.mark.parametrize("state", CutState)
def test_every_state_of_a_cut_has_a_queue(state):
    assert isinstance(cut_queue(state), Queue)


@pytest.mark.parametrize("state", ClipState)
def test_every_state_of_a_clip_has_a_queue(state):
    assert isinstance(clip_queue(state), Queue)


S, F, C, X = (CutState.SUCCEEDED, CutState.FAILED, CutState.CANCELED, CutState.EXPIRED)


@pytest.mark.parametrize(
    ("cuts", "cancel", "status"),
    [
        ([S, S], False, JobStatus.SUCCEEDED),
        ([S, S], True, JobStatus.SUCCEEDED),
        ([S, F], False, JobStatus.PARTIAL),
        ([S, X], False, JobStatus.PARTIAL),
        ([F, F], False, JobStatus.FAILED),
        ([F, X], False, JobStatus.FAILED),
        ([X, X], False, JobStatus.EXPIRED),
        ([C, C], True, JobStatus.CANCELED),
        ([S, C], True, JobStatus.CANCELED),
        ([F, C], True, JobStatus.CANCELED),
        ([F, F], True, JobStatus.FAILED),
        ([S, F], True, JobStatus.PARTIAL),
    ],
)
def test_a_job_ends_as_its_cuts_did(cuts, cancel, status):
    assert job_end(cuts, cancel_asked=cancel) is status


@given(st.lists(ENDS, min_size=1, max_size=16), st.booleans())
def test_a_job_always_ends_and_succeeds_only_whole(cuts, cancel):
    status = job_end(cuts, cancel_asked=cancel)
    assert status in ENDED_JOB
    assert (status is JobStatus.SUCCEEDED) == (set(cuts) == {S})


@given(st.permutations([S, F, C, X]), st.booleans())
def test_the_order_of_the_cuts_does_not_matter(cuts, cancel):
    assert job_end(cuts, cancel_asked=cancel) is job_end(sorted(cuts), cancel_asked=cancel)
