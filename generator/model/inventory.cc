#include "model/inventory.h"

#include <algorithm>
#include <map>

#include <fmt/core.h>

#include "base/strings.h"
#include "diag/kinds.h"
#include "shape/shape.h"

namespace kb::model {
namespace {

constexpr std::array<std::string_view, kColumns> kServerColumns{
    "ENV",  "IP_PUBLIQUE", "HOSTNAME", "IP_PRIVEE",    "FQDN", "USER_SSH",
    "POOL", "ROLE",        "SUBROLE",  "DOCKER_STACK", "CORE", "NOTES"};
constexpr std::array<std::string_view, 5> kVolumeColumns{"HOSTNAME", "DEVICE", "MOUNT",
                                                         "FILESYSTEM", "SIZE_GB"};

template <size_t N>
bool CheckHeader(const Tsv& table, const std::array<std::string_view, N>& columns,
                 Diagnostics& diags) {
  const std::vector<std::string> names(columns.begin(), columns.end());
  if (table.header.size() != N) {
    diags.Emit(diag::kTsvHeader, table.header.front().span,
               {.help = "the columns are: " + Join(names, " ")},
               static_cast<int64_t>(table.header.size()), static_cast<int64_t>(N));
    return false;
  }
  bool good = true;
  for (size_t i = 0; i < N; ++i) {
    if (table.header[i].text == columns[i]) continue;
    good = false;
    diags.Emit(diag::kTsvColumn, table.header[i].span,
               {.help = "the columns are: " + Join(names, " ")}, table.header[i].text, columns[i]);
  }
  return good;
}

Word WordOf(const Cell& cell) { return {cell.text, cell.span}; }

void WantCell(const Word& cell, const Shape& shape, std::string_view column, Diagnostics& diags) {
  if (ScalarConforms(cell.text, false, shape)) return;
  if (cell.empty()) {
    diags.Emit(diag::kEmptyCell, cell.span, column);
    return;
  }
  diags.Emit(diag::kWrongCell, cell.span, {.help = "in the column " + std::string(column)},
             cell.text, Describe(shape));
}

const Shape& CellShape(Column column) {
  static const Shape kName{.kind = ShapeKind::kName};
  static const Shape kIp{.kind = ShapeKind::kIpv4};
  static const Shape kHost{.kind = ShapeKind::kHostName};
  static const Shape kYesNo{.kind = ShapeKind::kEnum, .choices = {"yes", "no"}};
  static const Shape kText{.kind = ShapeKind::kText};
  switch (column) {
    case Column::kPublicIp:
    case Column::kPrivateIp:
      return kIp;
    case Column::kHostname:
    case Column::kFqdn:
      return kHost;
    case Column::kCore:
      return kYesNo;
    case Column::kNotes:
      return kText;
    default:
      return kName;
  }
}

// Tells whether `key` is new; if not, reports it at `word` with the place of the first.
template <class Key>
bool WantUnique(std::unordered_map<Key, Span>& seen, const Key& key, const Word& word,
                std::string_view what, Diagnostics& diags) {
  const auto [first, fresh] = seen.emplace(key, word.span);
  if (!fresh) {
    diags.Emit(diag::kDuplicateCell, word.span, {.labels = {{first->second, "first used here"}}},
               what, word.text);
  }
  return fresh;
}

}  // namespace

void ReadServers(const Tsv& table, Model& model, Diagnostics& diags) {
  if (!CheckHeader(table, kServerColumns, diags)) {
    model.servers_whole = false;
    return;
  }
  std::unordered_map<std::string_view, Span> names, fqdns;
  std::unordered_map<uint32_t, Span> privates, publics;
  model.servers.reserve(table.rows());
  for (size_t row = 0; row < table.rows(); ++row) {
    Server server;
    for (size_t i = 0; i < kColumns; ++i) {
      server.cells[i] = WordOf(table.at(row, i));
      WantCell(server.cells[i], CellShape(static_cast<Column>(i)), kServerColumns[i], diags);
    }
    server.ip = ParseIpv4(server[Column::kPrivateIp].text).value_or(0);
    const auto public_ip = ParseIpv4(server[Column::kPublicIp].text);
    if (server.ip != 0)
      WantUnique(privates, server.ip, server[Column::kPrivateIp], "private address", diags);
    if (public_ip)
      WantUnique(publics, *public_ip, server[Column::kPublicIp], "public address", diags);
    WantUnique(fqdns, server[Column::kFqdn].text, server[Column::kFqdn], "FQDN", diags);
    if (!WantUnique(names, server.name().text, server.name(), "host name", diags)) {
      model.servers_whole = false;
      continue;
    }
    model.server_by_name.emplace(server.name().text, static_cast<int>(model.servers.size()));
    model.servers.push_back(server);
  }
}

void ReadVolumes(const Tsv& table, Model& model, Diagnostics& diags) {
  if (!CheckHeader(table, kVolumeColumns, diags)) return;
  static const Shape kPath{.kind = ShapeKind::kPath};
  static const Shape kFilesystem{.kind = ShapeKind::kEnum, .choices = {"xfs", "ext4"}};
  static const Shape kSize{.kind = ShapeKind::kInt, .min = 1, .max = 1'000'000};
  std::unordered_map<std::string_view, Span> devices, hosts;
  for (size_t row = 0; row < table.rows(); ++row) {
    const Word host = WordOf(table.at(row, 0));
    Volume volume{.device = WordOf(table.at(row, 1)),
                  .mount = WordOf(table.at(row, 2)),
                  .filesystem = WordOf(table.at(row, 3)),
                  .size_gb = ParseInt(table.at(row, 4).text).value_or(0)};
    WantCell(volume.mount, kPath, "MOUNT", diags);
    WantCell(volume.filesystem, kFilesystem, "FILESYSTEM", diags);
    WantCell(WordOf(table.at(row, 4)), kSize, "SIZE_GB", diags);
    if (volume.device.text == "-") {
      volume.device.text = {};
    } else if (!IsAtom(volume.device.text) || !IsRelativePath(volume.device.text)) {
      diags.Emit(diag::kWrongCell, volume.device.span,
                 {.help = "write `-` as long as the id is not known"}, volume.device.text,
                 "the name of a device below /dev/disk/by-id");
    } else {
      WantUnique(devices, volume.device.text, volume.device, "device", diags);
    }
    const int server = model.FindServer(host.text);
    if (server < 0 && !model.servers_whole) continue;  // it may stand in a row that was left out
    if (server < 0) {
      std::vector<std::string_view> names;
      for (const Server& s : model.servers) names.push_back(s.name().text);
      const std::string_view near = Nearest(host.text, names);
      diags.Emit(diag::kUnknownServer, host.span,
                 {.help = near.empty() ? "" : fmt::format("did you mean `{}`?", near)}, host.text);
      continue;
    }
    if (!WantUnique(hosts, host.text, host, "server", diags)) continue;
    model.servers[server].volume = static_cast<int>(model.volumes.size());
    model.volumes.push_back(volume);
  }
}

}  // namespace kb::model
