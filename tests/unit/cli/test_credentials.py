"""Secrets of a data folder: made once, readable by their owner only."""

from __future__ import annotations

import stat

import pytest

from cli.credentials import (
    USUAL_ADDRESS,
    find_folder,
    keep_environment,
    load_secrets,
    read_address,
    read_environment,
    read_first_key,
    without_client_names,
    write_address,
    write_private,
)
from service.errors import StartupError
from service.vault import Vault


def test_secrets_are_made_once_and_kept(tmp_path):
    # Given a folder's first start; then later ones have the same secrets
    first = load_secrets(tmp_path)
    assert load_secrets(tmp_path) == first
    # and they open what was sealed before
    assert Vault([load_secrets(tmp_path).secret_keys]).open(
        Vault([first.secret_keys]).seal("token")
    ) == "token"  # fmt: skip


def test_two_folders_have_different_secrets(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
    assert load_secrets(tmp_path / "a") != load_secrets(tmp_path / "b")


def test_only_the_owner_reads_them(tmp_path):
    load_secrets(tmp_path)
    write_private(tmp_path / "first-key.json", {"api_key": "k"})
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {0o600}


def test_secrets_are_not_in_their_text(tmp_path):
    made = load_secrets(tmp_path)
    assert made.secret_keys not in repr(made)
    assert made.key_pepper not in repr(made)


def test_folder_without_a_start_is_told(tmp_path):
    with pytest.raises(StartupError, match="first-key"):
        read_first_key(tmp_path)


def test_a_system_is_examined_with_the_token_it_runs_with(tmp_path, monkeypatch):
    # Given a system that was started with a token, and a terminal that has none or another
    env = {"NEMO_TOKEN": "nmv_usr_1", "CAPTION_AB_REDIS_URL": "redis://r", "PATH": "/bin"}
    keep_environment(tmp_path, env)
    monkeypatch.setenv("NEMO_TOKEN", "nmv_usr_of_another")
    # Then who examines it has the same, from a file that only its owner reads
    found = read_environment(tmp_path)
    assert (found["NEMO_TOKEN"], found["CAPTION_AB_REDIS_URL"]) == ("nmv_usr_1", "redis://r")
    [kept] = tmp_path.iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert "PATH" not in kept.read_text()


def test_a_system_without_a_token_is_examined_without_one(tmp_path, monkeypatch):
    keep_environment(tmp_path, {"CAPTION_AB_REDIS_URL": "redis://r"})
    monkeypatch.setenv("NEMO_TOKEN", "nmv_usr_of_another")
    monkeypatch.setenv("CAPTION_AB_LEASE_S", "1")
    found = read_environment(tmp_path)
    assert not {"NEMO_TOKEN", "CAPTION_AB_LEASE_S"} & set(found)
    assert "PATH" in found


def test_a_command_means_what_it_is_given_then_the_environment_then_the_up_started_here(tmp_path):
    # Given a folder that `up` has started in
    here = tmp_path / "data"
    here.mkdir()
    keep_environment(here, {"CAPTION_AB_REDIS_URL": "redis://r"})
    named = {"CAPTION_AB_SECRET_KEYS": "k"}
    # Then it is meant where nothing else is
    assert find_folder(tmp_path, named, here) == tmp_path
    assert find_folder(None, named, here) is None
    # A backend's token or a key of one's own names no system
    assert find_folder(None, {"CAPTION_AB_KEY": "k", "NEMO_TOKEN": "t"}, here) == here
    with pytest.raises(StartupError) as told:
        find_folder(None, {}, tmp_path / "elsewhere")
    assert told.value.hint_text.startswith("Give --data FOLDER")


def test_the_clients_own_name_is_kept_from_the_services():
    assert without_client_names({"CAPTION_AB_KEY": "k", "PATH": "p"}) == {"PATH": "p"}


def test_the_commands_ask_where_up_was_started_last(tmp_path):
    assert read_address(tmp_path) == USUAL_ADDRESS
    write_address(tmp_path, "http://127.0.0.1:18186")
    assert read_address(tmp_path) == "http://127.0.0.1:18186"
