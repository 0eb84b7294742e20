// JSON as people read it: Boost.JSON writes 52.3 as 5.23E1, which is the same number and nobody's figure. A function;
// any thread.
#pragma once

#include <boost/json/value.hpp>
#include <string>

namespace qc::console {

// One line. Numbers in the shortest form that is read back as the same.
std::string json_line(const boost::json::value& value);
void append_json(const boost::json::value& value, std::string& out);

}  // namespace qc::console
