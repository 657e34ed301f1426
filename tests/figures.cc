#include "figures.h"

#include <algorithm>
#include <functional>

#include <fmt/core.h>

#include "base/strings.h"

namespace kb::test {
namespace {

using graph::Graph;

// The topology, and the ways to say something else in it.
class Editor {
 public:
  Editor(const Verdict& clean, const std::string& root, std::vector<Mutation>& out)
      : c_(*clean.compilation), root_(root), out_(&out) {}

  const Graph& graph() const { return c_.graph; }

  // Puts `with` where something stands, in whatever file.
  void Replace(Span span, std::string_view with, uint16_t code, std::string what) {
    const Place place = c_.sources.Locate(span.begin);
    const Span file = FileOf(span);
    std::string bytes(c_.sources.Text(file));
    bytes.replace(span.begin - file.begin, span.end - span.begin, with);
    out_->push_back({std::string(place.path.substr(root_.size() + 1)), place.line, std::move(what),
                     std::move(bytes), code});
  }

  // Says `key: value` in a map of a service (settings, ports, credentials), whatever it says now.
  void Say(int service, std::string_view map, std::string_view key, std::string_view value,
           uint16_t code) {
    const std::string_view name = graph().services[service].name().text;
    const std::string pair = fmt::format("{}: {}", key, value);
    std::string what = fmt::format("say {} in {} of {}", pair, map, name);
    const Node& root = c_.model.documents[0].root;
    const Node& node = *root.Find("services")->Find(name);
    const Node* inside = node.Find(map);
    if (inside == nullptr || inside->entries.empty())
      return Insert(node, fmt::format("{}: {{{}}}", map, pair), code, std::move(what));
    const Node* old = inside->Find(key);
    if (old == nullptr) return Insert(*inside, pair, code, std::move(what));
    Replace(old->span, value, code, std::move(what));
  }

 private:
  Span FileOf(Span span) const {
    const auto document = std::ranges::find_if(c_.model.documents, [&](const Document& d) {
      return d.file.begin <= span.begin && span.end <= d.file.end;
    });
    KB_CHECK(document != c_.model.documents.end());
    return document->file;
  }

  // As the first entry of a map that is not empty.
  void Insert(const Node& map, std::string_view pair, uint16_t code, std::string what) {
    const Span first = map.entries.front().key_span;
    const Span file = FileOf(first);
    const std::string_view text = c_.sources.Text(file);
    const bool flow = text[map.span.begin - file.begin] == '{';
    const size_t line = text.rfind('\n', first.begin - file.begin) + 1;
    const std::string indent(first.begin - file.begin - line, ' ');
    Replace({first.begin, first.begin},
            flow ? fmt::format("{}, ", pair) : fmt::format("{}\n{}", pair, indent), code,
            std::move(what));
  }

  const Compilation& c_;
  const std::string& root_;
  std::vector<Mutation>* out_;  // outlives the editor
};

// What one service says, and what its rules compare it with.
struct Scene {
  const Graph& graph;
  int service;

  const graph::Service& self() const { return graph.services[service]; }
  int64_t operator[](std::string_view setting) const {
    return graph.Setting(service, setting).number;
  }
  int64_t members() const { return static_cast<int64_t>(self().members.size()); }
  int64_t SmallestVolume() const {  // GB; 0: a member has none
    int64_t smallest = INT64_MAX;
    for (int member : self().members) {
      const int volume = graph.model->servers[member].volume;
      smallest = std::min(smallest, volume < 0 ? 0 : graph.model->volumes[volume].size_gb);
    }
    return smallest;
  }
  // Of the service behind the first need.
  int64_t Needed(std::string_view setting) const {
    return graph.Setting(self().needs.front().to.service, setting).number;
  }
};

using Wrong = std::function<std::string(const Scene&)>;

struct Guard {
  std::string_view module, setting;
  uint16_t code;
  Wrong wrong;  // empty: the rule has nothing to say here
};

Wrong Always(std::string_view text) {
  return [text](const Scene&) { return std::string(text); };
}
Wrong Number(std::string_view unit, std::function<int64_t(const Scene&)> value) {
  return [=](const Scene& s) { return fmt::format("{}{}", value(s), unit); };
}
Wrong OnVolume(Wrong wrong) {
  return [=](const Scene& s) { return s.SmallestVolume() > 0 ? wrong(s) : std::string(); };
}

#define KB_NUMBER(unit, expression) \
  Number(unit, [](const Scene& s) -> int64_t { return expression; })

const std::vector<Guard>& Guards() {
  static const std::vector<Guard> kGuards{
      {"postgresql-ha", "ttl", 3550, KB_NUMBER("s", s["loop_wait"] + 2 * s["retry_timeout"] - 1)},
      {"postgresql-ha", "loop_wait", 3550, KB_NUMBER("s", s["ttl"] - 2 * s["retry_timeout"] + 1)},
      {"postgresql-ha", "retry_timeout", 3550, KB_NUMBER("s", (s["ttl"] - s["loop_wait"]) / 2 + 1)},
      {"postgresql-ha", "parameters", 3554, Always("{max_connections: \"300\"}")},
      {"pgbouncer", "reserve_pool_size", 3555,
       KB_NUMBER("", s["max_db_connections"] - s["default_pool_size"] + 1)},
      {"pgbouncer", "default_pool_size", 3555,
       KB_NUMBER("", s["max_db_connections"] - s["reserve_pool_size"] + 1)},

      {"redis-ha", "initial_subrole", 3556, Always("nobody")},
      {"redis-ha", "min_replicas_to_write", 3559, KB_NUMBER("", s.members())},
      {"redis-ha", "min_replicas_to_write", 3560, KB_NUMBER("", s.members() - 1)},
      {"redis-ha", "eviction", 3557,
       [](const Scene& s) {
         const bool queue = s.graph.Setting(s.service, "purpose").str() == "queue";
         return std::string(queue ? "allkeys-lru" : "");
       }},
      {"redis-ha", "eviction", 3558,
       [](const Scene& s) {
         const bool cache = s.graph.Setting(s.service, "purpose").str() == "cache";
         return std::string(cache ? "noeviction" : "");
       }},
      {"redis-ha", "failover_timeout", 3578, KB_NUMBER("ms", 3 * s["down_after"] - 1)},
      {"redis-ha", "down_after", 3578, KB_NUMBER("ms", s["failover_timeout"] / 3 + 1)},
      {"redis-ha", "restart_delay", 3578, KB_NUMBER("s", s["down_after"] / 1000 + 4)},
      {"redis-ha", "failover_limit", 3578, KB_NUMBER("s", s["down_after"] / 1000 + 4)},
      {"redis-ha", "open_files", 3578, KB_NUMBER("", s["maxclients"] + 63)},
      {"redis-ha", "maxclients", 3578, KB_NUMBER("", s["open_files"] - 63)},
      {"redis-ha", "parameters", 3554, Always("{save: \"900 1\"}")},
      {"redis-ha", "data_dir", 3571, OnVolume(Always("/elsewhere"))},

      {"rabbitmq-ha", "heartbeat", 3562,
       [](const Scene& s) {
         const int proxy = s.self().proxy;
         const int64_t minutes = proxy < 0 ? 0 : s.graph.Setting(proxy, "idle_timeout").number;
         return minutes == 0 ? std::string() : fmt::format("{}s", minutes * 30);
       }},
      {"rabbitmq-ha", "disk_free_limit", 3563,
       OnVolume(KB_NUMBER("MB", s.SmallestVolume() * 500 + 1))},
      {"rabbitmq-ha", "plugins", 3564, Always("[rabbitmq_shovle]")},
      {"rabbitmq-ha", "plugins", 3565, Always("[rabbitmq_management]")},
      {"rabbitmq-ha", "parameters", 3554, Always("{heartbeat: \"30\"}")},
      {"rabbitmq-ha", "parameters", 3801, Always("{heart_beat: \"30\"}")},
      {"rabbitmq-ha", "admin_user", 3579, Always("guest")},
      {"rabbitmq-ha", "data_dir", 3571, OnVolume(Always("/elsewhere"))},

      {"minio", "parity", 3566, KB_NUMBER("", s.members() / 2 + 1)},
      {"minio", "data_dir", 3571, Always("/elsewhere")},
      {"minio", "versioned", 3574, Always("[nobody-has-it]")},

      {"mariadb-galera", "evs_suspect_timeout", 3582,
       KB_NUMBER("s", 2 * s["evs_keepalive_period"] - 1)},
      {"mariadb-galera", "evs_suspect_timeout", 3582,
       KB_NUMBER("s", s["evs_inactive_timeout"] + 1)},
      {"mariadb-galera", "evs_keepalive_period", 3582,
       KB_NUMBER("s", s["evs_suspect_timeout"] / 2 + 1)},
      {"mariadb-galera", "evs_inactive_timeout", 3582,
       KB_NUMBER("s", s["evs_suspect_timeout"] - 1)},
      {"mariadb-galera", "gcache_size", 3585,
       OnVolume(KB_NUMBER("MiB", s.SmallestVolume() * 512 - s["log_file_size"]))},
      {"mariadb-galera", "log_file_size", 3585,
       OnVolume(KB_NUMBER("MiB", s.SmallestVolume() * 512 - s["gcache_size"]))},
      {"mariadb-galera", "flavour", 3653, Always("bitnami")},
      {"mariadb-galera", "provider_options", 3583, Always("{pc.ignore_quorum: \"yes\"}")},
      {"mariadb-galera", "provider_options", 3584, Always("{gcs.fc_master_slave: \"yes\"}")},
      {"mariadb-galera", "provider_options", 3554, Always("{gcache.size: 2G}")},
      {"mariadb-galera", "parameters", 3554, Always("{wsrep_on: \"OFF\"}")},
      {"mariadb-galera", "monitor_user", 3579, Always("root")},

      {"proxysql", "writer_hostgroup", 3576, KB_NUMBER("", s["offline_hostgroup"])},
      {"proxysql", "backup_hostgroup", 3576, KB_NUMBER("", s["writer_hostgroup"])},
      {"proxysql", "reader_hostgroup", 3576, KB_NUMBER("", s["backup_hostgroup"])},
      {"proxysql", "offline_hostgroup", 3576, KB_NUMBER("", s["reader_hostgroup"])},
      {"proxysql", "backend_connections", 3553,
       KB_NUMBER("",
                 (s.Needed("max_connections") - s.Needed("spare_connections")) / s.members() + 1)},
      {"proxysql", "healthcheck_interval", 3578, KB_NUMBER("ms", s["healthcheck_timeout"])},
      {"proxysql", "healthcheck_timeout", 3578, KB_NUMBER("ms", s["healthcheck_interval"])},
      {"proxysql", "healthcheck_count", 3578,
       KB_NUMBER("", s["connect_timeout_max"] / s["healthcheck_interval"] + 1)},
      {"proxysql", "connect_timeout_max", 3578,
       KB_NUMBER("ms", s["healthcheck_interval"] * s["healthcheck_count"] +
                           s["healthcheck_timeout"] - 1)},
      {"proxysql", "monitor_connect_interval", 3578, KB_NUMBER("ms", s["monitor_history"] / 3 + 1)},
      {"proxysql", "client_connections", 3578, KB_NUMBER("", s["user_connections"] - 1)},
      {"proxysql", "user_connections", 3578, KB_NUMBER("", s["client_connections"] + 1)},
      {"proxysql", "open_files", 3578, KB_NUMBER("", s["client_connections"] + 511)},
      {"proxysql", "admin_user", 3579, Always("admin")},
      {"proxysql", "variables", 3554, Always("{monitor_username: somebody}")},
      {"proxysql", "variables", 3801, Always("{monitor_galera_enabled: \"true\"}")},
  };
  return kGuards;
}

#undef KB_NUMBER

void MoveSettings(Editor& editor, const Scene& scene) {
  for (const Guard& guard : Guards()) {
    if (guard.module != scene.self().manifest->name.text) continue;
    const std::string wrong = guard.wrong(scene);
    if (!wrong.empty()) editor.Say(scene.service, "settings", guard.setting, wrong, guard.code);
  }
}

// Fewer members than the module needs, and a number of them that cannot vote.
void MoveMembers(Editor& editor, const Scene& scene) {
  const graph::Service& s = scene.self();
  const auto select = [&](int64_t count, uint16_t code) {
    std::string names;
    for (int64_t i = 0; i < count; ++i) {
      names += i == 0 ? "" : ", ";
      names += scene.graph.model->servers[s.members[i]].name().text;
    }
    editor.Replace(s.model->nodes.span, fmt::format("{{name: [{}], expect: {}}}", names, count),
                   code, fmt::format("leave {} members of {}", count, s.name().text));
  };
  if (s.manifest->min && *s.manifest->min > 1) select(*s.manifest->min - 1, 3502);
  if (s.manifest->odd) select(scene.members() - 1, 3501);
  if (s.manifest->name.text != "minio") return;
  const std::string_view selector = s.model->nodes.matches.front().values.front().text;
  editor.Replace(s.model->nodes.span, fmt::format("{{docker_stack: {}}}", selector), 3567,
                 "leave the set of nodes open");
}

// Each port of a service on that of another listener of the same hosts.
void MovePorts(Editor& editor, const Scene& scene) {
  const Graph& graph = scene.graph;
  for (const graph::Listener& own : graph.listeners) {
    if (own.endpoint.service != scene.service || own.fronted()) continue;
    const auto other = std::ranges::find_if(graph.listeners, [&](const graph::Listener& l) {
      return l.owner == own.owner && l.port != own.port && l.protocol == own.protocol;
    });
    if (other == graph.listeners.end()) continue;
    editor.Say(scene.service, "ports", graph.Declared(own.endpoint).name.text,
               fmt::format("{}", other->port), 3301);
  }
}

// Secrets that two services share, read as another credential.
void MoveSecrets(Editor& editor, const Scene& scene) {
  const graph::Service& s = scene.self();
  if (s.manifest->name.text != "proxysql" && s.manifest->name.text != "redis-watcher") return;
  for (size_t i = 0; i < s.secrets.size(); ++i) {
    const std::string_view secret = s.manifest->secrets[i].name.text;
    const graph::Service& provider = scene.graph.services[s.needs.front().to.service];
    const bool shared = std::ranges::any_of(
        provider.manifest->secrets, [&](const auto& theirs) { return theirs.name.text == secret; });
    const model::Credential* other = s.secrets[(i + 1) % s.secrets.size()];
    if (shared && other != nullptr)
      editor.Say(scene.service, "credentials", secret, other->name.text, 3575);
  }
}

void MoveHealth(Editor& editor, const Compilation& c) {
  for (const model::Balancer& balancer : c.model.balancers) {
    if (balancer.provider.text != "hetzner" || balancer.listeners.empty()) continue;
    const model::Health& health = balancer.listeners.front().health;
    const auto say = [&](int64_t interval, int64_t timeout, int64_t retries, uint16_t code) {
      const std::string text = fmt::format(
          "{{type: tcp, interval: {}s, timeout: {}s, retries: {}}}", interval, timeout, retries);
      editor.Replace(health.span, text, code,
                     fmt::format("say {} of {}", text, balancer.name.text));
    };
    if (health.type.text != "tcp") continue;
    say(2, 2, 3, 3315);
    say(61, 3, 3, 3315);
    say(10, 11, 3, 3315);
    say(10, 3, 6, 3315);
    say(10, 3, 0, 3306);
  }
}

void MoveImages(Editor& editor, const Scene& scene) {
  const graph::Service& s = scene.self();
  for (size_t i = 0; i < s.images.size(); ++i) {
    const model::ImageVersion* image = s.images[i];
    if (image == nullptr) continue;
    const std::string_view module = s.manifest->name.text, ref = image->ref.text;
    const std::string name(ref.substr(0, ref.rfind(':')));
    const auto say = [&](const std::string& other, uint16_t code) {
      editor.Replace(image->ref.span, other, code, fmt::format("pin {} instead", other));
    };
    say(name + ":latest", 3601);
    if (module == "minio") say(name + ":RELEASE.2024-10-02T10-00Z", 3652);
    if (module == "rabbitmq-ha") say(std::string(ref) + "-alpine", 3653);
    if (module == "rabbitmq-ha") say(name + ":3.13.2-management", 3653);
    if (module == "mariadb-galera") say(name + ":11.4.2", 3653);
  }
}

// What apps may not ask for.
void MoveUses(Editor& editor, const Compilation& c) {
  for (const model::App& app : c.model.apps) {
    for (const model::Use& use : app.uses) {
      const int provider = c.graph.FindService(use.service.text);
      const std::string_view module =
          provider < 0 ? "" : c.graph.services[provider].manifest->name.text;
      const auto say = [&](const Word& word, std::string_view other, uint16_t code) {
        if (word.empty()) return;
        editor.Replace(word.span, other, code,
                       fmt::format("ask `{}` for `{}` instead", use.service.text, other));
      };
      if (module == "rabbitmq-ha") {
        say(use.role, "guest", 3579);
        say(use.vhost, "failover_drill", 3581);
      } else if (module == "mariadb-galera") {
        say(use.role, "root", 3581);
        say(use.database, "sys", 3581);
      } else if (module == "minio" && !use.buckets.empty()) {
        say(use.buckets.front(), "under_score", 3573);
      }
    }
  }
}

}  // namespace

std::vector<Mutation> GuardedFigures(const Verdict& clean, const std::string& root) {
  std::vector<Mutation> mutations;
  Editor editor(clean, root, mutations);
  const Compilation& c = *clean.compilation;
  for (size_t i = 0; i < c.graph.services.size(); ++i) {
    const Scene scene{c.graph, static_cast<int>(i)};
    if (scene.self().members.empty()) continue;
    MoveSettings(editor, scene);
    MoveMembers(editor, scene);
    MovePorts(editor, scene);
    MoveSecrets(editor, scene);
    MoveImages(editor, scene);
    const Word& entry = scene.self().model->entry;
    if (scene.self().manifest->name.text == "minio" && !entry.empty()) {
      editor.Replace(entry.span, c.graph.model->servers[c.graph.install].name().text, 3568,
                     "enter where no member is");
    }
  }
  MoveHealth(editor, c);
  MoveUses(editor, c);
  return mutations;
}

}  // namespace kb::test
