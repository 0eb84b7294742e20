// A YAML file as a tree of values with their places, read from bytes that nobody vouches for. A layer of its own over
// yaml-cpp's events, because its Node has no limits, resolves duplicate keys silently and expands aliases for whoever
// walks it: here size, nesting, the number of nodes and their text are counted while reading, every use of an alias
// anew.
//
// Threads: none; values. An aliased node is shared, never changed.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/yaml_loader.h"

namespace qc::platform {

struct YamlNode;
using YamlNodePtr = std::shared_ptr<const YamlNode>;

struct YamlNode {
  enum class Kind { null, scalar, list, map };

  Kind kind = Kind::null;
  int line = 0;  // from 1
  int column = 0;
  std::string text;                                         // of a scalar
  std::vector<YamlNodePtr> items;                           // of a list
  std::vector<std::pair<YamlNodePtr, YamlNodePtr>> fields;  // of a mapping, in the order written
  // With everything below it, aliases expanded.
  std::size_t nodes = 1;
  std::size_t text_bytes = 0;
  std::size_t height = 1;
};

// The one document in `text`, or the first thing that is wrong with it, with its place in `name`.
tl::expected<YamlNodePtr, Problem> parse_yaml(std::string_view text, const std::string& name, const YamlLimits& limits);

}  // namespace qc::platform
