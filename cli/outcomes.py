"""`caption-ab outcomes`: counts the outcomes of an experiment from a CSV file."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from cli.client import Client, Problem
from cli.interrupt import Interrupt, Interrupted
from cli.live import row_progress
from cli.outcome_rows import Fault, Row, read_rows
from cli.piles import Piles
from cli.run import find_key, find_url
from cli.terminal import printable, say

#: What the API takes in one request: items, and (less than its 1,000,000) bytes.
BATCH, _BATCH_BYTES = 1000, 900_000
#: Faults and rejected rows that are told one by one.
_TOLD = 20
_PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
_AWAY = {0, 429, 502, 503, 504}
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser("outcomes", help="count an experiment's outcomes from a CSV file")
    parser.add_argument("job", help="its id, job_...")
    parser.add_argument("file", type=Path, help="the CSV file; - reads standard input")
    parser.add_argument("--verdict", action="store_true", help="tell the verdict afterwards")
    parser.add_argument("--url", default="", help="address of the API; or that of `up`")
    parser.add_argument("--key", default="", help="API key; or CAPTION_AB_KEY, or the key of `up`")
    parser.set_defaults(action=run)


def run(options: argparse.Namespace) -> int:
    """Check the whole file, then send it; 1 when a row was rejected."""
    client, job = Client(find_url(options.url), find_key(options.key)), quote(options.job, safe="")
    interrupt = Interrupt()
    interrupt.install()
    name = "Standard input" if str(options.file) == "-" else str(options.file)
    tally = Tally()
    with Piles() as piles:
        with open_table(options.file) as table, contextlib.closing(rows_of(table)) as rows:
            total = pile_rows(rows, piles, name)
        try:
            with row_progress(f"Sending {name}", total) as advance:
                for batch in batches(piles.take()):
                    results = send(client, job, [row.item for row in batch], interrupt)
                    for line in tally.note(batch, results):
                        print(line, file=sys.stderr, flush=True)
                    advance(len(batch))
        except (Interrupted, Problem) as stop:
            say(f"{tally.rows:,} of {total:,} rows were sent. Run it again: none counts twice.")
            if isinstance(stop, Problem):
                raise
            return 130
    for text in tally.tell():
        say(text)
    if options.verdict:
        say(printable(json.loads(client.verdict(job))["sentence"]["en"]))
    return 1 if tally.statuses["rejected"] else 0


@contextlib.contextmanager
def open_table(path: Path) -> Iterator[BinaryIO]:
    """A file, or what comes on standard input, that can be read from its beginning again.

    Raises:
        Problem: it cannot be read.
    """
    with contextlib.ExitStack() as kept:
        try:
            if str(path) == "-":
                table: BinaryIO = kept.enter_context(tempfile.TemporaryFile())
                shutil.copyfileobj(sys.stdin.buffer, table)
            else:
                table = kept.enter_context(path.open("rb"))
        except OSError as error:
            raise Problem({"detail": f"{path} cannot be read: {error.strerror}."}) from None
        yield table


def rows_of(table: BinaryIO) -> Generator[Row | Fault, None, None]:
    """The rows from the beginning on; a mark says whether it is UTF-16."""
    table.seek(0)
    coding = "utf-16" if table.read(2) in _UTF_16 else "utf-8"
    table.seek(0)
    text = io.TextIOWrapper(table, coding, errors="surrogateescape", newline="")
    try:
        yield from read_rows(text)
    except UnicodeDecodeError:
        yield Fault(1, "It is no UTF-16 text, although it begins as such.")
    finally:
        text.detach()


def pile_rows(rows: Iterable[Row | Fault], piles: Piles, name: str) -> int:
    """See that each row can be sent, and lay it on the pile of its variant; how many there are.

    Raises:
        Problem: some cannot, there are none, or no room for them; nothing is to be sent then.
    """
    count, faults, told = 0, 0, []
    try:
        for row in rows:
            count += 1
            if isinstance(row, Row):
                piles.add(row)
                continue
            faults += 1
            if faults <= _TOLD:
                told.append({"pointer": f"line {row.line}", "detail": row.detail})
        piles.flush()
    except OSError as error:
        raise Problem(
            {
                "detail": f"{name} cannot be laid aside for sending: {error.strerror}.",
                "hint": "It takes a few times the room of the file. TMPDIR names another folder.",
            }
        ) from None
    if not count:
        raise Problem({"detail": f"{name} has no rows below the names of its columns."})
    if not faults:
        return count
    more = f"{faults - _TOLD:,} more lines are wrong. " if faults > _TOLD else ""
    raise Problem(
        {
            "detail": f"{name} cannot be sent as it is, and nothing of it was.",
            "errors": told,
            "hint": f"{more}Correct it and run this again.",
        }
    )


def batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """The rows in groups that a request can hold."""
    batch: list[Row] = []
    size = 0
    for row in rows:
        bytes_more = len(json.dumps(row.item)) + 2
        if len(batch) == BATCH or (batch and size + bytes_more > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += bytes_more
    if batch:
        yield batch


def send(
    client: Client, job: str, items: Sequence[Mapping[str, Any]], interrupt: Interrupt
) -> list[dict[str, Any]]:
    """Send a batch; where the service is away or asks for patience, again for about a minute.

    Raises:
        Problem: the API refuses, or stays away.
        Interrupted: the user asked to stop.
    """
    for pause_s in (*_PAUSES_S, None):
        interrupt.check()
        try:
            return client.count_outcomes(job, items)
        except Problem as problem:
            final = problem.status not in _AWAY or problem.code == "experiment_full"
            if final or pause_s is None:
                raise
            interrupt.wait(pause_s)
    raise AssertionError  # the last turn returns or raises


def _why(result: Mapping[str, Any]) -> str:
    """Why a row was rejected, and which column that is about; a sum's is named as in the file."""
    _, _, place = str(result.get("pointer", "")).partition("#/outcomes/")[2].partition("/")
    column = place.removeprefix("metrics/").replace("/", ".")
    told = f"{column}: " if column and result["reason"] == "invalid" else ""
    return f"{result['reason']}: {told}{result['detail']}"


@dataclass(slots=True)
class Tally:
    """What became of the rows so far."""

    rows: int = 0
    derived: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def note(self, batch: Sequence[Row], results: Sequence[Mapping[str, Any]]) -> Iterator[str]:
        """Take the answer to a batch; a line for each row that was rejected, while they are few."""
        told = zip(batch, results, strict=True)
        for row, result in sorted(told, key=lambda each: each[0].line):
            self.rows += 1
            self.derived += row.derived
            self.statuses[result["status"]] += 1
            if result["status"] != "rejected":
                continue
            self.reasons[result["reason"]] += 1
            if self.statuses["rejected"] <= _TOLD:
                yield printable(f"line {row.line}: {_why(result)}")

    def tell(self) -> Iterator[str]:
        """The sum of it, for people."""
        rejected = self.statuses["rejected"]
        yield (
            f"Rows: {self.rows:,}, of which {self.statuses['accepted']:,} counted, "
            f"{self.statuses['duplicate']:,} counted before, {rejected:,} rejected."
        )
        if rejected > _TOLD:
            by_reason = ", ".join(f"{count:,} {why}" for why, count in self.reasons.most_common())
            yield f"Rejected: {by_reason}; the first {_TOLD} are told above."
        if self.derived:
            yield (
                f"Without event_id: {self.derived:,}. Each got one from its cells, so that an "
                "equal row of another file is the same outcome."
            )
