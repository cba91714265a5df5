"""The anonymous account of a probe: kept before it is used, for its backend and client alone."""

from __future__ import annotations

import stat

from service.nemo.probe_account import SavedAccount, expiry_ms, load_account, save_account

NOW_MS = 1_800_000_000_000
API = "https://api.example"
KEPT = SavedAccount("client-1", "nmv_usr_x", "anon_1", NOW_MS + 3_600_000)


def test_what_is_kept_is_found_again_and_only_its_owner_reads_it(tmp_path):
    path = tmp_path / "deep" / "account.json"
    save_account(path, API, KEPT)
    assert load_account(path, API, "") == KEPT
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_another_backend_or_client_has_an_account_of_its_own(tmp_path):
    path = tmp_path / "account.json"
    save_account(path, API, KEPT)
    assert load_account(path, "https://other.example", "").token == ""
    assert load_account(path, API, "client-2") == SavedAccount("client-2")
    save_account(path, "https://other.example", SavedAccount("client-3"))
    assert load_account(path, API, "client-1") == KEPT


def test_a_damaged_file_is_no_account(tmp_path):
    path = tmp_path / "account.json"
    path.write_text("[oops")
    assert load_account(path, API, "").token == ""


def test_a_token_is_used_while_enough_of_its_life_is_left():
    assert KEPT.is_usable(NOW_MS)
    assert not KEPT.is_usable(NOW_MS + 2_500_000)
    assert not SavedAccount("client-1").is_usable(NOW_MS)


def test_a_token_whose_end_is_not_told_lives_a_week_less_an_hour():
    assert expiry_ms(None, NOW_MS) - NOW_MS == (7 * 24 - 1) * 3_600_000
    assert expiry_ms(5, NOW_MS) == 5


def test_the_token_is_not_in_a_repr():
    assert "nmv_usr_x" not in repr(KEPT)
