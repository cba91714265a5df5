"""`GET /v1/styles`: what a form for a style is drawn from."""

from __future__ import annotations

import io
from urllib.parse import urlsplit

from PIL import Image

from service.captions.style import PRESETS, build_style
from tests.integration.api.conftest import JOB, Visitor


def test_the_styles_are_the_presets(ann: Visitor):
    data = ann.get("/v1/styles").get_json()["data"]
    assert [each["preset"] for each in data] == list(PRESETS)
    assert all(each["description"] for each in data)


def test_each_preset_has_a_picture_that_anybody_may_keep(ann: Visitor):
    for each in ann.get("/v1/styles").get_json()["data"]:
        image = each["image"]
        answer = ann.client.get(urlsplit(image["url"]).path)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, image["type"])
        assert answer.headers["Cache-Control"] == "public, max-age=86400"
        # And a page of another site may show it, unlike the scripts of ours
        assert answer.headers.getlist("Cross-Origin-Resource-Policy") == ["cross-origin"]
        assert each["label"] in image["alt"]
        with Image.open(io.BytesIO(answer.data)) as picture:
            assert picture.size == (image["width"], image["height"])


def test_a_form_can_be_built_from_the_styles(ann: Visitor):
    # Given the description of each parameter
    body = ann.get("/v1/styles").get_json()
    styles = [each["style"] for each in body["data"]]
    for each in body["parameters"]:
        # Then each value of each preset is one of the choices, or within the bounds
        values = [style[each["name"]] for style in styles]
        assert each["default"] == values[0]
        if each["choices"]:
            assert set(values) <= set(each["choices"])
        elif each["min"] is not None and each["type"] != "object":
            assert all(each["min"] <= value <= each["max"] for value in values if value)
    # And a job takes the bounds, and nothing beyond them
    for each in body["parameters"]:
        if each["min"] is None or each["type"] == "object":
            continue
        for value, status in ((each["min"], 202), (each["max"], 202), (each["max"] + 1, 422)):
            style = {each["name"]: int(value) if each["type"] == "integer" else value}
            job = {**JOB, "variants": [{"style": style}, {"style": {"preset": "boxed"}}]}
            assert ann.post("/v1/jobs", json=job).status_code == status, (each["name"], value)
    areas = [each["platform"] for each in body["safe_areas"]]
    assert "tiktok" in areas
    variants = [{"style": {"safe_area": {"platform": name}}} for name in areas]
    assert ann.post("/v1/jobs", json={**JOB, "variants": variants}).status_code == 202
    assert build_style({"color": "gold"}).color == body["colors"]["gold"]


def test_a_job_keeps_its_safe_area_in_numbers(ann: Visitor):
    # Given a platform's name, then the job has what it covers, with the edge that was given
    style = {"preset": "shorts", "safe_area": {"platform": "tiktok", "bottom": 30}}
    job = ann.post("/v1/jobs", json={**JOB, "variants": [{"style": style}, {}]}).get_json()
    assert job["variants"][0]["style"]["safe_area"] == {
        "top": 7.8, "bottom": 30, "left": 0.0, "right": 13.9
    }  # fmt: skip


def test_a_job_says_which_characters_its_fonts_lack(ann: Visitor):
    # Given captions with letters that Anton lacks, and two variants of which one uses it
    captions = {"format": "srt", "text": "1\n00:00:00,500 --> 00:00:02,500\nДа!\n"}
    variants = [{"style": {"preset": "outline"}}, {"style": {"preset": "pop"}}]
    job = {**JOB, "captions": captions, "variants": variants}
    # When it is sent
    warnings = ann.post("/v1/jobs", json=job).get_json()["warnings"]
    # Then the answer names the characters, the font and the variant
    (told,) = [each["detail"] for each in warnings if each["code"] == "glyphs_missing"]
    assert "Anton of variant B has no glyph for Д (U+0414), а (U+0430)" in told
