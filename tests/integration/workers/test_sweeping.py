"""A transfer worker deletes the files of what has outlived its time."""

from __future__ import annotations

from service.store.accounts import AccountStore, Upload
from tests.builders import TENANT
from tests.integration.workers.conftest import wait_for


def test_a_transfer_worker_deletes_an_expired_upload(site, tmp_path):
    # Given two uploads, one of which lives for a moment
    accounts = AccountStore(site.connection)
    (tmp_path / "files/uploads").mkdir(parents=True)
    for name, ttl_ms in (("upl_old", 1), ("upl_new", 600_000)):
        file = tmp_path / "files/uploads" / name
        file.write_bytes(b"x")
        now_ms = site.clock.now_ms()
        one = Upload(name, TENANT, f"uploads/{name}", "a.mp4", 1, "", "video", now_ms)
        accounts.create_upload(one, ttl_ms=ttl_ms)
    # When a transfer worker runs, then the file of that one goes
    site.worker("transfer", CAPTION_AB_SWEEP_EVERY_S="0.1")
    wait_for(lambda: not (tmp_path / "files/uploads/upl_old").exists(), 10)
    assert (tmp_path / "files/uploads/upl_new").exists()
