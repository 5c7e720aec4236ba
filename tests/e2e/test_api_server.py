# SPDX-License-Identifier: Apache-2.0
"""Ways to the API server and into it: credential plugins, proxies, and a pod's own service account."""

import contextlib
import json
import pathlib
import re
import shutil
import socket
import socketserver
import subprocess
import sys
import threading
from datetime import datetime, timedelta, timezone

import pytest
import yaml

from bed import BIN, Bed
from test_refusals import require_refusal

GOOD = """
import json, os, pathlib, sys
asked = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
log = pathlib.Path(sys.argv[0] + ".log")
log.write_text((log.read_text() if log.exists() else "") + json.dumps(asked) + "\\n")
print("something for people", file=sys.stderr)
print(json.dumps({"apiVersion": asked["apiVersion"], "kind": "ExecCredential", "status": STATUS}))
"""


@pytest.fixture
def changed(sandbox, tmp_path):
    """The sandbox's kubeconfig with one thing changed: changed(lambda cluster, user: ...)."""

    def make(change):
        with open(sandbox.kubeconfig, encoding="utf-8") as file:
            config = yaml.safe_load(file)
        change(config["clusters"][0]["cluster"], config["users"][0]["user"])
        path = tmp_path / "changed.conf"
        path.write_text(yaml.safe_dump(config))
        return Bed(path, sandbox.sandbox)

    return make


def account_token(namespace, account):
    """A token of a service account that may do what `status` takes."""
    namespace.kubectl("create", "serviceaccount", account)
    roles = namespace.plugin("rbac", "status", "--service-account", account).require().stdout
    namespace.kubectl("apply", "-f", "-", stdin=roles).require()
    path = f"/api/v1/namespaces/{namespace.name}/serviceaccounts/{account}/token"
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
    answer = namespace.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(request))
    return answer.require().json()["status"]["token"]


class TestCredentialPlugin:
    @pytest.fixture
    def plugged(self, changed, tmp_path):
        """A bed whose user comes from the Python program `text`."""

        def make(text, **more):
            program = tmp_path / "credentials.py"
            program.write_text(text)

            def change(cluster, user):
                user.clear()
                user["exec"] = {"apiVersion": "client.authentication.k8s.io/v1", "command": sys.executable,
                                "args": [str(program)], "interactiveMode": "Never", **more}

            return changed(change)

        return make

    def asked(self, tmp_path):
        log = tmp_path / "credentials.py.log"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def test_its_token_opens_the_api_and_is_asked_for_once(self, plugged, namespace, tmp_path):
        namespace.plugin("create", "--ephemeral").require()
        token = account_token(namespace, "plugged")
        bed = plugged(GOOD.replace("STATUS", repr({"token": token})))
        status = bed.in_namespace(namespace.name).plugin("status")
        assert status.exit == 0, str(status)
        assert token not in status.stdout + status.stderr
        assert len(self.asked(tmp_path)) == 1
        refused = bed.in_namespace(namespace.name).plugin("delete", "--yes")
        require_refusal(refused, rf"system:serviceaccount:{namespace.name}:plugged|may not")

    def test_its_certificate_opens_the_api(self, plugged, sandbox, tmp_path):
        with open(sandbox.kubeconfig, encoding="utf-8") as file:
            user = yaml.safe_load(file)["users"][0]["user"]
        files = {key: subprocess.run(["base64", "-d"], input=user[f"{key}-data"].encode(), capture_output=True,
                                     check=True).stdout.decode()
                 for key in ("client-certificate", "client-key")}
        bed = plugged(GOOD.replace("STATUS", repr({"clientCertificateData": files["client-certificate"],
                                                   "clientKeyData": files["client-key"]})))
        listed = bed.plugin("status", "-A")
        assert listed.exit in (0, 3) and "no permission" not in listed.stderr, str(listed)

    def test_it_is_told_the_cluster_when_it_asks_for_it(self, plugged, tmp_path):
        soon = (datetime.now(timezone.utc) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        bed = plugged(GOOD.replace("STATUS", repr({"token": "nobody's", "expirationTimestamp": soon})),
                      provideClusterInfo=True)
        require_refusal(bed.plugin("status"), r"401|does not know who you are")
        first = self.asked(tmp_path)[0]
        assert first["spec"]["cluster"]["server"].startswith("https://127.")
        assert first["spec"]["interactive"] is False

    @pytest.mark.parametrize("text, says", [
        ("import sys; print('no ticket', file=sys.stderr); sys.exit(3)", r"no ticket|status 3|exit"),
        ("print('<html>Please log in</html>')", r"credentials?\b"),
        ("print('{\"kind\": \"ExecCredential\"')", r"credentials?\b"),
        (GOOD.replace("STATUS", "{}"), r"token|credential"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", r"killed|signal|credential"),
        ("import sys; sys.stdout.write('x' * 5_000_000)", r"credential"),
    ], ids=["fails", "rubbish", "half an answer", "empty status", "killed", "five megabytes"])
    def test_one_that_does_not_work_is_told_of(self, plugged, text, says):
        outcome = plugged(text).plugin("status")
        require_refusal(outcome, says)
        assert "credential plugin" in outcome.stderr, str(outcome)
        assert len(outcome.stderr) < 4000


class ConnectProxy(socketserver.ThreadingTCPServer):
    """An HTTP proxy that knows CONNECT only, and counts what goes through it."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, answer="200 Connection established"):
        super().__init__(("127.0.0.1", 0), ProxyHandler)
        self.answer = answer
        self.requests = []
        self.carried = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class ProxyHandler(socketserver.StreamRequestHandler):
    rbufsize = 0  # What follows the empty line is not ours.

    def handle(self):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = self.request.recv(1)
            if not byte:
                return
            head += byte
        self.server.requests.append(head.decode())
        self.request.sendall(f"HTTP/1.1 {self.server.answer}\r\n\r\n".encode())
        if not self.server.answer.startswith("200"):
            return
        host, _, port = head.split()[1].decode().rpartition(":")
        with socket.create_connection((host, int(port))) as there:
            back = threading.Thread(target=self.pump, args=(there, self.request), daemon=True)
            back.start()
            self.pump(self.request, there)
            back.join()

    def pump(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self.server.carried += len(data)
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def proxy():
    with ConnectProxy() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


class TestProxy:
    def test_calls_watches_and_tunnels_go_through_it(self, changed, namespace, proxy):
        bed = changed(lambda cluster, user: cluster.update({"proxy-url": proxy.url}))
        there = bed.in_namespace(namespace.name)
        created = there.plugin("create", "--ephemeral")
        assert created.exit == 0, str(created)
        server = yaml.safe_load(open(bed.kubeconfig, encoding="utf-8"))["clusters"][0]["cluster"]["server"]
        target = re.sub(r"^https://", "", server)
        assert {request.splitlines()[0] for request in proxy.requests} == {f"CONNECT {target} HTTP/1.1"}
        tunnels = len(proxy.requests)
        assert tunnels >= 7, "a connection for calls, and one for each pod's tunnel"
        status = there.plugin("status", "-o", "json")
        assert status.exit == 0 and status.json()["slots"]["assigned"] == 16384, str(status)
        assert proxy.carried > 10_000 and len(proxy.requests) > tunnels

    def test_the_environments_proxy_is_not_asked_for_this_machine(self, sandbox, proxy):
        """As with kubectl: HTTPS_PROXY never carries what goes to 127.0.0.0/8."""
        assert sandbox.plugin("version", env={"HTTPS_PROXY": proxy.url, "NO_PROXY": ""}).exit == 0
        assert proxy.requests == []

    def test_its_password_goes_to_it_and_nowhere_else(self, changed, proxy):
        url = proxy.url.replace("http://", "http://joe:opensesame@")
        outcome = changed(lambda cluster, user: cluster.update({"proxy-url": url})).plugin("version")
        assert outcome.exit == 0, str(outcome)
        assert "Proxy-Authorization: Basic am9lOm9wZW5zZXNhbWU=" in proxy.requests[0]
        proxy.answer = "407 Proxy Authentication Required"
        refused = changed(lambda cluster, user: cluster.update({"proxy-url": url})).plugin("status")
        require_refusal(refused, r"proxy .*407", status=(1, 2, 3))
        assert "opensesame" not in refused.stderr

    def test_one_that_is_not_there_is_named(self, changed):
        bed = changed(lambda cluster, user: cluster.update({"proxy-url": "http://127.0.0.1:1"}))
        require_refusal(bed.plugin("status"), r"proxy.*127\.0\.0\.1:1\b", status=(1, 2, 3))


POD = """
apiVersion: v1
kind: Pod
metadata: {name: inside}
spec:
  serviceAccountName: inside
  containers:
  - name: main
    image: debian
    command: [sleep, "600"]
    volumeMounts:
    - {name: programs, mountPath: /programs}
    - {name: access, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
  volumes:
  - name: access
    projected:
      sources:
      - serviceAccountToken: {path: token, expirationSeconds: 3607}
      - configMap: {name: kube-root-ca.crt, items: [{key: ca.crt, path: ca.crt}]}
      - downwardAPI: {items: [{path: namespace, fieldRef: {fieldPath: metadata.namespace}}]}
  - name: programs
    nfs: {server: 10.0.0.9, path: /programs}
"""


class TestInsideACluster:
    """The plugin in a pod, with nothing but the pod's service account."""

    @pytest.fixture
    def inside(self, sandbox, namespace):
        """Runs the plugin in a pod; gives it the rights that `rbac` prints."""
        folder = pathlib.Path(sandbox.sandbox) / "nfs" / "10.0.0.9" / "programs"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(BIN / "kubectl-redis", folder)
        namespace.kubectl("create", "serviceaccount", "inside").require()
        namespace.kubectl("apply", "-f", "-", stdin=POD).require()
        namespace.kubectl("wait", "--for=condition=Ready", "pod/inside", "--timeout=30s").require()

        def allow(verb):
            roles = namespace.plugin("rbac", verb, "--service-account", "inside").require().stdout
            namespace.kubectl("apply", "-f", "-", stdin=roles).require()

        def plugin(*args):
            return namespace.kubectl("exec", "inside", "--", "/programs/kubectl-redis", *args)

        plugin.allow = allow
        return plugin

    def test_verbs_work_in_the_pods_namespace_without_tunnels(self, inside, namespace):
        refused = inside("status")
        assert f"system:serviceaccount:{namespace.name}:inside" in refused.stderr, str(refused)
        assert "list statefulsets" in refused.stderr, str(refused)
        inside.allow("create")
        created = inside("create", "--ephemeral")
        assert created.exit == 0, str(created)
        # Direct connections need no right to tunnel, so it is taken away.
        namespace.kubectl("delete", "role,rolebinding", "--all").require()
        printed = namespace.plugin("rbac", "status", "--service-account", "inside", "-o", "json").require().json()
        role = next(item for item in printed["items"] if item["kind"] == "Role")
        role["rules"] = [rule for rule in role["rules"] if rule["resources"] != ["pods/portforward"]]
        namespace.kubectl("apply", "-f", "-", stdin=json.dumps(printed)).require()
        status = inside("status", "-o", "json")
        assert status.exit == 0 and status.json()["slots"]["assigned"] == 16384, str(status)
        tunnelled = inside("status", "--via", "tunnel")
        assert tunnelled.exit == 3 and "get pods/portforward" in tunnelled.stdout, str(tunnelled)

    def test_no_token_is_said(self, inside, namespace):
        namespace.kubectl("delete", "pod", "inside", "--grace-period=0", "--force", "--wait").require()
        text = POD.replace("      - serviceAccountToken: {path: token, expirationSeconds: 3607}\n", "")
        namespace.kubectl("apply", "-f", "-", stdin=text).require()
        namespace.kubectl("wait", "--for=condition=Ready", "pod/inside", "--timeout=30s").require()
        outcome = inside("status")
        assert outcome.exit != 0 and re.search(r"token|kubeconfig", outcome.stderr), str(outcome)
        assert "  fix: " in outcome.stderr, str(outcome)
