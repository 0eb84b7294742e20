// What the connections of a web server share with it and with each other. For web_server.cc and web_session.cc alone.
//
// Threads: the socket thread (the one that runs `io`), except what is said to be otherwise. Ownership: asio's handlers
// hold the connections, so one lives as long as anything is outstanding for it; a request that is being answered holds
// both its connection and this (WebReply::Target), so that an answer may come after the server is gone, and is dropped.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "platform/web_answer.h"
#include "platform/web_server.h"

namespace boost::asio::ssl {
class context;
}

namespace qc::platform {

struct WebShared;

// One of the connections that may be open, and of those of its peer; given back when it is destroyed. Socket thread
// only, or after the server's end.
class WebSlot {
 public:
  WebSlot(WebShared& shared, const boost::asio::ip::address& peer, bool rejected);
  WebSlot(WebSlot&& other) noexcept
      : shared_(std::exchange(other.shared_, nullptr)), peer_(std::move(other.peer_)), rejected_(other.rejected_) {}
  WebSlot& operator=(WebSlot&&) = delete;
  ~WebSlot() { release(); }
  void release();
  const boost::asio::ip::address& peer() const { return peer_; }
  bool rejected() const { return rejected_; }

 private:
  WebShared* shared_;
  boost::asio::ip::address peer_;
  bool rejected_;  // it is there to be told 503
};

class WebConnection : public std::enable_shared_from_this<WebConnection> {
 public:
  explicit WebConnection(WebShared& shared) : shared_(shared) {}
  virtual ~WebConnection() = default;
  WebConnection(const WebConnection&) = delete;
  WebConnection& operator=(const WebConnection&) = delete;

  virtual void start() = 0;
  virtual void stop() = 0;   // the server stops: close now, or once what has begun is done
  virtual void close() = 0;  // now
  // NOLINTNEXTLINE(performance-unnecessary-value-param): those who take it keep it
  virtual void answer(WebAnswer) {}
  virtual void pump() {}      // it stood in WebShared::ready
  virtual void expire() = 0;  // its deadline has passed
  std::chrono::steady_clock::time_point deadline() const { return deadline_; }

 protected:
  void expires_after(std::chrono::milliseconds time) { deadline_ = std::chrono::steady_clock::now() + time; }
  void never_expires() { deadline_ = std::chrono::steady_clock::time_point::max(); }

  WebShared& shared_;

 private:
  friend struct WebShared;
  std::chrono::steady_clock::time_point deadline_ = std::chrono::steady_clock::time_point::max();
  std::size_t index_ = static_cast<std::size_t>(-1);  // in WebShared::connections
};

struct WebReply::Target {
  Target(std::shared_ptr<WebShared> s, std::shared_ptr<WebConnection> c, WebAsked a)
      : shared(std::move(s)), connection(std::move(c)), asked(std::move(a)) {}
  ~Target();  // a connection that was not answered ends in the socket thread, too
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  const std::shared_ptr<WebShared> shared;
  std::shared_ptr<WebConnection> connection;  // after `shared`: destroyed before it
  const WebAsked asked;
};

struct WebShared : std::enable_shared_from_this<WebShared> {
  explicit WebShared(WebOptions o) : options(std::move(o)) {}

  struct Job {
    WebRequest request;
    WebReply reply;
  };

  void enter(WebConnection& connection);
  void leave(WebConnection& connection);                           // it may be gone already
  void make_ready(std::shared_ptr<WebConnection> connection);      // its pump() is called soon, once
  WebResponse problem(int status, std::string_view detail) const;  // any thread
  // False: the queue is full, and both are untouched.
  bool enqueue(WebRequest& request, std::unique_ptr<WebReply::Target>& target);
  // Runs it in the socket thread; false: the server has ended. Any thread.
  template <class Task>
  bool post(Task task) {
    const std::lock_guard<std::mutex> lock(mutex);
    if (ended) return false;
    boost::asio::post(io, std::move(task));
    return true;
  }
  void drained();

  const WebOptions options;

  // Any thread.
  std::atomic<std::uint64_t> connections_open{0};
  std::atomic<std::uint64_t> streams_open{0};
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> refused_connections{0};
  std::atomic<std::uint64_t> refused_requests{0};
  std::atomic<std::uint64_t> malformed{0};
  std::atomic<std::uint64_t> timeouts{0};
  std::atomic<std::uint64_t> slow_clients{0};
  std::atomic<std::uint64_t> bytes_sent{0};

  std::mutex mutex;
  std::condition_variable arrived;
  std::deque<Job> queue;  // guarded by mutex, as are the next two
  bool workers_end = false;
  bool ended = false;  // the socket thread is gone

  bool stopping = false;
  bool stopped = false;  // the socket thread has ended: tasks that are left are dropped
  std::size_t rejecting = 0;
  std::map<boost::asio::ip::address, std::size_t> peers;
  std::vector<WebConnection*> connections;
  std::vector<std::shared_ptr<WebConnection>> ready;
  std::size_t ready_next = 0;
  bool ready_posted = false;
  // A stream borrows this while it asks its source, so that the thousands that have nothing to send hold no room.
  std::vector<std::shared_ptr<const std::string>> frames;

  // Declared last, so destroyed first: what its handlers hold still finds the rest.
  boost::asio::io_context io{1};
  boost::asio::steady_timer stop_timer{io};
  boost::asio::steady_timer sweep_timer{io};

 private:
  void run_ready();
};

// A connection that has just been accepted. Plain where `tls` is null.
std::shared_ptr<WebConnection> make_connection(WebShared& shared, boost::asio::ip::tcp::socket socket, WebSlot slot,
                                               boost::asio::ssl::context* tls);

}  // namespace qc::platform
