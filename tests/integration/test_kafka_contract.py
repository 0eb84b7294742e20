"""The unit tests that need a broker (they say "skipped" without one), on a real one: the log's contract on Kafka, its faults
at the level of the client, a copied log."""

import os
import subprocess

import kafka_cluster


def run(binary, tests, address):
    done = subprocess.run([os.environ[binary], f"--gtest_filter={tests}"], env=os.environ | {"QC_KAFKA": address},
                          capture_output=True, text=True, timeout=600)
    tail = done.stdout[-6000:] + done.stderr[-2000:]
    assert done.returncode == 0, tail
    assert "SKIPPED" not in done.stdout, tail
    print("\n" + "\n".join(line for line in done.stdout.splitlines() if "tests ran" in line or "PASSED" in line))


def test_the_contract_and_the_faults_hold_on_a_real_broker(tmp_path):
    with kafka_cluster.running(tmp_path / "kafka", 1) as cluster:
        run("QC_STREAM_TEST", "Kafka/*:KafkaFault*", cluster.brokers)
        run("QC_COMMANDS_TEST", "CopyLog.ToARealKafka", cluster.brokers)
