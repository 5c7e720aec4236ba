# SPDX-License-Identifier: Apache-2.0
"""The way from the plugin to the API server, which a test can cut. On this machine alone."""

import pathlib
import re
import socket
import threading

from bed import Bed


class Relay:
    """Passes every connection on to the API server of `bed`; `bed_through` is the same bed by that way."""

    def __init__(self, bed, folder):
        config = pathlib.Path(bed.kubeconfig).read_text()
        found = re.search(r"server: [\"']?https://([0-9.]+):(\d+)", config)
        self.server = (found[1], int(found[2]))
        self.listener = socket.create_server(("127.0.0.1", 0))
        path = pathlib.Path(folder) / "through-relay.kubeconfig"
        there = f"https://{found[1]}:{found[2]}"
        path.write_text(config.replace(there, f"https://127.0.0.1:{self.listener.getsockname()[1]}"))
        path.chmod(0o600)
        self.bed_through = Bed(path, bed.sandbox)
        self.flows = threading.Event()
        self.flows.set()
        self.refuses = False
        self.sockets = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def refuse(self):
        """As an API server that was killed: every connection is reset, and so is each new one."""
        self.refuses = True
        for each in list(self.sockets):
            self._end(each)

    def hold(self):
        """As a network that carries nothing: no byte goes on, and nobody is told."""
        self.flows.clear()

    def heal(self):
        self.refuses = False
        self.flows.set()

    def close(self):
        self.listener.close()
        self.refuse()
        self.flows.set()

    def _end(self, each):
        self.sockets.discard(each)
        try:
            each.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # It has ended.
        each.close()

    def _accept(self):
        while True:
            try:
                here, _ = self.listener.accept()
            except OSError:
                return  # Closed.
            if self.refuses:
                here.close()
                continue
            there = socket.create_connection(self.server)
            self.sockets |= {here, there}
            threading.Thread(target=self._pass_on, args=(here, there), daemon=True).start()
            threading.Thread(target=self._pass_on, args=(there, here), daemon=True).start()

    def _pass_on(self, come, go):
        try:
            while data := come.recv(65536):
                self.flows.wait()
                go.sendall(data)
        except OSError:
            pass  # One of the two was ended.
        self._end(come)
        self._end(go)
