#include <algorithm>

#include "base/strings.h"
#include "diag/kinds.h"
#include "graph/graph.h"
#include "graph/selector.h"
#include "graph/settings.h"

namespace kb::graph {
namespace {

using module::Manifest;

template <class Rows>
auto FindByName(const Rows& rows, std::string_view name) -> decltype(&*rows.begin()) {
  const auto found =
      std::ranges::find_if(rows, [&](const auto& row) { return row.name.text == name; });
  return found == rows.end() ? nullptr : &*found;
}

std::string Hint(std::string_view near) {
  return near.empty() ? std::string() : fmt::format("did you mean `{}`?", near);
}

template <class Rows>
std::string HintAmong(const Rows& rows, std::string_view name) {
  std::vector<std::string_view> names;
  for (const auto& row : rows) names.push_back(row.name.text);
  return Hint(Nearest(name, names));
}

// Index by name of rows that large estates have many of.
template <class Row>
std::unordered_map<std::string_view, const Row*> IndexOf(const std::vector<Row>& rows) {
  std::unordered_map<std::string_view, const Row*> index;
  for (const Row& row : rows) index.emplace(row.name.text, &row);
  return index;
}

class Resolver {
 public:
  Resolver(const model::Model& model, const module::Library& library, Diagnostics& diags)
      : m_(model),
        library_(library),
        diags_(diags),
        index_(model),
        credentials_(IndexOf(model.credentials)),
        images_(IndexOf(model.images)),
        packages_(IndexOf(model.packages)) {
    g_.model = &model;
    g_.library = &library;
  }

  Graph Run() {
    g_.install = m_.FindServer(m_.install_host.text);
    if (g_.install < 0 && !m_.install_host.empty()) ReportServer(m_.install_host);
    for (const model::Service& service : m_.services) AddService(service);
    for (Service& service : g_.services) BindService(service);
    for (size_t i = 0; i < g_.services.size(); ++i) BindNeeds(g_.services[i]);
    for (const model::Balancer& balancer : m_.balancers) AddBalancer(balancer);
    for (const model::App& app : m_.apps) AddApp(app);
    for (Service& service : g_.services) SortExtensions(service);
    g_.services_on.resize(m_.servers.size());
    for (size_t i = 0; i < g_.services.size(); ++i) {
      for (int server : g_.services[i].members)
        g_.services_on[server].push_back(static_cast<int>(i));
    }
    return std::move(g_);
  }

 private:
  void ReportServer(const Word& name) {
    if (!m_.servers_whole) return;
    std::vector<std::string_view> names;
    for (const model::Server& server : m_.servers) names.push_back(server.name().text);
    diags_.Emit(diag::kUnknownServer, name.span, {.help = Hint(Nearest(name.text, names))},
                name.text);
  }

  void AddService(const model::Service& service) {
    const Manifest* manifest = library_.Find(service.module.text);
    if (manifest == nullptr) {
      if (!service.module.empty()) {
        diags_.Emit(diag::kUnknownModule, service.module.span,
                    {.help = Hint(library_.Nearest(service.module.text))}, service.module.text);
      }
      return;
    }
    Service resolved{.model = &service, .manifest = manifest};
    resolved.members =
        index_.Select(service.nodes, fmt::format("service `{}`", service.name.text), diags_);
    for (const module::Endpoint& endpoint : manifest->endpoints)
      resolved.ports.push_back(endpoint.port);
    for (const model::Binding& port : service.ports) {
      const int endpoint = manifest->FindEndpoint(port.from.text);
      if (endpoint < 0) {
        diags_.Emit(diag::kUnknownEndpoint, port.from.span,
                    {.help = HintAmong(manifest->endpoints, port.from.text)}, port.from.text,
                    manifest->name.text);
      } else {
        resolved.ports[endpoint] = ParsePort(port.to.text).value_or(resolved.ports[endpoint]);
      }
    }
    CheckPorts(resolved);
    ReadSettings(resolved, *g_.arena, diags_);
    g_.service_by_name.emplace(service.name.text, static_cast<int>(g_.services.size()));
    g_.services.push_back(std::move(resolved));
  }

  void CheckPorts(const Service& service) {
    for (size_t i = 0; i < service.ports.size(); ++i) {
      if (service.ports[i] != 0) continue;
      const std::string_view endpoint = service.manifest->endpoints[i].name.text;
      diags_.Emit(diag::kNoPort, service.name().span,
                  {.help = fmt::format("say `ports: {{{}: …}}`", endpoint)}, service.name().text,
                  endpoint);
    }
  }

  int WantService(const Word& name) {
    if (name.empty()) return -1;
    const int service = g_.FindService(name.text);
    if (service >= 0) return service;
    // A service whose own module is unknown has been reported there.
    if (FindByName(m_.services, name.text) == nullptr) {
      diags_.Emit(diag::kUnknownService, name.span, {.help = HintAmong(m_.services, name.text)},
                  name.text);
    }
    return -1;
  }

  // What the topology binds `name` to, else `fallback`; unknown names on the left are reported
  // once.
  template <class Declared>
  void CheckBindings(const std::vector<model::Binding>& bindings, const Declared& declared,
                     const Manifest& manifest) {
    for (const model::Binding& binding : bindings) {
      if (FindByName(declared, binding.from.text) != nullptr) continue;
      diags_.Emit(diag::kUnknownBinding, binding.from.span,
                  {.help = HintAmong(declared, binding.from.text)}, binding.from.text,
                  manifest.name.text);
    }
  }

  static Word BoundTo(const std::vector<model::Binding>& bindings, const Word& name,
                      std::string_view fallback, Span fallback_span) {
    for (const model::Binding& binding : bindings) {
      if (binding.from.text == name.text && !binding.to.empty()) return binding.to;
    }
    return {fallback, fallback_span};
  }

  void BindService(Service& service) {
    const model::Service& m = *service.model;
    const Manifest& manifest = *service.manifest;
    CheckBindings(m.images, manifest.images, manifest);
    CheckBindings(m.packages, manifest.packages, manifest);
    CheckBindings(m.credentials, manifest.secrets, manifest);
    CheckBindings(m.uses, manifest.needs, manifest);
    for (const module::Named& image : manifest.images) {
      const Word key = BoundTo(m.images, image.name, image.name.text, m.name.span);
      const auto found = images_.find(key.text);
      service.images.push_back(found == images_.end() ? nullptr : found->second);
      if (found == images_.end()) ReportVersion(key, "images", image.help);
    }
    for (const module::Named& package : manifest.packages) {
      const Word key = BoundTo(m.packages, package.name, package.name.text, m.name.span);
      const auto found = packages_.find(key.text);
      service.packages.push_back(found == packages_.end() ? nullptr : found->second);
      if (found == packages_.end()) ReportVersion(key, "packages", package.help);
    }
    for (const module::Named& secret : manifest.secrets) {
      std::string name = fmt::format("{}_{}", m.name.text, secret.name.text);
      std::ranges::replace(name, '-', '_');
      const Word key = BoundTo(m.credentials, secret.name, g_.arena->Copy(name), m.name.span);
      service.secrets.push_back(WantCredential(key, secret.help));
    }
    service.proxy = WantService(m.proxy);
    if (service.proxy >= 0 && !g_.services[service.proxy].manifest->fronts) {
      diags_.Emit(diag::kNotAProxy, m.proxy.span,
                  {.help = "name a service whose module says `fronts: true`"}, m.proxy.text,
                  g_.services[service.proxy].manifest->name.text);
      service.proxy = -1;
    }
    if (service.proxy >= 0) {
      g_.services[service.proxy].fronted.push_back(static_cast<int>(&service - g_.services.data()));
    }
    if (!m.entry.empty()) {
      service.entry = m_.FindServer(m.entry.text);
      if (service.entry < 0) ReportServer(m.entry);
    }
  }

  void ReportVersion(const Word& key, std::string_view section, std::string_view help) {
    if (!m_.versions_whole) return;
    diags_.Emit(diag::kUnknownVersion, key.span,
                {.help = fmt::format("add it to {}: {}", section, help)}, key.text, section);
  }

  const model::Credential* WantCredential(const Word& name, std::string_view help) {
    const auto found = credentials_.find(name.text);
    if (found != credentials_.end()) return found->second;
    if (!m_.credentials_whole) return nullptr;
    diags_.Emit(diag::kUnknownCredential, name.span,
                {.help = fmt::format("declare it among the credentials{}{}",
                                     help.empty() ? "" : ": ", help)},
                name.text);
    return nullptr;
  }

  // A need is bound by the topology, else to the service of its own name, else to the only one of
  // the module.
  int ProviderOf(const Service& service, const module::Need& need) {
    const Word bound = BoundTo(service.model->uses, need.name, {}, {});
    if (!bound.empty()) return WantService(bound);
    if (const int same = g_.FindService(need.name.text);
        same >= 0 && g_.services[same].manifest->name.text == need.module.text) {
      return same;
    }
    int only = -1;
    for (size_t i = 0; i < g_.services.size(); ++i) {
      if (g_.services[i].manifest->name.text != need.module.text) continue;
      if (only >= 0) {
        diags_.Emit(diag::kAmbiguousNeed, service.model->span,
                    {.help = fmt::format("say which under `uses: {{{}: …}}`", need.name.text)},
                    service.name().text, need.name.text);
        return -1;
      }
      only = static_cast<int>(i);
    }
    if (only < 0) {
      diags_.Emit(diag::kUnmetNeed, service.model->span, {.help = std::string(need.help)},
                  service.name().text, need.name.text, need.module.text);
    }
    return only;
  }

  void BindNeeds(Service& service) {
    for (const module::Need& need : service.manifest->needs) {
      EndpointRef to;
      const int provider = ProviderOf(service, need);
      if (provider >= 0) {
        const Manifest& manifest = *g_.services[provider].manifest;
        const int endpoint = manifest.FindEndpoint(need.endpoint.text);
        if (manifest.name.text != need.module.text) {
          const Word bound = BoundTo(service.model->uses, need.name, {}, service.model->span);
          diags_.Emit(diag::kWrongProvider, bound.span,
                      {.help = "name a service of that module under `uses:`"}, need.name.text,
                      need.module.text, manifest.name.text);
        } else if (endpoint < 0) {
          diags_.Emit(diag::kUnknownEndpoint, need.endpoint.span, need.endpoint.text,
                      manifest.name.text);
        } else {
          to = {provider, endpoint};
        }
      }
      service.needs.push_back({to});
    }
  }

  void AddBalancer(const model::Balancer& balancer) {
    Balancer resolved{
        .model = &balancer, .targets = WantService(balancer.targets), .listeners = {}};
    for (const model::BalancerListener& listener : balancer.listeners) {
      resolved.listeners.push_back(WantEndpoint(listener.to));
    }
    g_.balancers.push_back(std::move(resolved));
  }

  EndpointRef WantEndpoint(const Word& name) {
    const EndpointRef ref = g_.FindEndpoint(name.text);
    if (ref.known()) return ref;
    const std::string_view service = name.text.substr(0, name.text.rfind('.'));
    if (g_.FindService(name.text) >= 0) {
      diags_.Emit(diag::kAmbiguousEndpoint, name.span, {.help = "write service.endpoint"},
                  name.text);
    } else if (const int known = g_.FindService(service); known >= 0) {
      const Manifest& manifest = *g_.services[known].manifest;
      const std::string_view endpoint = name.text.substr(service.size() + 1);
      diags_.Emit(diag::kUnknownEndpoint, name.span,
                  {.help = HintAmong(manifest.endpoints, endpoint)}, endpoint, manifest.name.text);
    } else if (FindByName(m_.services, service) == nullptr) {
      diags_.Emit(diag::kUnknownService, name.span, {.help = HintAmong(m_.services, service)},
                  service);
    }
    return {};
  }

  void AddApp(const model::App& app) {
    App resolved{
        .model = &app,
        .members = index_.Select(app.nodes, fmt::format("app `{}`", app.name.text), diags_),
        .uses = {}};
    for (const model::Use& use : app.uses) {
      const int provider = WantService(use.service);
      resolved.uses.push_back(provider < 0 ? EndpointRef{} : RouteOf(use, provider));
      if (provider >= 0) AddResources(app, use, g_.services[provider]);
    }
    g_.apps.push_back(std::move(resolved));
  }

  // The endpoint that a route means: the provider's own, or that of the service that offers the
  // route.
  EndpointRef RouteOf(const model::Use& use, int provider) {
    if (use.route.empty() || use.route.text == "direct") return WantEndpoint(use.service);
    for (size_t i = 0; i < g_.services.size(); ++i) {
      const Service& service = g_.services[i];
      for (size_t n = 0; n < service.needs.size(); ++n) {
        if (service.manifest->needs[n].route.text != use.route.text) continue;
        if (service.needs[n].to.service != provider) continue;
        return g_.FindEndpoint(service.name().text);
      }
    }
    diags_.Emit(diag::kUnknownRoute, use.route.span,
                {.help = "`direct`, or a route that a service offers"}, use.service.text,
                use.route.text);
    return {};
  }

  // What an app may ask a service for. The three differ in nothing but their names.
  struct Kind {
    std::string_view noun, nouns;
    bool Manifest::* provides;
    std::vector<Resource> Service::* all;
    std::vector<std::string_view> Role::* of_role;
  };
  static constexpr Kind kDatabase{"database", "databases", &Manifest::provides_databases,
                                  &Service::databases, &Role::databases};
  static constexpr Kind kVhost{"virtual host", "virtual hosts", &Manifest::provides_vhosts,
                               &Service::vhosts, &Role::vhosts};
  static constexpr Kind kBucket{"bucket", "buckets", &Manifest::provides_buckets, &Service::buckets,
                                &Role::buckets};

  void AddResources(const model::App& app, const model::Use& use, Service& provider) {
    if (!use.database.empty()) AddResource(kDatabase, use.database, app, use, provider);
    if (!use.vhost.empty()) AddResource(kVhost, use.vhost, app, use, provider);
    for (const Word& bucket : use.buckets) AddResource(kBucket, bucket, app, use, provider);
  }

  void AddResource(const Kind& kind, const Word& name, const model::App& app, const model::Use& use,
                   Service& provider) {
    if (!(provider.manifest->*kind.provides)) {
      diags_.Emit(diag::kNoResources, name.span,
                  {.help = "ask the service that holds the data; `route:` chooses the way to it"},
                  provider.name().text, kind.nouns);
      return;
    }
    if (use.role.empty() || use.credential.empty()) {
      diags_.Emit(diag::kResourceWithoutRole, name.span, {.help = "say `role` and `credential`"},
                  kind.noun, name.text);
      return;
    }
    Role& role = WantRole(use, provider);
    auto& all = provider.*kind.all;
    const auto known = std::ranges::find_if(
        all, [&](const Resource& resource) { return resource.name.text == name.text; });
    const bool fresh = known == all.end();
    Resource& resource = fresh ? all.emplace_back(Resource{name, use.role, {}, {}, {}}) : *known;
    if (fresh) {
      (role.*kind.of_role).push_back(name.text);
    } else if (resource.owner.text != use.role.text) {
      diags_.Emit(diag::kResourceConflict, use.role.span,
                  {.labels = {{resource.owner.span, "first given an owner here"}}}, kind.noun,
                  name.text, resource.owner.text, use.role.text);
    }
    resource.apps.push_back(app.name.text);
    resource.routes.push_back(use.route.empty() ? std::string_view("direct") : use.route.text);
    resource.extensions.insert(resource.extensions.end(), use.extensions.begin(),
                               use.extensions.end());
  }

  Role& WantRole(const model::Use& use, Service& provider) {
    const model::Credential* credential = WantCredential(use.credential, "the role's password");
    const auto known = std::ranges::find_if(
        provider.roles, [&](const Role& role) { return role.name.text == use.role.text; });
    if (known == provider.roles.end())
      return provider.roles.emplace_back(Role{use.role, credential, {}, {}, {}});
    if (known->credential != credential && credential != nullptr && known->credential != nullptr) {
      diags_.Emit(diag::kRoleConflict, use.credential.span,
                  {.labels = {{known->name.span, "first declared here"}}}, use.role.text);
    }
    return *known;
  }

  static void SortExtensions(Service& service) {
    for (Resource& database : service.databases) {
      std::ranges::stable_sort(database.extensions, {}, &Word::text);
      const auto repeats = std::ranges::unique(database.extensions, {}, &Word::text);
      database.extensions.erase(repeats.begin(), repeats.end());
    }
  }

  const model::Model& m_;
  const module::Library& library_;
  Diagnostics& diags_;
  ServerIndex index_;
  std::unordered_map<std::string_view, const model::Credential*> credentials_;
  std::unordered_map<std::string_view, const model::ImageVersion*> images_;
  std::unordered_map<std::string_view, const model::PackageVersion*> packages_;
  Graph g_;
};

}  // namespace

void AddListeners(Graph& graph, const ServerIndex& index, Diagnostics& diags);

Graph Resolve(const model::Model& model, const module::Library& library, Diagnostics& diags) {
  Graph graph = Resolver(model, library, diags).Run();
  AddListeners(graph, ServerIndex(model), diags);
  return graph;
}

}  // namespace kb::graph
