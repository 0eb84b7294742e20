// The server behind TLS, with a certificate made here, and OpenSSL's own client.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <atomic>

#include "platform/http_client.h"
#include "platform/test_dir.h"
#include "platform/web_client_testing.h"
#include "platform/web_server.h"

namespace qc::platform {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

// A key and a certificate for localhost that is signed by itself, as PEM.
struct WebIdentity {
  std::string key;
  std::string certificate;
};

template <class Write>
std::string web_pem(Write write) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), BIO_free);
  write(bio.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

WebIdentity make_web_identity() {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
  X509* const x = certificate.get();
  X509_set_version(x, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
  X509_gmtime_adj(X509_getm_notBefore(x), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x), 86400);
  X509_set_pubkey(x, key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
  X509_set_issuer_name(x, X509_get_subject_name(x));
  X509V3_CTX context;
  X509V3_set_ctx(&context, x, x, nullptr, nullptr, 0);
  for (const auto& [what, value] : {std::pair{NID_basic_constraints, "critical,CA:TRUE"},
                                    std::pair{NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1"}}) {
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, what, value);
    X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
  }
  X509_sign(x, key.get(), EVP_sha256());
  return {web_pem([&](BIO* bio) { PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr); }),
          web_pem([&](BIO* bio) { PEM_write_bio_X509(bio, x); })};
}

// Sends and reads through TLS; trusts anybody.
class WebTlsClient {
 public:
  explicit WebTlsClient(std::uint16_t port, int version_max = TLS1_3_VERSION)
      : context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_max_proto_version(context_, version_max);
    if (version_max < TLS1_2_VERSION) SSL_CTX_set_security_level(context_, 0);
    const std::string where = "127.0.0.1:" + std::to_string(port);
    bio_ = BIO_new_ssl_connect(context_);
    BIO_set_conn_hostname(bio_, where.c_str());
    connected_ = BIO_do_connect(bio_) == 1 && BIO_do_handshake(bio_) == 1;
    const timeval limit{kWebDeadline.count(), 0};
    ::setsockopt(static_cast<int>(BIO_get_fd(bio_, nullptr)), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  ~WebTlsClient() {
    BIO_free_all(bio_);
    SSL_CTX_free(context_);
  }
  WebTlsClient(const WebTlsClient&) = delete;
  WebTlsClient& operator=(const WebTlsClient&) = delete;

  bool connected() const { return connected_; }
  void send(std::string_view bytes) { BIO_write(bio_, bytes.data(), static_cast<int>(bytes.size())); }
  std::string read_until(const std::string& end) {
    while (text_.find(end) == std::string::npos) {
      if (!receive()) return std::exchange(text_, "") + "<closed>";
    }
    const std::size_t size = text_.find(end) + end.size();
    const std::string taken = text_.substr(0, size);
    text_.erase(0, size);
    return taken;
  }
  std::string read_all() {
    while (receive()) continue;
    return std::exchange(text_, "");
  }
  // The server has said that this was all; a cut connection says nothing.
  bool told_the_end() const {
    SSL* ssl = nullptr;
    BIO_get_ssl(bio_, &ssl);
    return (SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
  }

 private:
  bool receive() {
    char buffer[16384];
    const int got = BIO_read(bio_, buffer, sizeof buffer);
    if (got > 0) text_.append(buffer, static_cast<std::size_t>(got));
    return got > 0;
  }

  SSL_CTX* context_;
  BIO* bio_ = nullptr;
  bool connected_ = false;
  std::string text_;
};

// Gives `frames` frames of 1,000 bytes, then ends.
class WebCountedSource final : public WebSource {
 public:
  WebCountedSource(int frames, std::atomic<bool>& destroyed) : left_(frames), destroyed_(destroyed) {}
  ~WebCountedSource() override { destroyed_ = true; }
  void opened(WebStream& stream) override { stream_ = &stream; }
  void next(std::vector<std::shared_ptr<const std::string>>& out, std::size_t bytes_max) override {
    for (std::size_t bytes = 0; left_ > 0 && bytes < bytes_max; bytes += 1000) {
      out.push_back(std::make_shared<const std::string>(std::to_string(left_--) + std::string(1000, '.') + "\n"));
    }
    if (left_ == 0) stream_->end();
  }

 private:
  int left_;
  std::atomic<bool>& destroyed_;
  WebStream* stream_ = nullptr;
};

class WebServerTls : public testing::Test {
 protected:
  WebServerTls() {
    options_.listen = "127.0.0.1:0";
    options_.certificate_file = dir_.write("certificate.pem", identity_.certificate);
    options_.key_file = dir_.write("key.pem", identity_.key);
  }
  void serve() {
    auto started = WebServer::start(options_, [this](WebRequest request, WebReply reply) {
      WebResponse response;
      if (request.path == "/stream") {
        response.stream = [this] { return std::make_unique<WebCountedSource>(5000, destroyed_); };
      } else {
        response.body = std::make_shared<const std::string>(request.tls ? "secret " + request.body : "open");
      }
      reply(std::move(response));
    });
    ASSERT_TRUE(started) << started.error().text;
    server_ = *std::move(started);
    EXPECT_TRUE(server_->tls());
  }
  Error start_error() {
    const auto started = WebServer::start(options_, [](WebRequest, WebReply) {});
    return started ? Error{} : started.error();
  }

  const TestDir dir_;
  const WebIdentity identity_ = make_web_identity();
  WebOptions options_;
  std::atomic<bool> destroyed_{false};
  std::unique_ptr<WebServer> server_;
};

TEST_F(WebServerTls, AnswersAClientThatChecksItsCertificate) {
  serve();
  HttpClientOptions options;
  options.url = "https://127.0.0.1:" + std::to_string(server_->port()) + "/x";
  options.ca_file = options_.certificate_file;
  const auto client = HttpClient::create(options);
  ASSERT_TRUE(client);
  HttpPost post;
  post.body = "body";
  for (int i = 0; i < 3; ++i) {
    const auto reply = (*client)->post(post);
    ASSERT_TRUE(reply) << reply.error().text;
    EXPECT_EQ(reply->body, "secret body");
  }
  EXPECT_EQ((*client)->connections(), 1U);
}

TEST_F(WebServerTls, ALargeBodyGoesBothWays) {
  serve();
  WebTlsClient client(server_->port());
  ASSERT_TRUE(client.connected());
  const std::string body(200'000, 'b');
  client.send("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 200000\r\n\r\n" + body);
  EXPECT_TRUE(client.read_all().ends_with("\r\n\r\nsecret " + body));
  EXPECT_TRUE(client.told_the_end());
}

TEST_F(WebServerTls, AStreamComesWholeAndInOrder) {
  serve();
  WebTlsClient client(server_->port());
  ASSERT_TRUE(client.connected());
  client.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.read_until("\r\n\r\n"), StartsWith("HTTP/1.1 200 OK\r\n"));
  for (int left = 5000; left > 0; --left) {
    ASSERT_EQ(client.read_until("\n"), std::to_string(left) + std::string(1000, '.') + "\n");
  }
  EXPECT_EQ(client.read_all(), "");
  EXPECT_TRUE(web_eventually([&] { return destroyed_.load(); }));
}

TEST_F(WebServerTls, AStreamEndsWithItsClient) {
  serve();
  {
    WebTlsClient client(server_->port());
    client.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    client.read_until("\r\n\r\n");
  }
  EXPECT_TRUE(web_eventually([&] { return destroyed_.load(); }));
  EXPECT_TRUE(web_eventually([&] { return server_->counts().connections_open == 0; }));
}

TEST_F(WebServerTls, ARefusedRequestIsToldWhy) {
  serve();
  WebTlsClient client(server_->port());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n");
  EXPECT_THAT(client.read_all(), StartsWith("HTTP/1.1 413 "));
}

TEST_F(WebServerTls, OldVersionsAreRefused) {
  serve();
  EXPECT_TRUE(WebTlsClient(server_->port(), TLS1_2_VERSION).connected());
  EXPECT_FALSE(WebTlsClient(server_->port(), TLS1_1_VERSION).connected());
}

TEST_F(WebServerTls, APlainOrSilentClientIsClosed) {
  options_.read_timeout = 100ms;
  serve();
  WebClient plain(server_->port());
  plain.get("/");
  EXPECT_TRUE(plain.closed_by_server());
  WebClient silent(server_->port());
  EXPECT_TRUE(silent.closed_by_server());
  EXPECT_EQ(server_->counts().timeouts, 1U);
  EXPECT_TRUE(web_eventually([&] { return server_->counts().connections_open == 0; }));
}

TEST_F(WebServerTls, FilesThatCannotBeUsedAreNamed) {
  const std::string certificate = options_.certificate_file, key = options_.key_file;
  options_.certificate_file = dir_.path("missing.pem");
  EXPECT_EQ(start_error().code, Errc::file_unreadable);
  EXPECT_THAT(start_error().text, HasSubstr("missing.pem"));
  options_.certificate_file = certificate;
  options_.key_file = dir_.write("other.pem", make_web_identity().key);
  EXPECT_EQ(start_error().code, Errc::file_unreadable);
  EXPECT_THAT(start_error().text, HasSubstr("other.pem"));
  options_.key_file = dir_.write("nothing.pem", "nothing");
  EXPECT_EQ(start_error().code, Errc::file_unreadable);
  options_.key_file.clear();
  EXPECT_EQ(start_error().code, Errc::usage);
}

}  // namespace
}  // namespace qc::platform
