"""The settings of the Celery app that the engine relies on."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from service.errors import StartupError
from service.model.lifecycle import Queue
from service.settings import Settings
from service.store.keys import queue_key
from tests.conftest import ROOT
from workers.app import app
from workers.checks import check_sizes


def test_queues_are_the_lists_that_lua_pushes_to():
    # Given the queues of the model
    names = {queue_key(each) for each in Queue}
    # Then Celery consumes exactly these, and makes no others up
    assert set(app.amqp.queues) == names
    assert app.conf.task_create_missing_queues is False


def test_nothing_keeps_state_in_celery():
    # A doorbell is at most once: no acknowledgements emulated, no results, no pickles
    assert app.conf.broker_transport_options["ack_emulation"] is False
    assert app.conf.result_backend is None
    assert app.conf.task_ignore_result is True
    assert app.conf.task_acks_late is False
    assert app.conf.accept_content == ["json"]
    assert app.conf.worker_prefetch_multiplier == 1
    assert app.conf.worker_enable_remote_control is False


def test_settings_of_other_projects_are_not_taken():
    # Given a machine whose environment tells another project's Celery where its broker is
    foreign = {
        f"CELERY_{name}": "redis://elsewhere.example/7"
        for name in ("BROKER_URL", "BROKER_READ_URL", "BROKER_WRITE_URL", "RESULT_BACKEND")
    }
    foreign["CELERY_CONFIG_MODULE"] = "their.settings"
    # When a worker is configured; then its broker is its Redis, and nothing else is
    code = (
        "from service.settings import Settings; from workers.app import configure\n"
        "conf = configure(Settings(redis_url='redis://ours.example/0')).conf\n"
        "print(conf.broker_read_url, conf.broker_write_url, conf.result_backend)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, env={**os.environ, **foreign}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.split() == ["redis://ours.example/0"] * 2 + ["None"], done.stderr


@pytest.mark.parametrize("sizes", [{"flow_streams": 801}, {"hooks_greenlets": 900}])
def test_more_streams_than_a_process_carries_are_refused(sizes):
    # Given a pool whose sockets would pass descriptor 1024; then it does not start
    with pytest.raises(StartupError, match="at most 800"):
        check_sizes(Settings(**sizes))


def test_empty_pool_is_refused():
    with pytest.raises(StartupError, match="at least 1"):
        check_sizes(Settings(transfer_threads=0))


def test_production_sizes_are_accepted():
    check_sizes(Settings())
