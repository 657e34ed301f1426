// MariaDB with Galera: time-outs in Galera's order, an image that fits, options that keep a
// majority.
#include <algorithm>
#include <array>
#include <set>

#include <fmt/core.h>

#include "base/strings.h"
#include "diag/kinds.h"
#include "graph/sources.h"
#include "services/hook.h"
#include "services/lookup.h"

namespace kb::services {
namespace {

using graph::Graph;
using tmpl::RecordBuilder;
using tmpl::TypeRef;
using tmpl::Value;

// One lost keepalive must expel nobody; an inactive time-out below the suspect one is adjusted
// without a word (Galera's manual, evs.*).
void CheckTimeouts(const Graph& graph, int service, Diagnostics& diags) {
  const int64_t keepalive = NumberOf(graph, service, "evs_keepalive_period");
  const int64_t suspect = NumberOf(graph, service, "evs_suspect_timeout");
  const int64_t inactive = NumberOf(graph, service, "evs_inactive_timeout");
  if (2 * keepalive <= suspect && suspect <= inactive) return;
  diags.Emit(diag::kGaleraTimeouts, graph.SettingSpan(service, "evs_suspect_timeout"),
             {.labels = LabelsOf(graph, service, {"evs_keepalive_period", "evs_inactive_timeout"}),
              .help = "keep the order 2 * keepalive <= suspect <= inactive"},
             graph.services[service].name().text, suspect, keepalive, inactive);
}

// The two flavours differ in uid, data directory, provider and variables: with the wrong one the
// server does not start, or starts on an empty volume.
void CheckImage(const Graph& graph, int service, Diagnostics& diags) {
  const model::ImageVersion* image = ImageOf(graph, service, "mariadb");
  if (image == nullptr) return;
  const std::string_view flavour = graph.Setting(service, "flavour").str();
  const std::string_view name = image->image.name;
  const std::string_view last = name.substr(name.rfind('/') + 1);
  const std::string_view wanted = flavour == "official" ? "mariadb" : "mariadb-galera";
  if (last != wanted) {
    diags.Emit(diag::kWrongImage, image->ref.span,
               {.labels = {{graph.SettingSpan(service, "flavour"), "the flavour"}},
                .help = fmt::format("take `{}`, or say another `flavour:`", wanted)},
               image->ref.text, fmt::format("it is not the flavour {}", flavour));
  }
  if (!image->image.tag.starts_with("10.11.")) {
    diags.Emit(diag::kWrongImage, image->ref.span, {.help = "pin a release 10.11.<n>"},
               image->ref.text, "the module's parameters are those of MariaDB 10.11");
  }
}

struct Owned {
  std::string_view key, setting;  // no setting: the module decides
};

constexpr std::array kParameters = std::to_array<Owned>({
    {"datadir", ""},
    {"socket", ""},
    {"pid_file", ""},
    {"bind_address", ""},
    {"tmpdir", ""},
    {"log_error", ""},
    {"basedir", ""},
    {"plugin_dir", ""},
    {"user", ""},
    {"skip_name_resolve", ""},
    {"ignore_db_dirs", ""},
    {"default_storage_engine", ""},
    {"binlog_format", ""},
    {"innodb_autoinc_lock_mode", ""},
    {"port", "ports"},
    {"max_connections", "max_connections"},
    {"innodb_buffer_pool_size", "buffer_pool"},
    {"innodb_log_file_size", "log_file_size"},
    {"character_set_server", "character_set"},
    {"collation_server", "collation"},
    {"wsrep_on", ""},
    {"wsrep_provider", ""},
    {"wsrep_provider_options", "provider_options"},
    {"wsrep_cluster_name", "cluster"},
    {"wsrep_cluster_address", ""},
    {"wsrep_new_cluster", ""},
    {"wsrep_node_name", ""},
    {"wsrep_node_address", ""},
    {"wsrep_node_incoming_address", ""},
    {"wsrep_sst_method", ""},
    {"wsrep_sst_auth", ""},
    {"wsrep_sst_receive_address", ""},
    {"wsrep_sst_donor", ""},
    {"wsrep_slave_threads", "applier_threads"},
    {"wsrep_start_position", ""},
    {"wsrep_recover", ""},
});

constexpr std::array kOptions = std::to_array<Owned>({
    {"gcache.size", "gcache_size"},
    {"evs.keepalive_period", "evs_keepalive_period"},
    {"evs.suspect_timeout", "evs_suspect_timeout"},
    {"evs.inactive_timeout", "evs_inactive_timeout"},
    {"gmcast.listen_addr", ""},
    {"ist.recv_addr", ""},
    {"ist.recv_bind", ""},
    {"base_host", ""},
    {"base_port", ""},
    {"base_dir", ""},
    {"gcache.dir", ""},
    {"gcache.name", ""},
    {"gmcast.peer_addr", ""},
    {"gmcast.group", ""},
    {"gmcast.isolate", ""},
    {"gmcast.mcast_addr", ""},
    {"evs.evict", ""},
    {"pc.bootstrap", ""},
});

void CheckOwned(const Graph& graph, int service, std::string_view map, std::span<const Owned> owned,
                Diagnostics& diags) {
  for (const Value& pair : graph.Setting(service, map).list()) {
    std::string name(pair.list()[0].str());
    if (map == "parameters") std::ranges::replace(name, '-', '_');
    const auto row = std::ranges::find(owned, std::string_view(name), &Owned::key);
    if (row == owned.end()) continue;
    diags.Emit(diag::kOwnedParameter, pair.list()[0].origin,
               {.help = row->setting.empty() ? std::string("the module decides it")
                        : row->setting == "ports"
                            ? std::string("say `ports: {sql: …}`")
                            : fmt::format("say `{}:` among the settings", row->setting)},
               name);
  }
}

bool IsTrue(std::string_view value) {
  std::string word(value);
  std::ranges::transform(word, word.begin(),
                         [](char c) { return IsUpper(c) ? static_cast<char>(c + 32) : c; });
  return word == "yes" || word == "true" || word == "on" || word == "1";
}

void CheckProviderOptions(const Graph& graph, int service, Diagnostics& diags) {
  CheckOwned(graph, service, "provider_options", kOptions, diags);
  for (const Value& pair : graph.Setting(service, "provider_options").list()) {
    const std::string_view key = pair.list()[0].str();
    if ((key == "pc.ignore_sb" || key == "pc.ignore_quorum") && IsTrue(pair.list()[1].str()))
      diags.Emit(
          diag::kSplitBrainOption, pair.list()[0].origin,
          {.help = "take it away; after a full stop the recovery script finds who may begin"},
          graph.services[service].name().text, key);
    if (key == "gcs.fc_master_slave")
      diags.Emit(diag::kRenamedOption, pair.list()[0].origin,
                 {.help = "write the new name, the value stays"}, key, "gcs.fc_single_primary");
  }
}

constexpr std::array<std::string_view, 4> kUsers{"root", "mysql", "mariadb.sys", "healthcheck"};

void CheckNames(const Graph& graph, int service, Diagnostics& diags) {
  constexpr std::array<std::string_view, 5> kDatabases{"mysql", "information_schema",
                                                       "performance_schema", "sys", "test"};
  const graph::Service& s = graph.services[service];
  const auto refuse = [&](const Word& name, std::string_view what, std::string_view why) {
    diags.Emit(diag::kReservedName, name.span, {.help = "choose another name"}, name.text, what,
               s.name().text, why);
  };
  for (const graph::Resource& database : s.databases) {
    if (std::ranges::find(kDatabases, database.name.text) != kDatabases.end())
      refuse(database.name, "database", "it belongs to MariaDB itself");
    if (database.name.text == graph.Setting(service, "probe_database").str())
      refuse(database.name, "database", "the module has one of that name");
  }
  for (const graph::Role& role : s.roles) {
    if (std::ranges::find(kUsers, role.name.text) != kUsers.end())
      refuse(role.name, "user", "it belongs to MariaDB itself");
    for (std::string_view own : {"monitor_user", "probe_user"}) {
      if (graph.Setting(service, own).str() == role.name.text)
        refuse(role.name, "user", "the module has one of that name");
    }
  }
}

// The module's own two: one may only look, the other may write.
void CheckOwnUsers(const Graph& graph, int service, Diagnostics& diags) {
  std::set<std::string_view> taken(kUsers.begin(), kUsers.end());
  for (std::string_view setting : {"monitor_user", "probe_user"}) {
    const std::string_view name = graph.Setting(service, setting).str();
    if (taken.insert(name).second) continue;
    diags.Emit(diag::kUserTaken, graph.SettingSpan(service, setting),
               {.help = "choose another name"}, graph.services[service].name().text, name);
  }
}

// gcache.size is allocated in the data directory as a whole, at the first start.
void CheckBuffers(const Graph& graph, int service, Diagnostics& diags) {
  const graph::Service& s = graph.services[service];
  const int64_t needed =
      NumberOf(graph, service, "gcache_size") + NumberOf(graph, service, "log_file_size");
  for (int member : s.members) {
    const model::Server& server = graph.model->servers[member];
    if (server.volume < 0) continue;
    const int64_t size = graph.model->volumes[server.volume].size_gb;
    if (needed * 2 < size * 1024) continue;
    diags.Emit(diag::kBufferTooLarge, graph.SettingSpan(service, "gcache_size"),
               {.labels = {{graph.model->volumes[server.volume].mount.span, "this volume"},
                           {graph.SettingSpan(service, "log_file_size"), "log_file_size"}},
                .help = "lower `gcache_size`; half of the volume is for data"},
               s.name().text, needed, server.name().text, size);
  }
}

constexpr std::array<std::string_view, 3> kSecrets{"root", "monitor", "probe"};

void Check(const Graph& graph, int service, Diagnostics& diags) {
  CheckTimeouts(graph, service, diags);
  CheckSecretsDiffer(graph, service, kSecrets, diags);
  CheckImage(graph, service, diags);
  CheckOwned(graph, service, "parameters", kParameters, diags);
  CheckProviderOptions(graph, service, diags);
  CheckNames(graph, service, diags);
  CheckOwnUsers(graph, service, diags);
  CheckBuffers(graph, service, diags);
}

TypeRef Computed(const TypeRef&) {
  static const TypeRef kType = tmpl::RecordOf(
      {{"hosts", tmpl::ListOf(tmpl::AtomType()), "from where accounts may log in, as SQL has it"},
       {"donors", tmpl::ListOf(tmpl::AtomType()), "who copies its data to a joiner, best first"}});
  return kType;
}

// 10.20.0.0/24 is 10.20.0.0/255.255.255.0 in an account's host.
std::string AccountHost(const graph::Source& source) {
  std::string address = Ipv4Text(source.address);
  if (source.bits == 32) return address;
  const uint32_t mask = source.bits == 0 ? 0 : ~uint32_t{0} << (32 - source.bits);
  return fmt::format("{}/{}", address, Ipv4Text(mask));
}

Value Compute(const Graph& graph, int service, std::span<const Value>, tmpl::Arena& arena) {
  const graph::Service& s = graph.services[service];
  const int sql = s.manifest->FindEndpoint("sql");
  std::vector<Value> hosts, donors;
  for (const graph::Listener& listener : graph.listeners) {
    if (listener.owner != service || listener.endpoint != graph::EndpointRef{service, sql})
      continue;
    for (const graph::Source& source : graph::SourcesOf(graph, listener))
      hosts.push_back(Value::Atom(arena.Copy(AccountHost(source))));
  }
  // The first member is the preferred writer; the writes of a donor pause while it copies.
  for (size_t i = s.members.size(); i > 1; --i) {
    const Word& name = graph.model->servers[s.members[i - 1]].name();
    donors.push_back(Value::Atom(name.text, name.span));
  }
  RecordBuilder computed(*Computed({}), arena);
  return computed.Set("hosts", Value::List(arena.CopyValues(hosts)))
      .Set("donors", Value::List(arena.CopyValues(donors)))
      .Finish(s.model->span);
}

}  // namespace

const Hook kMariadbGalera{"mariadb-galera", &Check, &Computed, &Compute};

}  // namespace kb::services
