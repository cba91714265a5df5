"""What a worker refuses to start with."""

from __future__ import annotations

from service.store.keys import Keys


def ended(worker) -> str:
    worker.start()
    assert worker.process.wait(20) == 2, worker.printed()
    return worker.printed()


def test_redis_that_loses_accepted_jobs_is_refused(site):
    # Given a Redis that acknowledges before it writes
    site.client.config_set("appendfsync", "no")
    try:
        said = ended(site.plan_worker("flow"))
    finally:
        site.client.config_set("appendfsync", "always")
    # Then the worker says so and ends
    assert "appendfsync" in said


def test_other_folder_of_files_is_refused(site, tmp_path):
    # Given a peer that recorded its folder of files
    site.client.set(Keys().store_id, "of-another-folder")
    # Then a worker with a folder of its own does not start
    assert "not the one of the other" in ended(site.plan_worker("transfer"))


def test_more_streams_than_descriptors_is_refused(site):
    said = ended(site.plan_worker("flow", CAPTION_AB_FLOW_STREAMS="2000"))
    assert "at most 800" in said


def test_unknown_setting_is_refused(site):
    said = ended(site.plan_worker("hooks", CAPTION_AB_LEASES="60"))
    assert "Unknown setting CAPTION_AB_LEASES" in said
