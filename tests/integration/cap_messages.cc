// Writes CAP messages of every kind, with texts as strange as they come: integration_cap DIRECTORY COUNT SEED. Each is
// a file of its own; test_cap.py holds them against the schema and the rules. A message that the encoder refuses is an
// error here: all of them are right.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>

#include "wire/cap.h"

namespace {

namespace core = qc::core;
namespace wire = qc::wire;

class Chance {
 public:
  explicit Chance(std::uint64_t seed) : random_(seed) {}

  // Not std::uniform_int_distribution: the same seed is the same message with every library.
  std::int64_t from(std::int64_t least, std::int64_t most) {
    return least + static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(most - least + 1));
  }
  bool one_in(std::int64_t n) { return from(1, n) == 1; }

  std::string text(bool required) {
    static const std::string kPieces[] = {"PM2.5 ",
                                          "重污染",
                                          "<b>",
                                          "</description>",
                                          "&amp;",
                                          "&",
                                          "]]>",
                                          "<![CDATA[",
                                          "\"'",
                                          "\t",
                                          "\r\n",
                                          "\r",
                                          "\n\n",
                                          std::string(1, '\0'),
                                          "\x01",
                                          "\x1b[31m",
                                          "\x7f",
                                          "\xc2\x85",
                                          "\xff",
                                          "\xc0\xaf",
                                          "\xed\xa0\x80",
                                          "\xef\xbf\xbe",
                                          "\xf4\x90\x80\x80",
                                          "\xf0\x9f\x8c\xab",
                                          "\xe9\xbf",
                                          "\xe2\x80\xae",
                                          "--",
                                          "<?xml ?>",
                                          "<!--",
                                          "%s%n",
                                          "2026-11-27T00:00:00Z"};
    std::string out = required ? "因 " : "";
    for (std::int64_t n = from(0, 12); n > 0; --n) {
      out += one_in(4) ? std::string(static_cast<std::size_t>(from(1, 6)), static_cast<char>(from(0, 255)))
                       : kPieces[static_cast<std::size_t>(from(0, static_cast<std::int64_t>(std::size(kPieces)) - 1))];
    }
    return out;
  }
  wire::CapText texts(bool required) { return {text(required), one_in(3) ? "" : text(false)}; }

  std::string id() {
    static const std::string kAll = [] {
      std::string all;
      for (char c = '!'; c <= '~'; ++c) {
        if (c != ',' && c != '<' && c != '&') all += c;
      }
      return all;
    }();
    std::string out;
    for (std::int64_t n = from(1, 40); n > 0; --n) {
      out += kAll[static_cast<std::size_t>(from(0, static_cast<std::int64_t>(kAll.size()) - 1))];
    }
    return out;
  }

  // Round a middle within China, so that a swapped latitude and longitude are seen.
  core::Ring ring() {
    const std::int64_t lon = from(75'000'000, 134'000'000);
    const std::int64_t lat = from(5'000'000, 52'000'000);
    core::Ring out;
    for (std::int64_t n = from(3, 20); n > 0; --n) {
      out.push_back({static_cast<std::int32_t>(lon + from(-1'000'000, 1'000'000)),
                     static_cast<std::int32_t>(lat + from(-1'000'000, 1'000'000))});
    }
    return out;
  }

 private:
  std::mt19937_64 random_;
};

wire::CapMessage message(Chance& chance, int number) {
  constexpr std::int64_t kYear = 365LL * 24 * 3600 * 1000;
  wire::CapMessage m;
  m.identifier = chance.id() + "_" + std::to_string(number);
  m.sender = chance.one_in(2) ? "qingchuan.lvliang.example" : chance.id();
  m.sent = core::event_time(chance.from(0, chance.one_in(10) ? 8000 * kYear : 80 * kYear));
  m.status = static_cast<wire::CapStatus>(chance.from(0, 2));
  m.type = static_cast<wire::CapType>(chance.from(0, 2));
  if (m.status == wire::CapStatus::Actual || (m.status == wire::CapStatus::Exercise && chance.one_in(2))) {
    m.approver = chance.text(true);
  }
  if (m.type != wire::CapType::Alert) {
    for (std::int64_t n = chance.from(1, 5); n > 0; --n) {
      m.references.push_back({chance.id(), chance.id(), core::event_time(chance.from(0, core::ms(m.sent)))});
    }
  }
  m.level = static_cast<core::EmergencyLevel>(chance.from(1, 3));
  m.forecast = chance.one_in(2);
  m.effective = core::event_time(std::max<std::int64_t>(0, core::ms(m.sent) + chance.from(-100'000'000, 400'000'000)));
  if (!chance.one_in(3)) {
    m.expires = std::max(m.sent, m.effective) + std::chrono::milliseconds(chance.from(1000, 900'000'000));
  }
  m.sender_name = chance.texts(true);
  m.evidence = chance.texts(true);
  m.measures = chance.texts(false);
  for (std::int64_t n = chance.one_in(20) ? 30 : chance.from(1, 4); n > 0; --n) {
    wire::CapArea area{chance.one_in(4) ? "" : chance.id(), chance.texts(true), {}};
    for (std::int64_t rings = chance.from(0, 2); rings > 0; --rings) area.polygons.push_back(chance.ring());
    m.areas.push_back(std::move(area));
  }
  return m;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: integration_cap DIRECTORY COUNT SEED\n");
    return 2;
  }
  const int count = std::atoi(argv[2]);
  Chance chance(std::strtoull(argv[3], nullptr, 10));
  for (int i = 0; i < count; ++i) {
    const auto xml = wire::encode_cap(message(chance, i));
    if (!xml) {
      std::fprintf(stderr, "message %d: %s\n", i, xml.error().text.c_str());
      return 1;
    }
    std::ofstream out(std::string(argv[1]) + "/" + std::to_string(i) + ".xml", std::ios::binary);
    out << *xml;
    if (!out.flush()) {
      std::fprintf(stderr, "message %d cannot be written\n", i);
      return 1;
    }
  }
  return 0;
}
