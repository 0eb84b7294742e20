"""`qingchuan user`: accounts, passwords and tokens at the terminal. Nothing that is told once stands in any file, what was
done stands in the ledger, and the ledger of the alerts is still the one that `replay` makes again."""

import json
import os
import pty
import re
import select
import subprocess
from pathlib import Path

import pytest

import load
import packets
from harness import BINARY, CONFIG, PATIENCE, ROOT, create_log, eventually, feed, inject, process, run, tail_json

GOOD = "k7pd-xm2q-9fhr"
OTHER = "t4wb-9fhr-xm2q"


@pytest.fixture
def log(data):
    create_log(data, "wall")
    return data


def user(data, *args, **options):
    return run("user", *args, "--data", data, "--config", CONFIG, **options)


def told(data, *args):
    return json.loads(user(data, *args, "--format", "json").fine().out)


def accounts(data):
    lines = user(data, "list", "--format", "json").fine().out.splitlines()
    return {account["account"]: account for account in map(json.loads, lines)}


def entries(data):
    return [r["value"] for r in tail_json(data, "ledger") if r["key"].startswith("account/")]


def all_bytes(data):
    return b"".join(path.read_bytes() for path in sorted(Path(data).rglob("*")) if path.is_file())


def test_an_account_from_its_first_day_to_its_last(log):
    added = told(log, "add", "li", "--full-name", "李四", "--role", "operator@汾阳市", "--role", "viewer", "--office",
                 "指挥部办公室", "--who", "root")
    assert re.fullmatch(r"([2-9a-z]{4}-){3}[2-9a-z]{4}", added["password"]), added
    found = accounts(log)["li"]
    assert found["full_name"] == "李四" and found["offices"] == ["指挥部办公室"] and found["revision"] == 1
    assert found["roles"] == [{"role": "viewer", "region": "*"}, {"role": "operator", "region": "fenyang"}]
    assert found["change_password"] and not found["disabled"] and found["changed_by"] == "root"

    user(log, "change", "li", "--role", "operator@xiaoyi", "--revision", "1").fine()
    found = accounts(log)["li"]
    assert found["roles"] == [{"role": "operator", "region": "xiaoyi"}] and found["full_name"] == "李四"
    assert "stale_revision" in user(log, "change", "li", "--no-roles", "--revision", "1").refused().one_line()

    user(log, "password", "li", "--stdin", stdin=GOOD + "\n").fine()
    assert not accounts(log)["li"]["change_password"]
    user(log, "disable", "li").fine()
    assert accounts(log)["li"]["disabled"]
    assert "disabled" in user(log, "token", "li").refused().one_line()
    user(log, "enable", "li").fine()
    user(log, "sessions-end", "li").fine()

    did = entries(log)
    assert [e["what"] for e in did] == ["account_added", "account_changed", "password_set", "account_disabled",
                                        "account_enabled", "sessions_ended"]
    assert [e["id"] for e in did] == [f"users/account/li/{n}" for n in range(1, 7)]
    assert did[0]["who"] == "root" and did[0]["subject"] == "account/li" and "origin" not in did[0]
    assert did[1]["before"].startswith("viewer@*, operator@fenyang") and did[1]["after"].startswith("operator@xiaoyi")
    shown = user(log, "show", "li", "--lang", "en").fine().out
    assert shown.startswith("li (李四)  enabled\n") and "password_set" in shown


def test_tokens_are_made_listed_and_revoked(log):
    told(log, "add", "board", "--role", "operator@fenyang")
    made = told(log, "token", "board", "--role", "viewer@fenyang", "--days", "30", "--note", "大屏")
    assert re.fullmatch(rf"qct_{made['id']}_[0-9a-f]{{64}}", made["token"])
    (listed,) = [json.loads(line) for line in user(log, "tokens", "board", "--format", "json").fine().out.splitlines()]
    assert listed == {k: v for k, v in made.items() if k != "token"} and listed["note"] == "大屏"
    for scope in ("operator@xiaoyi", "viewer@*", "viewer", "admin", "approver@fenyang"):
        assert "bad_grant" in user(log, "token", "board", "--role", scope).refused().one_line(), scope
    user(log, "token", "board", "--days", "367").refused(2)
    user(log, "revoke", "board", made["id"]).fine()
    assert user(log, "tokens", "board", "--format", "json").fine().out == ""
    user(log, "revoke", "board", made["id"]).refused()
    assert [e["what"] for e in entries(log)] == ["account_added", "token_made", "token_revoked"]


@pytest.mark.parametrize("args, word", [
    (("add", "li"), "already_there"),
    (("add", "Li"), "bad_name"),
    (("add", "张三"), "bad_name"),
    (("add", "zhang", "--role", "admin@fenyang"), "bad_grant"),
    (("add", "zhang", "--full-name", "a\nb"), "bad_name"),
    (("change", "nobody", "--no-roles"), "unknown_account"),
    (("show", "nobody"), "unknown_account"),
    (("password", "nobody", "--one-time"), "unknown_account"),
    (("token", "nobody"), "unknown_account"),
    (("tokens", "nobody"), "unknown_account"),
    (("sessions-end", "nobody"), "unknown_account"),
    (("token", "li"), "bad_grant"),
])
def test_what_cannot_be_is_refused_with_its_word(log, args, word):
    user(log, "add", "li").fine()
    before = tail_json(log, "users")
    assert word in user(log, *args).refused().one_line()
    assert tail_json(log, "users") == before


@pytest.mark.parametrize("args", [("add", "zhang", "--role", "boss"), ("add", "zhang", "--role", "operator@nowhere"),
                                  ("change", "li"), ("password", "li", "--stdin", "--one-time"), ("password", "li"),
                                  ("change", "li", "--role", "viewer", "--no-roles"), ("add",), ()])
def test_what_makes_no_sense_is_a_usage_error(log, args):
    user(log, "add", "li").fine()
    user(log, *args, stdin="").refused(2)
    assert list(accounts(log)) == ["li"]


def test_the_last_admin_stays(log):
    user(log, "add", "boss", "--role", "admin").fine()
    assert "last_admin" in user(log, "disable", "boss").refused().one_line()
    assert "last_admin" in user(log, "change", "boss", "--no-roles").refused().one_line()
    user(log, "add", "second", "--role", "admin").fine()
    user(log, "disable", "boss").fine()


def test_weak_passwords_are_refused_and_never_said_again(log):
    user(log, "add", "zhang").fine()
    for weak in ("short", "123456789012345", "aaaaaaaaaaaaaaa", "Woaini1314520", "hello-zhang-9fhr", "x" * 600):
        ended = user(log, "password", "zhang", "--stdin", stdin=weak + "\n")
        assert ended.code in (1, 2), weak
        assert weak not in ended.out + ended.err
    assert accounts(log)["zhang"]["revision"] == 1


def test_nothing_that_is_told_once_stands_in_any_file(log):
    secrets = [told(log, "add", "li", "--role", "viewer")["password"]]
    user(log, "password", "li", "--stdin", stdin=GOOD + "\n").fine()
    secrets += [GOOD, told(log, "token", "li")["token"].split("_")[2]]
    secrets += [told(log, "password", "li", "--one-time")["password"]]
    user(log, "password", "li", "--stdin", stdin=OTHER + "\n").fine()
    held = all_bytes(log)
    assert b"account|li" in held and b"token|" in held
    for secret in secrets + [OTHER]:
        assert len(secret) >= 14 and secret.encode() not in held
    printed = run("tail", "users", "--data", log, "--from-beginning", "--until-end", "--format", "json").fine().out
    assert '"li"' in printed
    for record in tail_json(log, "users"):
        kept = record["value"] or {}
        assert not kept.get("token", {}).get("secretSha256") and not kept.get("account", {}).get("password", {}).get("hash")


def test_a_password_is_typed_twice_and_not_shown(log):
    user(log, "add", "li").fine()
    command = [str(BINARY), "user", "password", "li", "--data", str(log), "--config", str(CONFIG), "--lang", "en"]

    def typed(*lines):
        """(exit code, what the terminal showed, standard error)."""
        terminal, end = pty.openpty()
        shown, said = b"", b""
        process = subprocess.Popen(command, stdin=end, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
        os.close(end)
        os.set_blocking(process.stderr.fileno(), False)
        try:
            for prompt, line in zip((b"new password: ", b"once more: "), lines):
                def asked():
                    nonlocal said
                    said += process.stderr.read() or b""
                    return prompt in said
                eventually(asked, f"the prompt {prompt}")
                os.write(terminal, line.encode() + b"\n")
            process.wait(timeout=60 * PATIENCE)
            said += process.stderr.read() or b""
            while select.select([terminal], [], [], 0)[0]:
                try:
                    more = os.read(terminal, 4096)
                except OSError:  # the other end is closed
                    break
                if not more:
                    break
                shown += more
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
            process.stdout.close()
            process.stderr.close()
            os.close(terminal)
        return process.returncode, shown.decode(), said.decode()

    code, shown, said = typed(GOOD, OTHER)
    assert code == 2 and "not the same" in said and accounts(log)["li"]["revision"] == 1
    assert GOOD not in shown + said and OTHER not in shown + said
    code, shown, said = typed(GOOD, GOOD)
    assert code == 0, said
    assert GOOD not in shown + said and accounts(log)["li"]["revision"] == 2


def test_two_terminals_at_once_keep_one_account(log):
    """Both add it, both change it: one wins each time, and who reads the log afterwards sees the winner's."""
    names = [("add", "li", "--full-name", f"by{i}") for i in range(4)]
    running = [subprocess.Popen([str(BINARY), "user", *args, "--data", str(log), "--config", str(CONFIG)], cwd=ROOT,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE) for args in names]
    ended = [(p.communicate(timeout=60 * PATIENCE), p.returncode) for p in running]
    won = [i for i, (_, code) in enumerate(ended) if code == 0]
    assert len(won) == 1, ended
    assert accounts(log)["li"]["full_name"] == f"by{won[0]}"
    assert [e["what"] for e in entries(log)] == ["account_added"]


def test_replay_leaves_the_ledger_of_accounts_alone(data, tmp_path):
    create_log(data, "fed")
    load.write(tmp_path / "load.csv", sites=6, hours=8)
    feed(data, "--format", "csv", tmp_path / "load.csv").fine()
    process(data).fine()

    def replayed(*args):
        return run("replay", "--data", data, "--lang", "en", *args, timeout=600)

    def table():
        return replayed("--format", "csv").fine().out

    # Accounts before the alerts were ever run.
    before = table()
    user(data, "add", "li", "--role", "viewer").fine()
    assert table() == before
    run("alerts", "--data", data, "--until-end").fine()
    assert tail_json(data, "alerts"), "the load makes alerts"
    before = table()
    told(data, "token", "li")
    user(data, "password", "li", "--one-time").fine()
    assert table() == before
    # Not so what looks like one and is not.
    inject(data, [("ledger", 0, b"account/li", packets.block(1, "forged/account/li/9") + packets.block(2, "account/li"))])
    assert "unreadable ledger-0 at" in replayed().refused(2).out
