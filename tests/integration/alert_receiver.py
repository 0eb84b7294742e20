"""A receiver of alerts by HTTP that misbehaves as it is told to: the other end of test_alerts_out.py."""

import hashlib
import hmac
import json
import random
import socket
import struct
import threading


class Receiver:
    """Draws what it does with each post from `chances`, {what: weight}; what it took is in `items`, in its order.

    ok           takes it, 200
    status       500, 503, 429, 408 or 302, and takes nothing
    took_500     takes it, and says 500 all the same
    took_closed  takes it, and hangs up
    hang         says nothing until the other side gives up
    garbage      answers what is no HTTP
    reset        resets the connection
    """

    def __init__(self, chances=None, seed=0, secret=None):
        self.chances = chances or {"ok": 1}
        self.random = random.Random(seed)
        self.secret = secret
        self.items = []      # objects of "items", or of "alerts" (Alertmanager's webhook)
        self.bodies = []     # those that were taken
        self.headers = []    # of all of them
        self.wrong = []      # what no sender of ours may do
        self.did = {}
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/hook"

    def close(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            try:
                while request := self._request(connection):
                    if not self._answer(connection, *request):
                        return
            except OSError:
                pass

    @staticmethod
    def _request(connection):
        text = b""
        while b"\r\n\r\n" not in text:
            piece = connection.recv(65536)
            if not piece:
                return None
            text += piece
        head, body = text.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
        while len(body) < int(headers["content-length"]):
            piece = connection.recv(65536)
            if not piece:
                return None
            body += piece
        return headers, body

    def _answer(self, connection, headers, body):
        with self.lock:
            what = self.random.choices(list(self.chances), self.chances.values())[0]
            self.did[what] = self.did.get(what, 0) + 1
            self.headers.append(headers)
            self._check(headers, body)
            if what in ("ok", "took_500", "took_closed"):
                value = json.loads(body)
                self.bodies.append(value)
                if isinstance(value, dict):
                    self.items += value.get("items", value.get("alerts", []))
            status = self.random.choice([500, 503, 429, 408, 302])
        if what == "hang":
            connection.settimeout(30)
            connection.recv(1)
            return False
        if what == "garbage":
            connection.sendall(b"\x00\xff no HTTP\r\n\r\n")
            return False
        if what == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        if what == "took_closed":
            return False
        code = {"ok": 200, "took_500": 500}.get(what, status)
        connection.sendall(f"HTTP/1.1 {code} x\r\nContent-Length: 0\r\n\r\n".encode())
        return True

    def _check(self, headers, body):
        if self.secret is None:
            return
        text = headers["x-qingchuan-timestamp"].encode() + b"." + body
        if headers["x-qingchuan-signature"] != "sha256=" + hmac.new(self.secret, text, hashlib.sha256).hexdigest():
            self.wrong.append(f"signature of {headers['x-qingchuan-id']}")

    def ids(self):
        """Of what it took, each once, in the order of the first time."""
        with self.lock:
            return list(dict.fromkeys(item["id"] for item in self.items))
