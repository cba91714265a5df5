"""`caption-ab demo`: starts everything, runs one real job, leaves its results, stops it all."""

from __future__ import annotations

import argparse
import secrets
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.children import free_port
from cli.client import Client, Problem
from cli.demo import results
from cli.demo.experiment import Parts, perform_experiment
from cli.demo.viewers import SEED
from cli.interrupt import Interrupt, Interrupted
from cli.jobs import captions_of, errors_of, follow, job_request
from cli.live import Lines
from cli.receiver import Receiver
from cli.run import check_clip, send_clip
from cli.system import Plan, System, remove_folder
from cli.terminal import Screen, say, warn
from service.errors import CaptionAbError

_FOOTAGE = Path(__file__).parents[2] / ".cache" / "footage"
_CAPTIONS = Path(__file__).with_name("bunny.srt")
_LAST_WEBHOOK_S = 20.0
_PACE = {
    "CAPTION_AB_POLL_EVERY_S": "1",
    "CAPTION_AB_POLL_LIMIT": "600",
    "CAPTION_AB_STEP_RETRY_S": "1",
    "CAPTION_AB_DRAIN_S": "3",
    "CAPTION_AB_HANDBACK_S": "2",
    "CAPTION_AB_MEDIA_PROCESSES": "1",
    "CAPTION_AB_TRANSFER_THREADS": "4",
    "CAPTION_AB_FLOW_STREAMS": "50",
    "CAPTION_AB_HOOKS_GREENLETS": "20",
    "CAPTION_AB_EXPERIMENT_LOOK_EVERY_S": "0.5",
}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser("demo", help="one real job, end to end, into demo-output/")
    parser.add_argument("--clip", type=Path, help="your own video instead of the project's")
    parser.add_argument("--captions", type=Path, help="its captions: SRT, VTT, TTML or text")
    parser.add_argument("--a", default="outline", metavar="PRESET", help="style of variant A")
    parser.add_argument("--b", default="boxed", metavar="PRESET", help="style of variant B")
    parser.add_argument("--out", type=Path, default=Path("demo-output"), help="folder of results")
    parser.add_argument(
        "--experiment", action="store_true", help="then 20,000 simulated viewers and a verdict"
    )
    parser.add_argument("--seed", type=int, default=SEED, help=f"of the viewers' dice ({SEED})")
    parser.add_argument("--keep", action="store_true", help="keep the data folder and its logs")
    parser.set_defaults(action=run)


def run(options: argparse.Namespace) -> int:
    """Start, run, collect, stop; 0 when the job has succeeded and every webhook was verified."""
    footage = choose_footage(options)
    interrupt = Interrupt()
    interrupt.install()
    folder = Path(tempfile.mkdtemp(prefix="caption-ab-demo-"))
    options.out.mkdir(parents=True, exist_ok=True)
    results.remove_old(options.out)
    receiver = Receiver(tell_webhook, file=options.out / "webhooks.jsonl")
    system = System(_plan(folder, receiver.port), interrupt, lambda text: say(f"  {text}"))
    interrupt.on_again = system.hurry
    began_s = time.monotonic()
    try:
        receiver.start()
        code = _perform(system, receiver, interrupt, options, footage)
        say(f"Done in {time.monotonic() - began_s:.0f} s.")
        return code
    except Interrupted:
        say("\nInterrupted: stopping every process ...")
        return 130
    except (CaptionAbError, Problem) as error:
        warn(error)
        return 1
    finally:
        system.stop()
        receiver.stop()
        receiver.remove_if_empty()
        if options.keep:
            say(f"Data and logs are kept in {folder}")
        else:
            remove_folder(folder)
        say("Every process has stopped.")


@dataclass(frozen=True, slots=True)
class Footage:
    """A clip and its captions file; an own clip without captions is sent without any."""

    clip: Path
    captions: Path | None


def choose_footage(options: argparse.Namespace) -> Footage:
    """The footage of a demo, seen to be there before anything starts.

    Raises:
        Problem: a file is not there.
    """
    if options.clip:
        check_clip(options.clip)
        chosen = Footage(options.clip, options.captions)
        _read_captions(chosen)
        return chosen
    found = sorted(_FOOTAGE.glob("**/bigbuckbunny.mp4"))
    if not found:
        raise Problem(
            {
                "detail": "The demo's footage is not there yet.",
                "hint": "`make footage` fetches it once; or give your own with --clip.",
            }
        )
    chosen = Footage(found[0], options.captions or _CAPTIONS)
    _read_captions(chosen)
    return chosen


def _read_captions(footage: Footage) -> Mapping[str, str] | None:
    return captions_of(footage.captions) if footage.captions else None


def _plan(folder: Path, receiver_port: int) -> Plan:
    own = {**_PACE, "CAPTION_AB_CALLER_LOOPBACK_PORTS": str(receiver_port)}
    return Plan(folder, free_port(), sandbox_args=("--poll-delay", "1,2"), own=own, isolated=True)


def _perform(
    system: System,
    receiver: Receiver,
    interrupt: Interrupt,
    options: argparse.Namespace,
    footage: Footage,
) -> int:
    say("Starting Valkey, the sandbox, four workers and the API:")
    first_key = system.start()
    receiver.secrets = (first_key.webhook_secret,)
    client = Client(system.url, first_key.api_key)
    job = _submit(client, receiver, options, footage)
    lines = Lines()

    def look(now: dict[str, Any]) -> None:
        lines.look(now)
        system.watch()

    job = follow(client, job["id"], interrupt, look)
    receiver.wait_for(f"job.{job['status']}", interrupt.wait, _LAST_WEBHOOK_S)
    for error in errors_of(job):
        warn(Problem(error))
    say("")
    results.fetch_results(client, job, options.out, interrupt)
    decided = True
    if options.experiment and job["status"] == "succeeded":
        parts = Parts(client, receiver, interrupt, system.watch)
        decided = perform_experiment(parts, job["id"], options.seed, options.out)
    code = summarize(job, receiver, options.out)
    return code if decided else 1


def _submit(
    client: Client, receiver: Receiver, options: argparse.Namespace, footage: Footage
) -> dict[str, Any]:
    upload = send_clip(client, footage.clip, Screen())
    request = job_request(upload["id"], _read_captions(footage), {"A": options.a, "B": options.b})
    request |= {
        "name": f"demo: {footage.clip.name}",
        "webhook": {"url": receiver.url, "events": ["*", "job.progress"]},
    }
    job = client.submit(request, secrets.token_hex(16))
    say(f"Job {job['id']}: A is {options.a}, B is {options.b}")
    return job


def tell_webhook(line: Mapping[str, Any]) -> None:
    """One line for a webhook that has come."""
    kind = line["body"].get("type", "?")
    say(f"{'webhook':>16}  {kind}, signature {'verified' if line['verified'] else 'NOT VERIFIED'}")


def summarize(job: Mapping[str, Any], receiver: Receiver, folder: Path) -> int:
    """Tell what there is to open; the exit code."""
    good = sum(line["verified"] for line in receiver.lines)
    came = receiver.has(f"job.{job['status']}")
    say("")
    say(f"The job ended: {job['status']}; {good} of {len(receiver.lines)} webhooks verified.")
    if not came:
        say(f"No webhook job.{job['status']} came in {_LAST_WEBHOOK_S:.0f} s.")
    for name, what in results.FILES.items():
        if (folder / name).exists():
            say(f"  {folder / name}  {what}")
    well = job["status"] == "succeeded" and came and good == len(receiver.lines)
    return 0 if well else 1
