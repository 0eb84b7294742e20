#!/usr/bin/env bash
# A real Apache Kafka (KRaft, no ZooKeeper) on this machine alone, for tests, benchmarks and trying things out. Not for
# production: it listens on loopback, and forgets nothing but what you delete.
#
#   deploy/kafka/kafka.sh fetch                               the jars, by Maven, into build/kafka (54 MB, once)
#   deploy/kafka/kafka.sh start DIR [--brokers 1|3] [--port P]
#                                                             makes DIR and starts the brokers; or those of DIR again
#   deploy/kafka/kafka.sh kill DIR N                          SIGKILL broker N
#   deploy/kafka/kafka.sh stop DIR [N]                        SIGTERM all brokers, or broker N, and waits (20 s, then
#                                                             SIGKILL)
#   deploy/kafka/kafka.sh status DIR
#   deploy/kafka/kafka.sh tool CLASS ARGS...                  one of Kafka's own tools, as org.apache.kafka.tools.TopicCommand
#
# Broker N (1, 2, 3) listens on 127.0.0.1: plain on P + 10 (N - 1) (P: 9092), TLS with SASL/SCRAM-SHA-512 on the next
# port, and for the other brokers on the one after. DIR/client.properties is a librdkafka configuration of the secure
# listener: its user, its password (made at random for DIR, readable by you alone) and DIR/ca.pem.
# Needs: a Java runtime 17 and Maven (deploy/install.sh kafka).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
jars=${QC_KAFKA_JARS:-$here/../../build/kafka}
ready_seconds=60
stop_seconds=20  # then SIGKILL

die() {
  echo "kafka: $*" >&2
  exit 1
}

need() { command -v "$1" >/dev/null || die "$1 is missing: deploy/install.sh kafka"; }

fetch() {
  need java
  if compgen -G "$jars/kafka_2.13-*.jar" >/dev/null; then return; fi
  need mvn
  echo "kafka: fetching Apache Kafka"
  mkdir -p "$jars"
  mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$jars" </dev/null ||
    die "Maven could not fetch it; its own words are above"
}

java_run=(java -Xmx512m -XX:+UseSerialGC "-Dlog4j.configuration=file:$here/log4j.properties" -cp "$jars/*")

port_of() { echo $(($(<"$1/port") + 10 * ($2 - 1))); }

# The process, if it is still that broker of ours.
pid_of() {
  local pid
  pid=$(cat "$1/broker-$2/pid" 2>/dev/null) || return 1
  { tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null | grep -qF "$1/broker-$2/server.properties" || return 1
  echo "$pid"
}

make_secrets() {
  local dir=$1 password
  password=$(head -c 24 /dev/urandom | base64 | tr -d '/+=')
  (
    umask 077
    printf '%s' "$password" >"$dir/password"
    keytool -genkeypair -alias broker -keyalg EC -groupname secp256r1 -validity 3650 -dname CN=localhost \
      -ext san=dns:localhost,ip:127.0.0.1 -storetype PKCS12 -keystore "$dir/keystore.p12" -storepass:file "$dir/password" \
      2>/dev/null
    cat >"$dir/client.properties" <<EOF
bootstrap.servers=localhost:$(($(<"$dir/port") + 1))
security.protocol=SASL_SSL
sasl.mechanism=SCRAM-SHA-512
sasl.username=qingchuan
sasl.password=$password
ssl.ca.location=$dir/ca.pem
EOF
  )
  keytool -exportcert -rfc -alias broker -keystore "$dir/keystore.p12" -storepass:file "$dir/password" \
    >"$dir/ca.pem" 2>/dev/null
}

write_properties() {
  local dir=$1 n=$2 brokers=$3 port voters="" i isr=1
  port=$(port_of "$dir" "$n")
  for ((i = 1; i <= brokers; ++i)); do voters+="${voters:+,}$i@127.0.0.1:$(($(port_of "$dir" "$i") + 2))"; done
  if [[ $brokers -gt 1 ]]; then isr=2; fi
  mkdir -p "$dir/broker-$n"
  (umask 077 && cat >"$dir/broker-$n/server.properties") <<EOF
process.roles=broker,controller
node.id=$n
controller.quorum.voters=$voters
listeners=PLAIN://127.0.0.1:$port,SECURE://127.0.0.1:$((port + 1)),CONTROLLER://127.0.0.1:$((port + 2))
advertised.listeners=PLAIN://127.0.0.1:$port,SECURE://localhost:$((port + 1))
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAIN
listener.security.protocol.map=PLAIN:PLAINTEXT,SECURE:SASL_SSL,CONTROLLER:PLAINTEXT
listener.name.secure.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.secure.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PKCS12
ssl.keystore.location=$dir/keystore.p12
ssl.keystore.password=$(<"$dir/password")
log.dirs=$dir/broker-$n/data
auto.create.topics.enable=false
default.replication.factor=$brokers
min.insync.replicas=$isr
offsets.topic.replication.factor=$brokers
offsets.topic.num.partitions=5
transaction.state.log.replication.factor=$brokers
transaction.state.log.min.isr=$isr
transaction.state.log.num.partitions=5
share.coordinator.state.topic.replication.factor=$brokers
share.coordinator.state.topic.min.isr=$isr
group.initial.rebalance.delay.ms=0
# Tests kill members and wait for the group to notice.
group.min.session.timeout.ms=500
# Transactions that a killed worker left open end soon: nobody can read past them.
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
EOF
}

make() {
  local dir=$1 brokers=$2 port=$3 n cluster
  mkdir -p "$dir"
  echo "$port" >"$dir/port"
  echo "$brokers" >"$dir/brokers"
  make_secrets "$dir"
  # Never with '-' in front: the tool would take it for an option.
  cluster=Q$(head -c 16 /dev/urandom | base64 | tr '/+' '_-' | tr -d '=' | cut -c 2-)
  for ((n = 1; n <= brokers; ++n)); do
    write_properties "$dir" "$n" "$brokers"
    "${java_run[@]}" kafka.tools.StorageTool format -t "$cluster" -c "$dir/broker-$n/server.properties" \
      --add-scram "SCRAM-SHA-512=[name=qingchuan,password=$(<"$dir/password")]" >"$dir/broker-$n/log" 2>&1 ||
      die "broker $n could not be formatted; see $dir/broker-$n/log"
  done
}

start_one() {
  local dir=$1 n=$2
  if pid_of "$dir" "$n" >/dev/null; then return; fi
  : >"$dir/broker-$n/log"
  nohup "${java_run[@]}" kafka.Kafka "$dir/broker-$n/server.properties" </dev/null >>"$dir/broker-$n/log" 2>&1 &
  echo $! >"$dir/broker-$n/pid"
}

wait_ready() {
  local dir=$1 n=$2 until=$((SECONDS + ready_seconds))
  while ! grep -q "Kafka Server started" "$dir/broker-$n/log"; do
    kill -0 "$(<"$dir/broker-$n/pid")" 2>/dev/null || die "broker $n ended; see $dir/broker-$n/log"
    if [[ $SECONDS -ge $until ]]; then die "broker $n is not ready after $ready_seconds s; see $dir/broker-$n/log"; fi
    sleep 0.1
  done
}

start() {
  local dir=$1 brokers=1 port=9092 n
  shift
  while [[ $# -gt 0 ]]; do
    case $1 in
      --brokers) brokers=${2:-}; shift 2 ;;
      --port) port=${2:-}; shift 2 ;;
      *) die "unknown option $1" ;;
    esac
  done
  [[ $brokers == 1 || $brokers == 3 ]] || die "--brokers: 1 or 3"
  [[ $port =~ ^[0-9]{4,5}$ && $port -gt 1023 && $port -lt 65500 ]] || die "--port: 1024 to 65499"
  fetch
  mkdir -p "$dir"
  dir=$(cd "$dir" && pwd)
  if [[ ! -f $dir/brokers ]]; then make "$dir" "$brokers" "$port"; fi
  brokers=$(<"$dir/brokers")
  for ((n = 1; n <= brokers; ++n)); do start_one "$dir" "$n"; done
  for ((n = 1; n <= brokers; ++n)); do wait_ready "$dir" "$n"; done
  status "$dir"
}

# Of brokers N...: all at once, because the last of three waits in vain for a controller.
end() {
  local signal=$1 dir=$2 n pid until=$((SECONDS + stop_seconds))
  shift 2
  for n in "$@"; do
    if pid=$(pid_of "$dir" "$n"); then kill "-$signal" "$pid"; fi
  done
  for n in "$@"; do
    while pid=$(pid_of "$dir" "$n"); do
      if [[ $SECONDS -ge $until ]]; then kill -KILL "$pid"; fi
      sleep 0.1
    done
    rm -f "$dir/broker-$n/pid"
  done
}

status() {
  local dir=$1 n
  for ((n = 1; n <= $(<"$dir/brokers"); ++n)); do
    if pid_of "$dir" "$n" >/dev/null; then
      echo "kafka: broker $n runs: plain 127.0.0.1:$(port_of "$dir" "$n"), secure localhost:$(($(port_of "$dir" "$n") + 1))"
    else
      echo "kafka: broker $n is down"
    fi
  done
}

known() {
  [[ -f ${1:-}/brokers ]] || die "no Kafka was made in '${1:-}'"
  (cd "$1" && pwd)
}

command=${1:-}
shift || true
case $command in
  fetch) fetch ;;
  start) [[ $# -ge 1 ]] || die "start DIR"; start "$@" ;;
  kill) dir=$(known "${1:-}"); end KILL "$dir" "${2:?kafka: kill DIR N}" ;;
  stop)
    dir=$(known "${1:-}")
    mapfile -t brokers < <(seq 1 "$(<"$dir/brokers")")
    end TERM "$dir" "${2:-${brokers[@]}}"
    ;;
  status) status "$(known "${1:-}")" ;;
  tool) fetch; [[ $# -ge 1 ]] || die "tool CLASS ARGS..."; exec "${java_run[@]}" "$@" ;;
  *) sed -n '2,/^set /{/^#/{s/^# \{0,1\}//;p}}' "$0"; exit 2 ;;
esac
