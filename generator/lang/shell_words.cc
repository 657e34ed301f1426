#include "lang/shell_words.h"

#include <array>

#include "base/strings.h"

namespace kb::lang::shell {
namespace {

struct ReservedWord {
  std::string_view word;
  Effect effect;
};

constexpr ReservedWord kWords[] = {
    {"if", Effect::kCommandNext},
    {"then", Effect::kCommandNext},
    {"else", Effect::kCommandNext},
    {"elif", Effect::kCommandNext},
    {"fi", Effect::kCommandNext},
    {"while", Effect::kCommandNext},
    {"until", Effect::kCommandNext},
    {"do", Effect::kCommandNext},
    {"done", Effect::kCommandNext},
    {"!", Effect::kCommandNext},
    {"{", Effect::kCommandNext},
    {"}", Effect::kCommandNext},
    {"time", Effect::kCommandNext},
    {"coproc", Effect::kCommandNext},
    {"exec", Effect::kCommandNext},
    {"command", Effect::kCommandNext},
    {"builtin", Effect::kCommandNext},
    {"case", Effect::kCase},
    {"esac", Effect::kEsac},
    {"[[", Effect::kTest},
    {"]]", Effect::kTestEnd},
    {"=~", Effect::kMatch},
    {"in", Effect::kIn},
    {"--", Effect::kDashes},
    {"eval", Effect::kEvaluates},
    {"trap", Effect::kEvaluates},
    {"ssh", Effect::kEvaluates},
    {"bash", Effect::kEvaluates},
    {"sh", Effect::kEvaluates},
    {"su", Effect::kEvaluates},
    {"let", Effect::kEvaluates},
    {"alias", Effect::kEvaluates},
};

// The words as a tree of their letters: a script is mostly words, and each letter asks. Node 0 is
// "no such word", node 1 the root.
struct Tree {
  static constexpr size_t kNodesMax = 128;
  std::array<std::array<uint8_t, 128>, kNodesMax> next = {};
  std::array<Effect, kNodesMax> effect = {};
};

consteval Tree MakeTree() {
  Tree tree;
  uint8_t nodes = 2;
  for (const ReservedWord& row : kWords) {
    uint8_t node = 1;
    for (const char c : row.word) {
      uint8_t& next = tree.next[node][static_cast<size_t>(c)];
      if (next == 0) next = nodes++;
      node = next;
    }
    tree.effect[node] = row.effect;
  }
  return tree;
}

constexpr Tree kTree = MakeTree();

uint16_t Follow(uint16_t node, char c) {
  const auto letter = static_cast<unsigned char>(c);
  return letter < 128 ? kTree.next[node][letter] : 0;
}

}  // namespace

uint16_t BeginWord(char first) { return IsDigit(first) ? kDigits : Follow(1, first); }

uint16_t ContinueWord(uint16_t progress, char next) {
  if (progress == kDigits) return IsDigit(next) ? kDigits : 0;
  return Follow(progress, next);
}

Effect EffectOf(uint16_t progress) {
  return progress == kDigits ? Effect::kNone : kTree.effect[progress];
}

}  // namespace kb::lang::shell
