#include "console/json_text.h"

#include <array>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <cmath>

namespace qc::console {

namespace json = boost::json;

void append_json(const json::value& value, std::string& out) {
  bool first = true;
  switch (value.kind()) {
    case json::kind::object:
      out += '{';
      for (const auto& member : value.get_object()) {
        if (!first) out += ',';
        first = false;
        out += json::serialize(json::string_view(member.key()));
        out += ':';
        append_json(member.value(), out);
      }
      out += '}';
      return;
    case json::kind::array:
      out += '[';
      for (const json::value& item : value.get_array()) {
        if (!first) out += ',';
        first = false;
        append_json(item, out);
      }
      out += ']';
      return;
    case json::kind::double_: {
      const double number = value.get_double();
      if (!std::isfinite(number)) {  // JSON has none
        out += "null";
        return;
      }
      std::array<char, 400> text{};  // the longest plain double has fewer
      const auto end = std::to_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
      out.append(text.data(), end.ptr);
      return;
    }
    default:
      out += json::serialize(value);
  }
}

std::string json_line(const json::value& value) {
  std::string out;
  append_json(value, out);
  return out;
}

}  // namespace qc::console
