"""One walk over the real protocol with a person's own account: what it costs, what it proves.

Nobody has recorded the real cloud yet, so the product is tolerant where documents differ. A probe
answers those questions once and writes fixtures that tests replay. Docs: docs/probe.md.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import requests

from service.clock import Clock
from service.errors import CaptionAbError, StartupError, UnsupportedFile
from service.media.formats import HEAD_BYTES, Format, Kind, detect
from service.nemo.client import NemoClient
from service.nemo.exchange import Exchange
from service.nemo.headers import detect_platform
from service.nemo.limits import Limits
from service.nemo.probe_answers import answer_all
from service.nemo.probe_bench import Ask, Bench, ProbeOptions
from service.nemo.probe_facts import EDIT_CREDITS, Ending, Facts
from service.nemo.probe_fixtures import FixtureFolder
from service.nemo.probe_report import write_report
from service.nemo.probe_secrets import Redactor
from service.nemo.probe_walk import walk
from service.nemo.recording import Recorder
from service.outbound.guard import Policy
from service.outbound.session import open_session
from service.settings import Settings

__all__ = ["EDIT_CREDITS", "Ending", "Facts", "ProbeOptions", "describe_plan", "run_probe"]

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def describe_plan(options: ProbeOptions, settings: Settings) -> list[str]:
    """What a run will do and spend, for the person who decides.

    Raises:
        StartupError: the backend is on this machine and that was not allowed.
    """
    backend_source(options, settings)
    whose = f"your token in {options.token_name}" if options.token else "an anonymous account"
    lines = [
        f"Backend: {settings.nemo_api_url}, with {whose}.",
        f"One message to the agent: about {EDIT_CREDITS} credits. It is sent at most once.",
    ]
    if options.full:
        lines.append(f"The disconnect test asks again: one more message, {EDIT_CREDITS} credits.")
    size = options.clip.stat().st_size
    return [
        *lines,
        f"Free: session, upload of {size:,} bytes, state, render, download, four harmless errors.",
        f"Written to {options.out}: report.md, report.json, fixtures/ (secrets taken out).",
    ]


def run_probe(
    options: ProbeOptions,
    settings: Settings,
    clock: Clock,
    *,
    ask: Ask,
    tell: Callable[[str], None],
) -> Facts:
    """Walk the protocol once; whatever happens, the folder holds what was seen until then.

    `ask` gets a question and whether a general yes covers it; `tell` gets lines for the person.

    Raises:
        StartupError, UnsupportedFile: before anything was sent.
    """
    source = backend_source(options, settings)
    clip_format = _check_clip(options.clip, settings)
    redactor, recorder = Redactor(), Recorder(clock)
    redactor.add("TOKEN", options.token)
    redactor.add("CLIENT", settings.nemo_client_id)
    facts = _begin(options, settings, source, redactor)
    folder = FixtureFolder(options.out / "fixtures", recorder, redactor, facts.source)

    def write() -> None:
        files = folder.save()
        write_report(options.out, facts, answer_all(facts, recorder), files)

    def save() -> None:
        try:
            write()
        except Exception as error:  # noqa: BLE001  the last write, after the walk, raises it again
            tell(f"  could not be written for now ({type(error).__name__})")

    client, exchange = _connect(options, settings, clock, recorder)
    bench = Bench(
        options=options,
        settings=settings,
        clock=clock,
        client=client,
        exchange=exchange,
        recorder=recorder,
        facts=facts,
        ask=ask,
        tell=tell,
        save=save,
        clip_format=clip_format,
    )
    try:
        walk(bench)
    except KeyboardInterrupt:
        _conclude_interrupted(bench)
    finally:
        write()
    return facts


def _begin(options: ProbeOptions, settings: Settings, source: str, redactor: Redactor) -> Facts:
    return Facts(
        backend="a backend on this machine" if source == "sandbox" else settings.nemo_api_url,
        source=source,
        account=f"the token in {options.token_name}" if options.token else "an anonymous account",
        started=options.started,
        redact=redactor.redact,
    )


def backend_source(options: ProbeOptions, settings: Settings) -> str:
    """`sandbox` for a backend on this machine, `cloud` for any other.

    Raises:
        StartupError: it is where `--loopback` says that it is not, or it is not https.
    """
    parts = urlsplit(settings.nemo_api_url)
    if parts.hostname in _LOOPBACK:
        if not options.loopback:
            raise StartupError(
                f"{settings.nemo_api_url} is on this machine.",
                hint="Give --loopback to allow this port, and only this one.",
            )
        return "sandbox"
    if options.loopback:
        # a forgotten NEMO_API_URL must not turn a try on the sandbox into a paid run
        raise StartupError(
            f"{settings.nemo_api_url} is not on this machine, and --loopback was given.",
            hint="Set NEMO_API_URL to the backend of this machine, or leave --loopback out.",
        )
    if parts.scheme != "https":
        raise StartupError(f"{settings.nemo_api_url} is not an https address.")
    return "cloud"


def _check_clip(clip: Path, settings: Settings) -> Format:
    try:
        size = clip.stat().st_size
        with clip.open("rb") as source:
            found = detect(source.read(HEAD_BYTES))
    except OSError as error:
        raise StartupError(f"{clip} cannot be read ({type(error).__name__}).") from None
    if found is None or found.kind is not Kind.VIDEO:
        raise UnsupportedFile(f"{clip} is not a video of a supported format.")
    if size > settings.upload_max_bytes:
        raise StartupError(f"{clip} has {size:,} bytes; {settings.upload_max_bytes:,} are allowed.")
    return found


def _connect(
    options: ProbeOptions, settings: Settings, clock: Clock, recorder: Recorder
) -> tuple[NemoClient, Exchange]:
    """The product's own client over recorded sessions, and its lower layer for odd requests."""
    port = urlsplit(settings.nemo_api_url).port
    ports = frozenset({port} if options.loopback and port else ())
    policy = Policy("backend", allow_http=False, loopback_ports=ports)
    limits = Limits.from_settings(settings)

    def session() -> requests.Session:
        opened = open_session(policy, connect_s=limits.connect_s, read_s=limits.read_s)
        return recorder.attach(opened)

    platform = detect_platform(str(Path(__file__).resolve()))
    api = session()
    client = NemoClient(
        settings.nemo_api_url,
        api,
        session(),
        platform=platform,
        limits=limits,
        clock=clock,
        web_url=settings.nemo_web_url,
        open_session=session,
    )
    exchange = Exchange(
        api_url=settings.nemo_api_url, session=api, platform=platform, limits=limits, clock=clock
    )
    return client, exchange


def _conclude_interrupted(bench: Bench) -> None:
    """Note where the run stopped, and look once at the balance when something may be charged."""
    facts = bench.facts
    facts.ending = Ending.INTERRUPTED
    if facts.steps and facts.steps[-1].ending is Ending.RUNNING:
        facts.steps[-1].ending = Ending.INTERRUPTED
    stopped_at = facts.step
    bench.save()
    if not facts.messages_sent:
        return
    bench.tell("Interrupted; one look at the balance (once more Ctrl-C leaves it out)")
    try:
        bench.read_balance("interrupted")
    except (KeyboardInterrupt, CaptionAbError):
        bench.tell("  left out")
    facts.step = stopped_at
