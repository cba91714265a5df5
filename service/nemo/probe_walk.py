"""The walk of a probe: each call of the protocol once, in the order in which a job makes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from service.nemo.errors import RateLimited
from service.nemo.probe_account import (
    SavedAccount,
    expiry_ms,
    load_account,
    save_account,
)
from service.nemo.probe_bench import Bench
from service.nemo.probe_edits import send_and_hang_up, send_edit
from service.nemo.probe_facts import EDIT_CREDITS, Ending
from service.nemo.probe_renders import look_at_result_again, provoke_errors, render_and_fetch
from service.nemo.wire import Session, State, Token, Uploaded

_PIECE_BYTES = 256 * 1024


def walk(bench: Bench) -> None:
    """Walk the protocol; how far it came is in the facts."""
    facts = bench.facts
    if not _get_token(bench):
        return
    if bench.read_balance("before") is None:
        facts.ending = Ending.FAILED
        return
    message_wanted = bench.may_spend("The run sends one message to the agent. It")
    if not message_wanted and not _is_short(bench):
        facts.ending = Ending.DECLINED
        return
    if bench.run("session", "Opening a session", lambda: _open(bench)) is None:
        facts.ending = Ending.FAILED
        return
    state = _upload(bench)
    if state is not None and message_wanted:
        send_edit(bench, state)
        bench.read_balance("edited")
    render_and_fetch(bench)
    fetched_s = bench.clock.monotonic_s()
    bench.run("claim", "Asking for a link that opens the project", lambda: _claim(bench))
    if bench.options.full and facts.edit.changed:
        _try_disconnect(bench)
    provoke_errors(bench)
    look_at_result_again(bench, fetched_s)
    bench.read_balance("after")
    facts.ending = Ending.DONE if state is not None else Ending.FAILED


def _get_token(bench: Bench) -> bool:
    if bench.options.token:
        bench.token = bench.options.token
        return True
    account = load_account(
        bench.options.account_file, bench.settings.nemo_api_url, bench.settings.nemo_client_id
    )
    if account.is_usable(bench.clock.now_ms()):
        bench.tell("An anonymous account of an earlier run is used.")
        bench.token = account.token
        return True
    if not bench.ask(
        "An anonymous account is asked for: one in 7 days for this client, 100 credits. It is kept "
        f"in {bench.options.account_file}. Ask?",
        True,
    ):
        bench.facts.ending = Ending.DECLINED
        return False
    token = bench.run("token", "Getting an anonymous token", lambda: _issue(bench, account))
    if token is None:
        bench.facts.ending = Ending.FAILED
    return token is not None


def _issue(bench: Bench, account: SavedAccount) -> Token:
    # on disk before it is used, and the client id before it is asked for
    save_account(bench.options.account_file, bench.settings.nemo_api_url, account)
    try:
        token = bench.client.issue_token(account.client_id)
    except RateLimited:
        bench.tell(f"  refused; once more in {bench.settings.token_retry_s:.0f} s")
        bench.clock.sleep(bench.settings.token_retry_s)
        token = bench.client.issue_token(account.client_id)
    now_ms = bench.clock.now_ms()
    ends_ms = expiry_ms(token.expires_at_ms, now_ms)
    kept = SavedAccount(account.client_id, token.token, token.user_id, ends_ms)
    save_account(bench.options.account_file, bench.settings.nemo_api_url, kept)
    bench.token = token.token
    bench.facts.token_life = (
        f"{(ends_ms - now_ms) / 86_400_000:.2f} days"
        if token.expires_at_ms is not None
        else "not told"
    )
    if account.user_id and token.user_id:
        bench.facts.same_user = account.user_id == token.user_id
    bench.facts.id_shapes["user id"] = shape_of_id(token.user_id)
    return token


def _open(bench: Bench) -> Session:
    session = bench.session = bench.client.create_session(bench.token, language="en")
    shapes = {"session id": session.session_id, "task id": session.task_id}
    if session.user_id:
        shapes["user id"] = session.user_id
    bench.facts.id_shapes |= {name: shape_of_id(value) for name, value in shapes.items()}
    return session


def _upload(bench: Bench) -> State | None:
    clip = bench.options.clip

    def pieces() -> Iterator[bytes]:
        with clip.open("rb") as source:
            while piece := source.read(_PIECE_BYTES):
                yield piece

    def send() -> Uploaded:
        return bench.client.upload(
            bench.token,
            bench.session_id,
            filename=bench.clip_name,
            size=clip.stat().st_size,
            chunks=pieces,
            content_type=bench.clip_format.mime,
        )

    if bench.run("upload", f"Uploading {clip.stat().st_size:,} bytes", send) is None:
        return None
    return bench.run("state_uploaded", "Reading the state", _reader(bench))


def _reader(bench: Bench) -> Callable[[], State]:
    return lambda: bench.client.state(bench.token, bench.session_id)


def _claim(bench: Bench) -> None:
    if bench.session is not None:
        bench.client.claim_link(bench.token, bench.session)
        bench.facts.claim = "works"


def _try_disconnect(bench: Bench) -> None:
    if not bench.may_spend("The disconnect test sends one more message. It"):
        bench.tell("The disconnect test is left out.")
        return
    send_and_hang_up(bench)
    bench.read_balance("dropped")


def _is_short(bench: Bench) -> bool:
    """Whether a no to the message only meant that the credits do not suffice."""
    balance = bench.facts.last_balance
    return balance is not None and balance.available < EDIT_CREDITS


def shape_of_id(value: str) -> str:
    """What an id looks like, without what it is: `anon_` + 8 of hex, `19 digits`."""
    if not value:
        return "not told"
    found = re.fullmatch(r"([A-Za-z]{1,12}_)?(.+)", value)
    prefix, rest = (found[1] or "", found[2]) if found else ("", value)
    for name, pattern in (("digits", r"\d+"), ("of hex", r"[0-9a-f]+"), ("of uuid", r"[0-9a-f-]+")):
        if re.fullmatch(pattern, rest):
            return f"{prefix}{' + ' if prefix else ''}{len(rest)} {name}"
    return f"{prefix}{' + ' if prefix else ''}{len(rest)} characters"
