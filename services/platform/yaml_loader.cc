#include "platform/yaml_loader.h"

#include <fstream>
#include <set>
#include <sstream>

#include "base/assert.h"
#include "platform/yaml_schema.h"
#include "platform/yaml_tree.h"
#include "platform/yaml_value.h"

namespace qc::platform {

namespace pb = google::protobuf;
using Kind = YamlNode::Kind;

std::string Place::str() const {
  if (line == 0) return file;
  return file + ":" + std::to_string(line) + ":" + std::to_string(column);
}

std::string Problem::str() const {
  return place.str() + ": " + text;
}

namespace {

std::string kind_text(const YamlNode& node) {
  switch (node.kind) {
    case Kind::null:
      return "nothing";
    case Kind::scalar:
      return shown(node.text);
    case Kind::list:
      return "a list";
    case Kind::map:
      return "a mapping";
  }
  return "";
}

std::string join(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}
std::string at(const std::string& path, int index) {
  return path + "[" + std::to_string(index) + "]";
}
std::string item_of(const std::string& path, const std::string& name) {
  return path + "[" + name + "]";
}

}  // namespace

// One file's tree into the message.
class YamlWalk {
 public:
  YamlWalk(YamlLoader& loader, std::string file) : loader_(loader), file_(std::move(file)) {}

  void message(const YamlNode& node, pb::Message& into, const std::string& path) {
    const pb::Descriptor& type = *into.GetDescriptor();
    if (node.kind != Kind::map) {
      const std::string what = path.empty() ? "the file" : shown(path);
      problem(node, what + " must be a mapping (key: value), not " + kind_text(node));
      return;
    }
    std::map<std::string_view, const YamlNode*> seen;
    for (const auto& [key, value] : node.fields) {
      if (key->kind != Kind::scalar) {
        problem(*key, "a key must be plain text, not " + kind_text(*key));
        continue;
      }
      const auto [first, is_new] = seen.emplace(key->text, key.get());
      if (!is_new) {
        problem(*key, "key " + shown(key->text) + " is written twice; the first is in line " +
                          std::to_string(first->second->line));
        continue;
      }
      const pb::FieldDescriptor* field = type.FindFieldByName(key->text);
      if (field == nullptr) {
        problem(*key, "unknown key " + shown(key->text) + " in " + type.name() + hint(key->text, field_names(type)));
        continue;
      }
      this->field(*key, *value, into, *field, join(path, field->name()));
    }
  }

 private:
  void field(const YamlNode& key, const YamlNode& value, pb::Message& into, const pb::FieldDescriptor& field,
             const std::string& path) {
    QC_ASSERT(field.type() != pb::FieldDescriptor::TYPE_BYTES);  // a schema that we do not write
    const bool is_message = field.cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE;
    const auto earlier = loader_.places_.emplace(path, where(key));
    if (value.kind == Kind::null) {
      problem(key, shown(field.name()) + " has no value");
    } else if (field.is_map()) {
      map(value, into, field, path);
    } else if (field.is_repeated()) {
      list(value, into, field, path);
    } else if (is_message) {
      message(value, *into.GetReflection()->MutableMessage(&into, &field), path);
    } else if (!earlier.second) {
      problem(key, shown(field.name()) + " is already given at " + earlier.first->second.str());
    } else {
      scalar(value, into, field);
    }
  }

  void list(const YamlNode& value, pb::Message& into, const pb::FieldDescriptor& field, const std::string& path) {
    if (value.kind != Kind::list) {
      problem(value, shown(field.name()) + " must be a list, not " + kind_text(value));
      return;
    }
    const auto& rule = rule_of(field);
    if (value.items.empty() && rule.required()) problem(value, shown(field.name()) + " must have at least one item");
    const pb::Reflection& reflection = *into.GetReflection();
    const auto total = static_cast<std::size_t>(reflection.FieldSize(into, &field)) + value.items.size();
    if (rule.has_max_items() && total > static_cast<std::size_t>(rule.max_items())) {
      problem(value, shown(field.name()) + " has " + std::to_string(total) + " items; expected at most " +
                         std::to_string(rule.max_items()));
      return;
    }
    for (const YamlNodePtr& item : value.items) {
      const std::string item_path = at(path, reflection.FieldSize(into, &field));
      if (item->kind == Kind::null) {
        problem(*item, "an item of " + shown(field.name()) + " has no value");
      } else if (field.cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE) {
        loader_.places_.emplace(item_path, where(*item));
        message(*item, *reflection.AddMessage(&into, &field), item_path);
      } else if (scalar(*item, into, field)) {
        loader_.places_.emplace(item_path, where(*item));
      }
    }
  }

  // Names of somebody else's to texts. What stands there may be secret: no problem repeats it.
  void map(const YamlNode& value, pb::Message& into, const pb::FieldDescriptor& field, const std::string& path) {
    const pb::FieldDescriptor& key_field = *field.message_type()->map_key();
    const pb::FieldDescriptor& value_field = *field.message_type()->map_value();
    QC_ASSERT(key_field.type() == pb::FieldDescriptor::TYPE_STRING &&
              value_field.type() == pb::FieldDescriptor::TYPE_STRING);  // the only maps that we write
    if (value.kind != Kind::map) {
      const char* what = value.kind == Kind::list ? "a list" : "a single value";
      problem(value, shown(field.name()) + " must be a mapping (name: value), not " + what);
      return;
    }
    for (const auto& [key, item] : value.fields) {
      if (key->kind != Kind::scalar || key->text.empty() || !is_valid_utf8(key->text)) {
        problem(*key, "a name in " + shown(field.name()) + " must be plain text");
        continue;
      }
      const auto [earlier, is_new] = loader_.places_.emplace(item_of(path, key->text), where(*key));
      if (!is_new) {
        problem(*key, shown(key->text) + " is already given at " + earlier->second.str());
      } else if (item->kind != Kind::scalar) {
        problem(*key, shown(key->text) + (item->kind == Kind::null ? " has no value" : " must be a single value"));
      } else if (!is_valid_utf8(item->text) || item->text.find('\0') != std::string::npos) {
        problem(*key, shown(key->text) + " must be text in UTF-8");
      } else {
        pb::Message& entry = *into.GetReflection()->AddMessage(&into, &field);
        entry.GetReflection()->SetString(&entry, &key_field, key->text);
        entry.GetReflection()->SetString(&entry, &value_field, item->text);
      }
    }
  }

  bool scalar(const YamlNode& value, pb::Message& into, const pb::FieldDescriptor& field) {
    if (value.kind != Kind::scalar) {
      problem(value, shown(field.name()) + " must be a single value, not " + kind_text(value));
      return false;
    }
    if (const auto set = set_scalar(into, field, value.text); !set) {
      problem(value, set.error());
      return false;
    }
    return true;
  }

  Place where(const YamlNode& node) const { return {file_, node.line, node.column}; }
  void problem(const YamlNode& node, std::string text) { loader_.add(where(node), std::move(text)); }

  YamlLoader& loader_;
  const std::string file_;
};

YamlLoader::YamlLoader(pb::Message& into, YamlLimits limits) : into_(into), limits_(limits) {}

void YamlLoader::add(Place place, std::string text) {
  if (problems_.size() < limits_.problems_max) {
    problems_.push_back({std::move(place), std::move(text)});
  } else if (!problems_cut_) {
    problems_cut_ = true;
    problems_.push_back({std::move(place), "there are more problems from here on; mend the first ones"});
  }
}

void YamlLoader::add_problem(const std::string& field_path, std::string text) {
  add(place(field_path), std::move(text));
}

Place place_of(const Places& places, const std::string& field_path) {
  std::string path = field_path;
  for (;;) {
    if (const auto found = places.find(path); found != places.end()) return found->second;
    if (path.empty()) return {};
    const std::size_t cut = path.find_last_of(".[");
    path.resize(cut == std::string::npos ? 0 : cut);
  }
}

bool YamlLoader::load_file(const std::string& path, std::string name) {
  if (name.empty()) name = path;
  std::ifstream file(path, std::ios::binary);
  std::string text;
  if (file) {
    // One byte above the limit is enough to know; a device or an endless pipe must not fill the memory.
    text.resize(limits_.file_bytes_max + 1);
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
  }
  if (!file.eof() && text.size() <= limits_.file_bytes_max) {
    add({name, 0, 0}, "cannot be read; expected a YAML file");
    return false;
  }
  return load_text(text, std::move(name));
}

bool YamlLoader::load_text(std::string_view text, std::string name) {
  const std::size_t before = problems_.size();
  places_.emplace("", Place{name, 0, 0});
  if (auto tree = parse_yaml(text, name, limits_); !tree) {
    add(tree.error().place, tree.error().text);
  } else if ((*tree)->kind != Kind::null) {
    YamlWalk(*this, std::move(name)).message(**tree, into_, "");
  }
  return problems_.size() == before;
}

bool YamlLoader::finish() {
  check_required(into_, "");
  check_references();
  return problems_.empty();
}

void YamlLoader::check_required(const pb::Message& message, const std::string& path) {
  const pb::Descriptor& type = *message.GetDescriptor();
  const pb::Reflection& reflection = *message.GetReflection();
  for (int i = 0; i < type.field_count(); ++i) {
    const pb::FieldDescriptor& field = *type.field(i);
    const std::string field_path = join(path, field.name());
    if (rule_of(field).required() && !given(field_path)) {
      add_problem(path, shown(field.name()) + " is missing in " + type.name());
    }
    if (field.cpp_type() != pb::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (field.is_repeated()) {
      for (int j = 0; j < reflection.FieldSize(message, &field); ++j) {
        check_required(reflection.GetRepeatedMessage(message, &field, j), at(field_path, j));
      }
    } else if (reflection.HasField(message, &field)) {
      check_required(reflection.GetMessage(message, &field), field_path);
    }
  }
}

void YamlLoader::check_references() {
  struct Reference {
    std::string path;
    std::string field;
    std::string kind;
    std::string id;
  };
  std::map<std::string, std::map<std::string, Place>> defined;  // by kind
  std::vector<Reference> references;
  for_each_text(into_, [&](const std::string& path, const pb::FieldDescriptor& field, const std::string& text) {
    const auto& rule = rule_of(field);
    if (text.empty()) return;  // absent, or already reported
    if (rule.has_refers()) references.push_back({path, field.name(), rule.refers(), text});
    if (!rule.has_defines()) return;
    const auto [first, is_new] = defined[rule.defines()].emplace(text, place(path));
    if (!is_new) {
      add_problem(path,
                  rule.defines() + " " + shown(text) + " is defined twice; the first is at " + first->second.str());
    }
  });
  for (const Reference& reference : references) {
    const auto& ids = defined[reference.kind];
    if (ids.contains(reference.id)) continue;
    std::vector<std::string> names;
    for (const auto& [id, unused] : ids) names.push_back(id);
    add_problem(reference.path, shown(reference.field) + " names the " + reference.kind + " " + shown(reference.id) +
                                    ", which nothing defines" + hint(reference.id, names));
  }
}

Result<void> load_yaml(const std::string& path, pb::Message& into) {
  YamlLoader loader(into);
  loader.load_file(path);
  if (loader.finish()) return {};
  std::string text;
  for (const Problem& problem : loader.problems()) text += (text.empty() ? "" : "\n") + problem.str();
  return fail(Errc::config_invalid, text);
}

}  // namespace qc::platform
