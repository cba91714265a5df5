"""The audit of dependencies tells weak, sound and unknown apart."""

from __future__ import annotations

from tests.audit import judge


def package(name: str, *weak: str) -> dict:
    found = [{"id": each, "fix_versions": ["2.0"]} for each in weak]
    return {"name": name, "version": "1.0", "vulns": found}


def test_a_weak_package_is_named_with_what_mends_it():
    audit = judge({"dependencies": [package("sound"), package("weak", "PYSEC-1")]})
    assert audit.weak == ("weak 1.0: PYSEC-1, mended in 2.0",)
    assert "weak 1.0" in audit.text


def test_packages_that_could_not_be_judged_are_not_called_sound():
    audit = judge({"dependencies": [{"name": "a", "skip_reason": "not found"}]})
    assert (audit.judged, audit.unknown, audit.weak) == (0, 1, ())
    assert audit.text.startswith("NOT AUDITED")


def test_all_sound_is_said_with_how_many():
    assert judge({"dependencies": [package("a"), package("b")]}).text.startswith("2 packages")
