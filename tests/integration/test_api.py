"""The API over its socket: what a person and a program may do, each refusal as an attacker would meet it, every answer held
against the OpenAPI document, and no secret in any line that the service writes or any file that it keeps."""

import http.client
import json
import re
import socket
import urllib.parse
import uuid

import pytest

from harness import Service, eventually, run

KEY = "warning/lvliang/AQI"
PASSWORD = "correct horse battery 晴川"
OFFICE = "应急指挥部"
WRONG = "certainly not the password"


def part(key):
    return urllib.parse.quote(key, safe="")


class Answer:
    def __init__(self, method, target, answer):
        self.method, self.target, self.status = method, target, answer.status
        self.headers = {k.lower(): v for k, v in answer.getheaders()}
        self.body = answer.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.json["code"]

    def was(self, status, code=None):
        assert self.status == status, f"{self.method} {self.target}: {self.status}\n{self.body[:2000]!r}"
        assert code is None or self.code == code, self.body
        return self


class Client:
    """One who asks: nobody, by token, or by session."""

    def __init__(self, address, headers=None):
        self.address, self.headers = address, headers or {}

    def ask(self, method, target, body=None, headers=None):
        connection = http.client.HTTPConnection(self.address, timeout=60)
        sent = {**self.headers, **(headers or {})}
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, "/api/v1" + target, body=body, headers={k: v for k, v in sent.items() if v is not None})
            return Answer(method, target, connection.getresponse())
        finally:
            connection.close()

    def get(self, target):
        return self.ask("GET", target)

    def command(self, key, body, idempotency=None):
        return self.ask("POST", f"/alerts/{part(key)}/commands", body, {"Idempotency-Key": idempotency or uuid.uuid4().hex})

    def sign_in(self, account, password):
        answer = self.ask("POST", "/session", {"account": account, "password": password}).was(200)
        cookie = answer.headers["set-cookie"].split(";")[0]
        return Client(self.address, {"Cookie": cookie, "X-CSRF-Token": answer.json["csrf"], "Origin": f"http://{self.address}"})


class Room:
    """A log of invented readings with processor, alerts and console beside it."""

    def __init__(self, data):
        self.data, self.secrets, self.services = data, [PASSWORD, WRONG], {}
        run("simulate", "--data", data, "--scenario", "inversion", "--hours", 30, "--quiet").fine()
        for service in ("processor", "alerts", "console"):
            self.services[service] = Service(service, "--data", data, "--listen", "127.0.0.1:0")
        console = self.services["console"]
        self.address = console.line(r"^\s*console\s+http://(127\.0\.0\.1:\d+)", stream="out", seconds=60).group(1)
        one_time = console.line(r"password\W+(\S+)", stream="out").group(1)
        self.nobody = Client(self.address)
        eventually(lambda: self.nobody.get("/health").status == 200, "the console is ready", 60)
        first = self.nobody.sign_in("admin", one_time)
        first.get("/alerts").was(403, "change_first")
        first.ask("POST", "/password", {"old_password": one_time, "new_password": PASSWORD}).was(204)
        self.admin = self.nobody.sign_in("admin", PASSWORD)
        self.secrets.append(one_time)
        eventually(lambda: any(a["level"] == 2 for a in self.admin.get("/alerts?rule=warning&region=lvliang").json["items"]),
                   "the prefecture is to be warned of orange", 120)

    def person(self, name, grants, offices=()):
        body = {"name": name, "full_name": "某人", "grants": [{"role": r, "region": where} for r, where in grants],
                "offices": list(offices)}
        one_time = self.admin.ask("POST", "/accounts", body).was(201).json["password"]
        first = self.nobody.sign_in(name, one_time)
        first.ask("POST", "/password", {"old_password": one_time, "new_password": PASSWORD}).was(204)
        client = self.nobody.sign_in(name, PASSWORD)
        self.secrets += [one_time, client.headers["Cookie"].split("=")[1], client.headers["X-CSRF-Token"]]
        return client

    def token(self, of, name, scope=()):
        body = {"note": "test", "days": 30, "scope": [{"role": r, "region": where} for r, where in scope]}
        secret = of.ask("POST", f"/accounts/{name}/tokens", body).was(201).json["secret"]
        self.secrets.append(secret)
        return Client(self.address, {"Authorization": f"Bearer {secret}"})

    def raw(self, text, seconds=20):
        """What comes back for these very bytes, until the server closes or it is silent."""
        with socket.create_connection(tuple(self.address.split(":")), timeout=seconds) as s:
            s.settimeout(seconds)
            s.sendall(text if isinstance(text, bytes) else text.encode())
            said = b""
            try:
                while chunk := s.recv(65536):
                    said += chunk
            except (TimeoutError, ConnectionResetError):
                pass
            return said.decode(errors="replace")

    def end(self):
        for service in self.services.values():
            service.stop()


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    made = Room(tmp_path_factory.mktemp("api") / "log")
    yield made
    made.end()


@pytest.fixture(scope="module")
def li(room):
    return room.person("li", [("operator", "lvliang")])


@pytest.fixture(scope="module")
def zhang(room):
    return room.person("zhang", [("approver", "lvliang")], [OFFICE])


def county(room):
    return next(r["id"] for r in room.admin.get("/regions").json["items"] if r["parent"] == "lvliang")


def listed(client, **wanted):
    """One of a station that has changed already, and that nobody need approve."""
    items = client.get("/alerts?limit=1000").json["items"]
    return next(a for a in sorted(items, key=lambda a: -a["revision"])
                if a["rule"] not in ("warning", "joint_warning") and all(a[k] == v for k, v in wanted.items()))


# ---- the document ----------------------------------------------------------------------------------------------------

def wrong(document, schema, value, at=""):
    """What is not as the schema says."""
    if "$ref" in schema:
        target = document
        for name in schema["$ref"][2:].split("/"):
            target = target[name]
        schema = {**target, **{k: v for k, v in schema.items() if k != "$ref"}}
    if value is None and schema.get("nullable"):
        return []
    found = [w for one in schema.get("allOf", []) for w in wrong(document, one, value, at)]
    if "oneOf" in schema and sum(not wrong(document, one, value, at) for one in schema["oneOf"]) != 1:
        found.append(f"{at}: none or several of its alternatives")
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)}
    kind = schema.get("type")
    if kind and (not isinstance(value, kinds[kind]) or (kind != "boolean" and isinstance(value, bool))):
        return found + [f"{at}: no {kind}: {value!r}"]
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{at}: {value!r} is none of {schema['enum']}")
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        found += [f"{at}: lacks {name}" for name in schema.get("required", []) if name not in value]
        for name, inner in value.items():
            if name in properties:
                found += wrong(document, properties[name], inner, f"{at}/{name}")
            elif schema.get("additionalProperties") is False:
                found.append(f"{at}/{name}: not in the document")
    if isinstance(value, list) and "items" in schema:
        found += [w for i, one in enumerate(value) for w in wrong(document, schema["items"], one, f"{at}/{i}")]
    return found


def test_every_answer_is_as_the_document_says(room, li):
    document = room.nobody.get("/openapi.json").was(200).json
    alert = room.admin.get("/alerts?limit=1").json["items"][0]
    station = room.admin.get("/stations?limit=1").json["items"][0]["id"]
    names = {"key": KEY, "region": "lvliang", "station": station, "date": "2026-01-12", "month": "2026-01", "name": "admin"}
    queries = {"/series": f"?subject={station}&factor=PM2.5&window=1h", "/latest": "?limit=1000", "/alerts": "?listed=any&limit=1000"}
    checked = 0
    for path, operations in document["paths"].items():
        if "get" not in operations or path in ("/stream", "/cap/{id}.xml"):
            continue
        target = re.sub(r"{(\w+)}", lambda m: part(names[m.group(1)]), path) + queries.get(path, "")
        answer = room.admin.get(target).was(200)
        content = operations["get"]["responses"]["200"]["content"]
        kind = answer.headers["content-type"].split(";")[0]
        assert kind in content, f"{target}: {kind}"
        if "json" in kind:
            assert wrong(document, content[kind]["schema"], answer.json) == [], target
        checked += 1
    assert checked > 25
    for refused in (room.nobody.get("/alerts"), room.admin.get("/alerts?limit=0"), room.admin.get("/alerts/no%2Fsuch%2Fone")):
        assert wrong(document, document["components"]["schemas"]["Problem"], refused.json) == []
    assert alert["key"]


def test_pages_give_every_alert_once(room):
    everything = [a["key"] for a in room.admin.get("/alerts?listed=any&limit=1000").json["items"]]
    paged, cursor = [], ""
    while cursor is not None:
        page = room.admin.get(f"/alerts?listed=any&limit=7{cursor and '&cursor=' + cursor}").was(200).json
        paged += [a["key"] for a in page["items"]]
        cursor = page["next"]
    assert sorted(paged) == sorted(set(everything)) and len(paged) == len(everything) == page["total"]


# ---- what people do --------------------------------------------------------------------------------------------------

def test_an_operator_acknowledges_once_however_often_it_is_sent(room, li):
    alert = listed(li, response="unacked")
    body = {"action": "acknowledge", "revision": alert["revision"], "comment": "已看"}
    first = li.command(alert["key"], body, "a-click")
    if first.status == 202:  # a slow machine
        first = eventually(lambda: (a := li.command(alert["key"], body, "a-click")).status == 200 and a, "it is answered")
    first.was(200)
    assert li.command(alert["key"], body, "a-click").was(200).json == first.json
    seen = eventually(lambda: (a := li.get(f"/alerts/{part(alert['key'])}").json)["response"] == "acked" and a, "the console knows")
    assert "li" in seen["acked"]["who"] and seen["acked"]["comment"] == "已看"
    li.command(alert["key"], {**body, "revision": seen["revision"]}).was(422, "already_acked")
    history = eventually(lambda: [e for e in li.get(f"/alerts/{part(alert['key'])}/history").json["items"] if e["what"] == "acknowledge"],
                         "the ledger has it")
    assert len(history) == 1


def test_a_stale_revision_is_a_conflict_with_the_alert_as_it_is(li):
    alert = listed(li)
    stale = li.command(alert["key"], {"action": "assign", "revision": alert["revision"] - 1, "assignee": "赵"}).was(409, "stale_revision")
    assert stale.json["current"]["key"] == alert["key"] and stale.json["current"]["revision"] >= alert["revision"]


def test_nobody_is_warned_before_a_named_office_has_approved_it(room, li, zhang):
    def act(client, **body):
        revision = client.get(f"/alerts/{part(KEY)}").was(200).json["revision"]
        return client.command(KEY, {"revision": revision, **body})

    def step():
        return zhang.get("/warnings/lvliang").json["warnings"][0]["formal"]["step"]

    act(li, action="approve", level=2, office=OFFICE).was(403, "forbidden")
    act(zhang, action="approve", level=2, office="门卫").was(403, "not_your_office")
    act(zhang, action="approve", level=3, office=OFFICE).was(422, "other_level")
    act(zhang, action="issue", office=OFFICE).was(422, "not_approved")
    assert "<entry" not in zhang.get("/cap/warnings.atom").body.decode()
    act(zhang, action="approve", level=2, office=OFFICE, comment="会商同意").was(200)
    eventually(lambda: step() == "approved", "the console knows of the approval")
    act(zhang, action="issue", office=OFFICE).was(200)
    eventually(lambda: step() == "issued", "the console knows of the issue")
    feed = zhang.get("/cap/warnings.atom").was(200).body.decode()
    link = re.search(r'href="http://[^"]*?/api/v1(/cap/warning-[^"]+\.xml)"', feed).group(1)
    assert "<status>Actual</status>" in zhang.get(link).was(200).body.decode()


def test_what_lies_elsewhere_is_as_if_it_were_not_there(room):
    where = county(room)
    far = room.person("far", [("operator", where)])
    hidden = next(a for a in room.admin.get("/alerts?limit=1000").json["items"] if a["region"] != where)
    assert all(a["region"] == where for a in far.get("/alerts?listed=any&limit=1000").json["items"])
    for tail in ("", "/why", "/history"):
        there = far.get(f"/alerts/{part(hidden['key'])}{tail}").was(404)
        assert there.body == far.get(f"/alerts/{part('aqi_level/nowhere/AQI')}{tail}").was(404).body
    far.command(hidden["key"], {"action": "note", "revision": 1, "text": "x"}).was(404)
    far.get("/regions/lvliang").was(404)
    far.get("/ledger").was(200)
    far.get("/accounts").was(403, "forbidden")


# ---- who is not let in -----------------------------------------------------------------------------------------------

def test_sessions_are_kept_from_other_sites_pages(room, li):
    alert = listed(li)
    target = f"/alerts/{part(alert['key'])}/commands"
    body = {"action": "note", "revision": alert["revision"], "text": "forged"}
    for headers, code in (({"X-CSRF-Token": None}, "csrf"), ({"X-CSRF-Token": "0" * 64}, "csrf"), ({"Origin": None}, "origin_missing"),
                          ({"Origin": "http://evil.example"}, "foreign_origin"), ({"Origin": "null"}, "foreign_origin"),
                          ({"Sec-Fetch-Site": "cross-site"}, "foreign_origin")):
        li.ask("POST", target, body, {"Idempotency-Key": uuid.uuid4().hex, **headers}).was(403, code)
    li.ask("POST", target, "action=note", {"Idempotency-Key": "x", "Content-Type": "application/x-www-form-urlencoded"}).was(415)
    li.ask("POST", target, json.dumps(body), {"Idempotency-Key": "x", "Content-Type": "text/plain"}).was(415)
    assert all(n["text"] != "forged" for n in li.get(f"/alerts/{part(alert['key'])}").json["notes"])


def test_a_token_reaches_its_scope_and_ends(room, li):
    bot = room.token(li, "li", [("viewer", "lvliang")])
    assert bot.get("/session").was(200).json["by"] == "token"
    bot.command(listed(bot)["key"], {"action": "note", "revision": 1, "text": "x"}).was(403, "forbidden")
    bot.ask("POST", "/accounts/li/tokens", {"note": "x", "days": 1}).was(403, "session_needed")
    of = li.get("/accounts/li/tokens").json["items"][-1]["id"]
    li.ask("DELETE", f"/accounts/li/tokens/{of}").was(204)
    bot.get("/session").was(401)
    li.ask("POST", "/accounts/li/tokens", {"note": "x", "days": 1, "scope": [{"role": "approver", "region": "*"}]}).was(422, "bad_grant")


def test_a_disabled_account_is_out_at_once(room):
    gone = room.person("gone", [("viewer", "*")])
    gone.get("/alerts").was(200)
    revision = room.admin.get("/accounts/gone").json["revision"]
    room.admin.ask("PATCH", "/accounts/gone", {"revision": revision, "disabled": True}).was(200)
    gone.get("/alerts").was(401)


def test_guessing_is_slowed_down_and_tells_nothing(room):
    room.person("guessed", [("viewer", "*")])
    one = room.nobody.ask("POST", "/session", {"account": "guessed", "password": WRONG}).was(401, "wrong_password")
    none = room.nobody.ask("POST", "/session", {"account": "nobody-at-all", "password": WRONG}).was(401, "wrong_password")
    assert one.body == none.body
    answers = [room.nobody.ask("POST", "/session", {"account": "guessed", "password": WRONG}) for _ in range(8)]
    assert answers[-1].status == 429 and int(answers[-1].headers["retry-after"]) >= 1
    room.nobody.ask("POST", "/session", {"account": "guessed", "password": PASSWORD}).was(429, "locked")


# ---- what is no request ----------------------------------------------------------------------------------------------

def status_of(said):
    assert said.startswith("HTTP/1.1 "), said[:200]
    return int(said.split()[1])


SMUGGLED = {
    "a length and chunks": "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a length with a sign": "Content-Length: +2\r\n\r\n{}",
    "an unknown encoding": "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "a blank before the colon": "Content-Length : 2\r\n\r\n{}",
    "a folded header": "X-A: b\r\n c\r\nContent-Length: 2\r\n\r\n{}",
    "no such chunk": "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("how", SMUGGLED)
def test_an_ambiguous_request_is_refused_and_what_follows_it_never_read(room, how):
    follow = "GET /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n"
    said = room.raw(f"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{SMUGGLED[how]}{follow}")
    assert status_of(said) == 400 and said.count("HTTP/1.1 ") == 1, said


@pytest.mark.parametrize("line,status", [
    ("GET /api/v1/../v1/health HTTP/1.1", 400), ("GET /api/v1/%2e%2e/health HTTP/1.1", 400), ("GET /api/v1/%00 HTTP/1.1", 400),
    ("GET /api//v1/health HTTP/1.1", 400), ("GET http://evil/api/v1/health HTTP/1.1", 400), ("GET /api/v1/" + "a" * 5000 + " HTTP/1.1", 414),
    ("NONSENSE", 400)])
def test_a_target_that_is_no_path_is_refused(room, line, status):
    assert status_of(room.raw(f"{line}\r\nHost: x\r\nConnection: close\r\n\r\n")) == status


def test_what_is_too_large_is_refused(room, li):
    assert status_of(room.raw("GET /api/v1/health HTTP/1.1\r\nHost: x\r\nX-A: " + "a" * 40_000 + "\r\n\r\n")) == 431
    assert status_of(room.raw("POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n")) == 413
    assert status_of(room.raw("GET /api/v1/health HTTP/1.1\r\nConnection: close\r\n\r\n")) == 400, "no Host"
    deep = "[" * 10_000
    li.ask("POST", "/alerts/shown", deep, {"Content-Type": "application/json"}).was(400, "malformed_json")
    li.ask("POST", "/alerts/shown", '{"console":"a","console":"b"}', {"Content-Type": "application/json"}).was(400, "malformed_json")
    items = [{"key": KEY, "revision": 1}] * 501
    li.ask("POST", "/alerts/shown", {"console": "a", "items": items}).was(422, "bad_body")
    assert room.nobody.get("/health").status == 200


def test_methods_and_parameters_that_there_are_not(room, li):
    assert room.admin.ask("PUT", "/alerts").was(405).headers["allow"] == "GET, HEAD"
    li.get("/alerts?colour=red").was(400, "bad_parameter")
    li.get("/nothing").was(404)
    assert "GET" in room.nobody.ask("TRACE", "/session").was(405).headers["allow"]


def test_headers_and_conditions(room, li):
    one = li.get("/rules").was(200)
    assert one.headers["x-content-type-options"] == "nosniff" and "default-src 'none'" in one.headers["content-security-policy"]
    assert one.headers["referrer-policy"] == "no-referrer" and one.headers["cache-control"] == "no-cache"
    assert li.ask("GET", "/rules", headers={"If-None-Match": one.headers["etag"]}).status == 304
    assert li.get("/session").headers["cache-control"] == "no-store"
    assert li.ask("HEAD", "/rules").was(200).body == b""


# ---- last: it looks at everything above ------------------------------------------------------------------------------

def test_no_secret_is_in_any_line_or_file(room, li, zhang):
    li.ask("DELETE", "/session").was(204)
    li.get("/session").was(401)
    printed = "\n".join(line for service in room.services.values() for line in service.lines("err"))
    said = "\n".join(line for service in room.services.values() for line in service.lines("out"))
    files = b"".join(p.read_bytes() for p in room.data.rglob("*") if p.is_file())
    assert len(files) > 100_000 and len(room.secrets) > 10
    one_time = room.secrets[2]
    for secret in room.secrets:
        assert secret not in printed
        assert secret == one_time or secret not in said, "but for the first account's, which is told there once"
        assert secret.encode() not in files
