"""The secrets of a data folder: made at the first start, kept in files that only the user reads."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from cli.children import with_our_code
from service.errors import StartupError

#: Where `up` keeps everything unless told otherwise.
DATA = Path("caption-ab-data")
_SECRETS = "secrets.json"
_FIRST_KEY = "first-key.json"
_ADDRESS = "address.txt"
USUAL_ADDRESS = "http://127.0.0.1:8080"
_ENVIRONMENT = "environment.json"
_OURS = ("CAPTION_AB_", "NEMO_")
#: What an environment says of which system it is; every process of the service has one of them.
_SYSTEM = tuple(
    f"CAPTION_AB_{each}" for each in ("REDIS_URL", "FILES", "SECRET_KEYS", "KEY_PEPPER")
)


@dataclass(frozen=True, slots=True)
class Secrets:
    """What encrypts tokens at rest and what is mixed into the hashes of keys."""

    secret_keys: str = field(repr=False)
    key_pepper: str = field(repr=False)

    def as_env(self) -> dict[str, str]:
        return {
            "CAPTION_AB_SECRET_KEYS": self.secret_keys,
            "CAPTION_AB_KEY_PEPPER": self.key_pepper,
        }


@dataclass(frozen=True, slots=True)
class FirstKey:
    """The first tenant of a folder. `made_now` is true on the start that made it."""

    tenant_id: str
    api_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    file: Path
    made_now: bool


def load_secrets(folder: Path) -> Secrets:
    """The folder's secrets, made when there are none."""
    path = folder / _SECRETS
    if not path.exists():
        write_private(
            path, asdict(Secrets(Fernet.generate_key().decode(), secrets.token_urlsafe(32)))
        )
    return Secrets(**json.loads(path.read_text(encoding="utf-8")))


def load_first_key(folder: Path, env: Mapping[str, str]) -> FirstKey:
    """The folder's first tenant and key, made in the store when there are none.

    Raises:
        StartupError: the store did not take them.
    """
    path = folder / _FIRST_KEY
    made_now = not path.exists()
    if made_now:
        write_private(path, create_key(env, name="first", account="default"))
    body = read_first_key(folder)
    return FirstKey(
        body["tenant_id"], body["api_key"], body["webhook_secret"], path, made_now=made_now
    )


def write_address(folder: Path, url: str) -> None:
    """Keep where the API of a folder was started last."""
    (folder / _ADDRESS).write_text(url, encoding="utf-8")


def read_address(folder: Path) -> str:
    """Where the API of a folder was started last; the usual address where none was."""
    path = folder / _ADDRESS
    return path.read_text(encoding="utf-8").strip() if path.is_file() else USUAL_ADDRESS


def read_first_key(folder: Path) -> dict[str, str]:
    """What the first start made: tenant_id, api_key, webhook_secret.

    Raises:
        StartupError: nothing was started with this folder.
    """
    path = folder / _FIRST_KEY
    if not path.exists():
        hint = "Was `caption-ab up` started there? If it has another folder: --data FOLDER."
        raise StartupError(f"There is no {path}.", hint=hint)
    body: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return body


def create_key(env: Mapping[str, str], *, name: str, account: str) -> dict[str, str]:
    """Make a tenant and its key: {tenant_id, api_key, webhook_secret, key_id}, shown this once.

    Raises:
        StartupError: the store did not take them.
    """
    made: dict[str, str] = ask_keys(env, "create", "--name", name, "--account", account)
    return made


def ask_keys(env: Mapping[str, str], *arguments: str) -> dict[str, Any]:
    """What an action of `python -m api.keys` answers, run with direct access to the store.

    Raises:
        StartupError: it was refused, or the store is away.
    """
    made = subprocess.run(
        [sys.executable, "-m", "api.keys", *arguments],
        env=with_our_code(without_client_names(env)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        start_new_session=True,  # Ctrl-C is for us: a key half made would look like a failure
    )
    if made.returncode:
        raise StartupError(f"The keys were not changed.\n{made.stderr.strip()[-2000:]}")
    body: dict[str, Any] = json.loads(made.stdout.strip().splitlines()[-1])
    return body


def keep_environment(folder: Path, env: Mapping[str, str]) -> None:
    """Keep the settings of a started system for who examines it, the backend's token among them.

    They are as secret as `secrets.json` beside them, and are kept as that is.
    """
    kept = {name: value for name, value in env.items() if name.startswith(_OURS)}
    write_private(folder / _ENVIRONMENT, kept)


def read_environment(folder: Path) -> dict[str, str]:
    """The environment of this process with the settings, and only those, that `up` started with.

    Raises:
        StartupError: nothing was started with this folder.
    """
    path = folder / _ENVIRONMENT
    if not path.exists():
        raise StartupError(f"There is no {path}.", hint="Was `caption-ab up` started there?")
    kept: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return {**{n: v for n, v in os.environ.items() if not n.startswith(_OURS)}, **kept}


def find_folder(given: Path | None, env: Mapping[str, str], here: Path = DATA) -> Path | None:
    """The folder of the `up` that a command means; None where the environment names a system.

    Without `--data` and without a system in the environment it is that of an `up` started here.

    Raises:
        StartupError: there is none of the three.
    """
    if given is not None:
        return given
    if any(env.get(name) for name in _SYSTEM):
        return None
    if (here / _ENVIRONMENT).exists():
        return here
    raise StartupError(
        f"No system is named, and no `caption-ab up` was started here: there is no {here}.",
        hint="Give --data FOLDER, that of an `up`, or the environment of a process of the service.",
    )


def without_client_names(env: Mapping[str, str]) -> dict[str, str]:
    """An environment without what only the commands read: the services refuse unknown names."""
    return {name: value for name, value in env.items() if name != "CAPTION_AB_KEY"}


def write_private(path: Path, body: Mapping[str, str]) -> None:
    """Write a JSON file that only its owner reads."""
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump(dict(body), out, indent=1)
        out.flush()
        os.fsync(out.fileno())
    partial.replace(path)
