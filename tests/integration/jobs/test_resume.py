"""Going on after a person has acted, and trying again as a new job."""

from __future__ import annotations

import pytest

from service.errors import AccountChanged, Conflict, IdempotencyReused
from service.jobs.again import resume_job, retry_job
from service.jobs.submit import Caller
from service.model.lifecycle import CutState
from tests.integration.jobs.harness import TENANT, Harness


def resume(engine: Harness, job: str) -> int:
    return resume_job(engine.read(job), engine.services)


def retry(engine: Harness, job: str, account: str = "", key: str = ""):
    caller = Caller(TENANT, account or engine.account)
    return retry_job(
        engine.read(job), caller, jobs=engine.services.jobs, settings=engine.settings,
        clock=engine.clock, idempotency_key=key,
    )  # fmt: skip


@pytest.mark.rule("P-126")
def test_a_resumed_job_goes_on_without_a_second_paid_edit(engine, small_clip, sandbox):
    # Given a job whose plan did not allow the export until now,
    sandbox.world.board.set({"plan_blocks_export": True})
    job = engine.submit(small_clip)
    engine.run_until_paused(job)
    engine.run(lambda: engine.cut(job, "B").state is CutState.ACTION_REQUIRED)
    sandbox.world.board.set({"plan_blocks_export": False})
    # When it is resumed twice,
    assert (resume(engine, job), resume(engine, job)) == (2, 0)
    # Then it ends well, having paid once for each variant, and says once that it went on.
    assert engine.run_job(job).status == "succeeded"
    assert sorted(engine.edits_sent().values()) == [1, 1]
    assert engine.read(job).charged == 100
    assert engine.event_types(job).count("job.resumed") == 1


def test_a_resumed_job_that_still_cannot_go_on_waits_again(engine, small_clip, sandbox):
    sandbox.world.board.set({"plan_blocks_export": True})
    job = engine.submit(small_clip, "A")
    engine.run_until_paused(job)
    assert resume(engine, job) == 1
    engine.run(lambda: engine.event_types(job).count("job.action_required") == 2)
    assert engine.read(job).status == "action_required"
    assert resume(engine, job) == 1
    engine.cancel(job)
    engine.run_job(job)


def test_a_job_that_runs_is_not_changed_by_resume(engine, small_clip):
    job = engine.submit(small_clip)
    assert resume(engine, job) == 0
    assert "job.resumed" not in engine.event_types(job)
    engine.run_job(job)
    with pytest.raises(Conflict, match="ended"):
        resume(engine, job)


def test_under_another_account_resume_names_the_cost_of_a_retry(engine, small_clip, sandbox):
    # Given a job that waits, whose tenant has attached a token of its own since,
    sandbox.world.board.set({"plan_blocks_export": True})
    job = engine.submit(small_clip)
    engine.run_until_paused(job)
    services = engine.services
    account = services.tokens.attach(TENANT, "nmv_usr_sbx_another_400")
    # When it is resumed, then it says what a new job would cost, and nothing goes on.
    with pytest.raises(AccountChanged) as refused:
        resume(engine, job)
    assert refused.value.extra["retry_credits"] == 100
    assert engine.read(job).status == "action_required"
    # A retry is refused while it waits; after its end it runs on the new account,
    with pytest.raises(Conflict, match="action_required"):
        retry(engine, job)
    engine.cancel(job)
    engine.run_job(job)
    sandbox.world.board.set({"plan_blocks_export": False})
    again = retry(engine, job, account).job_id
    made = engine.run_job(again)
    assert (made.status, made.retry_of, made.account_id) == ("succeeded", job, account)
    # of the same request and the same upload.
    assert made.spec == engine.read(job).spec
    assert {upload["sha256"] for upload in sandbox.books["uploads"]} == {
        services.accounts.read_upload(made.spec.clips[0].upload_id).sha256
    }


def test_a_retry_is_made_once_for_each_key(engine, small_clip):
    job = engine.submit(small_clip, "A")
    engine.cancel(job)
    engine.run_job(job)
    first, again = retry(engine, job, key="k"), retry(engine, job, key="k")
    assert (again.job_id, again.replayed) == (first.job_id, True)
    engine.cancel(first.job_id)
    engine.run_job(first.job_id)
    with pytest.raises(IdempotencyReused):
        retry(engine, first.job_id, key="k")
