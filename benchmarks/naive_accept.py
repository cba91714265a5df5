"""The usual way to accept a job: validate, HSET, EXPIRE, delay(). The reference of accept.py."""

from __future__ import annotations

import os
import uuid

from celery import Celery
from flask import Flask, request
from marshmallow import Schema, fields, validate
from redis import BlockingConnectionPool, Redis

REDIS_URL = os.environ["BENCH_REDIS_URL"]
celery = Celery("naive", broker=REDIS_URL.replace("unix://", "redis+socket://"))
celery.conf.task_ignore_result = True
store = Redis(connection_pool=BlockingConnectionPool.from_url(REDIS_URL, max_connections=40))
app = Flask(__name__)


class Clip(Schema):
    url = fields.Url(required=True)


class Variant(Schema):
    label = fields.Str(validate=validate.Length(equal=1))
    style = fields.Dict()


class Job(Schema):
    clips = fields.List(fields.Nested(Clip), required=True, validate=validate.Length(1, 10))
    variants = fields.List(fields.Nested(Variant))
    captions = fields.Dict()


schema = Job()


@celery.task(name="naive.run")
def run(job_id: str) -> None:
    """Never executed here: only publishing counts."""


@app.post("/v1/jobs")
def accept() -> tuple[dict[str, str], int]:
    job = schema.load(request.get_json())
    job_id = uuid.uuid4().hex
    store.hset(f"naive:{job_id}", mapping={"status": "queued", "body": str(job)})
    store.expire(f"naive:{job_id}", 3600)
    run.delay(job_id)
    return {"id": job_id}, 202
