"""The Celery app. It consumes, runs pools and shuts down; it holds no state.

A message is only a doorbell: the due set in Redis is what lasts. So there is no result backend, no
ETA, no retry, no acknowledgement emulation (docs/decisions/, 'Celery as doorbell').
"""

from __future__ import annotations

import os

from celery import Celery
from kombu import Exchange
from kombu import Queue as BrokerQueue

from service.model.lifecycle import Queue
from service.settings import Settings
from service.store.keys import queue_key

#: The name by which a doorbell calls the one task.
TASK_NAME = "advance"

# Celery takes these over whatever an app says: a broker, a store of results, whole configurations.
# Another project on this machine may have set them.
for _name in [each for each in os.environ if each.startswith("CELERY_")]:
    del os.environ[_name]

app = Celery("caption-ab", set_as_current=True)
app.conf.update(
    include=["workers.tasks"],
    result_backend=None,
    task_ignore_result=True,
    task_store_errors_even_if_ignored=False,
    task_serializer="json",
    accept_content=["json"],
    enable_utc=True,
    task_acks_late=False,
    task_create_missing_queues=False,
    task_queues=[
        BrokerQueue(
            queue_key(each),
            Exchange(queue_key(each), type="direct"),
            routing_key=queue_key(each),
        )
        for each in Queue
    ],
    task_default_queue=queue_key(Queue.FLOW),
    worker_prefetch_multiplier=1,
    worker_eta_task_limit=100,
    worker_proc_alive_timeout=60.0,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_send_task_events=False,
    task_send_sent_event=False,
    worker_enable_remote_control=False,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    worker_soft_shutdown_timeout=0,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_pool_limit=10,
    broker_transport_options={
        # At most once is right for a doorbell, and half the price (reference figures: 2x CPU).
        "ack_emulation": False,
        "max_connections": 64,
        "socket_timeout": 30,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 15,
        "client_name": "caption-ab-worker",
    },
)


def configure(settings: Settings) -> Celery:
    """Point the app at this process's Redis."""
    app.conf.update(broker_url=settings.redis_url)
    return app
