# size: everything that must hold, as one picture
"""What must hold in Redis after every command, read from all keys there are (design 5)."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import redis

from service.model.lifecycle import Queue
from service.store.keys import queue_key

PREFIX = "cab:"
_KINDS = (f"{PREFIX}row:", f"{PREFIX}job:", f"{PREFIX}account:")
ENDED = {"succeeded", "partial", "failed", "canceled", "expired"}


@dataclass
class Picture:
    """Everything of the engine in one look."""

    rows: dict[str, dict[str, str]] = field(default_factory=dict)
    jobs: dict[str, dict[str, str]] = field(default_factory=dict)
    due: dict[str, float] = field(default_factory=dict)
    slots: dict[str, set[str]] = field(default_factory=dict)
    waiting: dict[str, list[str]] = field(default_factory=dict)
    editing: dict[str, set[str]] = field(default_factory=dict)
    accounts: dict[str, dict[str, str]] = field(default_factory=dict)

    def of_job(self, job: str) -> dict[str, dict[str, str]]:
        """The open rows of a job."""
        return {n: r for n, r in self.rows.items() if r["job"] == job and r["open"] == "1"}


def look(client: redis.Redis) -> Picture:
    """Read the whole picture."""
    picture = Picture(due=dict(client.zrange(f"{PREFIX}due", 0, -1, withscores=True)))
    keys = [k for k in client.keys(f"{PREFIX}*") if k.startswith(_KINDS) and _belongs(k)]
    pipeline = client.pipeline(transaction=False)
    for key in keys:
        if key.endswith(":waiting"):
            pipeline.zrange(key, 0, -1)
        elif key.endswith((":slots", ":editing")):
            pipeline.smembers(key)
        else:
            pipeline.hgetall(key)
    for key, found in zip(keys, pipeline.execute(), strict=True):
        _place(picture, key, found)
    return picture


def _belongs(key: str) -> bool:
    """Whether a key is a row, a job itself, or one of an account's."""
    return not key.startswith(f"{PREFIX}job:") or key.count(":") == 2


def _place(picture: Picture, key: str, found: Any) -> None:
    kind, _, name = key.removeprefix(PREFIX).partition(":")
    if name.endswith(":waiting"):
        picture.waiting[name.removesuffix(":waiting")] = found
    elif name.endswith(":slots"):
        picture.slots[name.removesuffix(":slots")] = found
    elif name.endswith(":editing"):
        picture.editing[name.removesuffix(":editing")] = found
    else:
        {"row": picture.rows, "job": picture.jobs, "account": picture.accounts}[kind][name] = found


def assert_invariants(client: redis.Redis) -> Picture:
    """Fail, naming the row or job, when anything does not fit."""
    picture = look(client)
    _check_due(picture)
    _check_slots(picture)
    _check_jobs(picture, client)
    _check_reservations(picture)
    _check_held(picture, client)
    _check_endpoints(picture, client)
    _check_shares(picture, client)
    _check_public_keys(picture, client)
    return picture


def _check_due(picture: Picture) -> None:
    opened = {name for name, row in picture.rows.items() if row["open"] == "1"}
    assert opened == set(picture.due), f"open and due differ: {opened ^ set(picture.due)}"
    for name, row in picture.rows.items():
        assert row["open"] == "1" or row["lease"] == "0", f"{name} has ended and has a lease"
        assert int(row["fence"]) >= 0
        if int(row["lease"]) > 0:
            assert picture.due[name] >= int(row["lease"]), f"{name} is due before its lease ends"


def _check_slots(picture: Picture) -> None:
    for account in picture.slots | picture.waiting:
        held = picture.slots.get(account, set())
        waiting = picture.waiting.get(account, [])
        assert not held & set(waiting), f"{account}: a row has a slot and waits for one"
        for name in (*held, *waiting):
            row = picture.rows[name]
            assert row["open"] == "1", f"{account}: {name} has ended and keeps a place"
            assert account in {row["account"], row.get("crowd")}
            assert (row["slot"] == "1") == (name in held), f"{name}: slot is {row['slot']}"
    for name, row in picture.rows.items():
        if row["slot"] == "1":
            for line in filter(None, (row["account"], row.get("crowd"))):
                assert name in picture.slots.get(line, set()), f"{name} forgot its slot"


def _check_jobs(picture: Picture, client: redis.Redis) -> None:
    for name, job in picture.jobs.items():
        opened = picture.of_job(name)
        # Later revisions neither hold a job open nor make it wait for a person.
        cuts = {n: r for n, r in opened.items() if n.startswith("cut:") and n.endswith(".1")}
        assert int(job["open_rows"]) == len(opened), f"{name}: {job['open_rows']} of {len(opened)}"
        assert int(job["open_cuts"]) == len(cuts), f"{name}: open_cuts is {job['open_cuts']}"
        paused = sum(row["state"] == "action_required" for row in cuts.values())
        assert int(job["paused"]) == paused, f"{name}: paused is {job['paused']}, not {paused}"
        _check_status(name, job, opened, client)
        bodies = [json.loads(e) for e in client.lrange(f"{PREFIX}job:{name}:events", 0, -1)]
        assert [e["sequence"] for e in bodies] == list(range(1, int(job["sequence"]) + 1))


def _check_status(
    name: str, job: dict[str, str], opened: dict[str, dict[str, str]], client: redis.Redis
) -> None:
    status, cuts = job["status"], int(job["open_cuts"])
    ended = status in ENDED
    if ended or status == "comparing":
        assert cuts == 0, f"{name} is {status} with {cuts} open cuts"
    if not ended:
        assert (f"finish:{name}" in opened) == (cuts == 0), f"{name}: finish row"
    if status == "action_required":
        assert int(job["paused"]) > 0, f"{name}: nobody needs to act"
    if status in {"queued", "running"}:
        assert int(job["paused"]) == 0
        assert cuts > 0
    listed = client.sismember(f"{PREFIX}tenant:{job['tenant']}:open", name)
    assert bool(listed) != ended, f"{name} is {status}; counted as open: {bool(listed)}"
    lives = client.pttl(f"{PREFIX}job:{name}") > 0
    # The news of its end is the only thing of an ended job that leaves its life alone.
    quiet = ended and (not opened or job.get("told") == "1")
    assert lives == quiet, f"{name} is {status} with {len(opened)} rows: ttl"


def _check_reservations(picture: Picture) -> None:
    for name, rows in picture.editing.items():
        ended = [row for row in rows if picture.rows[row]["open"] != "1"]
        assert not ended, f"{name}: edits of ended rows are counted as under way: {ended}"
    total: dict[str, int] = defaultdict(int)
    for name, job in picture.jobs.items():
        assert int(job.get("reserved", 0)) >= 0, f"{name}: more was released than set aside"
        total[job["account"]] += int(job.get("reserved", 0))
        quiet = job["status"] in ENDED and not any("cut:" in row for row in picture.of_job(name))
        assert not quiet or int(job.get("reserved", 0)) == 0, f"{name} has ended and keeps credits"
    for name in picture.accounts.keys() | total.keys():
        account = picture.accounts.get(name, {})
        assert int(account.get("reserved", 0)) == total[name], f"{name}: credits set aside"


def _check_held(picture: Picture, client: redis.Redis) -> None:
    """What keys are expected to spend yet is what their unfinished jobs and revisions hold."""
    expected: dict[str, int] = defaultdict(int)
    for name, job in picture.jobs.items():
        assert job["status"] not in ENDED or int(job.get("held", 0)) == 0, f"{name} holds credits"
        expected[job.get("key", "")] += int(job.get("held", 0))
    for name, row in picture.rows.items():
        assert row["open"] == "1" or int(row.get("held", 0)) == 0, f"{name} holds credits"
        expected[row.get("key", "")] += int(row.get("held", 0))
    held = {key: int(each) for key, each in client.hgetall(f"{PREFIX}held").items()}
    assert held == {key: each for key, each in expected.items() if each}
    opened: dict[str, set[str]] = defaultdict(set)
    for name, job in picture.jobs.items():
        if "key" in job and job["status"] not in ENDED:
            opened[job["key"]].add(name)
    found = set(client.scan_iter(f"{PREFIX}key-open:*"))
    assert found == {f"{PREFIX}key-open:{key}" for key in opened}
    for key, names in opened.items():
        assert client.smembers(f"{PREFIX}key-open:{key}") == names, f"{key}: unfinished jobs"


def _check_endpoints(picture: Picture, client: redis.Redis) -> None:
    """Who listens is who is switched on; what belongs to no job goes when it has ended."""
    for key in client.keys(f"{PREFIX}endpoint:*"):
        if key.count(":") > 2:
            continue
        name, fields = key.rpartition(":")[2], client.hgetall(key)
        tenant = f"{PREFIX}tenant:{fields['tenant']}"
        assert client.zscore(f"{tenant}:endpoints", name), f"{name} is not in its tenant's list"
        listens = client.sismember(f"{tenant}:listening", name)
        assert bool(listens) == (fields["enabled"] == "1"), f"{name} listens: {listens}"
    for key in client.keys(f"{PREFIX}tenant:*:listening"):
        for name in client.smembers(key):
            assert client.exists(f"{PREFIX}endpoint:{name}"), f"{name} listens and is not there"
    for name, row in picture.rows.items():
        if not row["job"] and name.startswith(("event:", "delivery:")):
            lives = client.pttl(f"{PREFIX}row:{name}") > 0
            assert lives == (row["open"] != "1"), f"{name} is open: {row['open']}; expires: {lives}"


def _check_shares(picture: Picture, client: redis.Redis) -> None:
    """Links to a job and what their viewers prefer live exactly as long as the job."""
    for name in ("shares", "preferences"):
        for key in client.keys(f"{PREFIX}job:*:{name}"):
            job = key.split(":")[2]
            assert job in picture.jobs, f"{key} has outlived its job"
            lives = [client.pttl(each) > 0 for each in (key, f"{PREFIX}job:{job}")]
            assert lives[0] == lives[1], f"{key} expires: {lives[0]}; its job: {lives[1]}"


def _check_public_keys(picture: Picture, client: redis.Redis) -> None:
    """Keys of viewers live exactly as long as their job, and so does the list of them."""
    listed = set()
    for key in client.keys(f"{PREFIX}job:*:pubkeys"):
        job = key.split(":")[2]
        assert job in picture.jobs, f"{key} has outlived its job"
        names = [f"{PREFIX}pubkey:{each}" for each in client.smembers(key)]
        listed |= set(names)
        lives = {each: client.pttl(each) > 0 for each in (f"{PREFIX}job:{job}", key, *names)}
        assert len(set(lives.values())) == 1, f"some expire, some do not: {lives}"
    assert set(client.keys(f"{PREFIX}pubkey:*")) == listed, "a key of viewers has outlived its job"


#: Keys that stay for good: of the engine itself, of tenants with their endpoints, of accounts and
#: their tokens.
_PERMANENT = re.compile(
    r"(?:clock|counting-id|rooms|retention|expiring|observed|overdue:[a-z]+|store-id"
    r"|account:[^:]+|row:token:.+|key:[^:]+|key-ids|tenants|held|tenant:[^:]+|tenant:[^:]+:keys"
    r"|audit|endpoint:[^:]+|tenant:[^:]+:(?:endpoints|listening))"
)


def keys_that_stay(client: redis.Redis) -> set[str]:
    """Keys without a time to live that should have one, or should be gone.

    Empty when every job has ended and nothing of it is open. Jobs that are under way keep theirs,
    and so do the lists of a tenant's jobs and the uploads that some job uses, while it is there.
    """
    stay: set[str] = set()
    for key in client.scan_iter(f"{PREFIX}*", count=1000):
        if client.pttl(key) != -1 or _PERMANENT.fullmatch(key.removeprefix(PREFIX)):
            continue
        kind, _, name = key.removeprefix(PREFIX).partition(":")
        users: set[str] = set()
        if kind == "tenant" and name.endswith(":jobs"):
            users = set(client.zrange(key, 0, -1))
        elif kind == "upload":
            users = client.smembers(f"{PREFIX}upload:{name.removesuffix(':jobs')}:jobs")
        if not users or not all(client.exists(f"{PREFIX}job:{user}") for user in users):
            stay.add(key)
    return stay


def assert_nothing_stays(client: redis.Redis) -> None:
    """Fail, naming the keys, when something of ended jobs would be kept for ever."""
    left = sorted(keys_that_stay(client))
    assert not left, f"kept for ever: {left}"


class Bell(NamedTuple):
    """A message in a queue's list: whom it is for, and when it was rung."""

    row: str
    at_ms: int


def bells_of(client: redis.Redis, queue: Queue) -> list[Bell]:
    """The bells that lie in a queue, the next one first."""
    found = []
    for text in reversed(client.lrange(queue_key(queue), 0, -1)):
        row, _, at = json.loads(text)["headers"]["id"].partition("@")
        found.append(Bell(row, int(at)))
    return found


def missed_rows(
    client: redis.Redis, picture: Picture, bells: dict[Queue, list[Bell]], *, now_ms: int
) -> set[str]:
    """Due rows whose bell is gone though all that lie there were rung after they became due."""
    missed = set()
    for name, due_ms in picture.due.items():
        row = picture.rows[name]
        queue = Queue(row["queue"])
        overdue_ms = client.zscore(f"{PREFIX}overdue:{queue}", name)
        since_ms = max(int(row.get("rung", 0)), due_ms if overdue_ms is None else overdue_ms)
        if due_ms <= now_ms and bells[queue] and since_ms < bells[queue][0].at_ms:
            missed.add(name)
    return missed


def snapshot(client: redis.Redis) -> dict[str, object]:
    """All keys with their contents and whether they expire; the clock's mark left out."""
    found: dict[str, object] = {}
    for key in client.scan_iter("*", count=1000):
        if key == f"{PREFIX}clock":
            continue
        read = {
            "string": client.get,
            "hash": client.hgetall,
            "set": client.smembers,
            "list": lambda name: client.lrange(name, 0, -1),
            "zset": lambda name: client.zrange(name, 0, -1, withscores=True),
            "stream": client.xrange,
        }[client.type(key)]
        found[key] = (read(key), client.pttl(key) > 0)
    return found
