#!/usr/bin/env python3
"""Holds the rules of the house over this tree, and shows on small broken trees that each rule finds what it forbids.

    python3 tests/house/house_test.py
"""

import shutil
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
import rules

ROOT = Path(__file__).resolve().parents[2]
HEAD = "// What it is.\n#pragma once\n"


class ThisTree(unittest.TestCase):
    """One test a rule, so that the summary names the broken one."""


def over_this_tree(rule):
    def test(self):
        found = rule(ROOT, rules.committed_files(ROOT))
        self.assertFalse(found, f"\n\n{rule.__name__}:\n  " + "\n  ".join(found))
    return test


for each in rules.ALL:
    setattr(ThisTree, f"test_{each.__name__}", over_this_tree(each))


class Broken(unittest.TestCase):
    def tree(self, files):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        root = Path(holder.name)
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        return root

    def found(self, rule, files):
        root = self.tree(files)
        return rule(root, rules.committed_files(root))

    def assert_include(self, allowed, room, line, test=False):
        targets = {f"services/{other}/a.h": HEAD for other in rules.MAY_INCLUDE}
        name = f"services/{room}/b{'_test' if test else ''}.cc"
        found = self.found(rules.include_rules, {**targets, name: line + "\n"})
        self.assertEqual(allowed, not found, f"{room}: {line}: {found}")

    def test_core_may_include_only_itself_base_and_the_standard_library(self):
        self.assert_include(True, "core", '#include "core/a.h"')
        self.assert_include(True, "core", '#include "base/a.h"')
        self.assert_include(True, "core", "#include <vector>")
        self.assert_include(True, "core", "#include <chrono>")
        self.assert_include(False, "core", '#include "wire/a.h"')
        self.assert_include(False, "core", '#include "stream/a.h"')
        self.assert_include(False, "core", "#include <boost/geometry.hpp>")
        self.assert_include(False, "core", "#include <unistd.h>")
        self.assert_include(False, "core", '#include "qingchuan/v1/input.pb.h"')

    def test_core_has_no_clock_thread_file_or_chance(self):
        for header in ("thread", "mutex", "fstream", "iostream", "random", "ctime"):
            self.assert_include(False, "core", f"#include <{header}>")
        self.assert_include(False, "core", "auto t = std::chrono::system_clock::now();")
        self.assert_include(False, "core", 'std::cerr << "late";')
        self.assert_include(False, "core", "auto t = Clock::now();")
        self.assert_include(True, "core", "// now() is the greatest tick; printf would be a log line")
        self.assert_include(True, "core", "EventTime ReadingStage::now() const { return tick_; }")

    def test_a_core_test_may_read_files_and_shuffle(self):
        self.assert_include(True, "core", "#include <fstream>", test=True)
        self.assert_include(True, "core", "#include <random>", test=True)
        self.assert_include(False, "core", '#include "wire/a.h"', test=True)

    def test_a_helper_that_only_core_tests_include_is_a_test(self):
        helper = {"services/core/shuffle.h": HEAD + "#include <random>\n", "services/core/shuffle.cc": '#include "core/shuffle.h"\n#include <fstream>\n',
                  "services/core/a_test.cc": '#include "core/shuffle.h"\n'}
        self.assertFalse(self.found(rules.include_rules, helper))
        self.assertTrue(self.found(rules.include_rules, {**helper, "services/core/a.cc": '#include "core/shuffle.h"\n'}))
        del helper["services/core/a_test.cc"]
        self.assertTrue(self.found(rules.include_rules, helper))

    def test_wire_includes_core_but_neither_stream_nor_platform(self):
        self.assert_include(True, "wire", '#include "core/a.h"')
        self.assert_include(True, "wire", '#include "qingchuan/v1/input.pb.h"')
        self.assert_include(False, "wire", '#include "stream/a.h"')
        self.assert_include(False, "wire", '#include "platform/a.h"')
        self.assert_include(False, "wire", '#include "processor/a.h"')

    def test_stream_and_platform_know_nothing_of_the_domain(self):
        for room in ("stream", "platform"):
            self.assert_include(True, room, '#include "base/a.h"')
            self.assert_include(False, room, '#include "core/a.h"')
            self.assert_include(False, room, '#include "wire/a.h"')
            self.assert_include(False, room, '#include "qingchuan/v1/input.pb.h"')
        self.assert_include(False, "stream", '#include "platform/a.h"')
        self.assert_include(False, "platform", '#include "stream/a.h"')
        self.assert_include(True, "platform", '#include "qingchuan/v1/config.pb.h"')

    def test_a_service_never_includes_another_service(self):
        self.assert_include(True, "alerts", '#include "stream/a.h"')
        self.assert_include(True, "alerts", '#include "alerts/a.h"')
        self.assert_include(False, "alerts", '#include "processor/a.h"')
        self.assert_include(False, "alerts", '#include "qingchuan/a.h"')
        self.assert_include(True, "qingchuan", '#include "processor/a.h"')

    def test_an_include_path_begins_with_its_room(self):
        self.assert_include(False, "stream", '#include "a.h"')
        self.assert_include(False, "stream", '#include "../core/a.h"')

    def test_an_unknown_room_is_found(self):
        self.assertTrue(self.found(rules.include_rules, {"services/cellar/a.cc": "int x;\n"}))

    def test_a_long_file_is_found(self):
        long = {"services/core/a.cc": "int x;\n" * (rules.LINES_MAX + 1)}
        fits = {"services/core/a.cc": "int x;\n" * rules.LINES_MAX}
        self.assertTrue(self.found(rules.length_rules, long))
        self.assertFalse(self.found(rules.length_rules, fits))

    def test_a_header_without_paragraph_or_guard_is_found(self):
        self.assertFalse(self.found(rules.header_rules, {"services/core/a.h": HEAD}))
        self.assertTrue(self.found(rules.header_rules, {"services/core/a.h": "#pragma once\n"}))
        self.assertTrue(self.found(rules.header_rules, {"services/core/a.h": "// What it is.\nint x;\n#pragma once\n"}))

    def test_a_room_without_readme_is_found(self):
        self.assertTrue(self.found(rules.readme_rules, {"services/core/a.h": HEAD}))
        self.assertTrue(self.found(rules.readme_rules, {"services/core/README.md": "", "services/core/b/a.h": HEAD}))
        self.assertFalse(self.found(rules.readme_rules, {"services/core/a.h": HEAD, "services/core/README.md": "# core\n"}))

    def test_a_path_of_one_machine_is_found(self):
        for folder in ("work/main", "root/x", "tmp/x", "home/li/x", "Users/li/x"):
            self.assertTrue(self.found(rules.machine_path_rules, {"docs/a.md": f"see /{folder}\n"}), folder)
        for harmless in ("framework/main", "services/work/x", "https://a.example/root/x", "var/log", "$TMPDIR/tmp/x"):
            self.assertFalse(self.found(rules.machine_path_rules, {"docs/a.md": f"see {harmless}\n"}), harmless)

    def test_the_place_of_the_checkout_is_found(self):
        root = self.tree({"docs/a.md": ""})
        (root / "docs/a.md").write_text(f"built in {root.resolve()}/build\n")
        self.assertTrue(rules.machine_path_rules(root, ["docs/a.md"]))

    def test_unfinished_work_is_found(self):
        self.assertTrue(self.found(rules.unfinished_rules, {"services/core/a.cc": "// TO" + "DO later\n"}))

    def test_a_broken_script_is_found(self):
        def judge(text, mode=0o755):
            root = self.tree({"deploy/a.sh": text})
            (root / "deploy/a.sh").chmod(mode)
            return rules.script_rules(root, ["deploy/a.sh"])
        good = "#!/usr/bin/env bash\nset -euo pipefail\necho a\n"
        self.assertFalse(judge(good))
        self.assertTrue(judge(good, mode=0o644))
        self.assertTrue(judge(good + "if true; then\n"))
        self.assertTrue(judge("#!/usr/bin/env bash\necho a\n"))

    @unittest.skipUnless(shutil.which("shellcheck"), "shellcheck is missing: deploy/install.sh lint")
    def test_what_shellcheck_warns_of_is_found(self):
        root = self.tree({"deploy/a.sh": "#!/usr/bin/env bash\nset -euo pipefail\necho $(ls) \"$unset\"\n"})
        (root / "deploy/a.sh").chmod(0o755)
        found = rules.script_rules(root, ["deploy/a.sh"])
        self.assertTrue(any("SC2154" in line and line.startswith("deploy/a.sh:3:") for line in found), found)

    def test_a_check_disabled_without_a_reason_is_found(self):
        config = "Checks: >\n  -*,\n  bugprone-*,\n  -bugprone-x\n"
        self.assertTrue(self.found(rules.tidy_rules, {".clang-tidy": config}))
        self.assertFalse(self.found(rules.tidy_rules, {".clang-tidy": "# -bugprone-x: it is wrong here\n" + config}))

    def test_an_alert_on_a_metric_that_nobody_exports_is_found(self):
        code = {"services/stream/a.cc": 'Name("qingchuan_lag_records"); Name("qingchuan_commit_seconds");\n'}
        good = {**code, "deploy/prometheus/alerts.yml": "expr: qingchuan_lag_records > rate(qingchuan_commit_seconds_bucket[5m])\n"}
        bad = {**code, "deploy/prometheus/alerts.yml": "expr: qingchuan_lags > 0\n"}
        self.assertFalse(self.found(rules.metric_rules, good))
        self.assertTrue(self.found(rules.metric_rules, bad))


if __name__ == "__main__":
    unittest.main()
