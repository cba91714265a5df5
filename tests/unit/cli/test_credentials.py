"""Secrets of a data folder: made once, readable by their owner only."""

from __future__ import annotations

import stat

import pytest

from cli.credentials import load_secrets, read_first_key, without_client_names, write_private
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


def test_the_clients_own_name_is_kept_from_the_services():
    assert without_client_names({"CAPTION_AB_KEY": "k", "PATH": "p"}) == {"PATH": "p"}
