"""The connections of a process to Redis."""

from __future__ import annotations

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from service.settings import Settings

#: How long a caller of the API waits for a free connection: it may ask again.
POOL_WAIT_S = 5.0
#: The same for a worker, which would lose what a paid stream has just said.
WORKER_POOL_WAIT_S = 40.0


def connect(
    settings: Settings, *, connections: int, name: str, wait_s: float = POOL_WAIT_S, url: str = ""
) -> redis.Redis:
    """Open a client whose pool blocks up to `wait_s` when all connections are taken.

    `url` is where, if it is not the main Redis.
    """
    pool = redis.BlockingConnectionPool.from_url(
        url or settings.redis_url,
        max_connections=connections,
        timeout=wait_s,
        # A connection that has died unnoticed, as all do when Redis is restarted, costs no call:
        # every command may come twice.
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
        socket_timeout=10,
        socket_connect_timeout=5,
        health_check_interval=15,
        client_name=name,
        decode_responses=True,
        protocol=2,
    )
    return redis.Redis(connection_pool=pool)
