// The client against a real TLS server whose certificates are made here, by a certification authority of the test's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <thread>

#include "platform/http_client.h"
#include "platform/test_dir.h"

namespace qc::platform {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using testing::HasSubstr;

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

struct Identity {
  Key key{EVP_EC_gen("P-256"), EVP_PKEY_free};
  Certificate certificate{X509_new(), X509_free};
};

void extend(X509* certificate, X509* issuer, int what, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, what, value);
  ASSERT_NE(extension, nullptr);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

// Valid from an hour ago for `seconds`. Without an issuer: an authority, signed by itself.
Identity make_identity(const std::string& names, const Identity* issuer, long seconds = 86400) {
  Identity made;
  X509* x = made.certificate.get();
  X509_set_version(x, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x), issuer == nullptr ? 1 : 2);
  X509_gmtime_adj(X509_getm_notBefore(x), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x), seconds - 3600);
  X509_set_pubkey(x, made.key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(issuer == nullptr ? "test CA" : "test server"), -1,
                             -1, 0);
  const Identity& signer = issuer == nullptr ? made : *issuer;
  X509_set_issuer_name(x, X509_get_subject_name(signer.certificate.get()));
  if (issuer == nullptr) {
    extend(x, x, NID_basic_constraints, "critical,CA:TRUE");
  } else {
    extend(x, signer.certificate.get(), NID_subject_alt_name, names.c_str());
  }
  X509_sign(x, signer.key.get(), EVP_sha256());
  return made;
}

template <class Write>
std::string pem(Write write) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), BIO_free);
  write(bio.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}
std::string certificate_pem(const Identity& of) {
  return pem([&](BIO* bio) { PEM_write_bio_X509(bio, of.certificate.get()); });
}
std::string key_pem(const Identity& of) {
  return pem([&](BIO* bio) { PEM_write_bio_PrivateKey(bio, of.key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
}

// Answers 200 to every request of every connection. The name that a client asks for (SNI) is kept.
class TlsPeer {
 public:
  explicit TlsPeer(const Identity& identity) {
    context_.use_certificate(asio::buffer(certificate_pem(identity)), ssl::context::pem);
    context_.use_private_key(asio::buffer(key_pem(identity)), ssl::context::pem);
    thread_ = std::thread([this] { run(); });
  }
  ~TlsPeer() {
    ended_ = true;
    asio::io_context io;
    boost::system::error_code ignored;
    tcp::socket(io).connect(acceptor_.local_endpoint(), ignored);  // wakes the accept
    if (const int fd = open_; fd >= 0) ::shutdown(fd, SHUT_RDWR);  // and a read
    thread_.join();
  }
  TlsPeer(const TlsPeer&) = delete;
  TlsPeer& operator=(const TlsPeer&) = delete;

  std::string url(const std::string& host = "127.0.0.1") const {
    return "https://" + host + ":" + std::to_string(acceptor_.local_endpoint().port()) + "/";
  }
  int served() const { return served_; }
  std::string asked_for() const { return asked_for_; }  // REQUIRES: an answer of it was read

 private:
  void run() {
    while (!ended_) {
      ssl::stream<tcp::socket> stream(io_, context_);
      boost::system::error_code error;
      acceptor_.accept(stream.next_layer(), error);
      if (error) continue;
      open_ = stream.next_layer().native_handle();
      if (ended_) break;
      stream.handshake(ssl::stream_base::server, error);
      if (!error) {
        const char* name = SSL_get_servername(stream.native_handle(), TLSEXT_NAMETYPE_host_name);
        asked_for_ = name == nullptr ? "" : name;
      }
      std::string text;
      while (!error) {
        const std::size_t size = asio::read_until(stream, asio::dynamic_buffer(text), "\r\n\r\n{}", error);
        if (error) break;
        text.erase(0, size);
        ++served_;
        asio::write(stream, asio::buffer(std::string("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")), error);
      }
      open_ = -1;
    }
  }

  asio::io_context io_;
  ssl::context context_{ssl::context::tls_server};
  tcp::acceptor acceptor_{io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
  std::atomic<bool> ended_{false};
  std::atomic<int> served_{0};
  std::atomic<int> open_{-1};
  std::string asked_for_;
  std::thread thread_;
};

class HttpClientTls : public testing::Test {
 protected:
  Result<HttpReply> post(const std::string& url, const std::string& server_name = "", bool with_ca = true) {
    HttpClientOptions options;
    options.url = url;
    options.ca_file = with_ca ? dir_.write("ca.pem", certificate_pem(ca_)) : "";
    options.server_name = server_name;
    client_ = std::move(*HttpClient::create(options));
    HttpPost request;
    request.body = "{}";
    return client_->post(request);
  }

  const TestDir dir_;
  const Identity ca_ = make_identity("", nullptr);
  std::unique_ptr<HttpClient> client_;
};

TEST_F(HttpClientTls, PostsToAServerOfTheRightNameAndKeepsTheConnection) {
  const TlsPeer peer(make_identity("DNS:alerts.example,DNS:localhost,IP:127.0.0.1", &ca_));
  const auto named = post(peer.url(), "alerts.example");
  ASSERT_TRUE(named) << named.error().text;
  EXPECT_EQ(named->body, "ok");
  EXPECT_EQ(peer.asked_for(), "alerts.example");
  HttpPost again;
  again.body = "{}";
  EXPECT_TRUE(client_->post(again));
  EXPECT_EQ(client_->connections(), 1U);
  client_.reset();
  EXPECT_TRUE(post(peer.url()));  // by its address
}

TEST_F(HttpClientTls, AWrongNameIsNotTrusted) {
  const TlsPeer peer(make_identity("DNS:alerts.example", &ca_));
  const auto named = post(peer.url(), "other.example");
  ASSERT_FALSE(named);
  EXPECT_EQ(named.error().code, Errc::peer_untrusted);
  EXPECT_THAT(named.error().text, HasSubstr("not trusted as that of other.example: hostname mismatch"));
  client_.reset();
  const auto by_address = post(peer.url());
  ASSERT_FALSE(by_address);
  EXPECT_EQ(by_address.error().code, Errc::peer_untrusted);
  EXPECT_THAT(by_address.error().text, HasSubstr("IP address mismatch"));
  EXPECT_EQ(peer.served(), 0);
}

TEST_F(HttpClientTls, ACertificateOfAnotherAuthorityIsNotTrusted) {
  const Identity other = make_identity("", nullptr);
  const TlsPeer peer(make_identity("DNS:alerts.example", &other));
  for (const bool with_ca : {true, false}) {
    const auto reply = post(peer.url(), "alerts.example", with_ca);
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, Errc::peer_untrusted) << reply.error().text;
    client_.reset();
  }
  EXPECT_EQ(peer.served(), 0);
}

TEST_F(HttpClientTls, AnExpiredCertificateIsNotTrusted) {
  const TlsPeer peer(make_identity("DNS:alerts.example", &ca_, 60));
  const auto reply = post(peer.url(), "alerts.example");
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::peer_untrusted);
  EXPECT_THAT(reply.error().text, HasSubstr("expired"));
}

TEST_F(HttpClientTls, APlainServerIsNoTlsServer) {
  asio::io_context io;
  tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  std::thread plain([&] {
    tcp::socket socket(io);
    acceptor.accept(socket);
    asio::write(socket, asio::buffer(std::string("HTTP/1.1 400 Bad Request\r\n\r\n")));
  });
  const auto reply = post("https://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()));
  plain.join();
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::peer_unavailable) << reply.error().text;
  EXPECT_THAT(reply.error().text, HasSubstr("in the TLS handshake"));
}

TEST_F(HttpClientTls, AFileWithoutCertificatesIsRefused) {
  HttpClientOptions options;
  options.url = "https://127.0.0.1/";
  for (const std::string& file : {dir_.path("missing.pem"), dir_.write("empty.pem", "nothing")}) {
    options.ca_file = file;
    const auto made = HttpClient::create(options);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Errc::file_unreadable);
    EXPECT_THAT(made.error().text, HasSubstr(file));
  }
}

}  // namespace
}  // namespace qc::platform
