# SPDX-License-Identifier: Apache-2.0
"""Certificates that two replicas make and share: agreed on, renewed and rotated with no failed request."""

import base64
import json
import time

import pytest

from bed import wait_until
from test_webhook import affinity_of, apply, reviews_without_a_pause, without_affinity
from webhook_process import RULES, Webhook

SYSTEM = "kubectl-redis-system"
SERVICE = "kubectl-redis-webhook"
SECRET = "kubectl-redis-webhook-tls"
# A certificate is renewed after 20 s, its authority after 40 s.
LIVES = ["--certificate-life", "30", "--authority-life", "60"]


def endpoint(port):
    return {"addresses": [{"ip": "127.0.0.1"}], "ports": [{"port": port}]}


def configurations():
    for kind, path in (("MutatingWebhookConfiguration", "mutate"), ("ValidatingWebhookConfiguration", "validate")):
        yield {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": SERVICE},
               "webhooks": [{"name": f"{path}.kubectl-redis.dev", "admissionReviewVersions": ["v1"],
                             "sideEffects": "None", "failurePolicy": "Fail", "rules": RULES,
                             "namespaceSelector": {"matchExpressions": [
                                 {"key": "kubernetes.io/metadata.name", "operator": "NotIn",
                                  "values": ["kube-system", SYSTEM]}]},
                             "clientConfig": {"service": {"namespace": SYSTEM, "name": SERVICE, "path": f"/{path}"}}}]}


@pytest.fixture(scope="module")
def replicas(make_bed, tmp_path_factory):
    bed = make_bed("--no-default-class")
    if bed.sandbox is None:
        pytest.skip("needs the sandbox: its API server reaches this machine")
    folder = tmp_path_factory.mktemp("webhook")
    bed.kubectl("create", "namespace", SYSTEM).require()
    started = [Webhook(folder, *LIVES, env=bed.env, own_certificate=True, name=f"replica-{number}")
               for number in range(2)]
    objects = [{"apiVersion": "v1", "kind": "Service", "metadata": {"name": SERVICE, "namespace": SYSTEM},
                "spec": {"ports": [{"port": 443, "targetPort": 9443}]}},
               {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": SERVICE, "namespace": SYSTEM},
                "subsets": [endpoint(webhook.port) for webhook in started]},
               *configurations()]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    bed.kubectl("apply", "-f", "-", stdin=text).require()
    yield bed, started
    for webhook in started:
        webhook.stop()


def bundles(bed):
    found = bed.kubectl("get", "mutatingwebhookconfigurations,validatingwebhookconfigurations", "-o", "json").require()
    return [webhook["clientConfig"].get("caBundle", "") for item in found.json()["items"] for webhook in item["webhooks"]]


def secret(bed):
    return bed.kubectl("-n", SYSTEM, "get", "secret", SECRET, "-o", "json").require().json()["data"]


def decoded(bed, key):
    return base64.b64decode(secret(bed)[key]).decode()


def in_step(bed):
    wanted = secret(bed)["ca.crt"]
    return bundles(bed) == [wanted, wanted]


def count(webhook, message):
    return sum(line["message"] == message for line in webhook.lines())


@pytest.fixture
def space(replicas):
    from conftest import fresh_namespace

    bed, _ = replicas
    wait_until(lambda: in_step(bed), 30, "both configurations trust the authority")
    return fresh_namespace(bed)


def test_both_replicas_use_one_certificate_and_the_api_server_trusts_it(replicas, space):
    bed, started = replicas
    apply(space, without_affinity()).require()
    assert affinity_of(space) is not None
    assert "PRIVATE KEY" not in started[0].log.read_text() + started[1].log.read_text()
    first = sum(line.get("step") == "a first authority and certificate"
                for webhook in started for line in webhook.lines())
    assert first == 1, "both replicas began anew"


def test_certificates_and_authorities_change_under_load_without_a_failed_request(replicas, space):
    bed, started = replicas
    leaf, authority = decoded(bed, "tls.crt"), decoded(bed, "ca.crt")
    with reviews_without_a_pause(space) as load:
        wait_until(lambda: decoded(bed, "tls.crt") != leaf, 60, "the certificate is renewed", every=1)
        wait_until(lambda: authority not in decoded(bed, "ca.crt"), 150, "the old authority is forgotten", every=1)
        wait_until(lambda: in_step(bed), 30, "both configurations are in step")
    print(f"\n{load.reviews} reviews, {len(load.failures)} failed")
    assert load.reviews > 20
    assert load.failures == []
    assert all(count(webhook, "certificate in use") >= 2 for webhook in started)


def test_a_request_to_rotate_makes_a_new_authority(replicas, space):
    bed, _ = replicas
    newest = decoded(bed, "ca.crt").split("-----END")[0]
    with reviews_without_a_pause(space) as load:
        bed.kubectl("-n", SYSTEM, "annotate", "--overwrite", "secret", SECRET,
                    f"kubectl-redis.dev/rotate-requested={int(time.time()) + 1}").require()
        wait_until(lambda: decoded(bed, "ca.crt").split("-----END")[0] != newest, 30, "there is a new authority")
    assert load.failures == []


def test_a_secret_that_was_deleted_is_made_again(replicas, space):
    bed, _ = replicas
    bed.kubectl("-n", SYSTEM, "delete", "secret", SECRET).require()
    wait_until(lambda: in_step(bed), 30, "a new secret is there and trusted")
    wait_until(lambda: apply(space, without_affinity(), flags=["--dry-run=server"]).exit == 0, 30, "reviews are answered")
