"""A real S3-compatible server, and a store of files in a new bucket of it."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from service.clock import FakeClock
from service.media.buckets import BucketFiles, open_bucket
from service.media.files import run_directly
from service.media.objects import open_client
from service.settings import Settings
from tests.integration.files.swift import (
    ACCESS_KEY,
    REGION,
    SECRET_KEY,
    Swift,
    missing,
    run_swift,
)


@pytest.fixture(scope="session")
def swift() -> Iterator[Swift]:
    if missing():
        pytest.skip(missing())
    with tempfile.TemporaryDirectory(prefix="cab-swift-") as folder:
        yield from run_swift(Path(folder))


@pytest.fixture
def bucket_settings(swift: Swift) -> Settings:
    """Settings that name a bucket which has just been made."""
    name = f"b-{uuid.uuid4().hex[:12]}"
    settings = Settings(
        files=f"s3://{name}/ab",
        s3_endpoint=swift.url,
        s3_region=REGION,
        s3_access_key=ACCESS_KEY,
        s3_secret_key=SECRET_KEY,
        s3_link_s=60.0,
    )
    open_client(settings).create_bucket(Bucket=name)
    return settings


@pytest.fixture
def bucket(bucket_settings: Settings) -> BucketFiles:
    return open_bucket(bucket_settings, clock=FakeClock(), offload=run_directly)


def with_changes(settings: Settings, **changes: object) -> BucketFiles:
    """The same bucket, seen by somebody with other settings."""
    return open_bucket(replace(settings, **changes), clock=FakeClock(), offload=run_directly)
