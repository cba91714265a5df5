"""Lags and likeness of sound, on waves that are known."""

from __future__ import annotations

import numpy as np
import pytest

from service.compare.sound import RATE, find_lag, likeness


def noise(seed: int = 1, seconds: float = 4.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, int(RATE * seconds)).astype(np.float32)


@pytest.mark.parametrize("lag", [-4000, -80, 0, 1, 640, 8000])
def test_a_lag_within_a_second_is_found_to_the_sample(lag):
    wave = noise(seconds=6.0)
    ours, theirs = wave[8000:40000], wave[8000 - lag : 40000 - lag]
    assert find_lag(ours, theirs) == lag
    assert likeness(ours, theirs, lag) == pytest.approx(1, abs=1e-3)


def test_other_sound_has_no_lag_and_no_likeness():
    assert find_lag(noise(1), noise(2)) is None
    assert likeness(noise(1), noise(2), 0) < 0.1


def test_half_a_sample_costs_no_likeness():
    # Given a wave that comes half a sample later,
    wave = noise()
    turn = np.exp(-1j * np.pi * np.arange(len(wave) // 2 + 1) * 2 * 0.5 / len(wave))
    later = np.fft.irfft(np.fft.rfft(wave) * turn, len(wave)).astype(np.float32)
    # When it is compared at the whole lag next to it, then it is the same sound.
    assert likeness(wave, later, 0) > 0.98


def test_music_eleven_decibels_below_costs_a_twenty_fifth():
    assert likeness(noise(1), noise(1) + 0.29 * noise(2), 0) == pytest.approx(0.96, abs=0.01)
