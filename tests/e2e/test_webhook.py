# SPDX-License-Identifier: Apache-2.0
"""The webhook, called by the API server: fills in what is missing, refuses what is broken."""

import json
import ssl
import urllib.error
import urllib.request

import pytest
import yaml

from bed import MANIFESTS, wait_until
from certificates import make_authority, make_certificate
from webhook_process import Load, Webhook, configuration, register


@pytest.fixture(scope="module")
def hook(make_bed, tmp_path_factory):
    """A bed whose API server asks the webhook."""
    bed = make_bed("--no-default-class")
    if bed.sandbox is None:
        pytest.skip("needs the sandbox: its API server reaches this machine")
    folder = tmp_path_factory.mktemp("webhook")
    make_authority(folder)
    make_certificate(folder, "webhook")
    webhook = Webhook(folder, env=bed.env)
    wait_until(lambda: get(webhook, "/readyz") == 200, 20, "the webhook is ready", every=0.05)
    register(bed, webhook)
    webhook.bed = bed
    webhook.folder = folder
    yield webhook
    webhook.stop()


@pytest.fixture
def space(hook, request):
    """A namespace; its level of policy is the test's parameter, if there is one."""
    from conftest import drop_namespace, fresh_namespace

    made = fresh_namespace(hook.bed)
    level = getattr(request, "param", None)
    if level:
        hook.bed.kubectl("label", "namespace", made.name, f"kubectl-redis.dev/policy={level}").require()
        # The label reaches the webhook by its watch.
        wait_until(lambda: probe_level(made) == level, 20, f"the level {level} is in force")
    yield made
    drop_namespace(hook.bed, made.name)


def get(webhook, path):
    context = ssl.create_default_context(cafile=webhook.authority)
    try:
        with urllib.request.urlopen(f"https://127.0.0.1:{webhook.port}{path}", context=context) as answer:
            webhook.text = answer.read().decode()
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code


def article():
    """The article's StatefulSet."""
    return yaml.safe_load((MANIFESTS / "article" / "redis.yaml").read_text())


def without_affinity():
    made = article()
    del made["spec"]["template"]["spec"]["affinity"]
    return made


def broken():
    """Anti-affinity that selects none of its own pods and another topology: it does nothing."""
    made = article()
    term = made["spec"]["template"]["spec"]["affinity"]["podAntiAffinity"][
        "preferredDuringSchedulingIgnoredDuringExecution"][0]["podAffinityTerm"]
    term["labelSelector"] = {"matchLabels": {"app": "somebody-else"}}
    return made


def apply(space, *objects, flags=()):
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
    return space.kubectl("apply", *flags, "-f", "-", stdin=text)


def reviews_without_a_pause(space):
    return Load(lambda: apply(space, without_affinity(), flags=["--dry-run=server"]))


def affinity_of(space, name="redis-app"):
    spec = space.get("statefulset", name)["spec"]["template"]["spec"]
    return spec.get("affinity", {}).get("podAntiAffinity")


def probe_level(space):
    """What the webhook does to a StatefulSet without anti-affinity, by a dry run."""
    outcome = space.kubectl("create", "--dry-run=server", "-o", "json", "-f", "-",
                            stdin=json.dumps(without_affinity()))
    if outcome.exit != 0:
        return None
    spec = outcome.json()["spec"]["template"]["spec"]
    if spec.get("affinity"):
        return "enforce"
    return "warn" if "Warning:" in outcome.stderr else "audit"


def test_an_article_without_anti_affinity_gets_it(space, hook):
    outcome = apply(space, without_affinity()).require()
    assert "created" in outcome.stdout
    terms = affinity_of(space)["preferredDuringSchedulingIgnoredDuringExecution"]
    assert terms[0]["weight"] == 100
    assert terms[0]["podAffinityTerm"]["topologyKey"] == "kubernetes.io/hostname"
    assert terms[0]["podAffinityTerm"]["labelSelector"]["matchLabels"]["app"] == "redis"


def test_applying_the_same_again_changes_nothing(space, hook):
    apply(space, without_affinity()).require()
    before = space.get("statefulset", "redis-app")
    outcome = apply(space, without_affinity()).require()
    after = space.get("statefulset", "redis-app")
    assert before["metadata"]["generation"] == after["metadata"]["generation"]
    assert before["spec"] == after["spec"], str(outcome)


def test_the_whole_article_is_admitted_and_keeps_its_own_words(space, hook):
    apply(space, article()).require()
    wanted = article()["spec"]["template"]["spec"]
    got = space.get("statefulset", "redis-app")["spec"]["template"]["spec"]
    assert got["affinity"]["podAntiAffinity"] == wanted["affinity"]["podAntiAffinity"]
    words = wanted["containers"][0]["args"]
    assert got["containers"][0]["args"][:len(words)] == words


def test_a_broken_article_is_refused_with_rule_place_and_mend(space, hook):
    outcome = apply(space, broken())
    assert outcome.exit == 1, str(outcome)
    assert 'admission webhook "validate.kubectl-redis.dev" denied the request' in outcome.stderr
    assert "[RC0" in outcome.stderr
    assert "/spec/template/spec/affinity/podAntiAffinity" in outcome.stderr
    assert "wanted" in outcome.stderr
    assert space.kubectl("get", "statefulset", "redis-app").exit == 1


def test_a_dry_run_is_judged_the_same_and_leaves_nothing(space, hook):
    assert apply(space, broken(), flags=["--dry-run=server"]).exit == 1
    apply(space, without_affinity(), flags=["--dry-run=server"]).require()
    assert space.get("statefulsets")["items"] == []


def test_an_ignored_object_passes_and_is_counted(space, hook):
    mine = broken()
    mine["metadata"]["annotations"] = {"kubectl-redis.dev/ignore": "true"}
    apply(space, mine).require()
    assert get(hook, "/metrics") == 200
    assert 'kubectl_redis_webhook_ignored_total{kind="StatefulSet"}' in hook.text


def test_what_runs_redis_and_is_not_judged_is_said_and_counted(space, hook):
    container = {"name": "redis", "image": "redis:8.0", "command": ["redis-server", "/conf/redis.conf"],
                 "volumeMounts": [{"name": "conf", "mountPath": "/conf"}]}
    cache = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "cache"},
             "spec": {"serviceName": "cache", "replicas": 0, "selector": {"matchLabels": {"app": "cache"}},
                      "template": {"metadata": {"labels": {"app": "cache"}},
                                   "spec": {"containers": [container],
                                            "volumes": [{"name": "conf", "secret": {"secretName": "hidden"}}]}}}}
    outcome = apply(space, cache).require()
    said = "not judged: its configuration is not seen: the Secret hidden holds it"
    assert outcome.stderr.count(f"Warning: {said}") == 1, str(outcome)
    assert get(hook, "/metrics") == 200
    assert 'kubectl_redis_webhook_not_judged_total{kind="StatefulSet"}' in hook.text
    container["command"] = ["redis-server", "--appendonly", "yes"]
    assert "not judged" not in apply(space, cache).require().stderr


def test_other_workloads_are_left_alone(space, hook):
    other = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "web"},
             "spec": {"serviceName": "web", "replicas": 0, "selector": {"matchLabels": {"app": "web"}},
                      "template": {"metadata": {"labels": {"app": "web"}},
                                   "spec": {"containers": [{"name": "web", "image": "busybox"}]}}}}
    apply(space, other).require()
    assert affinity_of(space, "web") is None


@pytest.mark.parametrize("space", ["warn"], indirect=True)
def test_the_level_warn_says_everything_and_does_nothing(space, hook):
    outcome = apply(space, broken()).require()
    assert "Warning: [RC0" in outcome.stderr
    assert all(len(line) <= len("Warning: ") + 120 for line in outcome.stderr.splitlines() if "Warning: " in line)


@pytest.mark.parametrize("space", ["audit"], indirect=True)
def test_the_level_audit_is_silent(hook, space):
    assert apply(space, broken()).require().stderr == ""


def test_metrics_count_decisions_by_rule(hook, space):
    apply(space, broken())
    assert get(hook, "/metrics") == 200
    assert 'kubectl_redis_webhook_reviews_total{endpoint="validate",operation="CREATE",result="refused"}' in hook.text
    assert 'kubectl_redis_webhook_objections_total{rule="RC0' in hook.text
    assert 'kubectl_redis_webhook_review_seconds_count{endpoint="mutate"}' in hook.text


def test_every_line_of_the_log_is_json_and_names_the_rules(hook, space):
    apply(space, broken())
    refused = [line for line in hook.lines() if line.get("result") == "refused"]
    assert refused[-1]["namespace"] == space.name
    assert refused[-1]["rules"][0].startswith("RC0")
    for line in hook.log.read_text().splitlines():
        json.loads(line)


def test_a_renewed_mounted_certificate_is_used_without_a_failed_request(hook, space):
    with reviews_without_a_pause(space) as load:
        for renewal in range(1, 4):
            make_certificate(hook.folder, "webhook")
            wait_until(lambda: certificates_in_use(hook) > renewal, 20, "the new certificate is in use")
            reviews = load.reviews
            wait_until(lambda: load.reviews > reviews + 2, 20, "it answers reviews")
    print(f"\n{load.reviews} reviews, {len(load.failures)} failed")
    assert load.failures == []
    apply(space, without_affinity()).require()
    assert affinity_of(space) is not None


def certificates_in_use(webhook):
    return sum(line["message"] == "certificate in use" for line in webhook.lines())


def test_without_the_webhook_fail_refuses_and_ignore_lets_pass(hook, space, make_bed):
    assert hook.stop() == 0
    assert hook.lines()[-1]["message"] == "ended"
    outcome = apply(space, without_affinity())
    assert outcome.exit == 1 and "failed calling webhook" in outcome.stderr
    for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
        ignoring = configuration(kind, hook, "Ignore")
        hook.bed.kubectl("apply", "-f", "-", stdin=json.dumps(ignoring)).require()
    apply(space, without_affinity()).require()
    assert affinity_of(space) is None
