#include "services/lookup.h"

#include <algorithm>

#include <fmt/core.h>

#include "diag/kinds.h"

namespace kb::services {
namespace {

template <class Rows>
int IndexOf(const Rows& rows, std::string_view name) {
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].name.text == name) return static_cast<int>(i);
  }
  return -1;
}

}  // namespace

const model::Credential* SecretOf(const graph::Graph& graph, int service, std::string_view secret) {
  const graph::Service& s = graph.services[service];
  const int index = IndexOf(s.manifest->secrets, secret);
  return index < 0 ? nullptr : s.secrets[index];
}

Span SecretSpan(const graph::Graph& graph, int service, std::string_view secret) {
  const model::Service& s = *graph.services[service].model;
  for (const model::Binding& binding : s.credentials) {
    if (binding.from.text == secret) return binding.to.span;
  }
  return s.span;
}

graph::EndpointRef NeedOf(const graph::Graph& graph, int service, std::string_view need) {
  const graph::Service& s = graph.services[service];
  const int index = IndexOf(s.manifest->needs, need);
  return index < 0 ? graph::EndpointRef{} : s.needs[index].to;
}

const model::ImageVersion* ImageOf(const graph::Graph& graph, int service, std::string_view image) {
  const graph::Service& s = graph.services[service];
  const int index = IndexOf(s.manifest->images, image);
  return index < 0 ? nullptr : s.images[index];
}

void CheckSameSecret(const graph::Graph& graph, int service, int other, std::string_view secret,
                     Diagnostics& diags) {
  const model::Credential* here = SecretOf(graph, service, secret);
  const model::Credential* there = SecretOf(graph, other, secret);
  if (here == nullptr || there == nullptr || here == there) return;
  diags.Emit(diag::kSecretsDiffer, SecretSpan(graph, service, secret),
             {.labels = {{SecretSpan(graph, other, secret), "the other one"}},
              .help = fmt::format("say `credentials: {{{}: {}}}`", secret, there->name.text)},
             graph.services[service].name().text, graph.services[other].name().text, secret);
}

int64_t NumberOf(const graph::Graph& graph, int service, std::string_view setting) {
  return graph.Setting(service, setting).number;
}

std::vector<Label> LabelsOf(const graph::Graph& graph, int service,
                            std::initializer_list<std::string_view> settings) {
  std::vector<Label> labels;
  for (std::string_view setting : settings)
    labels.push_back({graph.SettingSpan(service, setting), std::string(setting)});
  return labels;
}

void CheckAtLeast(const graph::Graph& graph, int service, std::string_view setting, int64_t least,
                  Diagnostics::Extra why, Diagnostics& diags) {
  const int64_t value = NumberOf(graph, service, setting);
  if (value >= least) return;
  const graph::Service& s = graph.services[service];
  const int index = IndexOf(s.manifest->settings, setting);
  const std::string unit = index < 0 ? std::string() : s.manifest->settings[index].shape->unit;
  diags.Emit(diag::kTooShort, graph.SettingSpan(service, setting), std::move(why), s.name().text,
             setting, fmt::format("{}{}", value, unit), fmt::format("{}{}", least, unit));
}

void CheckSecretsDiffer(const graph::Graph& graph, int service,
                        std::span<const std::string_view> secrets, Diagnostics& diags) {
  const graph::Service& s = graph.services[service];
  std::vector<const model::Credential*> taken;
  const auto take = [&](const model::Credential* credential, Span span, std::string_view help) {
    if (credential == nullptr) return;
    if (std::ranges::find(taken, credential) != taken.end()) {
      diags.Emit(diag::kSecretReused, span, {.help = std::string(help)}, s.name().text,
                 credential->name.text);
    }
    taken.push_back(credential);
  };
  for (std::string_view secret : secrets) {
    take(SecretOf(graph, service, secret), SecretSpan(graph, service, secret),
         "give each a credential of its own");
  }
  for (const graph::Role& role : s.roles) {
    take(role.credential, role.name.span,
         "give each user of an app a credential of its own, never the module's");
  }
}

void CheckDataOnVolume(const graph::Graph& graph, int service, std::string_view setting,
                       bool required, Diagnostics& diags) {
  const graph::Service& s = graph.services[service];
  const std::string_view data = graph.Setting(service, setting).str();
  for (int member : s.members) {
    const model::Server& server = graph.model->servers[member];
    if (server.volume < 0 && !required) continue;
    const model::Volume* volume =
        server.volume < 0 ? nullptr : &graph.model->volumes[server.volume];
    const std::string_view mount = volume == nullptr ? std::string_view() : volume->mount.text;
    // The volume may be mounted at the folder or above it.
    const bool holds =
        volume != nullptr && (data == mount || data.starts_with(fmt::format("{}/", mount)));
    if (holds) continue;
    diags.Emit(diag::kDataNotOnVolume, graph.SettingSpan(service, setting),
               {.labels = {{volume == nullptr ? server.name().span : volume->mount.span,
                            volume == nullptr ? "it has none" : "its mount point"}},
                .help = "name the mount point of the volume, or a folder below it"},
               s.name().text, data, server.name().text);
  }
}

}  // namespace kb::services
