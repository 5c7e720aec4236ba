# SPDX-License-Identifier: Apache-2.0
"""`cli` and `toolbox`: redis-cli where it is needed, with TLS and AUTH set up."""

import os
import pty
import select
import signal
import termios

import pytest

from bed import BIN, wait_until
from test_security import PASSWORD, make_secrets


@pytest.fixture(scope="module")
def secure(bed, tmp_path_factory):
    """A cluster with TLS and a password."""
    from conftest import fresh_namespace

    namespace = fresh_namespace(bed)
    make_secrets(namespace, tmp_path_factory.mktemp("tls"))
    outcome = namespace.plugin("create", "--auth-secret", "redis-auth", "--tls-secret", "redis-tls", "--ephemeral")
    assert outcome.exit == 0, str(outcome)
    yield namespace
    bed.kubectl("delete", "namespace", namespace.name, "--wait=false")


class Typist:
    """The plugin on a terminal of its own."""

    def __init__(self, namespace, *words):
        self.seen = ""
        self.process, self.terminal = None, None
        pid, self.terminal = pty.fork()
        if pid == 0:
            os.environ.update(namespace.bed.env)
            # Of a terminal without a size redis-cli asks where the cursor is, and waits for the answer.
            termios.tcsetwinsize(0, (24, 80))
            os.execv(str(BIN / "kubectl-redis"), ["kubectl-redis", *words, "-n", namespace.name])
        self.pid = pid

    def read(self):
        while select.select([self.terminal], [], [], 0)[0]:
            try:
                data = os.read(self.terminal, 4096)
            except OSError:
                return self.seen
            if not data:
                return self.seen
            self.seen += data.decode(errors="replace")
        return self.seen

    def expect(self, text, timeout=60):
        wait_until(lambda: text in self.read(), timeout, f"{text!r} on the terminal; seen: {self.seen!r}")

    def type(self, text):
        os.write(self.terminal, text.encode())

    def end(self, timeout=60):
        def ended():
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.read()
            return (os.waitstatus_to_exitcode(status),) if pid else None

        return wait_until(ended, timeout, f"the session ends; seen: {self.seen!r}")[0]


def roles(status):
    found = {}
    for master in status["masters"]:
        found[master["pod"]] = "master"
        found.update({replica["pod"]: "slave" for replica in master["replicas"]})
    return found


def test_a_command_goes_to_any_master_with_tls_and_the_password(secure):
    outcome = secure.plugin("cli", "--", "ROLE")
    assert outcome.exit == 0, str(outcome)
    assert outcome.stdout.startswith("master\n"), str(outcome)
    assert "AUTH" not in outcome.stdout + outcome.stderr


def test_a_pod_can_be_named_in_three_ways(secure):
    for pod, role in roles(secure.status()).items():
        outcome = secure.plugin("cli", pod, "--", "ROLE")
        assert outcome.exit == 0 and outcome.stdout.startswith(f"{role}\n"), str(outcome)
    replica = next(pod for pod, role in roles(secure.status()).items() if role == "slave")
    for words in (["--pod", replica], ["redis", replica]):
        outcome = secure.plugin("cli", *words, "--", "ROLE")
        assert outcome.stdout.startswith("slave\n"), str(outcome)


def test_a_key_leads_to_the_master_that_serves_it(secure):
    for key in ("foo", "bar", "hello"):
        assert secure.plugin("cli", "--", "SET", key, "1").stdout == "OK\n"
        chosen = secure.plugin("cli", "--key", key, "--", "--scan", "--pattern", key)
        assert chosen.exit == 0 and chosen.stdout == f"{key}\n", str(chosen)


def test_commands_come_from_standard_input_too(secure):
    outcome = secure.plugin("cli", stdin="PING\nCLUSTER COUNTKEYSINSLOT 0\n")
    assert outcome.exit == 0 and outcome.stdout.splitlines() == ["PONG", "0"], str(outcome)


def test_the_exit_status_is_that_of_redis_cli(secure):
    assert secure.plugin("cli", "--", "-e", "NOSUCHCOMMAND").exit == 1


def test_a_session_on_a_terminal(secure):
    typist = Typist(secure, "cli", "redis-app-0")
    typist.expect(":6379> ")
    typist.type("CLUSTER MYID\r")
    typist.expect(secure.plugin("cli", "redis-app-0", "--", "CLUSTER", "MYID").stdout.strip())
    typist.type("quit\r")
    assert typist.end() == 0
    assert PASSWORD not in typist.seen


def test_pods_that_do_not_know_the_password_are_handed_it_unseen(namespace):
    namespace.kubectl("create", "secret", "generic", "redis-auth", f"--from-literal=password={PASSWORD}").require()
    namespace.kubectl("run", "lone", "--image=redis:8.0", "--overrides", """{"spec": {"containers": [
        {"name": "lone", "image": "redis:8.0", "command": ["/bin/sh", "-c",
         "exec redis-server --bind $ADDRESS --port 6379 --requirepass \\"$SECRET\\""],
         "env": [{"name": "ADDRESS", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                 {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "redis-auth", "key": "password"}}}]}]}}""").require()
    namespace.kubectl("wait", "--for=condition=Ready", "pod/lone", "--timeout=30s").require()
    # Without a word, too: the server is told its password by a variable from that Secret.
    outcome = wait_until(lambda: namespace.plugin("cli", "--pod", "lone", "--", "PING"), 5, "redis answers")
    assert outcome.stdout == "PONG\n", str(outcome)
    outcome = wait_until(lambda: namespace.plugin("cli", "--pod", "lone", "--auth-secret", "redis-auth", "--", "PING"),
                         5, "redis answers")
    assert outcome.stdout == "PONG\n", str(outcome)
    left = namespace.kubectl("exec", "lone", "--", "sh", "-c", "ls -a /dev/shm /tmp | grep kubectl-redis-").stdout
    assert left == ""


def test_neither_a_cluster_nor_a_pod_is_said_so(namespace):
    outcome = namespace.plugin("cli", "nobody", "--", "PING")
    assert outcome.exit == 1, str(outcome)
    assert "neither a cluster nor a pod nobody" in outcome.stderr and "fix:" in outcome.stderr


def toolboxes(namespace):
    return namespace.pods("kubectl-redis.dev/toolbox")


def require_no_toolbox(namespace):
    wait_until(lambda: toolboxes(namespace) == {}, 20, "no toolbox is left")


def test_the_toolbox_runs_a_command_beside_the_cluster_and_is_gone_afterwards(secure):
    outcome = secure.plugin("toolbox", "--", "redis-cli", "--no-auth-warning", "CLUSTER", "INFO")
    assert outcome.exit == 0, str(outcome)
    assert "cluster_state:ok" in outcome.stdout
    require_no_toolbox(secure)


def test_the_toolbox_passes_input_output_and_exit_status_on(secure):
    outcome = secure.plugin("toolbox", "--", "sh", "-c", "cat; redis-cli PING; exit 7", stdin="from outside\n")
    assert outcome.exit == 7, str(outcome)
    assert outcome.stdout == "from outside\nPONG\n"
    require_no_toolbox(secure)


def test_a_shell_on_a_terminal(secure):
    typist = Typist(secure, "toolbox")
    typist.expect("toolbox:/tmp$ ")
    typist.type("redis-cli -h redis-app-0.redis-service CLUSTER MYID\r")
    typist.expect(secure.plugin("cli", "redis-app-0", "--", "CLUSTER", "MYID").stdout.strip())
    typist.type("exit 3\r")
    assert typist.end() == 3, typist.seen
    assert PASSWORD not in typist.seen
    require_no_toolbox(secure)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_toolbox_is_removed(secure, number):
    process = secure.start_plugin("toolbox", "--", "sleep", "600")
    wait_until(lambda: any(pod["status"]["phase"] == "Running" for pod in toolboxes(secure).values()), 30,
               "the toolbox runs")
    process.send_signal(number)
    assert process.wait(20) == 130
    require_no_toolbox(secure)


def test_a_toolbox_that_cannot_start_says_why_and_is_removed(secure):
    outcome = secure.plugin("toolbox", "--image", "no-such-image:1", "--timeout", "20s", "--", "true")
    assert outcome.exit == 1, str(outcome)
    assert "image" in outcome.stderr.lower()
    require_no_toolbox(secure)


def test_the_toolbox_is_no_pod_of_the_cluster(secure):
    pod = secure.plugin("toolbox", "--dry-run").require().stdout
    assert "app: redis" not in pod and PASSWORD not in pod
    assert toolboxes(secure) == {}
