#include "render/read_yaml.h"

#include <yaml.h>

#include <set>
#include <vector>

#include <fmt/core.h>

#include "base/result.h"

namespace kb::render {
namespace {

std::string_view TextOf(const yaml_char_t* bytes, size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { yaml_event_delete(&event_); }

  yaml_event_t* get() { return &event_; }
  yaml_event_type_t type() const { return event_.type; }
  size_t line() const { return event_.start_mark.line + 1; }
  std::string_view scalar() const {
    return TextOf(event_.data.scalar.value, event_.data.scalar.length);
  }

  // What the node carries that readers do not agree on.
  std::string_view Ornament() const {
    switch (event_.type) {
      case YAML_ALIAS_EVENT:
        return "an alias";
      case YAML_SCALAR_EVENT:
        return Ornament(event_.data.scalar.anchor, event_.data.scalar.tag);
      case YAML_SEQUENCE_START_EVENT:
        return Ornament(event_.data.sequence_start.anchor, event_.data.sequence_start.tag);
      case YAML_MAPPING_START_EVENT:
        return Ornament(event_.data.mapping_start.anchor, event_.data.mapping_start.tag);
      default:
        return {};
    }
  }

 private:
  static std::string_view Ornament(const yaml_char_t* anchor, const yaml_char_t* tag) {
    if (anchor != nullptr) return "an anchor";
    return tag != nullptr ? "a tag" : std::string_view();
  }

  yaml_event_t event_{};
};

class Reader {
 public:
  explicit Reader(std::string_view text) {
    KB_CHECK(yaml_parser_initialize(&parser_) == 1);
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() { yaml_parser_delete(&parser_); }

  std::string Mistake() {
    for (;;) {
      Event event;
      if (yaml_parser_parse(&parser_, event.get()) == 0) {
        return At(parser_.problem_mark.line + 1, parser_.problem);
      }
      if (event.type() == YAML_STREAM_END_EVENT) return {};
      if (std::string mistake = Take(event); !mistake.empty()) return mistake;
    }
  }

 private:
  // An open list or map, and of a map its keys so far.
  struct Level {
    bool map = false;
    bool wants_key = false;
    std::set<std::string, std::less<>> keys = {};
  };

  static std::string At(size_t line, std::string_view what) {
    return fmt::format("line {}: {}", line, what);
  }

  std::string Take(const Event& event) {
    if (const std::string_view ornament = event.Ornament(); !ornament.empty()) {
      return At(event.line(), fmt::format("{}, which readers do not agree on", ornament));
    }
    switch (event.type()) {
      case YAML_MAPPING_END_EVENT:
      case YAML_SEQUENCE_END_EVENT:
        levels_.pop_back();
        return {};
      case YAML_MAPPING_START_EVENT:
      case YAML_SEQUENCE_START_EVENT: {
        if (IsKey()) return At(event.line(), "a key that is a list or a map");
        const bool map = event.type() == YAML_MAPPING_START_EVENT;
        levels_.push_back({.map = map, .wants_key = map});
        return {};
      }
      case YAML_SCALAR_EVENT:
        return IsKey() ? TakeKey(event) : std::string();
      default:
        return {};
    }
  }

  // Whether the node that begins is a key; the one behind it is then its value.
  bool IsKey() {
    if (levels_.empty() || !levels_.back().map) return false;
    Level& level = levels_.back();
    level.wants_key = !level.wants_key;
    return !level.wants_key;
  }

  std::string TakeKey(const Event& event) {
    const std::string_view key = event.scalar();
    if (key == "<<") return At(event.line(), "a merge key, which readers do not agree on");
    if (levels_.back().keys.emplace(key).second) return {};
    return At(event.line(), fmt::format("the key `{}` stands twice", key));
  }

  yaml_parser_t parser_{};
  std::vector<Level> levels_;
};

}  // namespace

std::string BadYaml(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) return "line 1: a byte order mark";
  return Reader(text).Mistake();
}

}  // namespace kb::render
