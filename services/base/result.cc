#include "base/result.h"

namespace qc {

std::string_view remedy(Errc code) {
  switch (code) {
    case Errc::config_invalid:
      return "mend the file and run `qingchuan check`";
    case Errc::file_unreadable:
      return "check the path and its permissions";
    case Errc::file_malformed:
      return "check --format against the file's first lines";
    case Errc::usage:
      return "see --help";
    case Errc::log_unavailable:
      return "it is tried again by itself";
    case Errc::log_abortable:
      return "it is sent again by itself";
    case Errc::log_fenced:
      return "it joins again by itself and goes on from the last commit; where another process has the partition, that "
             "one does";
    case Errc::log_fatal:
      return "restart the process; the log itself is not changed";
    case Errc::log_full:
      return "free some space; the service goes on by itself";
    case Errc::log_corrupt:
      return "restore the directory from a backup";
    case Errc::log_version:
      return "use the binary that wrote it, or a newer one";
    case Errc::log_timeline:
      return "use a log of its own for each timeline (--data)";
    case Errc::topic_unknown:
      return "create the log with this configuration, or name one of its topics";
    case Errc::record_too_large:
      return "send smaller packets or raise record_bytes_max";
    case Errc::partitions_changed:
      return "a partition count is for ever; put the old one back into the configuration";
    case Errc::queue_full:
      return "it is tried again by itself";
    case Errc::log_refused:
      return "check user, password and certificates under `kafka: settings`, and the rights they have at the broker";
    case Errc::copy_refused:
      return "nothing that was there is changed";
    case Errc::state_version:
      return "use the binary that wrote it, or a newer one";
    case Errc::state_corrupt:
      return "delete the state topic's records: state is a fold and will be built again";
    case Errc::snapshot_invalid:
      return "name another one, or make one with `qingchuan replay snapshot`";
    case Errc::rules_missing:
      return "run `feed` or `up` with the configuration that made the log";
    case Errc::clock_jump:
      return "set the clock; the service goes on by itself (or --accept-clock at start)";
    case Errc::port_in_use:
      return "choose another port (--listen)";
    case Errc::peer_unavailable:
      return "it is tried again by itself";
    case Errc::peer_untrusted:
      return "check the receiver's certificate, and `ca_file` and `server_name`";
    case Errc::stopped:
      return "";
  }
  return "";
}

std::string describe(const Error& error) {
  std::string line = "E" + std::to_string(static_cast<int>(error.code)) + " " + error.text;
  const std::string_view what_to_do = remedy(error.code);
  if (!what_to_do.empty()) {
    line += "; ";
    line += what_to_do;
  }
  return line;
}

}  // namespace qc
