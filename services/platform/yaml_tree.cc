#include "platform/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <istream>
#include <map>
#include <optional>
#include <streambuf>

#include "base/assert.h"
#include "platform/yaml_value.h"

namespace qc::platform {
namespace {

// Thrown by the handler through yaml-cpp, caught in parse_yaml: the only way to stop its parser.
struct Stop {
  int line;
  int column;
  std::string text;
};

int line_of(const YAML::Mark& mark) {
  return mark.line + 1;
}
int column_of(const YAML::Mark& mark) {
  return mark.column + 1;
}

// Builds the tree; `open_` is the path from the root to where the parser stands.
class Builder : public YAML::EventHandler {
 public:
  explicit Builder(const YamlLimits& limits) : limits_(limits) {}

  YamlNodePtr root() const { return root_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (root_) throw Stop{line_of(mark), column_of(mark), "a second document begins; expected one in a file"};
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    close(leaf(YamlNode::Kind::null, mark), anchor, mark);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_tag(tag, mark);
    auto node = leaf(YamlNode::Kind::scalar, mark);
    node->text = value;
    node->text_bytes = value.size();
    close(std::move(node), anchor, mark);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      throw Stop{line_of(mark), column_of(mark), "an alias stands inside what it names; expected a finished value"};
    }
    attach(found->second, mark);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    refuse_tag(tag, mark);
    enter(YamlNode::Kind::list, mark, anchor);
  }
  void OnSequenceEnd() override { leave(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    refuse_tag(tag, mark);
    enter(YamlNode::Kind::map, mark, anchor);
  }
  void OnMapEnd() override { leave(); }

 private:
  struct Open {
    std::shared_ptr<YamlNode> node;
    YAML::anchor_t anchor;
    YAML::Mark mark;
    YamlNodePtr key;  // of a mapping: read, its value not yet
  };

  static std::shared_ptr<YamlNode> leaf(YamlNode::Kind kind, const YAML::Mark& mark) {
    auto node = std::make_shared<YamlNode>();
    node->kind = kind;
    node->line = line_of(mark);
    node->column = column_of(mark);
    return node;
  }

  // "?" is a plain value, "!" a quoted one: yaml-cpp's way to say that nobody wrote a tag.
  static void refuse_tag(const std::string& tag, const YAML::Mark& mark) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    throw Stop{line_of(mark), column_of(mark), "a tag (!...) is written here; expected none"};
  }

  void enter(YamlNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (open_.size() >= limits_.depth_max) too_deep(mark);
    open_.push_back({leaf(kind, mark), anchor, mark, nullptr});
  }

  void leave() {
    QC_ASSERT(!open_.empty());
    Open done = std::move(open_.back());
    open_.pop_back();
    close(std::move(done.node), done.anchor, done.mark);
  }

  void close(std::shared_ptr<YamlNode> node, YAML::anchor_t anchor, const YAML::Mark& mark) {
    YamlNodePtr finished = std::move(node);
    if (anchor != 0) anchors_[anchor] = finished;
    attach(finished, mark);
  }

  // Puts a finished node where the parser stands. Limits are checked here, so an alias is counted at every use.
  void attach(const YamlNodePtr& node, const YAML::Mark& mark) {
    if (open_.size() + node->height > limits_.depth_max + 1) too_deep(mark);
    if (open_.empty()) {
      root_ = node;
      return;
    }
    Open& parent = open_.back();
    YamlNode& in = *parent.node;
    in.nodes += node->nodes;
    in.text_bytes += node->text_bytes;
    in.height = std::max(in.height, node->height + 1);
    if (in.nodes > limits_.nodes_max) {
      throw Stop{line_of(mark), column_of(mark),
                 "more than " + std::to_string(limits_.nodes_max) + " values in one file (aliases count at every use)"};
    }
    if (in.text_bytes > limits_.text_bytes_max) {
      throw Stop{line_of(mark), column_of(mark),
                 "more than " + std::to_string(limits_.text_bytes_max) +
                     " bytes of text in one file (aliases count at every use)"};
    }
    if (in.kind == YamlNode::Kind::list) {
      in.items.push_back(node);
    } else if (!parent.key) {
      parent.key = node;
    } else {
      in.fields.emplace_back(std::move(parent.key), node);
      parent.key = nullptr;
    }
  }

  [[noreturn]] void too_deep(const YAML::Mark& mark) const {
    throw Stop{line_of(mark), column_of(mark),
               "nested more than " + std::to_string(limits_.depth_max) + " deep; expected a flatter file"};
  }

  const YamlLimits& limits_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, YamlNodePtr> anchors_;
  YamlNodePtr root_;
};

// Lets an istream read from a string_view without a copy.
struct ViewBuffer : std::streambuf {
  explicit ViewBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // never written: a get area only
    setg(begin, begin, begin + text.size());
  }
};

// One pass of yaml-cpp's parser; nothing when the whole text was read.
std::optional<Problem> parse_into(Builder& builder, std::string_view text, const std::string& name) {
  try {
    ViewBuffer buffer(text);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
    return std::nullopt;
  } catch (const Stop& stop) {
    return Problem{{name, stop.line, stop.column}, stop.text};
  } catch (const YAML::Exception& error) {
    if (error.mark.is_null()) return Problem{{name, 0, 0}, "not YAML: " + printable(error.msg)};
    return Problem{{name, line_of(error.mark), column_of(error.mark)}, "not YAML: " + printable(error.msg)};
  } catch (const std::exception& error) {
    return Problem{{name, 0, 0}, "not YAML: " + printable(error.what())};
  }
}

}  // namespace

tl::expected<YamlNodePtr, Problem> parse_yaml(std::string_view text, const std::string& name,
                                              const YamlLimits& limits) {
  if (text.size() > limits.file_bytes_max) {
    return tl::make_unexpected(
        Problem{{name, 0, 0}, "the file is larger than " + std::to_string(limits.file_bytes_max) + " bytes"});
  }
  // yaml-cpp 0.7 takes a quote that nobody closed as closed by a line end before the end of the file, and the rest of
  // the file as its text. Without the last line ends it sees the mistake: so that is tried first. (The value of a block
  // at the end of the file keeps its line end, so the whole text is what counts.)
  if (const std::size_t last = text.find_last_not_of(" \r\n"); last != std::string_view::npos) {
    Builder trial(limits);
    if (auto problem = parse_into(trial, text.substr(0, last + 1), name))
      return tl::make_unexpected(*std::move(problem));
  }
  Builder builder(limits);
  if (auto problem = parse_into(builder, text, name)) return tl::make_unexpected(*std::move(problem));
  if (!builder.root()) return std::make_shared<YamlNode>();  // an empty file is an empty document
  return builder.root();
}

}  // namespace qc::platform
