"""Whether a run has kept its promises. Pure: facts in, complaints out; an empty list is a pass."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.chaos.facts import Facts
from tests.chaos.journal import Journal, Resumed
from tests.receiver import Received

_ENDED_CUT = frozenset({"succeeded", "failed", "canceled", "expired"})
#: How a cut may fail when processes are killed: it could not know whether its edit was applied.
HONEST = frozenset({"edit_unconfirmed"})
_EDIT_CREDITS = 50


def judge(facts: Facts, *, honest: frozenset[str] = HONEST) -> list[str]:
    """Everything that is wrong with a run."""
    return [
        *_jobs(facts, honest),
        *_sends(facts),
        *_charges(facts),
        *_renders(facts),
        *_files(facts),
        *_webhooks(facts),
        *_store(facts),
    ]


def unknowns(facts: Facts) -> int:
    """Cuts that could not know whether their edit was applied."""
    return sum(_code(cut) in HONEST for _, cut in _cuts(facts))


def judge_resumptions(resumed: Sequence[Resumed], bound_s: float) -> list[str]:
    """What the dead held was worked on again in time, as far as that can be told.

    A row counts where nothing else was done meanwhile. A late one does not where the machine was
    too busy, as a witness saw; with more of these than of those that count the run proves nothing.
    """
    kinds = Counter(each.kind(bound_s) for each in resumed)
    told = [
        f"{each.row} was worked on again after {each.seconds:.2f} s, bound {bound_s:g} s"
        for each in resumed
        if each.kind(bound_s) == "undisturbed" and each.seconds > bound_s
    ]
    if not kinds["undisturbed"] or kinds["starved"] > kinds["undisturbed"]:
        told.append(f"the time to resumed work cannot be judged: {dict(kinds)}")
    return told


def judge_storm(journal: Journal, least: Mapping[str, int]) -> list[str]:
    """A storm did what it is for: of each kind at least so many."""
    return [
        f"{kind}: {journal.total(kind)} times, and not {wanted}"
        for kind, wanted in least.items()
        if journal.total(kind) < wanted
    ]


def _cuts(facts: Facts) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every cut of every job, by its row."""
    for job in facts.jobs.values():
        for variant in job.get("variants", ()):
            for cut in variant["cuts"]:
                yield f"cut:{cut['id']}", cut


def _code(cut: Mapping[str, Any]) -> str:
    return str(cut.get("error", {}).get("code", ""))


def _jobs(facts: Facts, honest: frozenset[str]) -> Iterator[str]:
    """Every accepted job has ended, and says what its cuts say."""
    lost = set(facts.accepted) - set(facts.jobs)
    yield from (f"{each} was accepted and is not there" for each in lost)
    for job_id, job in facts.jobs.items():
        if not job.get("variants"):
            yield f"{job_id} was accepted and is not there: {job.get('problem')}"
            continue
        states = Counter(cut["status"] for each in job["variants"] for cut in each["cuts"])
        want = "failed" if not states["succeeded"] else "partial"
        want = "succeeded" if set(states) == {"succeeded"} else want
        if job["status"] != want:
            yield f"{job_id} is {job['status']} with cuts {dict(states)}"
    for row, cut in _cuts(facts):
        if cut["status"] not in _ENDED_CUT:
            yield f"{row} has not ended: {cut['status']}"
        elif cut["status"] != "succeeded" and _code(cut) not in honest:
            yield f"{row} is {cut['status']}: {cut.get('error')}"


def _sends(facts: Facts) -> Iterator[str]:
    """At most one send of each edit, and of each cut."""
    for edit_id, times in facts.books["edits"].items():
        if times > 1:
            yield f"the edit {edit_id} was sent {times} times"
    runs = _runs(facts)
    for row, doc in facts.store.cuts.items():
        found = runs.get(doc.get("session_id", ""), [])
        if len(found) > 1:
            yield f"{row} was sent {len(found)} times"
        applied = [run for run in found if run["outcome"].startswith("applied")]
        if doc["state"] == "succeeded" and not found:
            yield f"{row} succeeded without an edit"
        if doc["state"] == "failed" and applied:
            yield f"{row} failed, and its edit was {applied[0]['outcome']}"
    if facts.books["overlapping_runs"]:
        yield f"runs overlap: {facts.books['overlapping_runs']}"


def _runs(facts: Facts) -> dict[str, list[Mapping[str, Any]]]:
    runs: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for run in facts.books["runs"]:
        runs[run["session_id"]].append(run)
    return runs


def _charges(facts: Facts) -> Iterator[str]:
    """What cuts say of their charge is so, and the jobs' credits are those of the ledger."""
    runs, unsure = _runs(facts), 0
    for row, cut in _cuts(facts):
        doc = facts.store.cuts.get(row)
        if doc is None:
            yield f"the store does not know {row}"
            continue
        taken = sum(run["charged"] for run in runs.get(doc.get("session_id", ""), []))
        said = cut.get("error", {}).get("charged") or cut.get("edit", {}).get("charged", "")
        unsure += said == "unknown"
        if said not in {"yes", "no", "unknown"} or said == ("no" if taken else "yes"):
            yield f"{row} says charged {said!r}; the backend took {taken}"
    booked = sum(job["credits"]["charged"] for job in facts.jobs.values() if job.get("credits"))
    spent = sum(charge["credits"] for charge in facts.books["charges"])
    ledger = sum(account["spent"] for account in facts.books["ledger"].values())
    if ledger != spent:
        yield f"the sandbox charged {spent} and its ledger says {ledger}"
    if not 0 <= spent - booked <= unsure * _EDIT_CREDITS:
        yield f"jobs were charged {booked}, the ledger says {spent}; {unsure} are unknown"
    if facts.store.reserved:
        yield f"{facts.store.reserved} credits are still reserved"


def _renders(facts: Facts) -> Iterator[str]:
    """At most two renders of each cut, and nobody forgot one."""
    counts = Counter(row["session_id"] for row in facts.books["renders"].values())
    for row, doc in facts.store.cuts.items():
        if counts[doc.get("session_id", "")] > 2:
            yield f"{row} was rendered {counts[doc['session_id']]} times"
    yield from (f"the render {each} is an orphan" for each in facts.books["orphaned_renders"])
    yield from (f"a result was sent our token: {each}" for each in facts.books["auth_on_cdn"])


def _files(facts: Facts) -> Iterator[str]:
    """Videos have the hash that their job names; the sandbox copies, so it is the clip's."""
    for row, cut in _cuts(facts):
        if cut["status"] != "succeeded":
            continue
        video = cut.get("video", {})
        got = facts.videos.get(video.get("url", ""))
        if not got or got != video["sha256"] or got != facts.clip_sha256:
            yield f"{row} has another video: {got}, said {video.get('sha256')}"


def _webhooks(facts: Facts) -> Iterator[str]:
    """Every terminal event came, in its sequence; what came again is the same byte for byte."""
    forged = [each for each in facts.received if not _is_signed(each, facts.webhook_secret)]
    if forged:
        yield f"{len(forged)} webhooks are not signed: {forged[0].body[:80]!r}"
    by_job: dict[str, list[Received]] = defaultdict(list)
    for each in facts.received:
        by_job[each.event["data"]["job_id"]].append(each)
    for job_id, job in facts.jobs.items():
        yield from _deliveries(job_id, str(job["status"]), by_job.get(job_id, []))


def _is_signed(received: Received, secret: str) -> bool:
    return received.verify(secret, check_time=False)


def _deliveries(job_id: str, status: str, received: Sequence[Received]) -> Iterator[str]:
    bodies: dict[int, set[bytes]] = defaultdict(set)
    ids: dict[int, set[str]] = defaultdict(set)
    for each in received:
        sequence = int(each.event["sequence"])
        bodies[sequence].add(each.body)
        ids[sequence].add(each.headers["webhook-id"])
    for sequence, texts in bodies.items():
        if len(texts) > 1 or len(ids[sequence]) > 1:
            yield f"{job_id}: event {sequence} came with different bytes or ids"
    if sorted(bodies) != list(range(1, len(bodies) + 1)):
        yield f"{job_id}: events {sorted(bodies)} came"
    told = [json.loads(next(iter(bodies[each])))["type"] for each in sorted(bodies)]
    # An experiment goes on when its job has ended.
    if [each for each in told if not each.startswith("experiment.")][-1:] != [f"job.{status}"]:
        yield f"{job_id} is {status}, and no event told so last"
    if len({next(iter(each)) for each in ids.values()}) != len(ids):
        yield f"{job_id}: two events share an id"


def _store(facts: Facts) -> Iterator[str]:
    """Nothing is due, leased, waiting or kept for ever."""
    look = facts.store
    kept = set(facts.jobs) - look.to_be_removed
    if kept:
        yield f"{len(kept)} jobs will never be removed: {sorted(kept)[:5]}"
    for what, found in (
        ("still due", look.due),
        ("still leased", look.leased),
        ("still kept", look.slots),
        ("without a time to live", look.lasting),
    ):
        if found:
            yield f"{len(found)} {what}: {list(found)[:5]}"
