"""A scan of the running console by schemathesis against its own OpenAPI document: what it sends is made from the document,
sense and nonsense, and every answer must be one that the document allows. No finding is accepted.

QC_SCAN_EXAMPLES: requests an operation in the fuzzing phase (default 20; more for docs/shown.md). QC_SEED: of them.
"""

import os
import re
import subprocess

import pytest

from configs import edited
from harness import CONFIG, ROOT, create_log, feed, inject_alerts, process
from web_client import first_password, ready, sign_in, web_of

SCANNER = ROOT / "build" / "tools" / "schemathesis" / "bin" / "st"
EXAMPLES = int(os.environ.get("QC_SCAN_EXAMPLES", "20"))
SEED = int(os.environ.get("QC_SEED", "1"))
# What the document cannot say: that a valid body is refused for its state is right (422, 409), and an operation that ends
# the session of the scanner, or never ends, is none to scan.
LEFT_OUT = ("positive_data_acceptance", "use_after_free", "ensure_resource_availability")
NOT_SCANNED = (("DELETE", "/session"), ("POST", "/session"), ("POST", "/password"), ("GET", "/stream"))
# Beside its own list: what is too large (413, 414, 431) is refused before its sense is looked at.
SETTINGS = """
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 414, 415, 422, 428, 429, 431]
"""
BEGAN_MS = 1_790_000_000_000


def small_csv(path):
    path.write_text("time,site,factor,value,unit\n" + "".join(
        f"2026-01-10T{hour:02d}:{minute:02d},LL0301,PM2.5,{50 + hour},ug/m3\n" for hour in range(8) for minute in range(0, 60, 1)))
    return path


@pytest.mark.skipif(not SCANNER.exists(), reason="skipped: no schemathesis (deploy/install.sh test)")
def test_a_scan_by_the_api_document_finds_nothing(services, data, tmp_path):
    create_log(data, "fed", CONFIG)
    feed(data, "--format", "csv", small_csv(tmp_path / "small.csv")).fine()
    process(data).fine()
    inject_alerts(data, (f"LL0301 {1} {i % 3 + 1} {BEGAN_MS + i}" if i == 0 else f"S{i} 1 {i % 3 + 1} {BEGAN_MS + i}"
                         for i in range(30)))
    settings = edited(tmp_path / "config", (CONFIG.name, "requests_per_minute: 1200", "requests_per_minute: 1000000"),
                      (CONFIG.name, "answer_within: 5s", "answer_within: 500ms"))
    console = services("console", "--data", data, "--config", settings / CONFIG.name, "--listen", "127.0.0.1:0")
    address = web_of(console)
    password = first_password(console)
    ready(address)
    web = sign_in(address, "admin", password)
    new = "scan with 7 open eyes"
    assert web.ask("POST", "/api/v1/password", {"old_password": password, "new_password": new})[0] in (200, 204)
    web = sign_in(address, "admin", new)
    grants = [{"role": role, "region": "*"} for role in ("viewer", "operator", "approver", "dispatcher", "admin")]
    status, _, body = web.ask("POST", "/api/v1/accounts", {"name": "prober", "full_name": "扫描", "grants": grants})
    assert status == 201, body
    web = sign_in(address, "prober", body["password"])
    assert web.ask("POST", "/api/v1/password", {"old_password": body["password"], "new_password": new + "!"})[0] in (200, 204)
    web = sign_in(address, "prober", new + "!")
    names = [part for method, path in NOT_SCANNED for part in ("--exclude-name", f"{method} {path}")]
    headers = {"Cookie": web.cookie, "X-CSRF-Token": web.csrf, "Origin": f"http://{address}"}
    (tmp_path / "schemathesis.toml").write_text(SETTINGS)
    done = subprocess.run(
        [str(SCANNER), "run", f"http://{address}/api/v1/openapi.json", "--checks", "all", "--exclude-checks",
         ",".join(LEFT_OUT), *names, "--max-examples", str(EXAMPLES), "--phases", "examples,coverage,fuzzing", "--seed",
         str(SEED), "--continue-on-failure", "--request-timeout", "20", "--suppress-health-check", "all", "--no-color",
         *[part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]],
        capture_output=True, text=True, cwd=tmp_path, timeout=1500)
    said = done.stdout[-12000:]
    for secret in (web.cookie.split("=", 1)[1], web.csrf, password, new, body["password"]):
        said = said.replace(secret, "***")
        assert secret not in "\n".join(console.lines("err")), "a secret stands in the log"
    assert done.returncode == 0, said + done.stderr[-2000:]
    cases = re.search(r"(\d+) generated", done.stdout) or re.search(r"Test cases:\s*\n?\s*(\d+)", done.stdout)
    print(f"\nschemathesis: no finding; {cases.group(0) if cases else said.splitlines()[-3:]}")
    assert console.alive(), console.text()
    assert console.stop() == 0, console.text()
