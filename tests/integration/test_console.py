"""The console as a process: TLS, where it may listen, what it prints, how it ends."""

import http.client
import json
import os
import ssl
import subprocess
import threading

import pytest

from configs import edited
from harness import CONFIG, create_log, eventually, get, inject_alerts, run
from web_client import Stream, add_user, first_password, ready, web_of

BEGAN_MS = 1_790_000_000_000


@pytest.fixture
def certificate(tmp_path):
    """(certificate, key) of 127.0.0.1, signed by itself."""
    names = tmp_path / "tls.crt", tmp_path / "tls.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-out", str(names[0]), "-keyout", str(names[1])],
                   check=True, capture_output=True)
    return names


def test_over_tls_it_signs_in_with_a_cookie_for_tls_alone(services, data, tmp_path, certificate):
    cert, key = certificate
    config = edited(tmp_path / "config", (CONFIG.name, "requests_per_minute: 1200",
                                          f"certificate_file: {cert}\n  key_file: {key}")) / CONFIG.name
    create_log(data, "fed", config)
    console = services("console", "--data", data, "--config", config, "--listen", "127.0.0.1:0")
    address = console.line(r"console\s+https://([^/\s]+)/api/v1", 60, stream="out").group(1)
    trusted = ssl.create_default_context(cafile=str(cert))

    def ask(method, path, body=None, **headers):
        connection = http.client.HTTPSConnection(address, context=trusted, timeout=30)
        connection.request(method, f"/api/v1/{path}", body and json.dumps(body), {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()

    eventually(lambda: ask("GET", "health")[0] == 200, "it is ready")
    status, headers, body = ask("POST", "session", {"account": "admin", "password": first_password(console)},
                                Origin=f"https://{address}")
    assert status == 200, body
    cookie = headers["Set-Cookie"]
    assert cookie.startswith("__Host-qingchuan=") and "; Secure" in cookie and "; HttpOnly" in cookie and "; Path=/" in cookie
    assert ask("GET", "session", Cookie=cookie.split(";")[0])[0] == 200
    # Without TLS there is nobody.
    with pytest.raises((http.client.HTTPException, OSError)):
        plain = http.client.HTTPConnection(address, timeout=10)
        plain.request("GET", "/api/v1/health")
        plain.getresponse()
    old = ssl.create_default_context(cafile=str(cert))
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(OSError):
        http.client.HTTPSConnection(address, context=old, timeout=10).request("GET", "/api/v1/health")
    assert console.stop() == 0, console.text()


def test_beyond_this_machine_it_wants_tls(data, tmp_path):
    create_log(data, "fed")
    said = run("console", "--data", data, "--config", CONFIG, "--listen", "127.0.0.1:0", "--web", "0.0.0.0:0").refused(2).one_line()
    assert "without TLS" in said and "certificate_file" in said and "behind_proxy" in said


def test_what_a_journal_keeps_holds_no_password(services, data):
    create_log(data, "fed")
    console = services("console", "--data", data, "--config", CONFIG, "--listen", "127.0.0.1:0",
                       env={**os.environ, "JOURNAL_STREAM": "8:1"})
    ready(web_of(console))
    assert "one-time password" not in console.text() and "qingchuan user add NAME --role admin" in console.text()
    assert run("user", "list", "--data", data, "--config", CONFIG, "--format", "json").fine().out.strip() in ("", "[]")
    assert console.stop() == 0, console.text()


def test_a_stop_says_goodbye_to_streams_and_ends(services, data):
    create_log(data, "fed")
    inject_alerts(data, (f"S{i} 1 {i % 3 + 1} {BEGAN_MS + i}" for i in range(100)))
    token = add_user(data, CONFIG, "watch", "viewer")
    console = services("console", "--data", data, "--config", CONFIG, "--listen", "127.0.0.1:0")
    address = web_of(console)
    ready(address)
    streams = [Stream(address, token) for _ in range(5)]
    events = [[] for _ in streams]

    def read(stream, into):
        into.extend(event for event, _, _ in stream.events())
    readers = [threading.Thread(target=read, args=pair, daemon=True) for pair in zip(streams, events)]
    for reader in readers:
        reader.start()
    page = console.address()
    eventually(lambda: "qingchuan_console_streams 5" in get(page, "/metrics")[1], "five streams are open")
    eventually(lambda: all("live" in seen for seen in events) or None, "each has its snapshot")
    assert console.stop() == 0, console.text()
    for reader, seen in zip(readers, events):
        reader.join(20)
        assert not reader.is_alive()
        assert seen[0] == "hello" and seen.count("alert") == 100 and seen[-1] == "bye", seen[-3:]


def test_a_second_one_at_the_same_address_says_so_and_makes_no_account(services, data, tmp_path):
    create_log(data, "fed")
    first = services("console", "--data", data, "--config", CONFIG, "--listen", "127.0.0.1:0")
    address = web_of(first)
    other = tmp_path / "other"
    create_log(other, "fed")
    said = run("console", "--data", other, "--config", CONFIG, "--listen", "127.0.0.1:0", "--web", address).refused().one_line()
    assert "another program uses this port" in said
    assert "admin" not in run("user", "list", "--data", other, "--config", CONFIG).fine().out
    assert first.stop() == 0, first.text()
