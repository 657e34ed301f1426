#include "freeze/lock.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/digest.h"
#include "base/strings.h"

namespace kb::freeze {
namespace {

constexpr std::string_view kHead =
    "# Services that are finished: no render may change what stands here, until somebody thaws "
    "the\n"
    "# service. Written by `kbgen freeze` and `kbgen thaw`; to be reviewed, not to be edited.\n";

void AppendDecision(const Decision& decision, std::string_view prefix, std::string& out) {
  for (const auto& [word, text] : {std::pair<std::string_view, std::string_view>{"on", decision.on},
                                   {"by", decision.by},
                                   {"why", decision.why}}) {
    out.append("  ").append(prefix).append(word).append(" ").append(text).append("\n");
  }
}

void AppendBlock(const Block& block, std::string& out) {
  out += '\n';
  const size_t begin = out.size();
  out.append("service ").append(block.service.text).append("\n");
  AppendDecision(block.frozen, "", out);
  for (const std::string_view line : block.lines) out.append("  ").append(line).append("\n");
  const std::string seal = Hex(Digest(std::string_view(out).substr(begin)));
  out.append("  seal ").append(seal).append("\n");
}

void AppendThaw(const Thaw& thaw, std::string& out) {
  out.append("\nthawed ").append(thaw.service.text).append("\n");
  AppendDecision(thaw.thawed, "", out);
  AppendDecision(thaw.frozen, "frozen ", out);
}

size_t SizeAtMost(const Lock& lock) {
  constexpr size_t kRecord = 512;  // heads and history, but for what people wrote
  size_t size = kRecord;
  for (const Block& block : lock.blocks) {
    size += kRecord + block.frozen.by.size() + block.frozen.why.size();
    for (const std::string_view line : block.lines) size += line.size() + 3;
  }
  return size;
}

}  // namespace

bool IsRemark(std::string_view text) {
  return !text.empty() && Trim(text).size() == text.size() &&
         FindInvalidUtf8(text) == std::string_view::npos && std::ranges::none_of(text, [](char c) {
           return static_cast<uint8_t>(c) < 0x20 || c == 0x7F;
         });
}

const Block* Lock::Find(std::string_view service) const {
  const auto found =
      std::ranges::find(blocks, service, [](const Block& b) { return b.service.text; });
  return found == blocks.end() ? nullptr : &*found;
}

std::string Print(const Lock& lock) {
  std::string out;
  out.reserve(SizeAtMost(lock));
  out.append(kHead).append("kbgen 1\ntopology ").append(lock.topology.text).append("\n");
  for (const Block& block : lock.blocks) AppendBlock(block, out);
  for (const Thaw& thaw : lock.history) AppendThaw(thaw, out);
  return out;
}

std::string Describe(const Decision& decision) {
  return fmt::format("on {} by {}: {}", decision.on, decision.by, decision.why);
}

}  // namespace kb::freeze
