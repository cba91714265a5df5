"""Builds the parts of a process, once. The only place where they meet."""

from __future__ import annotations

import os
import socket
import uuid
from functools import partial
from pathlib import Path
from typing import Any

import redis
import requests

from service.clock import AnchoredClock, Clock
from service.compare.platforms import load_platforms
from service.errors import StartupError
from service.jobs.context import Services
from service.jobs.leases import Leases
from service.media.apart import probe_apart
from service.media.files import SCHEME_S3, Files, LocalFiles, Offload, run_directly
from service.media.limits import MediaLimits
from service.model.cut import MediaInfo
from service.nemo.client import NemoClient
from service.nemo.headers import detect_platform
from service.nemo.limits import Limits
from service.nemo.tokens import Tokens
from service.outbound.guard import Policy
from service.outbound.session import open_session
from service.settings import Settings
from service.store.accounts import AccountStore
from service.store.commands import Commands
from service.store.connection import Connection
from service.store.deliveries import DeliveryStore
from service.store.endpoints import EndpointStore
from service.store.experiments import ExperimentStore
from service.store.jobs import JobStore
from service.store.plans import PlanStore
from service.store.pool import POOL_WAIT_S, connect
from service.store.replies import ReplyStore
from service.vault import Vault


def build_services(
    settings: Settings,
    *,
    name: str,
    connections: int,
    offload: Offload = run_directly,
    pool_wait_s: float = POOL_WAIT_S,
) -> Services:
    """Build everything a process needs; opens no connection yet.

    `name` tells the process apart in Redis' client list; `offload` is how blocking file calls run,
    `pool_wait_s` how long a call to Redis waits for one of the connections.

    Raises:
        StartupError: a secret is missing or malformed, or the table of platforms or an address of
            Redis is.
    """
    # size: every part of a process, one after another
    open_client = partial(
        _connect, settings, connections=connections, name=f"caption-ab-{name}", wait_s=pool_wait_s
    )
    client = open_client()
    # The clock asks a connection that is made below, and needs the clock itself.
    clock = AnchoredClock(lambda: connection.server_ms(), settings.clock_anchor_every_s)  # noqa: PLW0108
    connection = Connection(client, settings, clock)
    counting = connection
    if url := settings.experiments_redis_url:
        counting = Connection(open_client(url=url), settings, clock, keeper=connection)
    commands = Commands(connection, settings)
    accounts = AccountStore(connection)
    vault, nemo = Vault(settings.secret_keys), build_client(settings, clock)
    caller_policy = build_caller_policy(settings)
    return Services(
        settings=settings,
        clock=clock,
        connection=connection,
        commands=commands,
        jobs=JobStore(connection),
        accounts=accounts,
        endpoints=EndpointStore(connection, settings),
        deliveries=DeliveryStore(connection, settings),
        replies=ReplyStore(connection, settings, vault),
        plans=PlanStore(connection, settings),
        experiments=ExperimentStore(counting, settings, connection),
        vault=vault,
        files=open_files(settings, clock, offload),
        nemo=nemo,
        tokens=Tokens(accounts, nemo, vault, settings, clock),
        leases=Leases(commands, clock, settings),
        caller_policy=caller_policy,
        caller_session=open_session(
            caller_policy, connect_s=settings.outbound_connect_s, read_s=settings.outbound_read_s
        ),
        probe=partial(probe_media, limits=read_limits(settings)),
        platforms=load_platforms(settings.platforms),
        owner=_name_owner(name),
    )


def _connect(settings: Settings, *, url: str = "", **options: Any) -> redis.Redis:
    try:
        return connect(settings, url=url, **options)
    except ValueError:  # redis-py's words may hold the password
        name = "CAPTION_AB_EXPERIMENTS_REDIS_URL" if url else "CAPTION_AB_REDIS_URL"
        raise StartupError(
            f"{name} is no address of a Redis.", hint="Write it as redis://:PASSWORD@HOST:6379/0."
        ) from None


def build_caller_policy(settings: Settings) -> Policy:
    """What addresses that callers give may be."""
    ports = frozenset(settings.caller_loopback_ports)
    return Policy("caller", settings.caller_http, ports)


def open_files(settings: Settings, clock: Clock, offload: Offload) -> Files:
    """The store of job files; boto3 is loaded only where files are in a bucket."""
    if not settings.files.startswith(SCHEME_S3):
        return LocalFiles(settings.files, offload)
    from service.media.buckets import open_bucket

    return open_bucket(settings, clock=clock, offload=offload)


def _name_owner(name: str) -> str:
    return f"{name}@{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def build_client(settings: Settings, clock: AnchoredClock) -> NemoClient:
    """The backend's client, under the guard's `backend` policy."""
    policy = Policy(
        "backend",
        loopback_ports=frozenset(settings.backend_loopback_ports),
        peers=frozenset(settings.backend_peers),
    )
    limits = Limits.from_settings(settings)

    def session() -> requests.Session:
        return open_session(policy, connect_s=limits.connect_s, read_s=limits.read_s)

    return NemoClient(
        settings.nemo_api_url,
        session(),
        session(),
        platform=detect_platform(str(Path(__file__).resolve())),
        limits=limits,
        clock=clock,
        web_url=settings.nemo_web_url,
        open_session=session,
    )


def read_limits(settings: Settings) -> MediaLimits:
    """What looking into a file may cost."""
    return MediaLimits(
        settings.media_memory_bytes, settings.media_max_pixels, deadline_s=settings.media_deadline_s
    )


def probe_media(path: Path, limits: MediaLimits) -> MediaInfo:
    """Look into a file of a caller's or the backend's, in a process of its own."""
    found = probe_apart(path, limits)
    return MediaInfo(
        duration_s=found.duration_s,
        width=found.width,
        height=found.height,
        fps_num=found.fps.numerator,
        fps_den=found.fps.denominator,
        video_codec=found.video_codec,
        audio_codec=found.audio_codec or "",
        container=found.container,
    )
