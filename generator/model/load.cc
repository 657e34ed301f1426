#include "model/load.h"

#include <algorithm>
#include <optional>

#include <fmt/core.h>

#include "base/files.h"
#include "base/strings.h"
#include "diag/kinds.h"
#include "model/inventory.h"
#include "shape/access.h"
#include "syntax/tsv.h"

namespace kb::model {
namespace {

constexpr std::array<std::pair<std::string_view, Column>, 6> kSelectorColumns{
    {{"name", Column::kHostname},
     {"pool", Column::kPool},
     {"role", Column::kRole},
     {"subrole", Column::kSubrole},
     {"docker_stack", Column::kDockerStack},
     {"core", Column::kCore}}};

Selector ReadSelector(const Node* node) {
  Selector selector;
  if (node == nullptr) return selector;
  selector.span = node->span;
  selector.all = IsTrue(*node, "all");
  selector.expect = WordOf(*node, "expect");
  selector.expected = ParseInt(selector.expect.text).value_or(-1);
  for (const auto& [key, column] : kSelectorColumns) {
    if (node->Find(key) != nullptr) selector.matches.push_back({column, WordsOf(*node, key)});
  }
  return selector;
}

std::vector<Binding> ReadBindings(const Node& node, std::string_view key) {
  std::vector<Binding> bindings;
  for (const auto& entry : EntriesOf(node, key)) {
    bindings.push_back({{entry.key, entry.key_span}, {entry.value.text, entry.value.span}});
  }
  return bindings;
}

int64_t Seconds(const Node& node, std::string_view key) {
  return ParseDuration(TextOf(node, key), "s").value_or(0);
}

class Loader {
 public:
  Loader(std::string folder, Sources& sources, Diagnostics& diags, Model& model)
      : folder_(std::move(folder)), sources_(sources), diags_(diags), m_(model) {}

  void ReadTopology(const Node& root) {
    Conforms(root, TopologyShape(), diags_);
    m_.name = WordOf(root, "name");
    if (const Node* network = root.Find("network")) ReadNetwork(*network);
    if (const Node* install = root.Find("install")) {
      m_.install_host = WordOf(*install, "host");
      m_.install_root = WordOf(*install, "root");
    }
    m_.unmanaged = WordsOf(root, "unmanaged");
    ReadInventory(WordOf(root, "inventory"));
    if (const Word volumes = WordOf(root, "volumes"); !volumes.empty()) {
      if (auto table = ReadTable(volumes)) ReadVolumes(*table, m_, diags_);
    }
    if (const Node* os = root.Find("os")) ReadOs(*os);
    ReadVersions(WordOf(root, "versions"));
    ReadCredentials(WordOf(root, "credentials"));
    for (const auto& entry : EntriesOf(root, "load_balancers")) ReadBalancer(entry);
    if (const Node* dns = root.Find("dns")) ReadDns(*dns);
    for (const auto& entry : EntriesOf(root, "services")) ReadService(entry);
    for (const auto& entry : EntriesOf(root, "apps")) ReadApp(entry);
    for (const Node& item : ItemsOf(root, "allow")) ReadAllowance(item);
    for (const Node& item : ItemsOf(root, "waivers")) ReadWaiver(item);
  }

 private:
  // The bytes of a file that the topology names, or an unknown span after a report.
  Span ReadNamed(const Word& name) {
    if (name.empty()) return {};  // its absence is reported with the topology's shape
    const std::string path = JoinPath(folder_, name.text);
    auto bytes = ReadFile(path);
    if (!bytes) {
      diags_.Emit(diag::kUnreadableFile, name.span,
                  {.help = "paths are relative to the file that names them"},
                  bytes.error().message);
      return {};
    }
    m_.files.push_back(path);
    return sources_.Add(path, std::move(*bytes));
  }

  // Nothing after a report.
  std::optional<Tsv> ReadTable(const Word& name) {
    const Span span = ReadNamed(name);
    if (!span.known()) return std::nullopt;
    auto table = ParseTsv(span, sources_, diags_);
    if (!table) return std::nullopt;
    return std::move(*table);
  }

  void ReadInventory(const Word& name) {
    const size_t errors = diags_.errors();
    const auto table = ReadTable(name);
    // A row that does not fit its header is left out.
    m_.servers_whole = table && diags_.errors() == errors;
    if (table) ReadServers(*table, m_, diags_);
  }

  const Node* ReadYaml(const Word& name) {
    const Span span = ReadNamed(name);
    if (!span.known()) return nullptr;
    auto document = ParseYaml(span, sources_, diags_);
    if (!document) return nullptr;
    m_.documents.push_back(std::move(*document));
    return &m_.documents.back().root;
  }

  void ReadNetwork(const Node& node) {
    m_.private_network = WordOf(node, "private");
    m_.network = ParseCidr(m_.private_network.text).value_or(Cidr{});
    m_.domain = WordOf(node, "domain");
    m_.resolvers = WordsOf(node, "resolvers");
    m_.fallback_resolvers = WordsOf(node, "fallback_resolvers");
    m_.ntp = WordsOf(node, "ntp");
    m_.admin = WordsOf(node, "admin");
  }

  std::string HintAmongServers(std::string_view name) const {
    std::vector<std::string_view> names;
    for (const Server& server : m_.servers) names.push_back(server.name().text);
    const std::string_view near = Nearest(name, names);
    return near.empty() ? std::string() : fmt::format("did you mean `{}`?", near);
  }

  void ReadOs(const Node& node) {
    for (Server& server : m_.servers) server.os = TextOf(node, "default");
    for (const auto& entry : EntriesOf(node, "except")) {
      const int server = m_.FindServer(entry.key);
      if (server >= 0) {
        m_.servers[server].os = entry.value.text;
      } else if (m_.servers_whole) {
        diags_.Emit(diag::kUnknownServer, entry.key_span, {.help = HintAmongServers(entry.key)},
                    entry.key);
      }
    }
  }

  void ReadVersions(const Word& name) {
    const Node* root = ReadYaml(name);
    m_.versions_whole = root != nullptr && Conforms(*root, VersionsShape(), diags_);
    if (root == nullptr) return;
    for (const auto& entry : EntriesOf(*root, "images")) {
      const Word ref = WordOf(entry.value, "ref");
      m_.images.push_back({{entry.key, entry.key_span},
                           ref,
                           ParseImageRef(ref.text).value_or(ImageRef{}),
                           IsTrue(entry.value, "build")});
    }
    for (const auto& entry : EntriesOf(*root, "packages")) {
      m_.packages.push_back({{entry.key, entry.key_span}, {entry.value.text, entry.value.span}});
    }
  }

  void ReadCredentials(const Word& name) {
    const Node* root = ReadYaml(name);
    m_.credentials_whole = root != nullptr && Conforms(*root, CredentialsShape(), diags_);
    if (root == nullptr) return;
    for (const auto& entry : EntriesOf(*root, "credentials")) {
      const Node& node = entry.value;
      m_.credentials.push_back({.name = {entry.key, entry.key_span},
                                .file = WordOf(node, "file"),
                                .key = WordOf(node, "key"),
                                .length = ParseInt(TextOf(node, "length", "32")).value_or(32),
                                .alphabet = TextOf(node, "alphabet", "alnum"),
                                .rotates = TextOf(node, "rotates", "true") == "true",
                                .help = WordOf(node, "help")});
    }
  }

  static Health ReadHealth(const Node* node) {
    if (node == nullptr) return {};
    return {.type = WordOf(*node, "type"),
            .path = WordOf(*node, "path"),
            .status = WordOf(*node, "status"),
            .interval_s = Seconds(*node, "interval"),
            .timeout_s = Seconds(*node, "timeout"),
            .retries = ParseInt(TextOf(*node, "retries")).value_or(0),
            .span = node->span};
  }

  // What the topology says, or what holds when it says nothing.
  static Word WordOr(const Node& node, std::string_view key, Word fallback) {
    const Word word = WordOf(node, key);
    return word.empty() ? fallback : word;
  }

  void ReadBalancer(const Node::Entry& entry) {
    const Node& node = entry.value;
    const Word name{entry.key, entry.key_span};
    Balancer balancer{.name = name,
                      .provider = WordOf(node, "provider"),
                      .called = WordOr(node, "called", name),
                      .size = WordOr(node, "size", {"lb11", node.span}),
                      .location = WordOr(node, "location", {"nbg1", node.span}),
                      .network = WordOr(node, "network", m_.name),
                      .private_ip = WordOf(node, "private_ip"),
                      .public_ip = WordOf(node, "public_ip"),
                      .targets = WordOf(node, "targets"),
                      .listeners = {},
                      .span = node.span};
    const Health common = ReadHealth(node.Find("health"));
    for (const Node& item : ItemsOf(node, "listeners")) {
      if (item.kind == NodeKind::kScalar) {
        balancer.listeners.push_back({.to = {item.text, item.span},
                                      .port = {},
                                      .protocol = "tcp",
                                      .certificate = {},
                                      .health = common});
        continue;
      }
      const Node* own = item.Find("health");
      balancer.listeners.push_back({.to = WordOf(item, "to"),
                                    .port = WordOf(item, "port"),
                                    .protocol = TextOf(item, "protocol", "tcp"),
                                    .certificate = WordOf(item, "certificate"),
                                    .health = own == nullptr ? common : ReadHealth(own)});
    }
    m_.balancers.push_back(std::move(balancer));
  }

  // As a host name, but a label may begin with `_` (RFC 8552): `_dmarc`, `k1._domainkey`.
  void CheckRecordName(const Word& name) {
    std::string plain(name.text);
    for (size_t at = 0; at < plain.size(); ++at) {
      if (plain[at] == '_' && (at == 0 || plain[at - 1] == '.')) plain[at] = 'x';
    }
    if (name.empty() || IsHostName(plain)) return;
    diags_.Emit(diag::kWrongValue, name.span, name.text,
                "a name below the domain, its labels of lower-case letters, digits and `-`");
  }

  void ReadDns(const Node& node) {
    m_.dns.span = node.span;
    m_.dns.ttl_s = ParseDuration(TextOf(node, "ttl", "300s"), "s").value_or(300);
    for (const auto& entry : EntriesOf(node, "names")) {
      if (!IsHostName(entry.key)) {
        diags_.Emit(diag::kWrongValue, entry.key_span, entry.key,
                    Describe(Shape{.kind = ShapeKind::kHostName}));
      }
      m_.dns.names.push_back(
          {{entry.key, entry.key_span}, WordsOf(*node.Find("names"), entry.key)});
    }
    for (const Node& item : ItemsOf(node, "records")) {
      CheckRecordName(WordOf(item, "name"));
      m_.dns.records.push_back({.name = WordOf(item, "name"),
                                .type = WordOf(item, "type"),
                                .value = WordOf(item, "value"),
                                .priority = ParseInt(TextOf(item, "priority", "0")).value_or(0),
                                .span = item.span});
    }
  }

  void ReadService(const Node::Entry& entry) {
    const Node& node = entry.value;
    m_.services.push_back({.name = {entry.key, entry.key_span},
                           .module = WordOf(node, "module"),
                           .nodes = ReadSelector(node.Find("nodes")),
                           .proxy = WordOf(node, "proxy"),
                           .entry = WordOf(node, "entry"),
                           .settings = node.Find("settings"),
                           .uses = ReadBindings(node, "uses"),
                           .images = ReadBindings(node, "images"),
                           .packages = ReadBindings(node, "packages"),
                           .credentials = ReadBindings(node, "credentials"),
                           .ports = ReadBindings(node, "ports"),
                           .single_reason = WordOf(node, "single"),
                           .span = entry.key_span});
    CheckName(entry);
  }

  void ReadApp(const Node::Entry& entry) {
    App app{.name = {entry.key, entry.key_span},
            .nodes = ReadSelector(entry.value.Find("nodes")),
            .uses = {},
            .span = entry.key_span};
    for (const auto& use : EntriesOf(entry.value, "uses")) {
      app.uses.push_back({.service = {use.key, use.key_span},
                          .route = WordOf(use.value, "route"),
                          .database = WordOf(use.value, "database"),
                          .vhost = ReadVhost(use.value),
                          .buckets = WordsOf(use.value, "bucket"),
                          .role = WordOf(use.value, "role"),
                          .credential = WordOf(use.value, "credential"),
                          .extensions = WordsOf(use.value, "extensions"),
                          .span = use.key_span});
    }
    m_.apps.push_back(std::move(app));
    CheckName(entry);
  }

  // It becomes a part of URLs and of file names.
  Word ReadVhost(const Node& node) {
    const Word vhost = WordOf(node, "vhost");
    if (!vhost.empty() && vhost.text != "/" && !IsName(vhost.text)) {
      diags_.Emit(diag::kWrongValue, vhost.span, vhost.text,
                  "`/`, or " + Describe(Shape{.kind = ShapeKind::kName}));
    }
    return vhost;
  }

  // Names become folders, unit names and container names.
  void CheckName(const Node::Entry& entry) {
    if (IsName(entry.key)) return;
    diags_.Emit(diag::kWrongValue, entry.key_span, entry.key,
                Describe(Shape{.kind = ShapeKind::kName}));
  }

  void ReadAllowance(const Node& node) {
    m_.allowances.push_back({.servers = ReadSelector(node.Find("from")),
                             .networks = WordsOf(node, "networks"),
                             .to = WordOf(node, "to"),
                             .why = WordOf(node, "why"),
                             .span = node.span});
  }

  void ReadWaiver(const Node& node) {
    m_.waivers.push_back({.code = WordOf(node, "code"),
                          .subject = WordOf(node, "subject"),
                          .reason = WordOf(node, "reason"),
                          .by = WordOf(node, "by"),
                          .until = WordOf(node, "until"),
                          .span = node.span});
  }

  std::string folder_;
  Sources& sources_;
  Diagnostics& diags_;
  Model& m_;
};

}  // namespace

int Model::FindServer(std::string_view server) const {
  const auto found = server_by_name.find(server);
  return found == server_by_name.end() ? -1 : found->second;
}

namespace {

// Settings are the only nodes that are looked at again, when their module is known. What stands in
// all others is in the model now, and the trees take more than it does.
void DropTrees(Model& model) {
  for (Document& document : model.documents) {
    for (Node::Entry& entry : document.root.entries) {
      if (entry.key != "services") entry.value = Node();
    }
  }
}

}  // namespace

Result<Model> Load(const std::string& path, Sources& sources, Diagnostics& diags) {
  auto bytes = ReadFile(path);
  if (!bytes) return std::unexpected(std::move(bytes).error().Within("reading the topology"));
  Model model;
  model.files.push_back(path);
  model.documents.reserve(3);  // nodes are pointed at, so the vector must not move
  auto document = ParseYaml(sources.Add(path, std::move(*bytes)), sources, diags);
  if (!document) return model;
  model.documents.push_back(std::move(*document));
  Loader(DirectoryOf(path), sources, diags, model).ReadTopology(model.documents.front().root);
  DropTrees(model);
  return model;
}

}  // namespace kb::model
