// Loads YAML files into a protobuf message by walking the message's descriptor: the schema is the .proto file, with the
// options of proto/qingchuan/v1/schema.proto (ranges, formats, labels, ids and references). Every problem is collected,
// none stops the walk, so that a person mends a file in one go; each is "file:line:column: what was wrong, what was
// expected, the nearest name".
//
// Lifecycle: make one loader for one message; load any number of files (fragments: lists grow in the order of loading,
// a single value may be given once); then `finish` once, which finds what is missing and what refers to nothing. The
// message is usable only when `problems` is empty afterwards. `place` answers where a field was written, for checks
// that the schema cannot express, and `given` whether it was written at all (proto3 scalars cannot tell).
//
// Bytes are never trusted: size, nesting and the number of nodes (aliases counted as often as they are used) are
// limited, and whatever yaml-cpp throws becomes a problem. Threads: none; a loader belongs to one thread.
#pragma once

#include <google/protobuf/message.h>

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace qc::platform {

// Where something was written; lines and columns count from 1. Line 0: the file as a whole.
struct Place {
  std::string file;
  int line = 0;
  int column = 0;

  std::string str() const;  // "sites.yaml:3:5"
  bool operator==(const Place&) const = default;
};

// Where each field was written, by its path as YamlLoader writes them.
using Places = std::map<std::string, Place>;
// The field's place or, when it was not written, that of the nearest thing around it that was.
Place place_of(const Places& places, const std::string& field_path);

struct Problem {
  Place place;
  std::string text;

  std::string str() const;  // "sites.yaml:3:5: unknown key `nmae`; ..."
};

struct YamlLimits {
  std::size_t file_bytes_max = 8u << 20;
  std::size_t depth_max = 32;              // mappings and lists within one another
  std::size_t nodes_max = 500'000;         // values in one file, aliased ones counted at each use
  std::size_t text_bytes_max = 16u << 20;  // of all values of one file, aliased ones likewise
  std::size_t problems_max = 100;          // of all files; then one last line says that there are more
};

class YamlLoader {
 public:
  // REQUIRES: `into` outlives the loader and is changed by nobody else until `finish`, except as `field_places` allows.
  explicit YamlLoader(google::protobuf::Message& into, YamlLimits limits = {});

  // Reads a file; `name` is what problems call it (its path when empty). False when this file had problems.
  bool load_file(const std::string& path, std::string name = "");
  bool load_text(std::string_view text, std::string name);

  // Missing required fields, ids defined twice, references to nothing: over everything loaded. True when `problems` is
  // empty. Call it once, after the last file.
  bool finish();

  // Checks that the schema cannot express add theirs here, with the place of a field.
  void add_problem(const std::string& field_path, std::string text);

  // In the order of files and lines of each pass.
  const std::vector<Problem>& problems() const { return problems_; }

  // Field paths are written as in "sites[3].region" and, in a map, "kafka.settings[linger.ms]"; "" is the message
  // itself.
  bool given(const std::string& field_path) const { return places_.contains(field_path); }
  Place place(const std::string& field_path) const { return place_of(places_, field_path); }
  const Places& places() const { return places_; }

 private:
  friend class YamlWalk;

  void add(Place place, std::string text);
  void check_required(const google::protobuf::Message& message, const std::string& path);
  void check_references();

  google::protobuf::Message& into_;
  YamlLimits limits_;
  std::vector<Problem> problems_;
  bool problems_cut_ = false;
  Places places_;
};

// One file into one message, finished: the short way. The error is config_invalid (or file_unreadable) and its text the
// problems, one a line.
Result<void> load_yaml(const std::string& path, google::protobuf::Message& into);

}  // namespace qc::platform
