"""What the books say of the whole sandbox, of one edit, one render, one client."""

from __future__ import annotations

from typing import Any

from sandbox.world import World

#: States of a render whose result nobody has to fetch.
_NO_RESULT = frozenset({"failed", "cancelled"})


def read_books(world: World) -> dict[str, Any]:
    """Returns the books with renders, sessions and ledgers, as plain JSON values."""
    world.agenda.do_due()
    pages = world.books.as_dict()
    pages["renders"] = world.renders.rows()
    pages["orphaned_renders"] = [
        render_id
        for render_id, row in pages["renders"].items()
        if not row["fetched"] and row["status"] not in _NO_RESULT
    ]
    pages["duplicate_render_ids"] = list(world.renders.duplicates)
    pages["sessions"] = world.sessions.ids()
    pages["ledger"] = world.accounts.rows()
    return pages


def read_edit(world: World, edit_id: str) -> dict[str, Any]:
    """Returns everything that carried one `X-Request-Id`."""
    books = read_books(world)
    return {
        "received": books["edits"].get(edit_id, 0),
        **{
            page: [row for row in books[page] if row["request_id"] == edit_id]
            for page in ("runs", "refused_runs", "charges", "request_log")
        },
        "renders": [row for row in books["renders"].values() if row["request_id"] == edit_id],
        "ledger": [
            {"user_id": user_id, **entry}
            for user_id, account in books["ledger"].items()
            for entry in account["entries"]
            if entry["request_id"] == edit_id
        ],
    }


def read_render(world: World, render_id: str) -> dict[str, Any] | None:
    """Returns one render with the requests about it; None for an unknown one."""
    books = read_books(world)
    render = books["renders"].get(render_id)
    if render is None:
        return None
    return {
        "render": render,
        "orphaned": render_id in books["orphaned_renders"],
        "duplicates": books["duplicate_render_ids"].count(render_id),
        "request_log": [row for row in books["request_log"] if row["render_id"] == render_id],
    }


def read_client(world: World, client_id: str) -> dict[str, Any]:
    """Returns one client's tokens, accounts and sessions."""
    books = read_books(world)
    users = world.accounts.users_of(client_id)
    return {
        "tokens": books["tokens"].get(client_id, 0),
        "tokens_refused": books["tokens_refused"].get(client_id, 0),
        "accounts": {user_id: books["ledger"][user_id] for user_id in users},
        "sessions": [each for user_id in users for each in world.sessions.owned_by(user_id)],
        "runs": [row for row in books["runs"] if row["user_id"] in users],
    }


def read_all(world: World) -> dict[str, Any]:
    """Returns one picture of everything: books, switches, rules, clock."""
    return {
        "books": read_books(world),
        "switches": world.board.as_dict(),
        "rules": world.faults.rows(),
        "clock": read_clock(world),
    }


def read_clock(world: World) -> dict[str, Any]:
    """Returns the date and the running time of the sandbox's clock."""
    clock = world.clock
    return {"mode": clock.mode, "now_s": clock.now_s(), "running_s": clock.running_s()}
