# SPDX-License-Identifier: Apache-2.0
"""TLS and passwords, from the Secret to the client."""

import pytest
import redis

import certificates
from client import connect, missing_keys, node, write_keys
from test_create import require_whole

PASSWORD = "correct horse battery staple"


def make_secrets(namespace, folder):
    certificates.make_authority(folder)
    alternatives = (
        f"subjectAltName=DNS:*.redis-service.{namespace.name}.svc.cluster.local,"
        f"DNS:*.redis-service.{namespace.name}.svc,DNS:*.redis-service,DNS:localhost,IP:127.0.0.1")
    certificates.make_certificate(folder, "tls", alternatives=alternatives)
    namespace.kubectl(
        "create", "secret", "generic", "redis-tls", f"--from-file=ca.crt={folder / 'ca.crt'}",
        f"--from-file=tls.crt={folder / 'tls.crt'}", f"--from-file=tls.key={folder / 'tls.key'}").require()
    namespace.kubectl("create", "secret", "generic", "redis-auth", f"--from-literal=password={PASSWORD}").require()


def tls_options(folder):
    return {"ssl": True, "ssl_ca_certs": str(folder / "ca.crt"), "ssl_check_hostname": False,
            "ssl_certfile": str(folder / "tls.crt"), "ssl_keyfile": str(folder / "tls.key")}


def test_a_password_is_asked_for_by_every_node_and_used_by_every_verb(namespace):
    namespace.kubectl("create", "secret", "generic", "redis-auth", f"--from-literal=password={PASSWORD}").require()
    outcome = namespace.plugin("create", "--auth-secret", "redis-auth", "--ephemeral")
    assert outcome.exit == 0, str(outcome)
    require_whole(namespace, 3, 1)
    with pytest.raises(redis.AuthenticationError):
        node(namespace, "redis-app-0").ping()
    client = connect(namespace, password=PASSWORD)
    write_keys(client, 50)
    assert missing_keys(client, 50) == []
    commands = [str(container.get("command")) + str(container.get("args"))
                for pod in namespace.pods().values() for container in pod["spec"]["containers"]]
    assert not any(PASSWORD in command for command in commands)


def test_tls_and_a_password_protect_clients_replication_and_the_bus(namespace, tmp_path):
    make_secrets(namespace, tmp_path)
    outcome = namespace.plugin("create", "--auth-secret", "redis-auth", "--tls-secret", "redis-tls", "--ephemeral")
    assert outcome.exit == 0, str(outcome)
    require_whole(namespace, 3, 1)
    with pytest.raises(redis.ConnectionError):
        node(namespace, "redis-app-0", password=PASSWORD).ping()
    client = connect(namespace, password=PASSWORD, **tls_options(tmp_path))
    write_keys(client, 50)
    assert missing_keys(client, 50) == []
    one = node(namespace, "redis-app-0", password=PASSWORD, **tls_options(tmp_path))
    assert one.config_get("tls-replication") == {"tls-replication": "yes"}
    assert one.config_get("tls-cluster") == {"tls-cluster": "yes"}
