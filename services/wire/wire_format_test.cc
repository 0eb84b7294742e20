#include "wire/wire_format.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "qingchuan/v1/output.pb.h"
#include "wire/codec.h"

namespace qc::wire {
namespace {

namespace v1 = ::qingchuan::v1;

class RandomMean {
 public:
  explicit RandomMean(unsigned seed) : random_(seed) {}

  core::Mean mean() {
    core::Mean m;
    m.site = text(12);
    m.region = text(20);
    m.root = text(3);
    m.factor = static_cast<core::Factor>(below(core::kFactors));
    m.window = static_cast<core::Window>(below(core::kWindows));
    m.interval = {core::event_time(number()), core::event_time(number())};
    m.value.pg = number();
    m.valid = below(2) == 1;
    m.sum_pg = number();
    m.count = small();
    m.expected = small();
    m.min.pg = number();
    m.max.pg = number();
    m.status = static_cast<core::Status>(below(4));
    m.revision = small();
    m.reason = text(300);
    m.source = static_cast<core::Source>(below(5));
    m.audited = below(2) == 1;
    for (std::size_t n = below(4); n > 0; --n) m.primary.push_back(static_cast<core::Factor>(below(core::kFactors)));
    for (std::size_t n = below(4); n > 0; --n)
      m.sub_indices.push_back({static_cast<core::Factor>(below(core::kFactors)), small()});
    clause_ = text(40);
    m.clause = clause_;
    if (below(2) == 1) m.limit = core::Concentration{number()};
    m.exceeds = below(2) == 1;
    m.multiple = small();
    m.percentile = small();
    m.percentile_value.pg = number();
    m.marks = core::Marks(static_cast<std::uint8_t>(below(1U << (core::kMarks - 1))));
    m.suspect = small();
    m.origin = {number(), number()};
    return m;
  }
  std::int32_t small() { return static_cast<std::int32_t>(number()); }
  std::string text(std::size_t most) { return std::string(below(3) == 0 ? 0 : below(most + 1), 'x'); }

 private:
  std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }
  // Of every length, and the ends.
  std::int64_t number() {
    switch (below(8)) {
      case 0:
        return 0;
      case 1:
        return -1;
      case 2:
        return std::numeric_limits<std::int64_t>::max();
      case 3:
        return std::numeric_limits<std::int64_t>::min();
      default:
        return static_cast<std::int64_t>(random_() >> below(64));
    }
  }
  std::mt19937_64 random_;
  std::string clause_;
};

TEST(EncodedMean, IsTheBytesThatProtobufWrites) {
  RandomMean random(1);
  for (int i = 0; i < 5000; ++i) {
    const core::Mean m = random.mean();
    const std::string rules = random.text(16);
    const std::string bytes = encode_mean(m, {rules, random.small()});
    v1::MeanRecord record;
    ASSERT_TRUE(record.ParseFromString(bytes));
    EXPECT_EQ(record.mean().site(), m.site);
    EXPECT_EQ(record.mean().value(), m.value.pg);
    EXPECT_EQ(record.mean().reason(), m.reason);
    EXPECT_EQ(record.mean().origin().offset(), m.origin.offset);
    EXPECT_EQ(record.mean().has_limit(), m.limit.has_value());
    EXPECT_EQ(record.mean().root(), m.root);
    // Fields that it doesn't know are kept, but behind those that it does: known ones in their order have no other
    // bytes.
    EXPECT_TRUE(record.mean().GetReflection()->GetUnknownFields(record.mean()).empty());
    ASSERT_EQ(record.SerializeAsString(), bytes);
  }
}

TEST(FieldReader, GivesEachFieldAndSaysWhereItCannot) {
  std::string bytes;
  FieldWriter out(bytes);
  out.number(1, 300);
  out.zigzag(2, -2);
  out.text(3, "text");
  const std::size_t inner = out.begin(4, 2);  // too much room for its length
  out.number(1, -1);
  out.end(inner, 2);
  FieldReader in(bytes);
  ASSERT_TRUE(in.next() && in.number() == 1 && in.is_number());
  EXPECT_EQ(in.value(), 300);
  ASSERT_TRUE(in.next() && in.number() == 2 && in.is_number());
  EXPECT_EQ(in.value(), 3);
  ASSERT_TRUE(in.next() && in.number() == 3 && in.is_content());
  EXPECT_EQ(in.content(), "text");
  ASSERT_TRUE(in.next() && in.number() == 4 && in.is_content());
  EXPECT_EQ(in.content().size(), 11U);
  EXPECT_FALSE(in.next());
  EXPECT_TRUE(in.at_end());
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    FieldReader less(std::string_view(bytes).substr(0, cut));
    while (less.next()) EXPECT_LE(less.content().size(), cut);
  }
  for (const char* bad : {"\x0b\x0c", "\x07", "\x1a\x05xx", "\x0d\x01", "\x80"}) {
    FieldReader broken(bad);
    EXPECT_FALSE(broken.next()) << bad;
    EXPECT_FALSE(broken.at_end()) << bad;
  }
}

}  // namespace
}  // namespace qc::wire
