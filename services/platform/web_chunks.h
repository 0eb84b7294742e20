// The chunked transfer encoding (RFC 9112 7.1), strictly. By hand, because Beast lets a quoted extension run over the
// line's end, so that what a request is depends on where its bytes were cut: two readers would disagree.
//
// Extensions and trailers are passed over; their bytes count against `rest_bytes_max`, over the whole body. Threads:
// one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace qc::platform {

class WebChunks {
 public:
  enum class State { need_more, complete, malformed, too_large, rest_too_large };

  WebChunks(std::size_t body_bytes_max, std::size_t rest_bytes_max)
      : body_bytes_max_(body_bytes_max), rest_bytes_max_(rest_bytes_max) {}

  // Takes what belongs to the body off the front of `bytes` and appends its data. REQUIRES: the state is need_more.
  State put(std::string_view& bytes, std::string& body);

 private:
  enum class At { size, extension, size_end, data, data_cr, data_lf, line, trailer, trailer_end, last_end };

  State put_byte(char c, std::size_t body_bytes);

  const std::size_t body_bytes_max_;
  const std::size_t rest_bytes_max_;
  At at_ = At::size;
  std::uint64_t left_ = 0;  // of the chunk's data
  int digits_ = 0;
  std::size_t rest_bytes_ = 0;
};

}  // namespace qc::platform
