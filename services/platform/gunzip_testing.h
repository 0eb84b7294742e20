// The checker of what is compressed: zlib's other direction. For tests only.
#pragma once

#include <zlib.h>

#include <stdexcept>
#include <string>
#include <string_view>

namespace qc::platform {

inline std::string gunzip(std::string_view packed) {
  z_stream stream{};
  if (::inflateInit2(&stream, 15 + 16) != Z_OK) throw std::runtime_error("inflateInit2");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string bytes;
  int state = Z_OK;
  while (state == Z_OK) {
    char piece[4096];
    stream.next_out = reinterpret_cast<Bytef*>(piece);
    stream.avail_out = sizeof piece;
    state = ::inflate(&stream, Z_NO_FLUSH);
    bytes.append(piece, sizeof piece - stream.avail_out);
  }
  ::inflateEnd(&stream);
  if (state != Z_STREAM_END || stream.avail_in != 0) throw std::runtime_error("this is no gzip");
  return bytes;
}

}  // namespace qc::platform
