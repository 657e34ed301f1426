// MinIO: one erasure set of fixed nodes, and the arithmetic of what may be lost.
#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "base/strings.h"
#include "diag/kinds.h"
#include "services/hook.h"
#include "services/lookup.h"
#include "shape/atoms.h"

namespace kb::services {
namespace {

using graph::Graph;
using tmpl::RecordBuilder;
using tmpl::TypeRef;
using tmpl::Value;

// What MinIO takes for a set of so many drives (storage-class.go, DefaultParityBlocks).
int64_t DefaultParity(int64_t drives) {
  if (drives < 2) return 0;
  if (drives < 4) return 1;
  if (drives < 6) return 2;
  return drives < 8 ? 3 : 4;
}

int64_t Parity(const Graph& graph, int service) {
  const int64_t wanted = NumberOf(graph, service, "parity");
  const auto drives = static_cast<int64_t>(graph.services[service].members.size());
  return wanted > 0 ? wanted : DefaultParity(drives);
}

void CheckParity(const Graph& graph, int service, Diagnostics& diags) {
  const graph::Service& s = graph.services[service];
  const auto drives = static_cast<int64_t>(s.members.size());
  const int64_t parity = NumberOf(graph, service, "parity");
  if (drives < 2 || parity <= drives / 2) return;
  diags.Emit(diag::kParityTooHigh, graph.SettingSpan(service, "parity"),
             {.help = fmt::format("say {} at most, or 0: then MinIO takes {}", drives / 2,
                                  DefaultParity(drives))},
             s.name().text, drives, parity);
}

// A pool cannot grow by a node: a row that is added to the inventory must not slip into it.
void CheckClosedSet(const Graph& graph, int service, Diagnostics& diags) {
  const graph::Service& s = graph.services[service];
  if (s.model->nodes.expected >= 0) return;
  diags.Emit(diag::kOpenNodeSet, s.model->nodes.span,
             {.help = fmt::format("say `expect: {}`", s.members.size())}, s.name().text);
}

void CheckEntry(const Graph& graph, int service, Diagnostics& diags) {
  const graph::Service& s = graph.services[service];
  if (s.members.empty()) return;
  if (s.entry < 0 && !s.model->entry.empty()) return;  // no such server, which is reported
  if (s.entry < 0 || !graph.HasMember(service, s.entry)) {
    diags.Emit(diag::kNoEntry, s.model->entry.empty() ? s.model->span : s.model->entry.span,
               {.help = "name one of its servers"}, s.name().text);
    return;
  }
  diags.Emit(diag::kOneEntry, s.model->entry.span, s.name().text,
             graph.model->servers[s.entry].name().text);
  if (s.proxy >= 0)
    diags.Emit(diag::kNotThroughProxy, s.model->proxy.span, {.help = "take `proxy:` away"},
               s.name().text, graph.services[s.proxy].name().text);
  for (const graph::Balancer& balancer : graph.balancers) {
    for (size_t i = 0; i < balancer.listeners.size(); ++i) {
      if (balancer.listeners[i].service != service) continue;
      diags.Emit(diag::kNotThroughProxy, balancer.model->listeners[i].to.span,
                 {.help = "take it off the load balancer"}, s.name().text,
                 balancer.model->name.text);
    }
  }
}

void CheckVolumeSizes(const Graph& graph, int service, Diagnostics& diags) {
  const graph::Service& s = graph.services[service];
  const model::Volume* smallest = nullptr;
  bool equal = true;
  for (int member : s.members) {
    const int index = graph.model->servers[member].volume;
    if (index < 0) continue;
    const model::Volume* volume = &graph.model->volumes[index];
    if (smallest != nullptr && volume->size_gb != smallest->size_gb) equal = false;
    if (smallest == nullptr || volume->size_gb < smallest->size_gb) smallest = volume;
  }
  if (!equal)
    diags.Emit(diag::kUnequalVolumes, smallest->mount.span,
               {.help = "make all volumes of the service equally large"}, s.name().text,
               smallest->size_gb);
}

// RELEASE.2024-10-02T17-50-41Z, a suffix allowed. The date is one that exists.
std::string_view WrongTag(std::string_view tag) {
  constexpr std::string_view kForm = "RELEASE.0000-00-00T00-00-00Z";
  constexpr std::string_view kWrongForm = "its tags have the form RELEASE.YYYY-MM-DDTHH-MM-SSZ";
  if (tag.size() < kForm.size()) return kWrongForm;
  for (size_t i = 0; i < kForm.size(); ++i) {
    if (kForm[i] == '0' ? !IsDigit(tag[i]) : tag[i] != kForm[i]) return kWrongForm;
  }
  if (tag.size() > kForm.size() && tag[kForm.size()] != '.' && tag[kForm.size()] != '-')
    return "after the Z comes nothing, or a suffix behind `.` or `-`";
  const auto part = [&](size_t at) { return (tag[at] - '0') * 10 + (tag[at + 1] - '0'); };
  const int month = part(13), day = part(16);
  if (month < 1 || month > 12 || day < 1 || day > 31) return "there is no such day";
  if (part(19) > 23 || part(22) > 59 || part(25) > 59) return "there is no such time";
  return {};
}

void CheckTag(const Graph& graph, int service, Diagnostics& diags) {
  const model::ImageVersion* image = ImageOf(graph, service, "minio");
  if (image == nullptr || image->image.tag.empty()) return;
  if (const std::string_view why = WrongTag(image->image.tag); !why.empty())
    diags.Emit(diag::kWrongTag, image->ref.span,
               {.help = "take a tag that exists, such as RELEASE.2024-10-02T17-50-41Z"},
               image->image.tag, "MinIO", why);
}

// The rules of S3 (and of MinIO, which keeps /minio/ for itself).
std::string_view WrongBucket(std::string_view name) {
  if (name.size() < 3 || name.size() > 63) return "it has 3 to 63 characters";
  if (name.find('_') != std::string_view::npos) return "S3 knows no `_` in it";
  if (!IsAlnum(name.back())) return "it ends in a letter or a digit";
  if (name.find("..") != std::string_view::npos) return "two dots cannot follow each other";
  if (ParseIpv4(name)) return "it looks like an address";
  if (name == "minio") return "the server keeps that path for itself";
  return {};
}

void CheckBuckets(const Graph& graph, int service, Diagnostics& diags) {
  const graph::Service& s = graph.services[service];
  std::vector<std::string_view> names;
  for (const graph::Resource& bucket : s.buckets) {
    names.push_back(bucket.name.text);
    std::string_view why = WrongBucket(bucket.name.text);
    if (bucket.name.text == graph.Setting(service, "check_bucket").str())
      why = "the validation has one of that name";
    if (!why.empty())
      diags.Emit(diag::kBucketName, bucket.name.span, {.help = "choose another name"},
                 bucket.name.text, why);
  }
  for (const Value& name : graph.Setting(service, "versioned").list()) {
    if (std::ranges::find(names, name.str()) != names.end()) continue;
    const std::string_view near = Nearest(name.str(), names);
    diags.Emit(diag::kUnknownBucket, name.origin,
               {.help = near.empty() ? "name it under `bucket:` of an app, or take it away here"
                                     : fmt::format("did you mean `{}`?", near)},
               s.name().text, name.str());
  }
}

constexpr std::array<std::string_view, 2> kSecrets{"root_user", "root_password"};

void Check(const Graph& graph, int service, Diagnostics& diags) {
  CheckParity(graph, service, diags);
  CheckClosedSet(graph, service, diags);
  CheckEntry(graph, service, diags);
  // In its container MinIO cannot see that its data lies on the system disk: nobody else notices.
  CheckDataOnVolume(graph, service, "data_dir", true, diags);
  CheckVolumeSizes(graph, service, diags);
  CheckTag(graph, service, diags);
  CheckSecretsDiffer(graph, service, kSecrets, diags);
  CheckBuckets(graph, service, diags);
}

TypeRef Computed(const TypeRef& server) {
  return tmpl::RecordOf(
      {{"nodes", tmpl::ListOf(server), "the members by name: the order of the endpoints"},
       {"drives", tmpl::IntType(), "one each member"},
       {"parity", tmpl::IntType(), "drives whose loss the data survives"},
       {"data", tmpl::IntType(), "drives that hold an object"},
       {"read_quorum", tmpl::IntType(), "drives that must be there to read"},
       {"write_quorum", tmpl::IntType(), "and to write"},
       {"read_down", tmpl::IntType(), "nodes that may be down, reads go on"},
       {"write_down", tmpl::IntType(), "and writes"},
       {"raw_gb", tmpl::IntType(), "of all volumes"},
       {"usable_gb", tmpl::IntType(), "what objects can fill"},
       {"smallest_gb", tmpl::IntType(), "the smallest volume"}});
}

// Every node must have the same list in the same order, for ever: it must not depend on where a row
// stands in the inventory.
Value NodesByName(const Graph& graph, int service, std::span<const Value> members,
                  tmpl::Arena& arena) {
  const std::vector<int>& servers = graph.services[service].members;
  std::vector<size_t> order(servers.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, {},
                    [&](size_t i) { return graph.model->servers[servers[i]].name().text; });
  std::vector<Value> nodes;
  for (size_t i : order) nodes.push_back(members[i]);
  return Value::List(arena.CopyValues(nodes));
}

Value Compute(const Graph& graph, int service, std::span<const Value> members, tmpl::Arena& arena) {
  static const TypeRef kShape = Computed(tmpl::RecordOf({}));  // for the names of its fields
  RecordBuilder computed(*kShape, arena);
  const auto drives = static_cast<int64_t>(members.size());
  const int64_t parity = Parity(graph, service);
  const int64_t data = drives - parity;
  // Two halves could each think that they are the whole (erasure-metadata-utils.go, WriteQuorum).
  const int64_t write_quorum = data == parity ? data + 1 : data;
  int64_t raw = 0, smallest = 0;
  for (int member : graph.services[service].members) {
    const int volume = graph.model->servers[member].volume;
    const int64_t size = volume < 0 ? 0 : graph.model->volumes[volume].size_gb;
    raw += size;
    if (smallest == 0 || size < smallest) smallest = size;
  }
  computed.Set("nodes", NodesByName(graph, service, members, arena));
  const auto set = [&](std::string_view name, int64_t value) {
    computed.Set(name, Value::Int(value, graph.SettingSpan(service, "parity")));
  };
  set("drives", drives), set("parity", parity), set("data", data);
  set("read_quorum", data), set("write_quorum", write_quorum);
  set("read_down", drives - data), set("write_down", drives - write_quorum);
  set("raw_gb", raw), set("usable_gb", data * smallest), set("smallest_gb", smallest);
  return computed.Finish(graph.services[service].model->span);
}

}  // namespace

const Hook kMinio{"minio", &Check, &Computed, &Compute};

}  // namespace kb::services
