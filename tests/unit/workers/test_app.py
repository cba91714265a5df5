"""The settings of the Celery app that the engine relies on."""

from __future__ import annotations

import pytest

from service.errors import StartupError
from service.model.lifecycle import Queue
from service.settings import Settings
from service.store.keys import queue_key
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
