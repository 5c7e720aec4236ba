# SPDX-License-Identifier: Apache-2.0
"""What tenants write does not fill the webhook. Prints its figures (-s)."""

import base64
import json
import os

import pytest

from bed import wait_until
from conftest import drop_namespace, fresh_namespace
from webhook_process import start_hooked

MAPS = int(os.environ.get("KREDIS_E2E_CONFIG_MAPS", "40"))
BYTES = 675_000  # 0.9 MB as base64; a ConfigMap may have 1 MiB.


@pytest.fixture(scope="module")
def hook(make_bed, tmp_path_factory):
    bed = make_bed()
    if not bed.sandbox:
        pytest.skip("needs a webhook that is a process of this machine")
    webhook = start_hooked(bed, tmp_path_factory.mktemp("webhook"), "--poll-interval", "1")
    yield webhook
    webhook.stop()


@pytest.fixture
def space(hook):
    made = fresh_namespace(hook.bed)
    yield made
    drop_namespace(hook.bed, made.name)


def flood(space, kind, content):
    for i in range(MAPS):
        made = {"metadata": {"name": f"flood-{i}"}, **kind, **content}
        space.kubectl("create", "-f", "-", "--validate=false", stdin=json.dumps(made)).require()


def test_config_maps_that_nobody_mounts_cost_nothing(hook, space):
    before = hook.memory_kib()
    text = base64.b64encode(os.urandom(BYTES)).decode()
    flood(space, {"apiVersion": "v1", "kind": "ConfigMap"}, {"data": {"x": text}})
    after, peak = hook.memory_kib(), hook.memory_kib("VmHWM")
    print(f"\n{MAPS} ConfigMaps: {before / 1024:.1f} MiB before, {after / 1024:.1f} after, {peak / 1024:.1f} at most")
    assert after < 64 * 1024 and peak < 64 * 1024


def test_what_is_kept_has_a_limit_that_is_counted_and_told(hook, space):
    """Workloads are kept whole, so that guards can judge; all of them together take no more than a limit."""
    text = base64.b64encode(os.urandom(BYTES)).decode()
    pod = {"metadata": {"labels": {"app": "x"}},
           "spec": {"containers": [{"name": "x", "image": "pause:1", "env": [{"name": "X", "value": text}]}]}}
    flood(space, {"apiVersion": "apps/v1", "kind": "StatefulSet"},
          {"spec": {"replicas": 0, "selector": {"matchLabels": {"app": "x"}}, "serviceName": "x", "template": pod}})

    def left_out():
        counted = [line for line in hook.metrics()[0].splitlines() if line.startswith("kubectl_redis_webhook_left_out_total")]
        return float(counted[0].split()[-1]) > 0

    wait_until(left_out, 20, "something is left out")
    kept = next(line for line in hook.metrics()[0].splitlines() if line.startswith("kubectl_redis_webhook_kept_bytes"))
    assert float(kept.split()[-1]) <= 48 * 1024 * 1024
    assert any(line["message"].startswith("an object is left out") for line in hook.lines())
    print(f"\n{MAPS} StatefulSets: {hook.memory_kib('VmHWM') / 1024:.1f} MiB at most")
    assert hook.memory_kib("VmHWM") < 128 * 1024
