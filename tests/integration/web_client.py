"""A console's clients, written for tests: requests as a program makes them (http.client), a reader of the stream, and a
proxy that cuts the network between the two."""

import http.client
import json
import re
import select
import socket
import threading

from harness import PATIENCE, eventually, run


def web_of(service):
    """HOST:PORT of a started console, or of `up`."""
    return service.line(r"console\s+http://([^/\s]+)/api/v1", 60, stream="out").group(1)


def first_password(service):
    return service.line(r"one-time password (\S+)", 60, stream="out").group(1)


class Web:
    """Requests to one console, with a session or a token."""

    def __init__(self, address, token=None, cookie=None, csrf=None, origin=None):
        self.address, self.token, self.cookie, self.csrf, self.origin = address, token, cookie, csrf, origin

    def ask(self, method, path, body=None, headers=None, raw=None, timeout=30):
        """(status, headers, body): the body as JSON where it is."""
        connection = http.client.HTTPConnection(self.address, timeout=timeout * PATIENCE)
        sent = {}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if self.cookie:
            sent["Cookie"] = self.cookie
            if method not in ("GET", "HEAD"):
                sent["Origin"] = self.origin or f"http://{self.address}"
                if self.csrf:
                    sent["X-CSRF-Token"] = self.csrf
        data = raw
        if body is not None:
            data = json.dumps(body)
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        try:
            connection.request(method, path, body=data, headers={k: v for k, v in sent.items() if v is not None})
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        kind = answer.headers.get("Content-Type", "")
        return answer.status, answer.headers, json.loads(text) if "json" in kind and text else text

    def get(self, path, expected=200, **options):
        status, _, body = self.ask("GET", "/api/v1/" + path, **options)
        assert status == expected, (path, status, body)
        return body


def sign_in(address, account, password):
    status, headers, body = Web(address).ask("POST", "/api/v1/session", {"account": account, "password": password},
                                             headers={"Origin": f"http://{address}"})
    assert status == 200, (status, body)
    cookie = headers["Set-Cookie"].split(";")[0]
    return Web(address, cookie=cookie, csrf=body["csrf"])


def add_user(data, config, name, *roles, offices=(), tokens=("--days", 1)):
    """An account with those roles ("operator", "viewer@xiaoyi"); a token of it."""
    more = [part for role in roles for part in ("--role", role)] + [part for o in offices for part in ("--office", o)]
    place = ("--data", data, "--config", config)
    run("user", "add", name, "--full-name", f"{name} 的", *more, *place).fine()
    out = run("user", "token", name, *tokens, "--note", "test", *place).fine().out
    return re.search(r"qct_\S+", out).group(0)


class Stream:
    """One connection to the stream; events in their order: (event, id, data)."""

    def __init__(self, address, token, subjects="alerts", last_event_id=None, timeout=30):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=timeout * PATIENCE)
        lines = [f"GET /api/v1/stream?subjects={subjects} HTTP/1.1", f"Host: {address}", "Accept: text/event-stream",
                 f"Authorization: Bearer {token}"]
        if last_event_id:
            lines.append(f"Last-Event-ID: {last_event_id}")
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.file = self.socket.makefile("rb")
        first = self.file.readline().split()
        if len(first) < 2:
            raise OSError("closed before it answered")
        self.status = int(first[1])
        self.headers = {}
        while (line := self.file.readline().strip()):
            name, _, value = line.decode().partition(":")
            self.headers[name.lower()] = value.strip()
        if self.status != 200:
            raise OSError(f"status {self.status}")

    def events(self):
        """Until the connection ends."""
        event, where, data = None, None, []
        for raw in self.file:
            line = raw.decode().rstrip("\r\n")
            if not line:
                if data:
                    yield event or "message", where, json.loads("\n".join(data))
                event, where, data = None, None, []
            elif line.startswith("event: "):
                event = line[7:]
            elif line.startswith("id: "):
                where = line[4:]
            elif line.startswith("data: "):
                data.append(line[6:])

    def close(self):
        for ended in (lambda: self.socket.shutdown(socket.SHUT_RDWR), self.file.close, self.socket.close):
            try:
                ended()
            except OSError:
                pass


class Recorder:
    """A client that never gives up: reads the stream, comes back with the last id that it saw, keeps what it was told."""

    def __init__(self, address_of, token, subjects="alerts"):
        self.address_of, self.token, self.subjects = address_of, token, subjects
        self.lock = threading.Lock()
        self.last_id, self.seen, self.snapshots, self.connections, self.problems = None, [], [], 0, []
        self.snapshot = None
        self.live = False
        self.ending = False
        self.stream = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        pause = threading.Event()
        while not self.ending:
            try:
                self.stream = Stream(self.address_of(), self.token, self.subjects, self.last_id, timeout=5)
                self.connections += 1
                for event, where, data in self.stream.events():
                    self._take(event, where, data)
            except (OSError, ValueError) as error:  # cut anywhere, also in the middle of a line
                self.problems.append(repr(error))
            finally:
                if self.stream:
                    self.stream.close()
            pause.wait(0.05)

    def _take(self, event, where, data):
        with self.lock:
            if event == "reset":
                self.seen, self.last_id, self.live = [], None, False
            elif event == "snapshot":
                self.snapshot, self.live = {}, False
            elif event == "live":
                self.live = True
                if self.snapshot is not None:
                    self.snapshots.append(self.snapshot)
                    self.snapshot = None
            elif event == "alert":
                if self.snapshot is not None:
                    self.snapshot[data["key"]] = data["revision"]
                else:
                    self.seen.append((data["key"], data["revision"]))
            if where:
                self.last_id = where

    def stop(self):
        self.ending = True
        if self.stream:
            self.stream.close()
        self.thread.join(20)


class Proxy:
    """A network that can be cut: everything between client and server goes through here. `target` may change."""

    def __init__(self, target):
        self.target = target
        self.door = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.door.getsockname()[1]}"
        self.pairs, self.lock, self.whole, self.cuts = set(), threading.Lock(), True, 0
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                client, _ = self.door.accept()
            except OSError:
                return
            if not self.whole:
                client.close()
                continue
            threading.Thread(target=self._pass, args=(client,), daemon=True).start()

    def _pass(self, client):
        try:
            host, port = self.target().rsplit(":", 1)
            server = socket.create_connection((host, int(port)), timeout=5)
        except (OSError, ValueError):
            client.close()
            return
        pair = (client, server)
        with self.lock:
            self.pairs.add(pair)
        try:
            while True:
                ready, _, _ = select.select(pair, [], [], 30)
                for one in ready:
                    got = one.recv(65536)
                    if not got:
                        return
                    (server if one is client else client).sendall(got)
        except (OSError, ValueError):
            pass
        finally:
            with self.lock:
                self.pairs.discard(pair)
            client.close()
            server.close()

    def cut(self):
        """What is on its way is lost; nobody gets through until mend()."""
        self.whole = False
        self.cuts += 1
        with self.lock:
            for pair in self.pairs:
                for one in pair:
                    try:
                        one.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        pass

    def mend(self):
        self.whole = True

    def close(self):
        self.door.close()
        self.cut()


def ready(address, seconds=60):
    """The console answers and has read the log."""
    def holds():
        try:
            return Web(address).ask("GET", "/api/v1/health")[0] == 200
        except OSError:
            return False
    return eventually(holds, f"the console at {address} is ready", seconds)
