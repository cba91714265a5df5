"""The shared fixtures are what they say."""

from __future__ import annotations

import os
import signal

import av
import pytest
import redis


def test_the_environment_is_clean():
    foreign = ("CAPTION_AB_", "NEMO_", "AWS_", "OTEL_", "FLASK_", "HTTP_PROXY", "COLUMNS")
    assert not [name for name in os.environ if name.upper().startswith(foreign)]


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD])
def test_what_tests_start_hears_signals(sign):
    assert signal.getsignal(sign) is not signal.SIG_IGN
    assert sign not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_the_server_is_real_and_empty(redis_client):
    assert redis_client.dbsize() == 0
    assert redis_client.config_get("appendonly") == {"appendonly": "yes"}
    redis_client.set("left", "behind")


def test_the_next_test_finds_it_empty_again(redis_client, redis_url):
    assert redis_client.get("left") is None
    with redis.Redis.from_url(redis_url) as other:
        assert other.ping()


def test_the_durable_server_syncs_before_it_answers(durable_valkey_server):
    with redis.Redis.from_url(durable_valkey_server.url, decode_responses=True) as client:
        assert client.config_get("appendfsync") == {"appendfsync": "always"}


def test_the_small_clip_has_a_picture_and_a_sound(small_clip):
    with av.open(str(small_clip)) as clip:
        picture, sound = clip.streams.video[0], clip.streams.audio[0]
        assert (picture.width, picture.height) == (320, 180)
        assert sound.rate > 0
        assert clip.duration / 1e6 == pytest.approx(2, abs=0.1)


def test_the_footage_is_720p_with_sound(footage):
    with av.open(str(footage)) as clip:
        assert (clip.streams.video[0].width, clip.streams.video[0].height) == (1280, 720)
        assert len(clip.streams.audio) == 1


def test_the_silent_footage_is_silent(silent_footage):
    with av.open(str(silent_footage)) as clip:
        assert not clip.streams.audio
