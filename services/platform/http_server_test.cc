// Over real sockets: what a client sees, also a bad one.
#include "platform/http_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "platform/log.h"

namespace qc::platform {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr auto kDeadline = 10s;

// A client that gives up after kDeadline.
class Client {
 public:
  explicit Client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{kDeadline.count(), 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~Client() { ::close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool connected() const { return connected_; }

  // False once the server has closed.
  bool send(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void get(const std::string& path) const { send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n"); }

  // Everything until the server closes; ends in "<timeout>" when it does not.
  std::string read_all() const {
    std::string text;
    while (const auto piece = read_some()) {
      if (piece->empty()) return text;
      text += *piece;
    }
    return text + "<timeout>";
  }
  // Up to and with `end`.
  std::string read_until(const std::string& end) const {
    std::string text;
    while (text.find(end) == std::string::npos) {
      const auto piece = read_some();
      if (!piece) return text + "<timeout>";
      if (piece->empty()) return text + "<closed>";
      text += *piece;
    }
    return text;
  }

 private:
  std::optional<std::string> read_some() const {
    char buffer[4096];
    const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::nullopt;
    if (got < 0) return std::string();  // reset: closed as well
    return std::string(buffer, static_cast<std::size_t>(got));
  }

  int fd_;
  bool connected_ = false;
};

HttpResponse pages(const HttpRequest& request) {
  if (request.path == "/hello") return {200, "hello " + request.query + "\n"};
  if (request.path == "/large") return {200, std::string(8 << 20, 'x') + "END"};
  if (request.path == "/throws") throw std::runtime_error("broken page");
  return {404, "nothing here\n"};
}

HttpOptions options() {
  HttpOptions o;
  o.listen = "127.0.0.1:0";
  return o;
}

std::unique_ptr<HttpServer> serve(HttpOptions o = options(), HttpHandler handler = pages) {
  auto server = HttpServer::start(std::move(o), std::move(handler));
  if (!server) throw std::runtime_error(server.error().text);
  return *std::move(server);
}

template <class Condition>
bool eventually(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

// A handler that waits until the test opens it.
struct Gate {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  int inside = 0;

  void pass() {
    std::unique_lock<std::mutex> lock(mutex);
    ++inside;
    changed.notify_all();
    changed.wait_for(lock, kDeadline, [this] { return open; });
  }
  void release() {
    const std::lock_guard<std::mutex> lock(mutex);
    open = true;
    changed.notify_all();
  }
  bool wait_inside() {
    std::unique_lock<std::mutex> lock(mutex);
    return changed.wait_for(lock, kDeadline, [this] { return inside > 0; });
  }
};

TEST(HttpServer, AnswersAGetAndKeepsTheConnection) {
  const auto server = serve();
  const Client client(server->port());
  client.get("/hello?a=b");
  const std::string first = client.read_until("hello a=b\n");
  EXPECT_THAT(first, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(first, HasSubstr("Content-Type: text/plain; charset=utf-8\r\n"));
  EXPECT_THAT(first, HasSubstr("Content-Length: 10\r\n"));
  client.get("/hello?again");
  EXPECT_THAT(client.read_until("hello again\n"), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(server->counts().requests, 2U);
  EXPECT_EQ(server->counts().connections_open, 1U);
}

TEST(HttpServer, PipelinedRequestsAreAnsweredInOrder) {
  const auto server = serve();
  const Client client(server->port());
  client.send("GET /hello?1 HTTP/1.1\r\n\r\nGET /hello?2 HTTP/1.1\r\nConnection: close\r\n\r\n");
  const std::string text = client.read_all();
  EXPECT_LT(text.find("hello 1\n"), text.find("hello 2\n"));
  EXPECT_THAT(text, EndsWith("hello 2\n"));
}

TEST(HttpServer, ConnectionCloseAndHttp10EndTheConnection) {
  const auto server = serve();
  for (const char* request : {"GET /hello?x HTTP/1.1\r\nConnection: close\r\n\r\n", "GET /hello?x HTTP/1.0\r\n\r\n"}) {
    const Client client(server->port());
    client.send(request);
    EXPECT_THAT(client.read_all(), EndsWith("\r\n\r\nhello x\n"));
  }
}

TEST(HttpServer, HeadHasTheLengthButNoBody) {
  const auto server = serve();
  const Client client(server->port());
  client.send("HEAD /hello?x HTTP/1.1\r\nConnection: close\r\n\r\n");
  const std::string text = client.read_all();
  EXPECT_THAT(text, HasSubstr("Content-Length: 8\r\n"));
  EXPECT_THAT(text, EndsWith("\r\n\r\n"));
}

TEST(HttpServer, UnknownPagesAre404AndOtherMethods405) {
  const auto server = serve();
  const Client client(server->port());
  client.get("/nothing");
  EXPECT_THAT(client.read_until("nothing here\n"), StartsWith("HTTP/1.1 404 Not Found\r\n"));
  client.send("POST /hello HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc");
  const std::string answer = client.read_until("only GET and HEAD\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 405 Method Not Allowed\r\n"));
  EXPECT_THAT(answer, HasSubstr("Allow: GET, HEAD\r\n"));
  EXPECT_EQ(server->counts().malformed, 0U);
}

TEST(HttpServer, ALargeAnswerArrivesWhole) {
  const auto server = serve();
  const Client client(server->port());
  client.send("GET /large HTTP/1.1\r\nConnection: close\r\n\r\n");
  const std::string text = client.read_all();
  EXPECT_GT(text.size(), std::size_t{8} << 20);
  EXPECT_THAT(text.substr(text.size() - 4), EndsWith("xEND"));
}

TEST(HttpServer, GarbageIsAnswered400AndClosed) {
  const auto server = serve();
  for (const char* garbage :
       {"\x16\x03\x01garbage\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n"}) {
    const Client client(server->port());
    client.send(garbage);
    EXPECT_THAT(client.read_all(), StartsWith("HTTP/1.1 400 Bad Request\r\n"));
  }
  EXPECT_EQ(server->counts().malformed, 4U);
}

TEST(HttpServer, AnOversizedHeaderIsAnswered431) {
  const auto server = serve();
  const Client client(server->port());
  client.send("GET / HTTP/1.1\r\nX: " + std::string(9000, 'x') + "\r\n\r\n");
  EXPECT_THAT(client.read_all(), StartsWith("HTTP/1.1 431 "));
  EXPECT_EQ(server->counts().malformed, 1U);
}

TEST(HttpServer, AnOversizedBodyIsAnswered413) {
  const auto server = serve();
  const Client client(server->port());
  client.send("POST / HTTP/1.1\r\nContent-Length: 65537\r\n\r\n" + std::string(65537, 'x'));
  EXPECT_THAT(client.read_all(), StartsWith("HTTP/1.1 413 "));
}

TEST(HttpServer, AClientThatDoesNotFinishItsRequestIsCutOff) {
  HttpOptions o = options();
  o.read_timeout = 50ms;
  const auto server = serve(o);
  const Client client(server->port());
  client.send("GET / HT");
  EXPECT_EQ(client.read_all(), "");
  EXPECT_TRUE(eventually([&] { return server->counts().connections_open == 0; }));
  EXPECT_EQ(server->counts().timeouts, 1U);
}

TEST(HttpServer, ByteAfterByteDoesNotStretchTheTimeOfARequest) {
  HttpOptions o = options();
  o.read_timeout = 100ms;
  const auto server = serve(o);
  const Client client(server->port());
  client.send("GET / HTTP/1.1\r\n");
  EXPECT_TRUE(eventually(
      [&] { return !client.send("X: y\r\n") || server->counts().timeouts == 1 || server->counts().malformed == 1; }));
  EXPECT_TRUE(eventually([&] { return server->counts().connections_open == 0; }));
}

TEST(HttpServer, AnIdleConnectionIsClosed) {
  HttpOptions o = options();
  o.idle_timeout = 50ms;
  const auto server = serve(o);
  const Client client(server->port());
  client.get("/hello");
  EXPECT_THAT(client.read_all(), EndsWith("hello \n"));
}

TEST(HttpServer, AClientThatDoesNotTakeItsAnswerIsCutOff) {
  HttpOptions o = options();
  o.read_timeout = 50ms;
  const auto server = serve(o);
  const Client client(server->port());
  client.get("/large");  // never read
  EXPECT_TRUE(eventually([&] { return server->counts().timeouts == 1 && server->counts().connections_open == 0; }));
}

TEST(HttpServer, AConnectionAboveTheLimitIsTold503) {
  HttpOptions o = options();
  o.connections_max = 2;
  const auto server = serve(o);
  auto first = std::make_unique<Client>(server->port());
  const Client second(server->port());
  EXPECT_TRUE(eventually([&] { return server->counts().connections_open == 2; }));
  {
    const Client third(server->port());
    third.get("/hello");
    EXPECT_THAT(third.read_all(), StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
  }
  EXPECT_EQ(server->counts().rejected_connections, 1U);
  second.get("/hello?two");  // those inside go on
  EXPECT_THAT(second.read_until("hello two\n"), StartsWith("HTTP/1.1 200"));
  first.reset();
  EXPECT_TRUE(eventually([&] { return server->counts().connections_open == 1; }));
  const Client fourth(server->port());
  fourth.get("/hello?four");
  EXPECT_THAT(fourth.read_until("hello four\n"), StartsWith("HTTP/1.1 200"));
}

TEST(HttpServer, AFloodOfConnectionsNeverHoldsMoreThanTheLimits) {
  HttpOptions o = options();
  o.connections_max = 2;
  const auto server = serve(o);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 60; ++i) clients.push_back(std::make_unique<Client>(server->port()));
  EXPECT_TRUE(eventually([&] { return server->counts().rejected_connections == 58; }));
  EXPECT_LE(server->counts().connections_open, 2U + 16U);
}

TEST(HttpServer, ASlowPageDoesNotHoldUpOtherConnections) {
  Gate gate;
  HttpOptions o = options();
  o.queue_max = 1;
  const auto server = serve(o, [&](const HttpRequest& request) {
    if (request.path == "/slow") gate.pass();
    return pages(request);
  });
  const Client slow(server->port());
  slow.get("/slow");
  ASSERT_TRUE(gate.wait_inside());
  // The sockets go on: garbage is answered, one request is queued, and the next is told that the queue is full.
  const Client garbage(server->port());
  garbage.send("garbage\r\n\r\n");
  EXPECT_THAT(garbage.read_all(), StartsWith("HTTP/1.1 400"));
  const Client queued(server->port());
  queued.get("/hello?queued");
  EXPECT_TRUE(eventually([&] { return server->counts().requests == 2; }));
  const Client refused(server->port());
  refused.get("/hello");
  EXPECT_THAT(refused.read_until("try again later\n"), StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_EQ(server->counts().rejected_requests, 1U);
  gate.release();
  EXPECT_THAT(slow.read_until("nothing here\n"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(queued.read_until("hello queued\n"), StartsWith("HTTP/1.1 200"));
}

TEST(HttpServer, APageThatFailsIs500AndTheServerGoesOn) {
  std::vector<std::string> lines;
  const LogCapture capture([&](std::string_view line) { lines.emplace_back(line); });
  const auto server = serve();
  const Client client(server->port());
  client.get("/throws");
  EXPECT_THAT(client.read_until("see the log\n"), StartsWith("HTTP/1.1 500 "));
  client.get("/hello?still");
  EXPECT_THAT(client.read_until("hello still\n"), StartsWith("HTTP/1.1 200"));
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_THAT(lines[0], EndsWith("error http handler failed path=/throws reason=\"broken page\""));
}

TEST(HttpServer, StopClosesIdleAndHalfReadConnectionsAtOnce) {
  const auto server = serve();
  const Client idle(server->port());
  idle.get("/hello");
  idle.read_until("hello \n");
  const Client half(server->port());
  half.send("GET / HT");
  EXPECT_TRUE(eventually([&] { return server->counts().connections_open == 2; }));
  const auto before = std::chrono::steady_clock::now();
  server->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - before, 1s);  // not the stop_timeout
  EXPECT_EQ(idle.read_all(), "");
  EXPECT_EQ(half.read_all(), "");
  EXPECT_EQ(server->counts().connections_open, 0U);
  EXPECT_FALSE(Client(server->port()).connected());
  server->stop();
}

TEST(HttpServer, StopLetsAnAnswerThatIsBeingMadeFinish) {
  Gate gate;
  const auto server = serve(options(), [&](const HttpRequest& request) {
    gate.pass();
    return pages(request);
  });
  const Client client(server->port());
  client.get("/hello?last");
  ASSERT_TRUE(gate.wait_inside());
  std::thread stopper([&] { server->stop(); });
  EXPECT_TRUE(eventually([&] { return !Client(server->port()).connected(); }));
  gate.release();
  const std::string answer = client.read_all();
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(answer, EndsWith("hello last\n"));
  stopper.join();
}

TEST(HttpServer, StopWaitsForAStalledReaderNoLongerThanItsTimeout) {
  HttpOptions o = options();
  o.stop_timeout = 50ms;
  const auto server = serve(o);
  const Client client(server->port());
  client.get("/large");  // never read
  EXPECT_TRUE(eventually([&] { return server->counts().requests == 1; }));
  const auto before = std::chrono::steady_clock::now();
  server->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - before, 5s);  // the read timeout is 10 s
}

TEST(HttpServer, APortInUseIsOneClearError) {
  const auto server = serve();
  HttpOptions o = options();
  o.listen = server->address();
  const auto second = HttpServer::start(o, pages);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::port_in_use);
  EXPECT_EQ(second.error().text, "cannot listen on " + server->address() + ": another program uses this port");
}

TEST(HttpServer, AnAddressThatCannotBeReadIsAnError) {
  for (const char* listen :
       {"", "9464", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "::1:80", "256.256.256.256:1"}) {
    HttpOptions o = options();
    o.listen = listen;
    const auto server = HttpServer::start(o, pages);
    ASSERT_FALSE(server) << listen;
    EXPECT_EQ(server.error().code, Errc::usage) << listen;
    EXPECT_THAT(server.error().text, StartsWith("cannot listen on `" + std::string(listen) + "`"));
  }
}

}  // namespace
}  // namespace qc::platform
