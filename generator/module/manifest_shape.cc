#include "module/manifest_shape.h"

#include <algorithm>
#include <array>

#include "module/manifest.h"

namespace kb::module {
namespace {

constexpr std::array<std::pair<std::string_view, ShapeKind>, 13> kSettingTypes{
    {{"text", ShapeKind::kText},
     {"name", ShapeKind::kName},
     {"int", ShapeKind::kInt},
     {"bool", ShapeKind::kBool},
     {"port", ShapeKind::kPort},
     {"duration", ShapeKind::kDuration},
     {"size", ShapeKind::kSize},
     {"path", ShapeKind::kPath},
     {"ipv4", ShapeKind::kIpv4},
     {"cidr", ShapeKind::kCidr},
     {"hostname", ShapeKind::kHostName},
     {"enum", ShapeKind::kEnum},
     {"list", ShapeKind::kList}}};

std::vector<std::string> TypeNames() {
  std::vector<std::string> names;
  for (const auto& [name, kind] : kSettingTypes) names.emplace_back(name);
  names.insert(names.end(), {"map", "record"});
  return names;
}

ShapeRef NamedDeclaration() {
  return DictOf(Nullable(RecordOf({{"help", Scalar(ShapeKind::kText), "one sentence"}})));
}

ShapeRef SecretDeclaration() {
  return DictOf(Nullable(RecordOf({
      {"help", Scalar(ShapeKind::kText), "one sentence"},
      {"rotates", Scalar(ShapeKind::kBool), "false: a running service cannot take a new value"},
      {"rotation", Scalar(ShapeKind::kText),
       "what a new value needs beside the steps; with `rotates: false`, why there can be none"},
  })));
}

ShapeRef EndpointDeclaration() {
  const ShapeRef text = Scalar(ShapeKind::kText);
  const ShapeRef exchange = RecordOf({
      {"send", text, "a line that is sent"},
      {"secret", Scalar(ShapeKind::kName), "whose value follows it"},
      {"expect", text, "what the answer must hold"},
      {"send_hex", text, "bytes that are sent, in hexadecimal"},
      {"expect_hex", text, "bytes that the answer must hold"},
  });
  const ShapeRef check = RecordOf({
      {"type", Enum({"tcp", "http", "dialogue"}), "how it is asked", true},
      {"role", Scalar(ShapeKind::kBool), "only the member that has the role may take clients"},
      {"steps", ListOf(exchange), "dialogue: questions and what their answers must hold"},
      {"endpoint", Scalar(ShapeKind::kName), "which endpoint is asked, if another"},
      {"path", text, "HTTP: the path"},
      {"expect", Scalar(ShapeKind::kInt), "HTTP: the status that admits"},
  });
  return DictOf(RecordOf({
      {"port", Scalar(ShapeKind::kPort), "where it listens; none: the topology says it"},
      {"protocol", Enum({"tcp", "udp"}), "tcp when not said"},
      {"scope", OneOrMany(Enum({"clients", "peers", "services", "admin", "remote_admin", "proxy"})),
       "who may reach it", true},
      {"check", check, "how a proxy in front of it asks a member for its role"},
      {"help", text, "one sentence"},
  }));
}

ShapeRef HostDeclaration() {
  return RecordOf({
      {"packages", ListOf(Scalar(ShapeKind::kText)), "Debian packages"},
      {"kernel_modules", ListOf(Scalar(ShapeKind::kText)), "modules to load at boot"},
      {"sysctl", DictOf(Scalar(ShapeKind::kText)), "kernel parameters"},
      {"peer_names", Scalar(ShapeKind::kBool), "members resolve each other's names"},
  });
}

ShapeRef OutputDeclaration() {
  const ShapeRef text = Scalar(ShapeKind::kText);
  return RecordOf({
      {"template", text, "file of the module", true},
      {"path", text, "where it lands", true},
      {"in", Enum({"server", "modules", "docs", "images", "lb", "dns"}), "which part of out/"},
      {"mode", text, "octal, on the host"},
      {"owner", text, "uid:gid or name:name, on the host"},
      {"language", text, "when the file's name does not tell"},
      {"when", text, "only where this is true or there"},
  });
}

ShapeRef StepDeclaration() {
  const ShapeRef text = Scalar(ShapeKind::kText);
  return RecordOf({
      {"name", Scalar(ShapeKind::kName), "the script's name", true},
      {"template", text, "file of the module", true},
      {"kind", Enum({kStepKinds.begin(), kStepKinds.end()}), ""},
      {"connection", Enum({"any", "new"}), "new: made after the steps before it"},
      {"strategy", Enum({"parallel", "rolling", "first"}), ""},
      {"on", Enum({"members", "install"}), "where it runs"},
      {"after", ListOf(Scalar(ShapeKind::kName)), "steps that must be done before"},
      {"when", text, "only where this is true or there"},
      {"help", text, "one sentence"},
  });
}

}  // namespace

std::optional<ShapeKind> SettingKind(std::string_view type) {
  const auto known =
      std::ranges::find(kSettingTypes, type, &std::pair<std::string_view, ShapeKind>::first);
  if (known == kSettingTypes.end()) return std::nullopt;
  return known->second;
}

const Shape& SettingDeclaration() {
  static const ShapeRef kShape = [] {
    const ShapeRef text = Scalar(ShapeKind::kText);
    return RecordOf({
        {"type", Enum(TypeNames()), "the setting's type", true},
        {"of", Enum(TypeNames()), "lists: the type of an item"},
        {"choices", ListOf(Scalar(ShapeKind::kText)), "enumerations: what may be chosen"},
        {"unit", text, "durations and sizes: the unit in which templates see them"},
        {"default", Scalar(ShapeKind::kAny), "what holds when the topology says nothing"},
        {"required", Scalar(ShapeKind::kBool), "the topology must say it"},
        {"min", text, "the least value"},
        {"max", text, "the largest value"},
        {"keys", text, "maps: the catalogue of names and values that the program knows"},
        {"fields", Scalar(ShapeKind::kAny), "records: settings of their own"},
        {"help", text, "one sentence"},
    });
  }();
  return *kShape;
}

const Shape& ManifestShape() {
  static const ShapeRef kShape = [] {
    const ShapeRef text = Scalar(ShapeKind::kText);
    const ShapeRef need = RecordOf({
        {"module", Scalar(ShapeKind::kName), "the kind of service that is needed", true},
        {"endpoint", Scalar(ShapeKind::kName), "which endpoint of it", true},
        {"route", Scalar(ShapeKind::kName),
         "the name under which apps ask to go through this service"},
        {"members", Scalar(ShapeKind::kBool), "templates see the other service's members"},
        {"help", text, "one sentence"},
    });
    const ShapeRef placement =
        RecordOf({{"min", Scalar(ShapeKind::kInt), "fewest members"},
                  {"max", Scalar(ShapeKind::kInt), "most members"},
                  {"odd", Scalar(ShapeKind::kBool), "an odd number of voters"}});
    return RecordOf({
        {"kbgen", Scalar(ShapeKind::kInt), "version of the language", true},
        {"module", Scalar(ShapeKind::kName), "the name that topologies use", true},
        {"label", text, "prefix of its folders", true},
        {"summary", text, "one sentence", true},
        {"placement", placement, "how many servers"},
        {"survives", Enum({kSurvives.begin(), kSurvives.end()}),
         "how many members may be down at once"},
        {"settings", DictOf(std::make_shared<Shape>(SettingDeclaration())),
         "what a topology may set"},
        {"images", NamedDeclaration(), "image references"},
        {"packages", NamedDeclaration(), "package versions"},
        {"secrets", SecretDeclaration(), "secrets that it reads"},
        {"endpoints", EndpointDeclaration(), "ports that it offers"},
        {"needs", DictOf(need), "services that it talks to"},
        {"provides", ListOf(Enum({"databases", "vhosts", "buckets"})), "what apps may ask for"},
        {"fronts", Scalar(ShapeKind::kBool), "it is a proxy"},
        {"owns", ListOf(Enum({"firewall", "host", "balancers", "dns"})),
         "files of the estate that it renders"},
        {"host", HostDeclaration(), "what its hosts must have"},
        {"artifacts", ListOf(OutputDeclaration()), "files"},
        {"steps", ListOf(StepDeclaration()), "scripts"},
    });
  }();
  return *kShape;
}

}  // namespace kb::module
