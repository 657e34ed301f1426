#include "bundle/recipe.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/strings.h"
#include "bundle/patterns.h"

namespace kb::bundle {
namespace {

class Recipe {
 public:
  Recipe(std::string_view bytes, const Inside& inside, const Report& report)
      : bytes_(bytes), inside_(inside), report_(report) {}

  void Audit() {
    Directive();
    std::string text = WithoutComments(bytes_, "#");
    for (size_t begin = 0; begin < text.size();) {
      size_t end = std::min(text.find('\n', begin), text.size());
      while (end < text.size() && Continues(text, begin, end))
        end = std::min(text.find('\n', end + 1), text.size());
      Instruction(std::string_view(text).substr(begin, end - begin), static_cast<uint32_t>(begin));
      begin = end + 1;
    }
    FindAnywhere(text, NeedKind::kDownload, inside_, report_);
  }

 private:
  // Lines of blanks in the middle were comments.
  static bool Continues(std::string_view text, size_t begin, size_t end) {
    std::string_view line = text.substr(begin, end - begin);
    while (!line.empty()) {
      const size_t last = line.rfind('\n');
      const std::string_view one = Trim(line.substr(last == std::string_view::npos ? 0 : last + 1));
      if (!one.empty()) return one.ends_with('\\');
      if (last == std::string_view::npos) return false;
      line = line.substr(0, last);
    }
    return false;
  }

  // The one comment that fetches: `# syntax=docker/dockerfile:1`.
  void Directive() {
    const std::string_view line = Trim(bytes_.substr(0, bytes_.find('\n')));
    const size_t equals = line.find('=');
    const bool directive = line.starts_with('#') && equals != std::string_view::npos &&
                           Trim(line.substr(1, equals - 1)) == "syntax";
    if (directive) report_(NeedKind::kImage, std::string(Trim(line.substr(equals + 1))), 0);
  }

  void Image(std::string_view ref, uint32_t at) {
    std::string image(ref);
    for (const auto& [name, value] : arguments_) {
      for (const std::string& form : {"${" + name + "}", "$" + name}) {
        if (const size_t where = image.find(form); where != std::string::npos) {
          image.replace(where, form.size(), value);
        }
      }
    }
    const bool stage = std::ranges::find(stages_, image) != stages_.end();
    if (image != "scratch" && !stage) report_(NeedKind::kImage, image, at);
  }

  void Instruction(std::string_view line, uint32_t at) {
    const size_t first = line.find_first_not_of(" \t");
    if (first == std::string_view::npos) return;
    const size_t end = std::min(line.find_first_of(" \t", first), line.size());
    std::string name(line.substr(first, end - first));
    for (char& c : name) c = IsLower(c) ? static_cast<char>(c - 'a' + 'A') : c;
    const std::string_view rest = line.substr(end);
    std::vector<std::string_view> words;
    for (std::string_view word : Split(rest, ' ')) {
      if (!Trim(word).empty()) words.push_back(Trim(word));
    }
    if (name == "ARG" && !words.empty()) Argument(words[0]);
    if (name == "FROM") From(words, at + static_cast<uint32_t>(first));
    if (name == "COPY" || name == "ADD") CopyFrom(words, at + static_cast<uint32_t>(first));
    if (name == "RUN") Run(rest, at + static_cast<uint32_t>(end));
  }

  void Argument(std::string_view word) {
    const size_t equals = word.find('=');
    if (equals == std::string_view::npos) return;
    arguments_[std::string(word.substr(0, equals))] = Unquoted(word.substr(equals + 1));
  }

  void From(const std::vector<std::string_view>& words, uint32_t at) {
    size_t i = 0;
    while (i < words.size() && words[i].starts_with("--")) ++i;
    if (i >= words.size()) return;
    Image(words[i], at);
    if (i + 2 < words.size()) stages_.emplace_back(words[i + 2]);
  }

  void CopyFrom(const std::vector<std::string_view>& words, uint32_t at) {
    constexpr std::string_view kFrom = "--from=";
    for (std::string_view word : words) {
      if (!word.starts_with(kFrom)) continue;
      const std::string_view source = word.substr(kFrom.size());
      if (!ParseUnsigned(source)) Image(source, at);  // a number is a stage
    }
  }

  void Run(std::string_view text, uint32_t at) {
    constexpr std::string_view kFrom = ",from=";
    for (std::string_view word : Split(text, ' ')) {
      const size_t from = word.find(kFrom);
      if (word.starts_with("--mount=") && from != std::string_view::npos) {
        const std::string_view source = word.substr(from + kFrom.size());
        Image(source.substr(0, source.find(',')), at);
      }
    }
    ShellScript script(text, at);
    for (const auto& [name, value] : arguments_) script.Set(name, value);
    AuditScript(script, inside_, report_);
  }

  std::string_view bytes_;
  const Inside& inside_;
  const Report& report_;
  std::map<std::string, std::string> arguments_;
  std::vector<std::string> stages_;
};

}  // namespace

void AuditRecipe(std::string_view bytes, const Inside& inside, const Report& report) {
  Recipe(bytes, inside, report).Audit();
}

}  // namespace kb::bundle
