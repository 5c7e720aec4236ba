# SPDX-License-Identifier: Apache-2.0
"""Bad input: one clear error with a way out, exit status 2 or 3, and nothing changed."""

import base64
import re
import signal
import time
from dataclasses import dataclass, field

import pytest
import yaml

import certificates
from bed import BIN, Bed, run, wait_until
from client import node
from conftest import fresh_namespace


def require_refusal(outcome, says, status=(1, 2, 3)):
    assert outcome.exit in status, str(outcome)
    errors = [line for line in outcome.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 1, str(outcome)
    assert re.search(says, outcome.stderr, re.IGNORECASE), f"expected /{says}/\n{outcome}"
    assert "  fix: " in outcome.stderr, str(outcome)


@dataclass
class Refusal:
    label: str
    args: list
    says: str
    files: dict = field(default_factory=dict)


# What the command line and the files that it names are enough to refuse.
PLAIN = [
    Refusal("too few masters", ["create", "--masters", "2"], r"--masters 3"),
    Refusal("no masters", ["create", "--masters", "0"], r"--masters 3"),
    Refusal("negative masters", ["create", "--masters=-3"], r"masters"),
    Refusal("negative replicas", ["create", "--replicas=-1"], r"replicas"),
    Refusal("negative replicas of init", ["init", "--replicas=-1"], r"replicas"),
    Refusal("name with capitals", ["create", "Shop"], r"Shop"),
    Refusal("name with an underscore", ["create", "my_shop"], r"my_shop"),
    Refusal("name that ends in a dash", ["create", "shop-"], r"shop-"),
    Refusal("name too long for a label", ["create", "a" * 64], r"long|characters"),
    Refusal("name too long for what derives from it", ["create", "a" * 60], r"long|characters"),
    Refusal("size that is a word", ["create", "--size", "plenty"], r"plenty"),
    Refusal("size of nothing", ["create", "--size", "0"], r"size"),
    Refusal("size below nothing", ["create", "--size=-1G"], r"size"),
    Refusal("NFS and a storage class",
            ["create", "--nfs-server", "10.0.0.1", "--nfs-path", "/srv", "--storage-class", "fast"],
            r"--nfs-server.*--storage-class|--storage-class.*--nfs-server"),
    Refusal("unknown configuration key", ["create", "--set", "apendonly=yes"], r"apendonly"),
    Refusal("cluster mode off", ["create", "--set", "cluster-enabled=no"], r"cluster-enabled"),
    Refusal("daemon", ["create", "--set", "daemonize=yes"], r"daemonize"),
    Refusal("another port", ["create", "--set", "port=7000"], r"port"),
    Refusal("data outside the volume", ["create", "--set", "dir=/tmp"], r"dir"),
    Refusal("setting without a value", ["create", "--set", "appendonly"], r"KEY=VALUE"),
    Refusal("cluster mode off in a file", ["create", "--config", "FOLDER/off.conf"], r"cluster-enabled",
            {"off.conf": b"cluster-enabled no\n"}),
    Refusal("configuration file missing", ["create", "--config", "FOLDER/none.conf"], r"none\.conf"),
    Refusal("configuration file is a folder", ["create", "--config", "FOLDER"], r"FOLDER|configuration"),
    Refusal("configuration file binary", ["create", "--config", "FOLDER/bin.conf"], r"binary|text",
            {"bin.conf": b"\x7fELF\x00\x01\x02\xff" * 20}),
    Refusal("configuration file too large", ["create", "--config", "FOLDER/big.conf"], r"1 MiB",
            {"big.conf": b"# comment\n" * 110_000}),
    Refusal("storage class unknown", ["create", "--storage-class", "no-such-class"], r"no-such-class"),
    Refusal("secret unknown", ["create", "--auth-secret", "no-such-secret"], r"no-such-secret"),
    Refusal("cluster unknown to status", ["status", "nobody"], r"nobody"),
    Refusal("cluster unknown to init", ["init", "nobody"], r"nobody"),
    Refusal("context unknown", ["status", "--context", "no-such-context"], r"no-such-context"),
]


@pytest.fixture(scope="module")
def quiet(bed):
    """A namespace in which nothing is ever made."""
    namespace = fresh_namespace(bed)
    yield namespace
    bed.kubectl("delete", "namespace", namespace.name, "--wait=false")


@pytest.mark.parametrize("refusal", PLAIN, ids=lambda it: it.label)
def test_the_command_line_is_refused(quiet, tmp_path, refusal):
    for name, content in refusal.files.items():
        (tmp_path / name).write_bytes(content)
    args = [arg.replace("FOLDER", str(tmp_path)) for arg in refusal.args]
    outcome = quiet.plugin(*args)
    require_refusal(outcome, refusal.says.replace("FOLDER", re.escape(str(tmp_path))))
    assert quiet.objects() == []


def test_a_namespace_that_is_not_there_is_refused(bed):
    outcome = bed.plugin("create", "-n", "no-such-namespace")
    require_refusal(outcome, r"no-such-namespace")


class TestKubeconfig:
    """Ways not to reach the API server. Each is the bed's own kubeconfig with one thing wrong."""

    @pytest.fixture
    def broken(self, bed, tmp_path):
        def make(change):
            with open(bed.kubeconfig, encoding="utf-8") as file:
                config = yaml.safe_load(file)
            change(config["clusters"][0]["cluster"], config["users"][0]["user"])
            path = tmp_path / "kubeconfig"
            path.write_text(yaml.safe_dump(config))
            return Bed(path)

        return make

    def test_nobody_listens(self, broken):
        bed = broken(lambda cluster, user: cluster.update(server="https://127.0.0.1:1"))
        require_refusal(bed.plugin("status"), r"127\.0\.0\.1:1\b")

    def test_another_authority(self, broken, tmp_path):
        other = certificates.make_authority(tmp_path, "other").read_bytes()

        def change(cluster, user):
            cluster.pop("certificate-authority", None)
            cluster["certificate-authority-data"] = base64.b64encode(other).decode()

        require_refusal(broken(change).plugin("status"), r"certificate")

    def test_an_expired_certificate(self, broken, tmp_path):
        certificates.make_authority(tmp_path)
        expired = certificates.make_expired_certificate(tmp_path, "expired")

        def change(cluster, user):
            user.clear()
            user["client-certificate"] = str(expired)
            user["client-key"] = str(tmp_path / "expired.key")

        require_refusal(broken(change).plugin("status"), r"expired")

    @pytest.mark.parametrize("command, says", [
        (["false"], r"false|exec|credential"),
        (["echo", "this is no credential"], r"echo|exec|credential"),
        (["/no/such/program"], r"/no/such/program"),
    ])
    def test_a_credential_plugin_that_does_not_work(self, broken, command, says):
        def change(cluster, user):
            user.clear()
            user["exec"] = {"apiVersion": "client.authentication.k8s.io/v1", "command": command[0],
                            "args": command[1:], "interactiveMode": "Never"}

        require_refusal(broken(change).plugin("status"), says)

    def test_a_file_that_is_not_there(self, tmp_path):
        require_refusal(Bed(tmp_path / "none").plugin("status"), r"kubeconfig|KUBECONFIG|none")

    @pytest.mark.parametrize("content", ["}{ not yaml", "- a\n- list\n", "clusters: 7\n"])
    def test_a_file_that_is_no_kubeconfig(self, tmp_path, content):
        path = tmp_path / "kubeconfig"
        path.write_text(content)
        require_refusal(Bed(path).plugin("status"), r"kubeconfig")


class TestRights:
    """A user without roles."""

    @pytest.mark.parametrize("verb", ["create", "init", "status", "delete"])
    def test_a_user_who_may_not_is_told_the_rule_to_add(self, sandbox, quiet, tmp_path, verb):
        path = tmp_path / "eve.conf"
        path.write_text(sandbox.control("kubeconfig", "--user", "eve").stdout)
        outcome = Bed(path).plugin(verb, "-n", quiet.name)
        require_refusal(outcome, r"eve|may not|forbidden|permission")
        assert re.search(r"resources|role", outcome.stderr), str(outcome)
        assert quiet.objects() == []


FOREIGN = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: redis-app}
spec:
  serviceName: other
  replicas: 0
  selector: {matchLabels: {app: other}}
  template:
    metadata: {labels: {app: other}}
    spec: {containers: [{name: main, image: redis}]}
"""


def test_a_stateful_set_of_that_name_that_is_not_ours_is_left_alone(namespace):
    namespace.kubectl("apply", "-f", "-", stdin=FOREIGN).require()
    before = namespace.objects()
    require_refusal(namespace.plugin("create"), r"redis-app")
    assert namespace.objects() == before


class TestNodes:
    """Redis nodes that `init` must not touch."""

    @pytest.fixture
    def strangers(self, namespace):
        namespace.plugin("create", "--no-init", "--ephemeral").require()
        return namespace

    @staticmethod
    def nobody_joined(namespace, alone="redis-app-1"):
        return node(namespace, alone).execute_command("CLUSTER INFO")["cluster_known_nodes"] == "1"

    def test_a_node_that_holds_keys(self, strangers):
        first = node(strangers, "redis-app-2")
        first.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        wait_until(lambda: first.set("precious", "data"), 10, "the lone node serves")
        first.execute_command("CLUSTER", "DELSLOTSRANGE", 0, 16383)
        require_refusal(strangers.plugin("init"), r"redis-app-2.*key|key.*redis-app-2")
        assert self.nobody_joined(strangers)

    def test_a_node_in_another_cluster(self, strangers):
        strangers.plugin("create", "other", "--ephemeral").require()
        other = strangers.status("other")["masters"][0]["address"].rsplit(":", 1)
        node(strangers, "redis-app-0").execute_command("CLUSTER", "MEET", *other)
        wait_until(lambda: not self.nobody_joined(strangers, "redis-app-0"), 20, "it joined the other")
        require_refusal(strangers.plugin("init"), r"redis-app-0")
        assert self.nobody_joined(strangers)

    def test_pods_that_cannot_reach_each_others_bus(self, sandbox, strangers):
        sandbox.control("drop", "-n", strangers.name, "redis-app-0", "16379")
        outcome = strangers.plugin("init", "--timeout", "20s", timeout=60)
        require_refusal(outcome, r"redis-app-\d.*16379")
        sandbox.control("drop", "-n", strangers.name, "redis-app-0", "0")
        again = strangers.plugin("init")
        assert again.exit == 0, str(again)


def test_a_pod_that_never_becomes_ready_is_named_with_the_reason(namespace):
    outcome = namespace.plugin("create", "--ephemeral", "--image", "no-such-image:1", "--timeout", "15s",
                               timeout=60)
    require_refusal(outcome, r"redis-app-\d")
    assert re.search(r"image|ImagePull", outcome.stderr, re.IGNORECASE), str(outcome)


class TestSecrets:
    """Verbs that come with the wrong key to a running cluster."""

    @pytest.fixture(scope="class")
    def plain(self, bed):
        namespace = fresh_namespace(bed)
        namespace.kubectl("create", "secret", "generic", "right", "--from-literal=password=right").require()
        namespace.kubectl("create", "secret", "generic", "wrong", "--from-literal=password=wrong").require()
        namespace.plugin("create", "--ephemeral", "--auth-secret", "right").require()
        yield namespace
        bed.kubectl("delete", "namespace", namespace.name, "--wait=false")

    def test_a_wrong_password(self, plain):
        outcome = plain.plugin("init", "--auth-secret", "wrong", "--timeout", "15s")
        require_refusal(outcome, r"password|WRONGPASS")

    def test_tls_to_a_plain_port(self, plain, tmp_path):
        certificates.make_authority(tmp_path)
        certificates.make_certificate(tmp_path, "tls")
        plain.kubectl("create", "secret", "generic", "redis-tls",
                      *(f"--from-file={name}={tmp_path / name}" for name in ("ca.crt", "tls.crt", "tls.key"))
                      ).require()
        outcome = plain.plugin("init", "--tls-secret", "redis-tls", "--timeout", "15s")
        require_refusal(outcome, r"TLS")

    def test_plain_to_a_tls_port(self, namespace, tmp_path):
        from test_security import make_secrets

        make_secrets(namespace, tmp_path)
        namespace.plugin("create", "--ephemeral", "--tls-secret", "redis-tls").require()
        namespace.kubectl("annotate", "statefulset", "redis-app", "kubectl-redis.dev/tls-secret-").require()
        outcome = namespace.plugin("init", "--timeout", "15s")
        require_refusal(outcome, r"TLS")


@pytest.mark.parametrize("kind, says", [("expired", r"certificate has expired"), ("elsewhere", r"is not for the name"),
                                        ("foreign", r"not trusted")])
def test_certificates_that_pods_would_fail_with(namespace, tmp_path, kind, says):
    certificates.make_authority(tmp_path)
    certificates.make_authority(tmp_path, "other")
    if kind == "expired":
        certificates.make_expired_certificate(tmp_path, kind)
    else:
        certificates.make_certificate(tmp_path, kind, "other" if kind == "foreign" else "ca")
    namespace.kubectl("create", "secret", "generic", "redis-tls", f"--from-file=ca.crt={tmp_path / 'ca.crt'}",
                      f"--from-file=tls.crt={tmp_path / kind}.crt", f"--from-file=tls.key={tmp_path / kind}.key").require()
    require_refusal(namespace.plugin("create", "--ephemeral", "--tls-secret", "redis-tls"), says)
    assert not namespace.pods()


@pytest.mark.parametrize("words", ["version", "--help", "rules", "completion bash"])
def test_what_cannot_be_written_is_no_success(bed, words):
    outcome = run(["sh", "-c", f"{BIN}/kubectl-redis {words} >/dev/full"], env=bed.env)
    assert outcome.exit == 1, str(outcome)
    assert "cannot write to standard output" in outcome.stderr, str(outcome)
    outcome = run(["sh", "-c", f"{BIN}/kubectl-redis {words} | head -c 0"], env=bed.env)
    assert outcome.stderr == "", "a reader that has seen enough is told nothing"


def test_an_interrupt_in_the_middle_says_how_to_go_on(namespace):
    running = namespace.start_plugin("create", "--ephemeral")
    wait_until(namespace.pods, 30, "the first pods are there", every=0.05)
    running.send_signal(signal.SIGINT)
    start = time.monotonic()
    _, stderr = running.communicate(timeout=30)
    assert running.returncode == 130, stderr
    assert time.monotonic() - start < 10
    assert re.search(r"go on with: kubectl redis create", stderr), stderr
    again = namespace.plugin("create", "--ephemeral")
    assert again.exit == 0, str(again)
