# SPDX-License-Identifier: Apache-2.0
"""The webhook under attack. Needs no cluster: reviews come straight from here. Prints its figures (-s)."""

import concurrent.futures
import http.client
import json
import socket
import ssl
import threading
import time

import pytest

from bed import PATIENCE, wait_until
from certificates import make_authority, make_certificate
from webhook_process import Webhook

MEMORY_LIMIT_KIB = 64 * 1024


@pytest.fixture
def hook(tmp_path):
    make_authority(tmp_path)
    make_certificate(tmp_path, "webhook")
    webhook = Webhook(tmp_path, "--watch", "false")
    yield webhook
    if webhook.process.returncode is None:
        assert webhook.process.poll() is None, "it died"
        peak, now = webhook.memory_kib("VmHWM"), webhook.memory_kib()
        print(f"\nmemory: {now / 1024:.1f} MiB now, {peak / 1024:.1f} MiB at most")
        assert peak < MEMORY_LIMIT_KIB
    assert webhook.stop() == 0


def review(**changes):
    pod = {"metadata": {"labels": {"app": "redis"}},
           "spec": {"containers": [{"name": "redis", "image": "redis:8.0", "command": ["redis-server"]}]}}
    request = {
        "uid": "u-1", "operation": "CREATE", "namespace": "shop", "name": "redis-app", "dryRun": False,
        "kind": {"group": "apps", "version": "v1", "kind": "StatefulSet"},
        "object": {"apiVersion": "apps/v1", "kind": "StatefulSet",
                   "metadata": {"name": "redis-app", "labels": {"appCluster": "redis-cluster"}},
                   "spec": {"replicas": 6, "selector": {"matchLabels": {"app": "redis"}}, "template": pod}},
    }
    request.update(changes)
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}


def tls(webhook):
    return ssl.create_default_context(cafile=webhook.authority)


def post(webhook, body, path="/mutate", content_type="application/json", timeout=10):
    """The status and the body of one review on a connection of its own."""
    connection = http.client.HTTPSConnection("127.0.0.1", webhook.port, context=tls(webhook),
                                             timeout=timeout * PATIENCE)
    try:
        connection.request("POST", path, body, {"Content-Type": content_type})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def require_answers(webhook, count=20):
    """Real reviews are answered; returns the slowest in milliseconds."""
    slowest = 0.0
    for number in range(count):
        begin = time.monotonic()
        status, body = post(webhook, json.dumps(review(uid=f"real-{number}")))
        slowest = max(slowest, time.monotonic() - begin)
        response = json.loads(body)["response"]
        assert (status, response["uid"], response["allowed"]) == (200, f"real-{number}", True)
        assert response["patchType"] == "JSONPatch"
    return slowest * 1000


def open_tls(webhook):
    raw = socket.create_connection(("127.0.0.1", webhook.port), timeout=20 * PATIENCE)
    return tls(webhook).wrap_socket(raw, server_hostname="127.0.0.1")


def head(length, path="/mutate"):
    return (f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Content-Length: {length}\r\n\r\n").encode()


def without(key):
    made = review()
    del made["request"][key]
    return json.dumps(made)


BAD_BODIES = {
    "empty": b"",
    "truncated": json.dumps(review()).encode()[:-40],
    "no object": b"[]",
    "null": b"null",
    "nested a million deep": b"[" * 1_000_000,
    "nested objects": b'{"a":' * 300_000,
    "a key twice": b'{"kind":"AdmissionReview",' + json.dumps(review()).encode()[1:],
    "a million values": b"[" + b"{}," * 900_000 + b"{}]",
    "not UTF-8": json.dumps(review()).encode().replace(b"redis-app", b"redis\xff\xfe"),
    "a lone surrogate": json.dumps(review()).encode().replace(b"redis-app", b"redis\\ud800"),
    "the old version": json.dumps({**review(), "apiVersion": "admission.k8s.io/v1beta1"}).encode(),
    "another kind": json.dumps({**review(), "kind": "Pod"}).encode(),
    "no request": b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}',
    "no uid": without("uid").encode(),
    "a uid that is a number": json.dumps(review(uid=5)).encode(),
    "no operation": without("operation").encode(),
    "no object to judge": without("object").encode(),
    "binary": bytes(range(256)) * 64,
}


@pytest.mark.parametrize("label", BAD_BODIES)
def test_what_is_no_review_is_answered_with_400_and_no_decision(hook, label):
    for path in ("/mutate", "/validate"):
        status, body = post(hook, BAD_BODIES[label], path)
        assert status == 400, body
        assert b"allowed" not in body and len(body) < 200
    require_answers(hook, 2)


ODD_OBJECTS = [None, 5, "text", [], {}, {"spec": []}, {"spec": {"template": 7}}, {"metadata": []},
               {"spec": {"template": {"spec": {"containers": {"a": 1}}}}},
               {"spec": {"template": {"spec": {"containers": [None, 3, [[]]], "volumes": "x"}}}},
               {"spec": {"replicas": 1e300}}, {"spec": {"replicas": -(2**63)}}]


def test_objects_of_wrong_types_are_answered_without_a_fault(hook):
    for kind in ("StatefulSet", "Deployment", "ConfigMap", "Service", "PodDisruptionBudget"):
        for odd in ODD_OBJECTS:
            thing = {"kind": kind, "metadata": {"name": "x", "labels": {"appCluster": "redis-cluster"}}, **odd} \
                if isinstance(odd, dict) else odd
            for path in ("/mutate", "/validate"):
                status, body = post(hook, json.dumps(review(object=thing)), path)
                assert status == (200 if isinstance(thing, dict) else 400), (kind, odd, body)


def test_a_wrong_content_type_method_or_path_is_refused(hook):
    good = json.dumps(review())
    assert post(hook, good, content_type="text/plain")[0] == 415
    assert post(hook, good, content_type="application/yaml")[0] == 415
    assert post(hook, good, content_type="application/json; charset=utf-8")[0] == 200
    assert post(hook, good, path="/elsewhere")[0] == 405
    assert post(hook, good, path="/mutate?timeout=10s")[0] == 200


@pytest.mark.parametrize("wanted, header", [
    (431, b"X-Long: " + b"a" * 1_000_000 + b"\r\n"),
    (431, b"".join(b"X-%d: y\r\n" % n for n in range(100_000))),
], ids=["one enormous header", "100,000 headers"])
def test_headers_past_the_limit_end_the_connection(hook, wanted, header):
    with open_tls(hook) as peer:
        try:
            peer.sendall(b"POST /mutate HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n")
        except OSError:
            pass  # Closed before all of it was sent.
        assert first_line(peer) in (b"", b"HTTP/1.1 %d Request Header Fields Too Large" % wanted)
    require_answers(hook, 5)


def first_line(peer):
    try:
        return peer.recv(4096).split(b"\r\n")[0]
    except OSError:
        return b""


def test_a_body_past_the_limit_is_refused_before_it_is_sent(hook):
    with open_tls(hook) as peer:
        peer.sendall(head(3 * 1024 * 1024 + 1))
        assert first_line(peer).startswith(b"HTTP/1.1 413")
    at_limit = json.dumps(review(options="x" * (3 * 1024 * 1024 - 2000))).encode()
    assert post(hook, at_limit)[0] == 200


def test_a_chunked_body_of_300_mb_is_cut_off(hook):
    sent = 0
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with open_tls(hook) as peer:
        peer.sendall(b"POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                     b"Transfer-Encoding: chunked\r\n\r\n")
        try:
            while sent < 300_000_000:
                peer.sendall(chunk)
                sent += 0x10000
        except OSError:
            pass
    assert sent < 20_000_000, "it took far more than its limit"
    require_answers(hook, 5)


def test_one_byte_a_second_on_300_connections_holds_nobody_up(hook):
    body = json.dumps(review()).encode()
    peers = [open_tls(hook) for _ in range(300)]
    stop = threading.Event()

    def drip():
        number = 0
        text = head(len(body)) + body
        while not stop.wait(1):
            for peer in peers:
                try:
                    peer.send(text[number:number + 1])
                except OSError:
                    pass
            number += 1

    dripper = threading.Thread(target=drip)
    dripper.start()
    try:
        begin = time.monotonic()
        slowest = 0.0
        while time.monotonic() - begin < 8:
            slowest = max(slowest, require_answers(hook, 5))
        print(f"\nslowest of the real reviews: {slowest:.0f} ms")
        # Each of them is past its deadline by now, or soon.
        wait_until(lambda: all(is_closed(peer) for peer in peers), 30, "the slow ones are cut off", every=1)
    finally:
        stop.set()
        dripper.join()
        for peer in peers:
            peer.close()
    require_answers(hook, 5)


def is_closed(peer):
    peer.settimeout(0.001)
    try:
        return peer.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_half_open_handshakes_are_cut_off_and_hold_nobody_up(hook):
    peers = [socket.create_connection(("127.0.0.1", hook.port)) for _ in range(300)]
    for peer in peers[::2]:
        peer.sendall(b"\x16\x03\x01\x02\x00\x01\x00")  # The beginning of a ClientHello.
    print(f"\nslowest of the real reviews: {require_answers(hook):.0f} ms")
    wait_until(lambda: all(is_closed(peer) for peer in peers), 20, "the half-open ones are cut off", every=0.5)
    for peer in peers:
        peer.close()


def test_a_flood_of_connections_displaces_the_idlest_and_not_the_useful(hook):
    useful = http.client.HTTPSConnection("127.0.0.1", hook.port, context=tls(hook), timeout=20 * PATIENCE)
    peers = []
    for number in range(1500):
        if number % 100 == 0:  # In use all the while, as the API server's connection is.
            useful.request("POST", "/mutate", json.dumps(review()), {"Content-Type": "application/json"})
            answer = useful.getresponse()
            answer.read()
            assert answer.status == 200
        try:
            peers.append(socket.create_connection(("127.0.0.1", hook.port), timeout=20 * PATIENCE))
        except OSError:
            pass
    kept = useful.sock
    useful.request("POST", "/mutate", json.dumps(review()), {"Content-Type": "application/json"})
    assert useful.getresponse().read() and useful.sock is kept, "the useful connection was displaced"
    require_answers(hook, 3)
    for peer in peers:
        peer.close()


def test_a_thousand_idle_connections_cost_little(hook):
    before = hook.memory_kib()
    peers = [open_tls(hook) for _ in range(1000)]
    require_answers(hook, 5)
    each = (hook.memory_kib() - before) / len(peers)
    print(f"\n{before / 1024:.1f} MiB idle, {each:.1f} KiB for each of 1,000 idle connections")
    for peer in peers:
        peer.close()


def test_many_great_bodies_at_once_do_not_add_up(hook):
    body = b"x" * (2 * 1024 * 1024)

    def stall(_):
        peer = open_tls(hook)
        try:
            peer.sendall(head(3 * 1024 * 1024) + body)
        except OSError:
            pass
        return peer

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        peers = list(pool.map(stall, range(60)))
    require_answers(hook, 5)
    for peer in peers:
        peer.close()


def test_tls_below_1_2_is_refused(hook):
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname = False
    old.verify_mode = ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    raw = socket.create_connection(("127.0.0.1", hook.port))
    with pytest.raises((ssl.SSLError, OSError)):
        old.wrap_socket(raw)
    with open_tls(hook) as peer:
        assert peer.version() == "TLSv1.3"


def test_what_is_no_http_is_answered_and_closed(hook):
    for text in (b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"POST /mutate HTTP/9.9\r\n\r\n",
                 b"POST /mutate HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                 b"POST /mutate HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"):
        with open_tls(hook) as peer:
            peer.sendall(text)
            assert first_line(peer).startswith(b"HTTP/1.1 400"), text
    require_answers(hook, 2)


def test_sigterm_answers_what_is_in_flight(hook):
    body = json.dumps(review()).encode()
    with open_tls(hook) as peer:
        peer.sendall(head(len(body)) + body[:-1])
        require_answers(hook, 1)
        ended = threading.Thread(target=hook.stop)
        ended.start()
        time.sleep(0.5)
        peer.sendall(body[-1:])
        answer = peer.recv(65536)
        assert answer.startswith(b"HTTP/1.1 200") and b"Connection: close" in answer
        ended.join()
    assert hook.process.returncode == 0
