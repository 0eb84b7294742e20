#include "platform/web_chunks.h"

#include <algorithm>

namespace qc::platform {

namespace {

constexpr int kChunkDigitsMax = 8;  // chunks of up to 4 GiB, so nothing overflows

int chunk_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool may_stand_in_line(char c) {
  return (static_cast<unsigned char>(c) >= ' ' && c != 0x7f) || c == '\t';
}

}  // namespace

WebChunks::State WebChunks::put(std::string_view& bytes, std::string& body) {
  while (!bytes.empty()) {
    if (at_ == At::data) {
      const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
      body.append(bytes.substr(0, size));
      bytes.remove_prefix(size);
      left_ -= size;
      if (left_ == 0) at_ = At::data_cr;
      continue;
    }
    const char c = bytes.front();
    bytes.remove_prefix(1);
    if (const State state = put_byte(c, body.size()); state != State::need_more) return state;
  }
  return State::need_more;
}

WebChunks::State WebChunks::put_byte(char c, std::size_t body_bytes) {
  const auto only = [&](char expected, At next) {
    at_ = next;
    return c == expected ? State::need_more : State::malformed;
  };
  // Of an extension or a trailer, up to the line's end.
  const auto passed_over = [&](At end) {
    if (c == '\r') {
      at_ = end;
      return State::need_more;
    }
    if (!may_stand_in_line(c)) return State::malformed;
    return ++rest_bytes_ > rest_bytes_max_ ? State::rest_too_large : State::need_more;
  };
  switch (at_) {
    case At::size:
      if (const int digit = chunk_digit(c); digit >= 0) {
        if (++digits_ > kChunkDigitsMax) return State::malformed;
        left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
        return State::need_more;
      }
      if (digits_ == 0 || (c != '\r' && c != ';' && c != ' ' && c != '\t')) return State::malformed;
      at_ = At::extension;
      return passed_over(At::size_end);
    case At::extension:
      return passed_over(At::size_end);
    case At::size_end:
      if (left_ > body_bytes_max_ - body_bytes) return State::too_large;
      digits_ = 0;
      return only('\n', left_ == 0 ? At::line : At::data);
    case At::data:
    case At::data_cr:
      return only('\r', At::data_lf);
    case At::data_lf:
      return only('\n', At::size);
    case At::line:  // a trailer, or the empty line that ends it all
      if (c == '\r') return only('\r', At::last_end);
      at_ = At::trailer;
      return passed_over(At::trailer_end);
    case At::trailer:
      return passed_over(At::trailer_end);
    case At::trailer_end:
      return only('\n', At::line);
    case At::last_end:
      return c == '\n' ? State::complete : State::malformed;
  }
  return State::malformed;
}

}  // namespace qc::platform
