#include "wire/rules.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <openssl/evp.h>

#include <array>

#include "base/assert.h"
#include "qingchuan/v1/config.pb.h"
#include "wire/rules_builder.h"

namespace qc::wire {

namespace v1 = ::qingchuan::v1;

Result<core::RuleSet> RulesBuilder::build() {
  using Part = Result<void> (RulesBuilder::*)();
  // Each after what it refers to: a composite to percentiles, a signal to the horizons and checks, a site to regions.
  constexpr std::array kParts = {static_cast<Part>(&RulesBuilder::standards),
                                 &RulesBuilder::limits,
                                 &RulesBuilder::validities,
                                 &RulesBuilder::percentiles,
                                 &RulesBuilder::composites,
                                 &RulesBuilder::editions,
                                 &RulesBuilder::horizons,
                                 &RulesBuilder::checks,
                                 &RulesBuilder::neighbourhood,
                                 &RulesBuilder::signals,
                                 &RulesBuilder::alerts,
                                 &RulesBuilder::warnings,
                                 &RulesBuilder::regions,
                                 &RulesBuilder::sites,
                                 &RulesBuilder::inventories,
                                 &RulesBuilder::enterprises,
                                 &RulesBuilder::emergency_duties};
  for (const Part part : kParts) {
    if (auto done = (this->*part)(); !done) return tl::make_unexpected(done.error());
  }
  out_.prepare();
  return std::move(out_);
}

Result<core::RuleSet> build_rules(const v1::RuleSet& rules, std::string* where) {
  RulesBuilder builder(rules);
  auto built = builder.build();
  if (!built && where != nullptr) *where = builder.at();
  if (built) built->hash = rules_hash(canonical_bytes(rules));
  return built;
}

std::string canonical_bytes(const v1::RuleSet& rules) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    QC_ASSERT(rules.SerializeToCodedStream(&coded));
  }
  return bytes;
}

std::string rules_hash(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  QC_ASSERT(EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) == 1);
  constexpr std::size_t kBytes = 8;
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < kBytes; ++i) {
    text += kHex[digest[i] >> 4];
    text += kHex[digest[i] & 0xfu];
  }
  return text;
}

Result<core::RuleSet> parse_rules(std::string_view bytes) {
  v1::RuleSet rules;
  if (bytes.size() > 0x7fffffff || !rules.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return fail(Errc::log_corrupt, "a record of the topic rules is no rule set");
  }
  auto built = RulesBuilder(rules).build();
  if (built) built->hash = rules_hash(bytes);
  return built;
}

}  // namespace qc::wire
