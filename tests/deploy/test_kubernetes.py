"""The manifests keep what the engine needs: drains, probes, settings, ways in and out."""

from __future__ import annotations

import json
import shutil
from ipaddress import ip_network

import jsonschema
import pytest

from service.outbound.guard import REFUSED_V4
from service.settings import Settings, environment_name, load_settings
from tests.deploy.manifests import (
    FOLDER,
    OVERLAYS,
    ROOT,
    count_bytes,
    head,
    media_needs_bytes,
    read,
    render,
    rendered_path,
)

WORKERS = ("flow", "transfer", "hooks", "media")
OURS = ("api", *WORKERS)
SCHEMA = json.loads((FOLDER / "scaledobject.schema.json").read_text())


def of_kind(overlay, kind):
    return {each["metadata"]["name"]: each for each in read(overlay) if each["kind"] == kind}


def pod(overlay, name):
    return of_kind(overlay, "Deployment")[f"caption-ab-{name}"]["spec"]["template"]["spec"]


def container(overlay, name):
    (found,) = pod(overlay, name)["containers"]
    return found


def environment(overlay):
    return of_kind(overlay, "ConfigMap")["caption-ab-settings"]["data"]


both = pytest.mark.parametrize("overlay", OVERLAYS)
every = pytest.mark.parametrize("name", OURS)


@both
def test_what_is_rendered_is_made_from_these_sources(overlay):
    first = rendered_path(overlay).read_text(encoding="utf-8").splitlines(keepends=True)[0]
    assert first == head(overlay), "run `make manifests`"


@both
def test_kustomize_makes_the_same_of_them(overlay):
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is not installed; the sources' checksum is compared in any case")
    kept = rendered_path(overlay).read_text(encoding="utf-8").partition("\n")[2]
    assert kept == render(overlay)


@both
def test_every_setting_is_one(overlay):
    """Given the settings of the manifests, when a process reads them, then it starts with them."""
    found = load_settings(environment(overlay))
    assert found.files.startswith("s3://")


@both
@every
def test_kubernetes_adds_no_names_of_its_own(overlay, name):
    """A Service caption-ab-api would put CAPTION_AB_API_PORT into every pod: no setting of ours."""
    assert pod(overlay, name)["enableServiceLinks"] is False


@both
@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_has_time_to_drain_and_hand_back(overlay, name):
    settings = load_settings(environment(overlay))
    needed_s = settings.drain_s + settings.handback_s + 10
    assert pod(overlay, name)["terminationGracePeriodSeconds"] >= needed_s


@both
@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_is_probed_by_its_work_and_patiently(overlay, name):
    for probe in ("startupProbe", "livenessProbe"):
        found = container(overlay, name)[probe]
        assert found["exec"]["command"] == ["python3", "-m", "workers.health"]
        # it may ask Redis with a fresh connection, which gives up after 15 s
        assert found["timeoutSeconds"] >= 20


@both
@every
def test_a_process_runs_without_rights(overlay, name):
    assert pod(overlay, name)["securityContext"]["runAsNonRoot"] is True
    assert pod(overlay, name)["automountServiceAccountToken"] is False
    rights = container(overlay, name)["securityContext"]
    assert rights["readOnlyRootFilesystem"] is True
    assert rights["allowPrivilegeEscalation"] is False
    assert rights["capabilities"] == {"drop": ["ALL"]}
    assert "memory" in container(overlay, name)["resources"]["limits"]


@both
@every
def test_one_at_a_time_is_taken_away(overlay, name):
    found = of_kind(overlay, "PodDisruptionBudget")[f"caption-ab-{name}"]["spec"]
    assert found["maxUnavailable"] == 1
    assert found["selector"]["matchLabels"]["app.kubernetes.io/component"] == name


@both
def test_only_media_has_the_image_with_ffmpeg(overlay):
    with_ffmpeg = {name for name in OURS if "media" in container(overlay, name)["image"]}
    assert with_ffmpeg == {"media"}


@both
def test_media_has_room_for_a_copy_of_the_largest_video_for_each_process(overlay):
    (tmp,) = pod(overlay, "media")["volumes"]
    gibibytes = int(tmp["emptyDir"]["sizeLimit"].removesuffix("Gi"))
    settings = load_settings(environment(overlay))
    assert gibibytes * 2**30 > settings.media_processes * settings.result_max_bytes


@both
def test_media_has_memory_for_each_process_at_its_bounds(overlay):
    """Given two that make a side by side at once, then neither the pod nor its node runs out."""
    needed = media_needs_bytes(load_settings(environment(overlay)))
    resources = container(overlay, "media")["resources"]
    for kind in ("requests", "limits"):
        assert count_bytes(resources[kind]["memory"]) >= needed, kind


@both
def test_everything_not_named_is_closed_both_ways(overlay):
    nothing = of_kind(overlay, "NetworkPolicy")["caption-ab-nothing"]["spec"]
    assert nothing == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def ways_out(overlay, name):
    """Ports and address blocks that the pods of a component may reach."""
    for policy in of_kind(overlay, "NetworkPolicy").values():
        if covers(policy["spec"]["podSelector"], name):
            for rule in policy["spec"].get("egress", ()):
                for to in rule["to"]:
                    yield from ((port, to) for port in rule["ports"])


def covers(selector, name):
    labels = {
        "app.kubernetes.io/name": "caption-ab",
        "app.kubernetes.io/part-of": "caption-ab",
        "app.kubernetes.io/component": name,
    }
    exact = all(labels[key] == value for key, value in selector.get("matchLabels", {}).items())
    return exact and all(
        each["operator"] == "In" and labels[each["key"]] in each["values"]
        for each in selector.get("matchExpressions", ())
    )


@both
@every
def test_the_way_out_leads_past_private_addresses(overlay, name):
    """Given a way to the whole net, then the cluster, its neighbours and metadata are cut out."""
    wide = [
        to["ipBlock"] for _, to in ways_out(overlay, name)
        if to.get("ipBlock", {}).get("cidr") == "0.0.0.0/0"
    ]  # fmt: skip
    assert wide
    for block in wide:
        cut = {ip_network(each) for each in block["except"]}
        assert cut <= set(REFUSED_V4)
        for private in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"):
            assert ip_network(private) in cut


@both
def test_callers_ports_are_open_only_to_those_who_call_them(overlay):
    open_to = {
        name for name in OURS for port, _ in ways_out(overlay, name) if port.get("endPort") == 65535
    }
    assert open_to == {"transfer", "hooks"}


def test_valkey_reaches_nothing_but_names():
    ports = {(port["protocol"], port["port"]) for port, _ in ways_out("single", "valkey")}
    assert ports == {("UDP", 53), ("TCP", 53)}


def test_valkey_runs_with_the_configuration_that_the_promises_rest_on():
    ours = (ROOT / "deploy" / "valkey.conf").read_text()
    assert (FOLDER / "components" / "valkey" / "valkey.conf").read_text() == ours


def test_each_kind_of_worker_scales_and_one_is_always_there():
    scaled = of_kind("production", "ScaledObject")
    deployments = of_kind("production", "Deployment")
    assert set(scaled) == {f"caption-ab-{name}" for name in WORKERS}
    for name, each in scaled.items():
        jsonschema.validate(each, SCHEMA)
        assert each["spec"]["scaleTargetRef"]["name"] == name
        assert each["spec"]["minReplicaCount"] >= 1
        # else every deployment would set the number back
        assert "replicas" not in deployments[name]["spec"]
        queue = name.removeprefix("caption-ab-")
        query = each["spec"]["triggers"][0]["metadata"]["query"]
        assert query == f'max(caption_ab_due_late_seconds{{queue="{queue}"}})'


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("spec", "minReplicas"), 1),
        (("spec", "minReplicaCount"), 0),
        (("spec", "triggers", 0, "metadata", "threshold"), 5),
        (("spec", "triggers", 0, "metricType"), "Average"),
    ],
)
def test_the_schema_of_scaling_refuses_what_keda_would(path, value):
    (broken, *_) = json.loads(json.dumps(list(of_kind("production", "ScaledObject").values())))
    *way, last = path
    place = broken
    for step in way:
        place = place[step]
    place[last] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, SCHEMA)


def test_the_settings_named_in_comments_are_settings():
    text = (FOLDER / "base" / "settings.yaml").read_text()
    known = {environment_name(each) for each in Settings.__dataclass_fields__.values()}
    named = {word.strip('.,:`"') for word in text.split() if word.startswith("CAPTION_AB_")}
    assert named <= known
