#include <algorithm>
#include <array>

#include "lang/bare.h"
#include "lang/languages.h"
#include "lang/scan.h"
#include "lang/writing.h"
#include "lang/yaml_reader.h"

// YAML: a text is always double-quoted, because there is nothing that every reader takes for the
// same plain string. Atoms stand bare where no reader of YAML 1.1 or 1.2 sees anything else in
// them.
namespace kb::lang {
namespace {

using yaml::LayoutOf;

constexpr std::string_view kNotUtf8 = "YAML is UTF-8, and this is not";
constexpr std::string_view kGluedRefused =
    "a value must not touch what stands beside it: put the whole between double quotes";

std::string_view Unwritable(std::string_view value) {
  if (HasNul(value)) return kNulRefused;
  return FindInvalidUtf8(value) == std::string_view::npos ? std::string_view() : kNotUtf8;
}

// Where nothing can be escaped, readers refuse controls and take U+0085, U+2028 and U+2029 for
// line ends.
std::string_view UnprintableOutside(std::string_view value) {
  for (std::string_view rest = value; !rest.empty();) {
    const Character c = FirstCharacter(rest);
    const bool kept = c.code == '\t' || c.code == '\n';
    if ((IsControl(c.code) && !kept) || IsInvisible(c.code)) {
      return "a control or invisible character can only be written between double quotes";
    }
    rest.remove_prefix(c.size);
  }
  return {};
}

std::string_view WriteInDouble(std::string_view value, Context, std::string& out) {
  if (const auto why = Unwritable(value); !why.empty()) return why;
  AppendJsonEscaped(value, out);
  return {};
}

std::string_view WriteQuoted(std::string_view value, Context at, std::string& out) {
  out += '"';
  const auto why = WriteInDouble(value, at, out);
  out += '"';
  return why;
}

std::string_view WriteInSingle(std::string_view value, Context, std::string& out) {
  if (const auto why = Unwritable(value); !why.empty()) return why;
  if (HasLineEnd(value)) return "between single quotes a line end is read as a blank";
  if (const auto why = UnprintableOutside(value); !why.empty()) return why;
  AppendEscaped(value, "'", '\'', out);
  return {};
}

bool IsSpecialWord(std::string_view atom) {
  constexpr std::array<std::string_view, 10> kWords = {"false", "n",    "no", "null", "off",
                                                       "on",    "true", "y",  "yes",  "~"};
  std::string lower(atom);
  for (char& c : lower) c = IsUpper(c) ? static_cast<char>(c - 'A' + 'a') : c;
  return std::ranges::find(kWords, lower) != kWords.end();
}

// An atom that begins with a digit is a string for every reader when it has a letter that no number
// and no date has, or when it is digits with more points than a number has (an address, a version).
bool IsSurelyNoNumber(std::string_view atom) {
  constexpr std::string_view kNumberLetters = "abcdefoxtzABCDEFOXTZ";
  if (std::ranges::any_of(atom, [&](char c) {
        return IsAlpha(c) && kNumberLetters.find(c) == std::string_view::npos;
      })) {
    return true;
  }
  const bool digits = atom.find_first_not_of("0123456789./") == std::string_view::npos;
  return digits && std::ranges::count(atom, '.') >= 2;
}

bool ReadsAsItself(std::string_view atom) {
  if (atom.empty() || atom.ends_with(':') || IsSpecialWord(atom)) return false;
  const char first = atom.front();
  if (IsDigit(first)) return IsSurelyNoNumber(atom);
  return IsAlpha(first) || first == '/' || first == '_';
}

std::string_view WriteAtom(std::string_view value, Context at, std::string& out) {
  return ReadsAsItself(value) ? WriteBare(value, at, out) : WriteQuoted(value, at, out);
}

// Between brackets the readers differ in what a colon means.
std::string_view WriteFlowAtom(std::string_view value, Context at, std::string& out) {
  if (value.find(':') != std::string_view::npos) return WriteQuoted(value, at, out);
  return WriteAtom(value, at, out);
}

std::string_view WriteInPlain(std::string_view value, Context at, std::string& out) {
  if (value.ends_with(':')) return "a colon at its end would make a key of what stands before it";
  return WriteBare(value, at, out);
}

// `n<%= x %>`: with "o" it would become a boolean.
std::string_view WriteAfterLetters(std::string_view value, Context at, std::string& out) {
  constexpr size_t kLongestRest = 4;
  if (value.size() <= kLongestRest && std::ranges::all_of(value, IsAlpha)) {
    return "with the letters before it, it could become a boolean or null: use double quotes";
  }
  return WriteInPlain(value, at, out);
}

std::string_view WriteInFlowPlain(std::string_view value, Context at, std::string& out) {
  if (value.find(':') != std::string_view::npos) {
    return "between brackets a colon could make a key of it: use double quotes";
  }
  return WriteInPlain(value, at, out);
}

enum class Place { kFirst, kLine, kText };  // of a block scalar: its beginning, a line's, elsewhere
enum class Chomp { kDrop, kKeep };

// Every line of the value gets the block's indentation; nothing else is needed.
template <Place place, Chomp chomp>
std::string_view WriteInBlock(std::string_view value, Context at, std::string& out) {
  if (const auto why = Unwritable(value); !why.empty()) return why;
  if (const auto why = UnprintableOutside(value); !why.empty()) return why;
  if (chomp == Chomp::kDrop && value.ends_with('\n')) {
    return "line ends at the end of the value would be lost: use `|+`";
  }
  if (place == Place::kFirst && (value.empty() || HasAny(value.substr(0, 1), " \t\n"))) {
    return "what begins a block scalar decides its indentation, so it must not be blank";
  }
  if (place == Place::kLine && chomp == Chomp::kDrop && value.empty()) {
    return "an empty last line of a block scalar would be lost: use `|+`";
  }
  while (true) {
    const size_t end = value.find('\n');
    out += value.substr(0, end);
    if (end == std::string_view::npos) return {};
    out += '\n';
    value.remove_prefix(end + 1);
    if (!value.empty() && value.front() != '\n') out.append(at.indent, ' ');
  }
}

// A folded block joins lines, but not those that begin with a blank.
template <Place place>
std::string_view WriteInFolded(std::string_view value, Context, std::string& out) {
  if (const auto why = Unwritable(value); !why.empty()) return why;
  if (value.find('\n') != std::string_view::npos) {
    return "a folded block scalar (`>`) turns line ends into blanks: use `|`";
  }
  if (const auto why = UnprintableOutside(value); !why.empty()) return why;
  if (place != Place::kText && (value.empty() || IsBlank(value.front()))) {
    return "a line of a folded block scalar must not begin with a blank";
  }
  out += value;
  return {};
}

template <Place place>
Fit AdmitBlock(uint8_t flags) {
  if (flags & yaml::kFolded) return Write(WriteInFolded<place>);
  return Write(flags & yaml::kKeep ? WriteInBlock<place, Chomp::kKeep>
                                   : WriteInBlock<place, Chomp::kDrop>);
}

Fit AdmitKey(ValueClass value) {
  if (value == ValueClass::kText) {
    return Refuse("a key is made of atoms: a free text could become another key");
  }
  return Write(value == ValueClass::kAtom ? WriteAtom : WriteBare);
}

Fit AdmitBlockIndent(Context at, ValueClass value) {
  if (yaml::LeftOfBlock(at)) return AdmitKey(value);
  if (LayoutOf(at).block == 0) return AdmitBlock<Place::kFirst>(at.flags);
  return AdmitBlock<Place::kLine>(at.flags);
}

Fit AdmitPlain(uint8_t flags, ValueClass value, EscapeFn atom) {
  if (value == ValueClass::kText) {
    return Refuse("a free text cannot continue a plain scalar: put the whole in double quotes");
  }
  if (value == ValueClass::kInt) return Write(WriteBare);
  if (flags == yaml::kNumber) {
    return Refuse(
        "what stands before it begins like a number or a date: put the whole in double quotes");
  }
  return Write(flags == yaml::kWord ? WriteAfterLetters : atom);
}

Fit AdmitWhole(ValueClass value, EscapeFn atom) {
  if (value == ValueClass::kText) return Write(WriteQuoted);
  return Write(value == ValueClass::kAtom ? atom : WriteBare);
}

Fit Admit(Context at, ValueClass value) {
  switch (at.state) {
    case yaml::kIndent:
      return AdmitKey(value);
    case yaml::kItem:
    case yaml::kValue:
      return AdmitWhole(value, WriteAtom);
    case yaml::kFlowItem:
      return AdmitWhole(value, WriteFlowAtom);
    case yaml::kPlain:
    case yaml::kPlainColon:
    case yaml::kPlainBlank:
      return AdmitPlain(at.flags, value, WriteInPlain);
    case yaml::kFlowPlain:
    case yaml::kFlowBlank:
      return AdmitPlain(at.flags, value, WriteInFlowPlain);
    case yaml::kSingle:
      return Write(WriteInSingle);
    case yaml::kDouble:
      return Write(WriteInDouble);
    case yaml::kBlockIndent:
      return AdmitBlockIndent(at, value);
    case yaml::kBlockText:
      return AdmitBlock<Place::kText>(at.flags);
    case yaml::kComment:
    case yaml::kFlowComment:
      return Write(WriteComment);
    case yaml::kDoubleEscape:
    case yaml::kDoubleHex:
      return Refuse("the backslash before it would change what it means");
    case yaml::kHeader:
    case yaml::kMarker:
    case yaml::kProperty:
      return Refuse("tags, anchors and block headers are not values");
    default:
      return Refuse(kGluedRefused);
  }
}

std::string_view Describe(Context at) {
  switch (at.state) {
    case yaml::kIndent:
      return "where a key is due";
    case yaml::kItem:
    case yaml::kValue:
      return "where a value is due";
    case yaml::kPlain:
    case yaml::kPlainColon:
    case yaml::kPlainBlank:
      return "inside a plain scalar";
    case yaml::kSingle:
      return "inside single quotes";
    case yaml::kDouble:
    case yaml::kDoubleEscape:
    case yaml::kDoubleHex:
      return "inside double quotes";
    case yaml::kBlockIndent:
    case yaml::kBlockText:
      return "inside a block scalar";
    case yaml::kComment:
    case yaml::kFlowComment:
      return "in a comment";
    case yaml::kFlowItem:
    case yaml::kFlowPlain:
    case yaml::kFlowColon:
    case yaml::kFlowBlank:
    case yaml::kFlowHole:
    case yaml::kFlowAfter:
      return "between brackets";
    case yaml::kHeader:
      return "in the header of a block scalar";
    case yaml::kMarker:
    case yaml::kProperty:
      return "in a tag, an anchor or a marker";
    default:
      return "behind a value";
  }
}

bool MayEnd(Context at) {
  switch (at.state) {
    case yaml::kSingle:
    case yaml::kDouble:
    case yaml::kDoubleEscape:
    case yaml::kDoubleHex:
    case yaml::kBroken:
      return false;
    default:
      return LayoutOf(at).depth == 0;
  }
}

std::string_view Broken(Context at) {
  if (at.state != yaml::kBroken) return {};
  switch (at.flags) {
    case yaml::kTooDeep:
      return "lines are indented, or brackets nested, more than 250 deep";
    case yaml::kGlued:
      return kGluedRefused;
    case yaml::kHoleKey:
      return "a value inside an item or brackets cannot become a key: begin a line with it";
    case yaml::kComplexKey:
      return "complex keys (`? `) are not read";
    case yaml::kTabIndent:
      return "a tab cannot indent";
    case yaml::kRootBlock:
      return "a block scalar stands behind a key or a dash";
    case yaml::kBlockDigit:
      return "a block scalar's indentation is seen from its text: leave the digit out";
    case yaml::kReserved:
      return "a plain scalar cannot begin with this character";
    case yaml::kBehindMarker:
      return "a document marker stands alone on its line";
    case yaml::kFlowProperty:
      return "between brackets stand plain and quoted scalars only";
    case yaml::kFlowHash:
      return "between brackets a comment stands behind a comma";
    default:
      return "a bracket closes what was never opened";
  }
}

constexpr Language kYaml = {.name = "yaml",
                            .comment = "#",
                            .advance = yaml::Advance,
                            .after_hole = yaml::AfterHole,
                            .admit = Admit,
                            .describe = Describe,
                            .may_end = MayEnd,
                            .broken = Broken};

}  // namespace

const Language& Yaml() { return kYaml; }

}  // namespace kb::lang
