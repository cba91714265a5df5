# size: one list of checks
"""Takes the checks of the store out of a copy, one by one: the machine must then find a fault.

`python -m tests.integration.store.guards [EXAMPLES] [WORD]` prints for each what the machine
noticed (WORD narrows them), and ends with 1 when one was not missed.
"""

from __future__ import annotations

import sys
from functools import partial

from tests.guards import LUA, Edit, Guard, run_without, try_each

GUARDS = (
    Guard(
        "fence: a write shows it",
        Edit(f"{LUA}include/holder.lua", "if held ~= fence then", "if false then"),
    ),
    Guard(
        "fence: it grows with every claim", Edit(f"{LUA}claim.lua", "'fence', 1)", "'fence', 0)")
    ),
    Guard(
        "an ended row takes no write",
        Edit(f"{LUA}include/holder.lua", "if open ~= '1' then", "if false then"),
    ),
    Guard("expected state", Edit(f"{LUA}commit.lua", "if state ~= ARGV[7] then", "if false then")),
    Guard(
        "a commit sent again is known by state and document",
        Edit(
            f"{LUA}commit.lua",
            "if state == change.state and doc == change.doc then return { '1', cancel or '0' } end",
            "redis.call('HSET', key, 'doc', change.doc)",
        ),
    ),
    Guard(
        "lease: nobody takes a row that is worked on",
        Edit(
            f"{LUA}claim.lua",
            "if lease > 0 and now < lease + tonumber(ARGV[8]) then return { -1 } end",
            "",
        ),
    ),
    Guard(
        "lease: grace", Edit(f"{LUA}claim.lua", "now < lease + tonumber(ARGV[8])", "now < lease")
    ),
    Guard(
        "lease: a wake-up leaves it alone",
        Edit(f"{LUA}include/rows.lua", "> now then return end", "< 0 then return end"),
    ),
    Guard(
        "lease: one that was given back is not extended",
        Edit(f"{LUA}extend.lua", "if tonumber(lease) == 0 then return { -6 } end", ""),
    ),
    Guard(
        "lease: one that was given back is not released",
        Edit(f"{LUA}release.lua", "if tonumber(lease) == 0 then return { -6 } end", ""),
    ),
    Guard(
        "lease: an extension moves the row's time",
        Edit(f"{LUA}extend.lua", "schedule(row, till + tonumber(ARGV[8]))", ""),
    ),
    Guard(
        "a row is not taken before its time",
        Edit(f"{LUA}claim.lua", "if tonumber(ready) > now then return { -2 } end", ""),
    ),
    Guard(
        "a row that has ended is not taken",
        Edit(f"{LUA}claim.lua", "if open ~= '1' then", "if false then"),
    ),
    Guard(
        "a row waits for those before it",
        Edit(
            f"{LUA}claim.lua",
            "if redis.call('HGET', K.row(other), 'open') == '1' then return wait_for_other() end",
            "",
        ),
    ),
    Guard(
        "slots: no more than there are",
        Edit(f"{LUA}include/rows.lua", "< free and free or nil", "<= free and free or nil"),
    ),
    Guard(
        "slots: given back at the end",
        Edit(
            f"{LUA}include/rows.lua",
            "  free_slot(row, account)\n  release_held(K.row(row))",
            "  release_held(K.row(row))",
        ),
    ),
    Guard(
        "slots: given back by who waits for a person",
        Edit(f"{LUA}commit.lua", "if change.free then free_slot(row, account) end", ""),
    ),
    Guard(
        "an ended row is not due",
        Edit(f"{LUA}include/rows.lua", "redis.call('ZREM', K.due, row)", ""),
    ),
    Guard(
        "reserve: all or nothing",
        Edit(
            f"{LUA}reserve.lua",
            "if others + tonumber(ARGV[8]) > tonumber(ARGV[9]) then",
            "if false then",
        ),
    ),
    Guard(
        "reserve: once for a scope",
        Edit(f"{LUA}reserve.lua", "if not already then", "if true then"),
    ),
    Guard(
        "settle: once for an edit",
        Edit(f"{LUA}settle.lua", "if booked then return { booked, '1' } end", ""),
    ),
    Guard(
        "settle: no more is released than was reserved",
        Edit(f"{LUA}settle.lua", "math.min(reserved, charge)", "charge"),
    ),
    Guard(
        "a job's reservation is released",
        Edit(
            f"{LUA}include/jobs.lua",
            "if tonumber(reserved or '0') == 0 then return end",
            "do return end",
        ),
    ),
    Guard(
        "a revision's reservation is released with it",
        Edit(f"{LUA}commit.lua", "release_after_cuts(job)", ""),
    ),
    Guard(
        "cancel: not while comparing",
        Edit(f"{LUA}cancel.lua", "if status == 'comparing' then return { -7 } end", ""),
    ),
    Guard(
        "cancel: an ended job stays as it is", Edit(f"{LUA}cancel.lua", "if ENDED[status] or", "if")
    ),
    Guard("resume: once", Edit(f"{LUA}resume.lua", "if resumed ~= '1' then", "if true then")),
    Guard(
        "resume: not while canceling",
        Edit(f"{LUA}resume.lua", "if status == 'canceling' then return { -7 } end", ""),
    ),
    Guard(
        "add_cut: once for a key", Edit(f"{LUA}add_cut.lua", "if fingerprint then", "if false then")
    ),
    Guard(
        "add_cut: not while canceling",
        Edit(f"{LUA}add_cut.lua", "if status == 'canceling' then return { -7 } end", ""),
    ),
    Guard(
        "add_cut: an ended job is kept again",
        Edit(f"{LUA}add_cut.lua", "if ENDED[status] then", "if false then"),
    ),
    Guard(
        "a later revision does not count for its job",
        Edit(f"{LUA}commit.lua", "and row:match('%.1$')", ""),
    ),
    Guard(
        "time to live: not while something is open",
        Edit(f"{LUA}include/jobs.lua", " or tonumber(open) > 0 then return", " then return"),
    ),
    Guard(
        "retire: not while something is open",
        Edit(
            f"{LUA}retire.lua",
            "if (tonumber(open) > 0 and told ~= '1') or not expires then return false end",
            "",
        ),
    ),
    Guard(
        "delete: not while it is worked on",
        Edit(f"{LUA}delete_job.lua", "if not told and", "if false and"),
    ),
    Guard(
        "share: a link of an ended job goes with it",
        Edit(
            f"{LUA}include/shares.lua",
            "if left > 0 then redis.call('PEXPIRE'",
            "if false then redis.call('PEXPIRE'",
        ),
    ),
    Guard(
        "share: a link goes when its job does",
        Edit(f"{LUA}include/ends.lua", ", K.job_shares(job),\n    K.job_preferences(job))", ")"),
    ),
    Guard(
        "share: a link lives on with a job that is worked on again",
        Edit(
            f"{LUA}include/jobs.lua",
            "K.sessions(job), K.job_shares(job),\n    K.job_preferences(job), ",
            "K.sessions(job), ",
        ),
    ),
    Guard(
        "share: none for a job whose time has passed",
        Edit(f"{LUA}include/shares.lua", "(not expires or tonumber(expires) > now)", "true"),
    ),
    Guard(
        "share: made again it is as it was",
        Edit(
            f"{LUA}create_share.lua",
            "if redis.call('HEXISTS', links, share) == 1 then return { '1' } end",
            "",
        ),
    ),
    Guard(
        "share: revoked once",
        Edit(f"{LUA}revoke_share.lua", "if link.revoked > 0 then return { '0' } end", ""),
    ),
    Guard(
        "public key: one of an ended job goes with it",
        Edit(f"{LUA}create_public_key.lua", "live_as_long(key, job)\n", ""),
    ),
    Guard(
        "public key: it goes when its job does",
        Edit(f"{LUA}include/ends.lua", "  end_public_keys(job)\n", ""),
    ),
    Guard(
        "public key: it lives on with a job that is worked on again",
        Edit(f"{LUA}include/jobs.lua", "    keys[#keys + 1] = K.public_key(id)\n", ""),
    ),
    Guard(
        "public key: made again it is as it was",
        Edit(
            f"{LUA}create_public_key.lua",
            "if redis.call('EXISTS', key) == 1 then return { '1' } end",
            "",
        ),
    ),
    Guard(
        "public key: revoked once",
        Edit(
            f"{LUA}revoke_public_key.lua",
            "if redis.call('HGET', key, 'revoked') ~= '0' then return { '0' } end",
            "",
        ),
    ),
    Guard(
        "preference: not by a revoked link",
        Edit(f"{LUA}add_preference.lua", "link.revoked > 0 or ", ""),
    ),
    Guard(
        "preference: not by a link that has expired",
        Edit(f"{LUA}add_preference.lua", "link.expires <= now or ", ""),
    ),
    Guard(
        "preference: not by a link that only shows",
        Edit(f"{LUA}add_preference.lua", " or not link.preferences", ""),
    ),
    Guard(
        "preference: once",
        Edit(
            f"{LUA}add_preference.lua",
            "if redis.call('LPOS', noted, ARGV[9]) then return { '0' } end",
            "",
        ),
    ),
    Guard("warn: once", Edit(f"{LUA}warn.lua", " or told == '1'", "")),
    Guard(
        "fan_out: not to one that is switched off",
        Edit(f"{LUA}fan_out.lua", "if wants_it(delivery.endpoint) then", "if true then"),
    ),
    Guard(
        "record_attempt: the place in the line is given back",
        Edit(f"{LUA}record_attempt.lua", "  free_slot(row, line)\n", ""),
    ),
    Guard(
        "endpoint: switched off it does not listen",
        Edit(
            f"{LUA}include/hooks.lua", "  redis.call('SREM', K.listening(tenant), endpoint)\n", ""
        ),
    ),
    Guard(
        "endpoint: nothing is told of one that was deleted",
        Edit(f"{LUA}record_attempt.lua", "if url ~= health.url then return false end", ""),
    ),
    Guard(
        "replay: an ended job is kept again",
        Edit(f"{LUA}replay.lua", "if ENDED[status] then keep_again(job) end", ""),
    ),
    Guard(
        "replay: once while it is asked for",
        Edit(
            f"{LUA}replay.lua",
            "if resume == '1' or tonumber(lease) > now then return { 'busy' } end",
            "",
        ),
    ),
    Guard(
        "what belongs to no job goes when it has ended",
        Edit(
            f"{LUA}record_attempt.lua", "redis.call('PEXPIRE', key, ARGV[10])", "local _ = ARGV[10]"
        ),
    ),
    Guard(
        "tick writes no lease",
        Edit(
            f"{LUA}tick.lua",
            "schedule(row, now + pause)",
            "redis.call('HSET', K.row(row), 'lease', '1') schedule(row, now + pause)",
        ),
    ),
    Guard(
        "tick: no second bell for a row", Edit(f"{LUA}tick.lua", "if not has_bell and (", "if (")
    ),
    Guard(
        "tick: newer bells do not hold back a row that was missed",
        Edit(f"{LUA}tick.lua", "(room[queue] > 0 or missed)", "room[queue] > 0"),
    ),
    Guard(
        "clock: no time far below",
        Edit(f"{LUA}include/clock.lua", "now < high - tonumber(ARGV[3]) or ", ""),
    ),
    Guard(
        "clock: no time far above",
        Edit(f"{LUA}include/clock.lua", "or now > high + tonumber(ARGV[4])", ""),
    ),
    Guard(
        "held: an ended job holds no credits",
        Edit(f"{LUA}finish.lua", "release_held(K.job(job))\n", ""),
    ),
    Guard(
        "held: an ended row holds none",
        Edit(f"{LUA}include/rows.lua", "release_held(K.row(row))\n", "\n"),
    ),
    Guard(
        "token: one process at a time",
        Edit(f"{LUA}take_token.lua", "if locked > now then return { -3 } end", ""),
    ),
    Guard(
        "token: a right that was lost stores nothing",
        Edit(f"{LUA}put_token.lua", "if not held and not wanted then return { -6 } end", ""),
    ),
)


def main(examples: int, word: str) -> int:
    """Try every check; returns how many were not missed."""
    return try_each(
        (guard.name, partial(try_without, guard, examples))
        for guard in GUARDS
        if word in guard.name
    )


def try_without(guard: Guard, examples: int) -> str:
    """Run the machine on a copy without a check; what it noticed, or nothing."""
    done = run_without([guard.edit], ["tests.integration.store.machine", str(examples), "50"])
    return done.stdout.strip().splitlines()[-1] if done.returncode else ""


if __name__ == "__main__":
    given = sys.argv[1:]
    tries = int(given.pop(0)) if given and given[0].isdigit() else 150
    sys.exit(bool(main(tries, " ".join(given))))
