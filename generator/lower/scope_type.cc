// The static shape of every scope.
#include <algorithm>

#include "base/strings.h"
#include "diag/kinds.h"
#include "graph/settings.h"
#include "lower/scope.h"
#include "lower/types.h"
#include "services/hook.h"

namespace kb::lower {
namespace {

using tmpl::AtomType;
using tmpl::BoolType;
using tmpl::EnumType;
using tmpl::Field;
using tmpl::IntType;
using tmpl::ListOf;
using tmpl::Optional;
using tmpl::RecordOf;
using tmpl::TextType;
using tmpl::TypeRef;

TypeRef ServiceType() {
  return RecordOf({{"name", AtomType(), "name of the service"},
                   {"module", AtomType(), "its module"},
                   {"label", AtomType(), "number of the module"},
                   {"folder", AtomType(), "its folder in out/"},
                   {"summary", TextType(), "what it is"}});
}

TypeRef FrontType() {
  const TypeRef exchange = RecordOf(
      {{"send", Optional(TextType()), "a line that is sent"},
       {"secret", Optional(SecretType()), "whose value follows it"},
       {"variable", Optional(AtomType()), "the variable by which the proxy has the secret"},
       {"expect", Optional(TextType()), "what the answer must hold"},
       {"send_hex", Optional(AtomType()), "bytes that are sent"},
       {"expect_hex", Optional(AtomType()), "bytes that the answer must hold"}});
  const TypeRef probe =
      RecordOf({{"type", EnumType({"tcp", "http", "dialogue"}), "how to ask"},
                {"role", BoolType(), "only the member that has the role may take clients"},
                {"port", IntType(), "where to ask"},
                {"path", Optional(TextType()), "what to ask for"},
                {"expect", Optional(IntType()), "the status that admits"},
                {"steps", ListOf(exchange), "questions and what their answers must hold"}});
  const TypeRef secret = RecordOf({{"variable", AtomType(), ""}, {"secret", SecretType(), ""}});
  return RecordOf({{"service", AtomType(), ""},
                   {"endpoint", AtomType(), ""},
                   {"port", IntType(), "where the proxy listens"},
                   {"members", ListOf(ServerType()), "where it sends"},
                   {"check", probe, "how it asks a member whether it may send there"},
                   {"secrets", ListOf(secret), "what the check must know"}});
}

TypeRef HealthType() {
  return RecordOf({{"type", EnumType({"tcp", "http"}), "how targets are asked"},
                   {"path", Optional(TextType()), ""},
                   {"status", Optional(TextType()), "what is healthy"},
                   {"interval", IntType(), "seconds"},
                   {"timeout", IntType(), "seconds"},
                   {"retries", IntType(), ""}});
}

TypeRef LoadBalancerType() {
  const TypeRef listener =
      RecordOf({{"service", AtomType(), ""},
                {"endpoint", AtomType(), ""},
                {"port", IntType(), "where it listens"},
                {"target_port", IntType(), "where its targets listen"},
                {"protocol", EnumType({"tcp", "http", "https"}), ""},
                {"certificate", Optional(AtomType()), "its name at the provider"},
                {"health", HealthType(), ""},
                {"members", ListOf(ServerType()), "who listens there"}});
  return RecordOf({{"name", AtomType(), "in the topology"},
                   {"called", AtomType(), "at the provider"},
                   {"size", AtomType(), "the provider's type"},
                   {"location", AtomType(), ""},
                   {"network", AtomType(), "the private network's name at the provider"},
                   {"private_ip", AtomType(), ""},
                   {"public_ip", Optional(AtomType()), ""},
                   {"targets", ListOf(ServerType()), ""},
                   {"listeners", ListOf(listener), ""}});
}

TypeRef DnsType() {
  const TypeRef address = RecordOf({{"ip", AtomType(), ""}, {"balancer", AtomType(), ""}});
  const TypeRef name = RecordOf({{"name", AtomType(), ""}, {"addresses", ListOf(address), ""}});
  const TypeRef caa =
      RecordOf({{"flags", IntType(), ""}, {"tag", AtomType(), ""}, {"value", TextType(), ""}});
  const TypeRef record = RecordOf(
      {{"name", Optional(AtomType()), "none: the domain itself"},
       {"type", EnumType({"A", "CNAME", "MX", "TXT", "CAA"}), ""},
       {"value", TextType(), "as the topology says it"},
       {"target", Optional(AtomType()), "A: an address; CNAME, MX: a name, without final dot"},
       {"strings", ListOf(TextType()), "TXT: in pieces that DNS admits"},
       {"caa", Optional(caa), ""},
       {"priority", IntType(), "MX"}});
  return RecordOf({{"zone", AtomType(), "the domain"},
                   {"ttl", IntType(), "seconds"},
                   {"names", ListOf(name), "host names that load balancers answer for"},
                   {"records", ListOf(record), "other records"}});
}

TypeRef FileType() {
  return RecordOf({{"path", AtomType(), "where it lands"},
                   {"mode", AtomType(), "octal"},
                   {"owner", AtomType(), "user:group"},
                   {"secret", BoolType(), "it holds tokens that the host fills"}});
}

TypeRef StepType() {
  return RecordOf({{"name", AtomType(), ""},
                   {"kind", EnumType({module::kStepKinds.begin(), module::kStepKinds.end()}), ""},
                   {"strategy", EnumType({"parallel", "rolling", "first"}), ""},
                   {"on", EnumType({"members", "install"}), ""},
                   {"hosts", ListOf(ServerType()), "where it runs"},
                   {"help", TextType(), ""}});
}

TypeRef HostType() {
  return RecordOf(
      {{"names", ListOf(RecordOf({{"name", AtomType(), ""}, {"ip", AtomType(), ""}})),
        "names that must resolve to these addresses"},
       {"packages", ListOf(AtomType()), ""},
       {"kernel_modules", ListOf(AtomType()), ""},
       {"sysctl", ListOf(RecordOf({{"name", AtomType(), ""}, {"value", TextType(), ""}})), ""}});
}

TypeRef FirewallType() {
  return RecordOf({{"accept",
                    ListOf(RecordOf({{"protocol", AtomType(), ""},
                                     {"port", AtomType(), ""},
                                     {"sources", ListOf(AtomType()), "addresses and networks"},
                                     {"service", AtomType(), ""},
                                     {"endpoint", AtomType(), ""},
                                     {"why", TextType(), ""}})),
                    "what may come in"}});
}

TypeRef FlowType() {
  return RecordOf(
      {{"from", AtomType(), "who connects"},
       {"kind", EnumType({"service", "app", "server", "network", "balancer"}), "what that is"},
       {"to", AtomType(), "the service whose members listen"},
       {"service", AtomType(), "the service that is reached"},
       {"endpoint", AtomType(), ""},
       {"protocol", AtomType(), ""},
       {"port", IntType(), ""},
       {"why", TextType(), ""}});
}

template <class Rows>
TypeRef ByName(const Rows& rows, const TypeRef& type) {
  std::vector<Field> fields;
  for (const auto& row : rows)
    fields.push_back({std::string(row.name.text), type, std::string(row.help)});
  return RecordOf(std::move(fields));
}

TypeRef OfficialType(const module::Manifest& manifest) {
  std::vector<Field> fields;
  for (const module::Endpoint& endpoint : manifest.endpoints) {
    if (endpoint.clients)
      fields.push_back(
          {std::string(endpoint.name.text), AddressType(), std::string(endpoint.help)});
  }
  return RecordOf(std::move(fields));
}

TypeRef SettingsType(const module::Manifest& manifest) {
  std::vector<Field> fields;
  for (const module::Setting& setting : manifest.settings) {
    fields.push_back(
        {std::string(setting.name.text), graph::TypeOf(setting), std::string(setting.help)});
  }
  return RecordOf(std::move(fields));
}

TypeRef NeedType(const module::Need& need, const module::Library& library) {
  static const module::Manifest kUnknown;
  const module::Manifest* provider = library.Find(need.module.text);
  return RecordOf({{"service", AtomType(), ""},
                   {"host", AtomType(), "where it is reached from here"},
                   {"port", IntType(), ""},
                   {"members", ListOf(ServerType()), "when the manifest says `members: true`"},
                   {"settings", SettingsType(provider == nullptr ? kUnknown : *provider), ""},
                   {"databases", ListOf(ResourceType()), "those that come this way"},
                   {"vhosts", ListOf(ResourceType()), ""},
                   {"buckets", ListOf(ResourceType()), ""},
                   {"roles", ListOf(RoleType()), "their owners"}});
}

TypeRef NeedsType(const module::Manifest& manifest, const module::Library& library) {
  std::vector<Field> fields;
  for (const module::Need& need : manifest.needs)
    fields.push_back(
        {std::string(need.name.text), NeedType(need, library), std::string(need.help)});
  return RecordOf(std::move(fields));
}

TypeRef ComputedType(const module::Manifest& manifest) {
  const services::Hook* hook = services::FindHook(manifest.name.text);
  return hook != nullptr && hook->computed != nullptr ? hook->computed(ServerType()) : RecordOf({});
}

}  // namespace

TypeRef ServerType() {
  static const TypeRef kType = RecordOf({
      {"name", AtomType(), "host name"},
      {"ip", AtomType(), "private address"},
      {"public_ip", AtomType(), "public address"},
      {"fqdn", AtomType(), ""},
      {"user", AtomType(), "user for ssh"},
      {"pool", AtomType(), ""},
      {"role", AtomType(), ""},
      {"subrole", AtomType(), ""},
      {"docker_stack", AtomType(), ""},
      {"os", EnumType({"ubuntu-22.04", "ubuntu-24.04", "debian-12"}), "operating system"},
      {"notes", TextType(), "what a person wrote of it"},
      {"core", BoolType(), ""},
      {"index", IntType(), "position among the members, from 1"},
      {"volume", Optional(VolumeType()), "its data volume"},
      {"install", BoolType(), "it is the install host"},
  });
  return kType;
}

TypeRef VolumeType() {
  static const TypeRef kType = RecordOf({{"device", Optional(AtomType()), "below /dev/disk/by-id"},
                                         {"mount", AtomType(), ""},
                                         {"filesystem", EnumType({"xfs", "ext4"}), ""},
                                         {"size_gb", IntType(), ""}});
  return kType;
}

TypeRef ImageType() {
  static const TypeRef kType =
      RecordOf({{"ref", AtomType(), "whole"}, {"name", AtomType(), ""}, {"tag", AtomType(), ""}});
  return kType;
}

TypeRef SecretType() {
  static const TypeRef kType =
      tmpl::SecretOf({{"file", AtomType(), "absolute path on the host"},
                      {"key", AtomType(), "variable in the file"},
                      {"token", AtomType(), "what the host replaces by the value"}});
  return kType;
}

TypeRef AddressType() {
  static const TypeRef kType = RecordOf({{"host", AtomType(), ""}, {"port", IntType(), ""}});
  return kType;
}

TypeRef ResourceType() {
  static const TypeRef kType = RecordOf({{"name", AtomType(), ""},
                                         {"owner", AtomType(), ""},
                                         {"extensions", ListOf(AtomType()), ""},
                                         {"apps", ListOf(AtomType()), ""}});
  return kType;
}

TypeRef RoleType() {
  static const TypeRef kType = RecordOf({{"name", AtomType(), ""},
                                         {"secret", SecretType(), "its password"},
                                         {"databases", ListOf(AtomType()), ""},
                                         {"vhosts", ListOf(AtomType()), ""},
                                         {"buckets", ListOf(AtomType()), ""}});
  return kType;
}

TypeRef TopologyType() {
  static const TypeRef kType = RecordOf(
      {{"name", AtomType(), "name of the topology"}, {"domain", AtomType(), "DNS domain"}});
  return kType;
}

TypeRef NetworkType() {
  static const TypeRef kType = [] {
    const TypeRef atoms = ListOf(AtomType());
    return RecordOf({{"private", AtomType(), "the private network"},
                     {"resolvers", atoms, "DNS servers"},
                     {"fallback_resolvers", atoms, "DNS servers of last resort"},
                     {"ntp", atoms, "time servers"},
                     {"admin", atoms, "public addresses of administrators"}});
  }();
  return kType;
}

TypeRef InstallType() {
  static const TypeRef kType =
      RecordOf({{"name", AtomType(), "the install host"},
                {"ip", AtomType(), "its private address"},
                {"root", AtomType(), "folder of kbgen on every host"},
                {"credentials", AtomType(), "folder of secrets on every host"}});
  return kType;
}

TypeRef ScopeType(const module::Manifest& manifest, Standpoint standpoint,
                  const module::Library& library) {
  const TypeRef self = standpoint == Standpoint::kMember ? ServerType() : Optional(ServerType());
  const TypeRef servers = ListOf(ServerType());
  const TypeRef endpoint = RecordOf({{"port", IntType(), ""}, {"protocol", AtomType(), ""}});
  const TypeRef balancer = RecordOf(
      {{"name", AtomType(), ""}, {"ip", AtomType(), ""}, {"ports", ListOf(IntType()), ""}});
  return RecordOf({
      {"topology", TopologyType(), ""},
      {"network", NetworkType(), ""},
      {"install", InstallType(), ""},
      {"service", ServiceType(), ""},
      {"self", self, "this server"},
      {"members", servers, "all members"},
      {"peers", servers, "all members but this one"},
      {"quorum", IntType(), "a majority of the members"},
      {"settings", SettingsType(manifest), ""},
      {"images", ByName(manifest.images, ImageType()), ""},
      {"packages", ByName(manifest.packages, TextType()), ""},
      {"secrets", ByName(manifest.secrets, SecretType()), ""},
      {"endpoints", ByName(manifest.endpoints, endpoint), ""},
      {"official", OfficialType(manifest), "where clients come"},
      {"sources", ByName(manifest.endpoints, ListOf(AtomType())),
       "from where connections arrive, as networks"},
      {"needs", NeedsType(manifest, library), ""},
      {"databases", ListOf(ResourceType()), ""},
      {"vhosts", ListOf(ResourceType()), ""},
      {"buckets", ListOf(ResourceType()), ""},
      {"roles", ListOf(RoleType()), ""},
      {"fronts", ListOf(FrontType()), "what comes through this proxy"},
      {"proxies", servers, "the proxies in front of this service"},
      {"balancers", ListOf(balancer), "load balancers in front of this service"},
      {"files", ListOf(FileType()), "files of this server's artifacts"},
      {"steps", ListOf(StepType()), "steps of this service"},
      {"host", HostType(), "what the services of this server ask for"},
      {"firewall", FirewallType(), ""},
      {"flows", ListOf(FlowType()), "every connection of the estate"},
      {"estate", servers, "every managed server"},
      {"load_balancers", ListOf(LoadBalancerType()), "every load balancer"},
      {"dns", DnsType(), "what the world's resolvers know"},
      {"computed", ComputedType(manifest), "what the module's hook computes"},
  });
}

bool CheckWhen(const module::Output& output, const tmpl::Type& type, Diagnostics& diags) {
  if (output.when.empty()) return true;
  const tmpl::Type* at = &type;
  for (std::string_view part : Split(output.when, '.')) {
    const int index = at->kind == tmpl::Kind::kRecord ? at->IndexOf(part) : -1;
    if (index < 0) {
      std::vector<std::string_view> names;
      for (const Field& field : at->fields) names.push_back(field.name);
      const std::string_view near = Nearest(part, names);
      diags.Emit(diag::kUnknownWhen, output.when_span,
                 {.help = near.empty() ? "" : fmt::format("did you mean `{}`?", near)},
                 output.when);
      return false;
    }
    at = at->fields[index].type.get();
  }
  const bool answers =
      at->optional || at->kind == tmpl::Kind::kBool || at->kind == tmpl::Kind::kList;
  if (!answers) diags.Emit(diag::kWhenAlways, output.when_span, output.when);
  return answers;
}

}  // namespace kb::lower
