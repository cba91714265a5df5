# size: every setting is one field of one class
"""Every setting of the product, read once from the environment.

`CAPTION_AB_*` and the vendor's `NEMO_*` are the only names. Durations end in `_s`; sequences are
comma-separated. `docs/settings.md` lists every one, and a test fails when it does not.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any

from service.errors import StartupError


def _setting(default: Any, doc: str, env: str = "", *, secret: bool = False) -> Any:
    metadata = {"doc": doc, "env": env, "secret": secret}
    return field(default=default, repr=not secret, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration of one process. Defaults are those of production."""

    # Where things are
    redis_url: str = _setting("redis://127.0.0.1:6379/0", "Redis or Valkey: state and broker.")
    files: str = _setting("data/files", "Folder of job files, or `s3://bucket/prefix`.")
    s3_endpoint: str = _setting("", "Address of an S3-compatible store; empty is Amazon's own.")
    s3_region: str = _setting("", "Region of the bucket; empty takes what boto3 finds.")
    s3_access_key: str = _setting("", "Access key; empty takes what boto3 finds.", secret=True)
    s3_secret_key: str = _setting("", "Secret of the access key.", secret=True)
    s3_link_s: float = _setting(
        0.0,
        "How long a link into the bucket is good that the API answers for a video; 0: no links.",
    )
    secret_keys: tuple[str, ...] = _setting(
        (), "Fernet keys; the first encrypts, all decrypt.", secret=True
    )
    key_pepper: str = _setting(
        "", "Secret mixed into the hashes of API keys; signs links and sessions.", secret=True
    )
    public_url: str = _setting("http://127.0.0.1:8080", "Base address of links given to callers.")
    ffmpeg: str = _setting("", "ffmpeg to run; empty takes the wheel's.")
    beat_file: str = _setting(
        "", "Where a worker tells `python -m workers.health` that it works; empty: nowhere."
    )
    beat_every_s: float = _setting(5.0, "How often it tells so; a worker is stale after 90 s.")
    accept: str = _setting("strict", "`strict` demands appendfsync always; `fast` takes everysec.")
    redis_policy: str = _setting(
        "check", "`check` reads Redis' persistence policy; `stated` trusts the operator."
    )

    store_wait_s: float = _setting(30.0, "How long a starting process waits for Redis to answer.")

    # Operations
    metrics_port: int = _setting(0, "Port of Prometheus metrics, one a process; 0 serves none.")
    metrics_folder: str = _setting(
        "",
        "Where processes that fork share their counts; empty takes /dev/shm, else the temporary "
        "folder. A full one ends them: let nothing else write there. What a killed process leaves "
        "goes when another starts.",
    )
    metrics_host: str = _setting("127.0.0.1", "Address on which metrics are served.")
    otlp_url: str = _setting(
        "", "Where traces go by OTLP over HTTP, such as http://collector:4318/v1/traces."
    )

    # The engine
    lease_s: float = _setting(60.0, "How long a worker may work on a row without renewing.")
    lease_grace_s: float = _setting(10.0, "How long an expired lease keeps others out.")
    extend_every_s: float = _setting(5.0, "How often a process renews all its leases.")
    reading_fresh_s: float = _setting(
        15.0, "How long the word of a fenced-off reader holds recovery back."
    )
    tick_every_s: float = _setting(1.0, "How often a worker looks for due rows.")
    tick_batch: int = _setting(200, "Rows rung in one tick, at most.")
    ring_s: float = _setting(2.0, "First pause before a row is rung again.")
    ring_max_s: float = _setting(30.0, "Longest pause before a row is rung again.")
    look_every_s: float = _setting(60.0, "How often a row that waits for another is looked at.")
    step_retry_s: float = _setting(10.0, "Pause after a step that failed for a passing reason.")
    crash_limit: int = _setting(5, "Claims without a commit after which a row fails.")
    clock_anchor_every_s: float = _setting(10.0, "How often the clock is measured against Redis.")
    clock_back_s: float = _setting(5.0, "How far below the highest time seen a call may be.")
    clock_ahead_s: float = _setting(60.0, "How far above the highest time seen a call may be.")
    clock_settle_s: float = _setting(3.0, "How long a starting process watches for a living peer.")
    drain_s: float = _setting(930.0, "How long streams may go on after SIGTERM.")
    handback_s: float = _setting(10.0, "Within what time leases are handed back at the limit.")
    flow_streams: int = _setting(800, "Streams of one flow process; never above 800.")
    transfer_threads: int = _setting(8, "Threads of one transfer process.")
    media_processes: int = _setting(2, "Processes of one media worker.")
    hooks_greenlets: int = _setting(200, "Deliveries at once of one hooks process.")

    # Jobs
    job_deadline_s: float = _setting(1800.0, "Longest work on a cut, waiting not counted.")
    action_required_s: float = _setting(
        691200.0, "How long a job waits for a person; longer than the backend's 7 days for a token."
    )
    job_ttl_s: float = _setting(604800.0, "How long an ended job and its files are kept.")
    job_expiring_s: float = _setting(
        86400.0, "How long before its end `job.expiring` tells of it; shorter lives end untold."
    )
    experiment_records: int = _setting(
        2_000_000, "Units and outcomes that are kept of one experiment, at most."
    )
    experiment_tenant_records: int = _setting(
        10_000_000, "The same of all experiments of a tenant."
    )
    experiments_redis_url: str = _setting(
        "",
        "Redis or Valkey that counts outcomes of experiments; empty takes `redis_url`. It may not "
        "change while experiments run, and after the first one only with a step of its own "
        "(docs/operations.md).",
    )
    experiment_look_every_s: float = _setting(
        300.0, "How often a running experiment is looked at for its verdict."
    )
    experiment_keep_s: float = _setting(
        2592000.0, "How long a job is kept after the verdict of its experiment, at least."
    )
    sweep_every_s: float = _setting(60.0, "How often files of ended jobs are deleted.")
    orphans_every_s: float = _setting(21600.0, "How often files that nobody owns are looked for.")
    orphan_ttl_s: float = _setting(1296000.0, "How old a file is that counts as owned by nobody.")
    part_ttl_s: float = _setting(86400.0, "How old a file is whose writing counts as broken off.")
    idempotency_ttl_s: float = _setting(86400.0, "How long an Idempotency-Key is remembered.")
    idempotency_lock_s: float = _setting(
        60.0, "How long a request with an Idempotency-Key may take before another takes its turn."
    )
    key_cache_s: float = _setting(10.0, "How long an API process trusts what it knows of a key.")
    key_outage_s: float = _setting(
        3600.0, "How long an API process trusts a key that it knows while Redis is away."
    )
    key_requests_per_minute: int = _setting(600, "Requests with one API key in a minute; 0: any.")
    key_jobs_per_minute: int = _setting(60, "Jobs accepted for one API key in a minute; 0: any.")
    key_open_jobs: int = _setting(0, "Unfinished jobs of one API key, at most; 0: any.")
    key_month_credits: int = _setting(
        0, "Credits of one API key in a calendar month (UTC), unfinished jobs included; 0: any."
    )
    tenant_open_jobs: int = _setting(100, "Unfinished jobs of one tenant, at most.")
    account_slots: int = _setting(8, "Cuts of one backend account under way at once.")
    account_clips: int = _setting(
        4,
        "Clips of one backend account fetched at once; below `transfer_threads`, so that one "
        "account never has them all.",
    )
    share_max_s: float = _setting(7776000.0, "Longest life of a share link.")
    session_s: float = _setting(43200.0, "How long somebody who signs in stays so.")
    sign_ins_per_minute: int = _setting(
        30,
        "Tries to sign in from one address in a minute, see `trusted_proxies`. 0: any.",
    )
    trusted_proxies: int = _setting(
        0,
        "Proxies in front of the API that each add to `X-Forwarded-For`: so far it is believed to "
        "tell who signs in or watches. 0: the address is that of the connection.",
    )
    viewer_requests_per_minute: int = _setting(
        600,
        "Requests of viewers of experiments from one address in a minute, see `trusted_proxies`. "
        "0: any.",
    )
    play_link_s: float = _setting(
        900.0, "How long the address works, at least, to which viewers are sent for a video."
    )
    request_max_bytes: int = _setting(1_000_000, "Largest JSON body accepted.")
    upload_max_bytes: int = _setting(500_000_000, "Largest file accepted (SEED: 500 MB).")
    result_max_bytes: int = _setting(2_000_000_000, "Largest rendered video fetched.")
    upload_ttl_s: float = _setting(86400.0, "How long an upload that no job uses is kept.")
    upload_part_ttl_s: float = _setting(
        86400.0, "How long an upload that was interrupted waits for its next bytes."
    )
    wait_max_s: float = _setting(30.0, "Longest `Prefer: wait` honoured.")
    rehearsal_clip_s: float = _setting(5.0, "Longest look at one clip in a dry run.")
    rehearsal_s: float = _setting(10.0, "Longest look at all clips of a dry run.")
    rehearsals: int = _setting(50, "Dry runs that one API process makes at once, at most.")
    rehearsals_per_key: int = _setting(
        5, "Dry runs of one key at once in one API process, at most."
    )
    listeners: int = _setting(500, "Streams of events that one API process holds, at most.")
    listeners_per_key: int = _setting(20, "Streams of one key in one API process, at most.")
    listen_every_s: float = _setting(0.5, "How often an API process looks for its streams.")
    heartbeat_s: float = _setting(15.0, "Longest silence of a stream; then it sends a comment.")
    slow_stream_s: float = _setting(
        30.0, "A stream whose client has not taken an event for so long is cut."
    )

    # Looking into videos, in a process of its own each time
    media_deadline_s: float = _setting(60.0, "Longest look into a video.")
    media_memory_bytes: int = _setting(800_000_000, "Memory that a look may take.")
    media_max_pixels: int = _setting(35_389_440, "Pixels of a picture, at most (8192x4320).")
    align: str = _setting(
        "auto", "`auto` times words of English captions by the speech, with the extra; or `off`."
    )
    compare_deadline_s: float = _setting(
        600.0,
        "Longest measuring of a job's videos of six minutes together; more get more. 0: none.",
    )
    pictures_deadline_s: float = _setting(
        300.0,
        "Longest making of a job's pictures, once its videos are measured; what is done by then "
        "is kept. 0 makes none, and so does measuring nothing.",
    )
    platforms: str = _setting(
        "", "File like service/captions/platforms.json, which is taken where none is named."
    )

    # The backend
    nemo_api_url: str = _setting(
        "https://mega-api-prod.nemovideo.ai", "Backend API.", "NEMO_API_URL"
    )
    nemo_web_url: str = _setting("https://nemovideo.com", "Backend web site.", "NEMO_WEB_URL")
    nemo_token: str = _setting(
        "", "Token used as it is and never replaced.", "NEMO_TOKEN", secret=True
    )
    nemo_client_id: str = _setting("", "Client id of anonymous tokens.", "NEMO_CLIENT_ID")
    nemo_upload_by_url: bool = _setting(
        False, "Let the backend fetch clips by URL itself.", "NEMO_UPLOAD_BY_URL"
    )
    nemo_transcribes: bool = _setting(
        True, "Whether the backend can caption without a script.", "NEMO_TRANSCRIBES"
    )
    connect_timeout_s: float = _setting(10.0, "Connecting to the backend.")
    read_timeout_s: float = _setting(60.0, "Silence of a backend reply other than a stream.")
    transfer_deadline_s: float = _setting(1800.0, "One upload to or download from the backend.")
    stream_silence_s: float = _setting(90.0, "Silence of a stream's socket.")
    stream_idle_s: float = _setting(600.0, "A stream without a real event (V19).")
    stream_total_s: float = _setting(900.0, "A stream in all (SEED: 15 minutes).")
    recovery_looks_s: tuple[float, ...] = _setting(
        (30.0, 90.0, 150.0, 210.0, 270.0), "When to look after a lost stream (V19)."
    )
    retry_backoff_s: tuple[float, ...] = _setting(
        (1.0, 2.0, 4.0), "Pauses between tries of a safe call."
    )
    settle_s: float = _setting(20.0, "A change seen after a lost stream must stand so long (V19).")
    progress_every_s: float = _setting(120.0, "Between words of progress while a stream runs.")
    poll_every_s: float = _setting(30.0, "Between polls of a render (SEED: 30 s).")
    poll_limit: int = _setting(10, "Polls of one render.")
    token_margin_s: float = _setting(1200.0, "No paid edit with less life left in the token.")
    token_lock_s: float = _setting(60.0, "How long one process may take to get a token.")
    token_retry_s: float = _setting(30.0, "Pause before the one retry of a refused token (SEED).")
    edit_credits: int = _setting(50, "Credits one edit session is expected to cost (V19).")
    generation_credits: int = _setting(
        100, "Credits that generated material is expected to cost beside its edit (V19)."
    )

    # Addresses that callers and the backend give
    caller_loopback_ports: tuple[int, ...] = _setting(
        (), "Loopback ports open to callers' addresses."
    )
    backend_loopback_ports: tuple[int, ...] = _setting((), "Loopback ports open to the backend's.")
    backend_peers: tuple[str, ...] = _setting(
        (), "Hosts of your own, as name:port, where the backend may be: any address, plain http."
    )
    caller_http: bool = _setting(False, "Allow plain http in callers' addresses.")
    outbound_connect_s: float = _setting(3.0, "Connecting to a caller's address.")
    outbound_read_s: float = _setting(15.0, "Silence of a caller's address.")

    # Webhooks
    webhook_schedule_s: tuple[float, ...] = _setting(
        (0.0, 5.0, 300.0, 1800.0, 7200.0, 18000.0, 36000.0, 50400.0, 72000.0, 86400.0),
        "Pauses before the tries of a delivery: ten in three days.",
    )
    webhook_jitter: float = _setting(0.2, "Share by which a pause may differ.")
    webhook_deadline_s: float = _setting(20.0, "One try in all.")
    webhook_slots: int = _setting(
        10, "Deliveries to one endpoint, or to one host of a tenant's jobs, under way at once."
    )
    webhook_tenant_slots: int = _setting(
        100,
        "Deliveries of one tenant under way at once; below `hooks_greenlets`, so that one tenant "
        "never has them all.",
    )
    webhook_endpoints: int = _setting(20, "Webhook endpoints of one tenant, at most.")
    webhook_overlap_s: float = _setting(
        86400.0, "How long an old secret signs too after a rotation."
    )
    webhook_old_secrets: int = _setting(3, "Old secrets that sign beside the new one, at most.")
    webhook_disable_s: float = _setting(
        432000.0, "An endpoint is switched off after so long of failures alone."
    )
    webhook_quiet_s: float = _setting(
        172800.0, "After so long without a failure the next one counts as the first."
    )
    webhook_log_s: float = _setting(
        2592000.0, "How long the list of an endpoint's deliveries is kept after the last."
    )
    webhook_log: int = _setting(10000, "Deliveries in the list of an endpoint, at most.")
    webhook_replays: int = _setting(1000, "Deliveries that one replay since a time sends again.")

    @property
    def signing_secret(self) -> str:
        """What links, sessions and tokens of viewers are signed with: never nothing.

        Without a pepper it is the oldest of the secret keys, which stays while new ones are put in
        front of it.
        """
        return self.key_pepper or (self.secret_keys[-1] if self.secret_keys else "")


#: Read by the command line as a client; no settings of a process of the service.
CLIENT_NAMES = frozenset({"CAPTION_AB_KEY", "CAPTION_AB_URL"})


def environment_name(setting: Field[Any]) -> str:
    """The environment variable of a setting, such as `CAPTION_AB_LEASE_S`."""
    return setting.metadata["env"] or f"CAPTION_AB_{setting.name.upper()}"


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings.

    Raises:
        StartupError: a value does not parse, or a CAPTION_AB_* name is not a setting.
    """
    source = os.environ if environ is None else environ
    known = {environment_name(each): each for each in fields(Settings)}
    ours = {*known, *CLIENT_NAMES}
    unknown = [n for n in source if n.startswith("CAPTION_AB_") and n not in ours]
    if unknown:
        raise StartupError(
            f"Unknown setting {', '.join(sorted(unknown))}.", hint="docs/settings.md lists them."
        )
    values = {
        each.name: _parse(name, source[name], each.default)
        for name, each in known.items()
        if source.get(name, "") != ""
    }
    return Settings(**values)


def _parse(name: str, text: str, default: Any) -> Any:
    try:
        if isinstance(default, bool):
            return {"1": True, "true": True, "0": False, "false": False}[text.lower()]
        if isinstance(default, int | float):
            return _positive(type(default)(text))
        if isinstance(default, tuple):
            return tuple(_element(name, part.strip()) for part in text.split(",") if part.strip())
        return text
    except (ValueError, KeyError):
        kind = type(default).__name__
        raise StartupError(f"{name} does not read as {kind}.") from None


def _element(name: str, text: str) -> Any:
    if name.endswith("_PORTS"):
        return int(text)
    return _positive(float(text)) if name.endswith("_S") else text


def _positive(value: float) -> float:
    if not 0 <= value < math.inf:  # NaN is neither
        raise ValueError
    return value
