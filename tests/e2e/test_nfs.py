# SPDX-License-Identifier: Apache-2.0
"""`nfs exports` and `nfs check`, the latter against a real server: nfs-ganesha with a port mapper, in a
network of their own."""

import os
import shutil
import subprocess

import pytest

from bed import BIN, run, wait_until

FOLDER = "/usr/local/k8s/redis"


def ganesha_export(number, clients):
    # Ganesha shows an export to those who may use it, and the one who asks here is 127.0.0.1.
    client = f"CLIENT {{ Clients = {clients}, 127.0.0.1; Access_Type = RW; }}" if clients else ""
    return (f"EXPORT {{ Export_Id = {number}; Path = {FOLDER}/pv{number}; Pseudo = /pv{number}; Protocols = 3;"
            f" Access_Type = {'None' if clients else 'RW'}; Squash = No_Root_Squash; Transports = TCP;"
            f" FSAL {{ Name = MEM; }} {client} }}\n")


class NfsServer:
    """Runs in a network namespace, where port 111 is free and nobody else listens in."""

    def __init__(self, folder):
        self.folder = folder
        self.processes = []
        script = "mount -t tmpfs none /run && mkdir /run/rpcbind && ip link set lo up && echo up && exec sleep infinity"
        self.inside = subprocess.Popen(["unshare", "--net", "--mount", "sh", "-c", script], stdout=subprocess.PIPE, text=True)
        assert self.inside.stdout.readline() == "up\n"

    def words(self, *words):
        return ["nsenter", "--net", "--mount", "--target", str(self.inside.pid), *map(str, words)]

    def start(self, *words):
        process = subprocess.Popen(self.words(*words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    def start_mapper(self):
        self.start("rpcbind", "-f")
        wait_until(lambda: run(self.words("rpcinfo", "-p", "127.0.0.1")).exit == 0, 10, "the port mapper answers")

    def serve(self, exports):
        config = self.folder / "ganesha.conf"
        config.write_text("NFS_CORE_PARAM { NFS_Port = 2049; MNT_Port = 20048; Protocols = 3; Enable_NLM = false;"
                          " Enable_RQUOTA = false; }\n" + "".join(exports))
        self.start("ganesha.nfsd", "-F", "-f", config, "-L", self.folder / "log", "-p", self.folder / "pid")
        wait_until(lambda: "mountd" in run(self.words("rpcinfo", "-p", "127.0.0.1")).stdout, 30,
                   "the mount service is registered")

    def check(self, *words):
        return run(self.words(BIN / "kubectl-redis", "nfs", "check", "--nfs-server", "127.0.0.1", "--nfs-path",
                              FOLDER, *words), {"NO_COLOR": "1"})

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()
        self.inside.kill()
        self.inside.wait()


@pytest.fixture
def server(tmp_path):
    missing = [name for name in ("ganesha.nfsd", "rpcbind", "rpcinfo", "unshare", "nsenter") if not shutil.which(name)]
    if missing or os.geteuid() != 0:
        pytest.skip(f"needs root, nfs-ganesha-mem and rpcbind; missing: {', '.join(missing) or 'root'}")
    made = NfsServer(tmp_path)
    yield made
    made.stop()


def test_what_the_server_needs_is_printed_as_the_article_has_it():
    outcome = run([BIN / "kubectl-redis", "nfs", "exports", "--server-path", FOLDER, "--count", "6",
                   "--clients", "192.168.0.0/24"]).require()
    lines = outcome.stdout.splitlines()
    assert "mkdir -p " + " ".join(f"{FOLDER}/pv{i}" for i in range(1, 7)) in lines
    for i in range(1, 7):
        assert f"{FOLDER}/pv{i} 192.168.0.0/24(rw,sync,no_root_squash)" in lines
    run(["sh", "-n"], stdin=outcome.stdout).require()


@pytest.mark.parametrize("words", [["--clients", "10.0.0.0/40"], ["--clients", "x", "--count", "0"], []])
def test_wrong_flags_are_usage_errors(words):
    outcome = run([BIN / "kubectl-redis", "nfs", "exports", "--server-path", FOLDER, *words])
    assert outcome.exit == 2 and "fix:" in outcome.stderr, str(outcome)


def test_a_server_that_exports_all_is_well(server):
    server.start_mapper()
    server.serve([ganesha_export(i, "192.168.0.0/24") for i in range(1, 4)])
    outcome = server.check("--count", "3", "--clients", "192.168.0.0/24")
    assert outcome.exit == 0, str(outcome)
    assert "3 of 3 folders" in outcome.stdout


def test_missing_and_mis_permitted_exports_are_named(server):
    server.start_mapper()
    server.serve([ganesha_export(1, "192.168.0.0/24"), ganesha_export(2, "10.9.0.0/16")])
    outcome = server.check("--count", "3", "--clients", "192.168.0.0/24", "-o", "json")
    assert outcome.exit == 3, str(outcome)
    found = {each["folder"]: each["what"] for each in outcome.json()["troubles"]}
    assert set(found) == {f"{FOLDER}/pv2", f"{FOLDER}/pv3"}
    assert "10.9.0.0/16" in found[f"{FOLDER}/pv2"] and found[f"{FOLDER}/pv3"] == "is not exported"
    text = server.check("--count", "3", "--mount-port", "20048")
    assert text.exit == 3 and f"mkdir -p {FOLDER}/pv3" in text.stdout, str(text)


def test_a_server_without_a_mount_service_is_told_from_one_that_is_not_there(server):
    gone = server.check()
    assert gone.exit == 1 and "port mapper" in gone.stderr and "fix:" in gone.stderr, str(gone)
    server.start_mapper()
    version4 = server.check()
    assert version4.exit == 1 and "NFS version 4 only" in version4.stderr, str(version4)
