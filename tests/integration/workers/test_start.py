"""What a worker refuses to start with."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from cli.interrupt import Interrupt
from cli.valkey import plan_valkey
from service.store.keys import Keys
from tests.conftest import ROOT


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


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[str]:
    """The address of another server than the main Redis."""
    valkey = plan_valkey(tmp_path / "apart", os.environ, tmp_path)
    valkey.child.start()
    valkey.child.wait_ready(Interrupt())
    yield valkey.url
    valkey.child.stop()


def test_a_redis_that_may_forget_what_it_counts_is_refused_by_its_name(site, apart):
    # Given a Redis that evicts keys, for outcomes alone
    with redis.Redis.from_url(apart) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
    said = ended(site.plan_worker("hooks", CAPTION_AB_EXPERIMENTS_REDIS_URL=apart))
    assert "The Redis of CAPTION_AB_EXPERIMENTS_REDIS_URL may evict keys" in said


def test_an_address_that_is_none_is_refused_without_its_password(site):
    said = ended(site.plan_worker("hooks", CAPTION_AB_EXPERIMENTS_REDIS_URL="hunter2@elsewhere"))
    assert "CAPTION_AB_EXPERIMENTS_REDIS_URL is no address of a Redis" in said
    assert "hunter2" not in said


def test_other_folder_of_files_is_refused(site, tmp_path):
    # Given a peer that recorded its folder of files
    site.client.set(Keys().store_id, "of-another-folder")
    # Then a worker with a folder of its own does not start
    assert "not the one of the other" in ended(site.plan_worker("transfer"))


def test_more_streams_than_descriptors_is_refused(site):
    said = ended(site.plan_worker("flow", CAPTION_AB_FLOW_STREAMS="2000"))
    assert "at most 800" in said


def test_metrics_port_that_is_taken_is_refused(site):
    # Given somebody on the port; then the worker says which one, and what to do
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = ended(site.plan_worker("flow", CAPTION_AB_METRICS_PORT=str(port)))
    assert f"Metrics cannot be served at 127.0.0.1:{port}" in said
    assert "a CAPTION_AB_METRICS_PORT of its own" in said


def test_traces_without_their_libraries_are_refused(site, tmp_path):
    # Given a machine on which the extra `otel` is not installed
    (tmp_path / "opentelemetry.py").write_text("raise ImportError\n")
    env = {"CAPTION_AB_OTLP_URL": "http://127.0.0.1:9/", "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    # Then a worker that is to trace says what to install
    assert "pip install 'caption-ab[otel]'" in ended(site.plan_worker("flow", **env))


def test_unknown_setting_is_refused(site):
    said = ended(site.plan_worker("hooks", CAPTION_AB_LEASES="60"))
    assert "Unknown setting CAPTION_AB_LEASES" in said
