#include "console/identity_guard.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <limits>
#include <span>

#include "platform/hmac.h"

namespace qc::console {
namespace {

using std::chrono::seconds;

std::string guarded_account(const std::string& account) {
  return account.empty() ? std::string() : "a|" + account;
}

std::string guarded_peer(const std::string& peer) {
  if (peer.empty()) return {};
  std::array<std::uint8_t, 16> address{};
  constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};  // ::ffff:1.2.3.4
  if (inet_pton(AF_INET6, peer.c_str(), address.data()) == 1 &&
      !std::equal(kMapped.begin(), kMapped.end(), address.begin()))
    return "p|" + platform::hex(std::span(address).first(8)) + "/64";
  return "p|" + peer;
}

}  // namespace

seconds Guard::left_of(const std::string& key, core::EventTime now) const {
  const auto it = entries_.find(key);
  if (it == entries_.end() || it->second.locked_until <= now) return seconds(0);
  return std::chrono::ceil<seconds>(it->second.locked_until - now);
}

seconds Guard::wait(const std::string& account, const std::string& peer, core::EventTime now) const {
  return std::max(left_of(guarded_account(account), now), left_of(guarded_peer(peer), now));
}

seconds Guard::begin(const std::string& account, const std::string& peer, core::EventTime now) {
  if (const seconds left = wait(account, peer, now); left.count() > 0) return left;
  forget_old(now);
  fail(guarded_account(account), now);
  fail(guarded_peer(peer), now);
  return seconds(0);
}

void Guard::fail(const std::string& key, core::EventTime now) {
  if (key.empty()) return;
  auto it = entries_.find(key);
  if (it == entries_.end()) {
    if (entries_.size() >= options_.watched_max) {
      entries_.erase(by_age_.front());
      by_age_.pop_front();
    }
    by_age_.push_back(key);
    it = entries_.emplace(key, Entry{0, now, {}, std::prev(by_age_.end())}).first;
  } else {
    by_age_.splice(by_age_.end(), by_age_, it->second.place);
  }
  Entry& e = it->second;
  if (is_old(e, now)) e.failures = 0;
  e.last = now;
  if (e.failures < std::numeric_limits<int>::max()) ++e.failures;
  if (e.failures < options_.failures_before_delay) return;
  const int doubled = e.failures - options_.failures_before_delay;
  seconds lock = options_.lock_first;
  for (int i = 0; i < doubled && lock < options_.lock_max; ++i) lock *= 2;
  e.locked_until = now + std::min(lock, options_.lock_max);
}

int Guard::take_back(const std::string& key, int failures) {
  const auto it = entries_.find(key);
  if (it == entries_.end()) return 0;
  const int had = it->second.failures;
  it->second.failures = had - std::min(failures, had);
  if (it->second.failures < options_.failures_before_delay) it->second.locked_until = {};
  if (it->second.failures == 0) {
    by_age_.erase(it->second.place);
    entries_.erase(it);
  }
  return had;
}

void Guard::succeeded(const std::string& account, const std::string& peer) {
  const int of_account = take_back(guarded_account(account), std::numeric_limits<int>::max());
  take_back(guarded_peer(peer), std::max(1, of_account));
}

void Guard::undo(const std::string& account, const std::string& peer) {
  take_back(guarded_account(account), 1);
  take_back(guarded_peer(peer), 1);
}

bool Guard::is_old(const Entry& entry, core::EventTime now) const {
  return std::max(entry.last, entry.locked_until) + options_.lock_max <= now;
}

void Guard::forget_old(core::EventTime now) {
  while (!by_age_.empty()) {
    const auto it = entries_.find(by_age_.front());
    if (!is_old(it->second, now)) return;
    entries_.erase(it);
    by_age_.pop_front();
  }
}

}  // namespace qc::console
