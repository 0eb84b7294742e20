#include "platform/web_shared.h"

#include "base/assert.h"
#include "platform/log.h"

namespace qc::platform {

namespace asio = boost::asio;

namespace {

// Streams that are written to before others are looked after: about a millisecond.
constexpr std::size_t kReadyBatch = 64;

}  // namespace

// WebReply

WebReply::Target::~Target() {
  if (connection != nullptr) shared->post([held = std::move(connection)] {});
}

WebReply::WebReply(std::unique_ptr<Target> target) : target_(std::move(target)) {}
WebReply::WebReply(WebReply&&) noexcept = default;

WebReply& WebReply::operator=(WebReply&& other) noexcept {
  if (this != &other) {
    WebReply ended(std::move(*this));  // answers 500 if it has not been called
    target_ = std::move(other.target_);
  }
  return *this;
}

WebReply::~WebReply() {
  if (target_ == nullptr) return;
  try {
    log_limited("web.reply", 1, Level::error, "web request was not answered");
    (*this)(target_->shared->problem(500, "The request could not be answered; see the log."));
  } catch (const std::exception&) {
    // No memory: the connection is closed (Target's destructor).
  }
}

void WebReply::operator()(WebResponse response) {
  QC_ASSERT(target_ != nullptr);  // one answer for one request
  const std::unique_ptr<Target> target = std::move(target_);
  WebShared& shared = *target->shared;
  WebAnswer answer = make_answer(std::move(response), target->asked, shared.options.compress_from);
  // The connection moves on, so that it ends in the socket thread.
  shared.post([connection = std::move(target->connection), answer = std::move(answer)]() mutable {
    connection->answer(std::move(answer));
  });
}

// What the connections share

WebSlot::WebSlot(WebShared& shared, const asio::ip::address& peer, bool rejected)
    : shared_(&shared), peer_(peer), rejected_(rejected) {
  ++shared.connections_open;
  if (rejected_) {
    ++shared.rejecting;
  } else {
    ++shared.peers[peer_];
  }
}

void WebSlot::release() {
  WebShared* const shared = std::exchange(shared_, nullptr);
  if (shared == nullptr) return;
  --shared->connections_open;
  if (rejected_) {
    --shared->rejecting;
  } else if (const auto found = shared->peers.find(peer_); --found->second == 0) {
    shared->peers.erase(found);
  }
}

void WebShared::enter(WebConnection& connection) {
  connection.index_ = connections.size();
  connections.push_back(&connection);
}

void WebShared::leave(WebConnection& connection) {
  const std::size_t index = std::exchange(connection.index_, static_cast<std::size_t>(-1));
  if (index == static_cast<std::size_t>(-1)) return;
  connections[index] = connections.back();
  connections[index]->index_ = index;
  connections.pop_back();
  connection.index_ = static_cast<std::size_t>(-1);  // where it was the last itself
  drained();
}

// One task for however many streams a publisher wakes at a time.
void WebShared::make_ready(std::shared_ptr<WebConnection> connection) {
  ready.push_back(std::move(connection));
  if (std::exchange(ready_posted, true)) return;
  asio::post(io, [this] { run_ready(); });
}

void WebShared::run_ready() {
  for (std::size_t i = 0; i < kReadyBatch && ready_next < ready.size(); ++i) {
    std::exchange(ready[ready_next++], nullptr)->pump();
  }
  if (ready_next < ready.size()) {
    asio::post(io, [this] { run_ready(); });
    return;
  }
  ready.clear();
  ready_next = 0;
  ready_posted = false;
}

WebResponse WebShared::problem(int status, std::string_view detail) const {
  if (options.problem) {
    try {
      return options.problem(status, detail);
    } catch (const std::exception& error) {
      log_limited("web.problem", 1, Level::error, "web error page failed", {{"reason", error.what()}});
    }
  }
  WebResponse response;
  response.status = status;
  response.body = std::make_shared<const std::string>(std::string(detail) + "\n");
  return response;
}

bool WebShared::enqueue(WebRequest& request, std::unique_ptr<WebReply::Target>& target) {
  const std::lock_guard<std::mutex> lock(mutex);
  if (queue.size() >= options.queue_max) return false;
  queue.push_back({std::move(request), WebReply(std::move(target))});
  arrived.notify_one();
  return true;
}

// While stopping: with the last connection gone nothing is left to wait for, and run() returns.
void WebShared::drained() {
  if (!stopping || !connections.empty()) return;
  stop_timer.cancel();
  sweep_timer.cancel();
}

}  // namespace qc::platform
