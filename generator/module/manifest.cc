#include "module/manifest.h"

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "diag/kinds.h"
#include "module/manifest_shape.h"
#include "shape/access.h"

namespace kb::module {
namespace {

class Reader {
 public:
  Reader(Manifest& manifest, Diagnostics& diags) : m_(manifest), diags_(diags) {}

  void Read(const Node& root) {
    m_.name = WordOf(root, "module");
    m_.span = m_.name.span;
    m_.label = TextOf(root, "label", "00");
    m_.summary = TextOf(root, "summary");
    if (const Node* placement = root.Find("placement")) ReadPlacement(*placement);
    for (const auto& entry : EntriesOf(root, "settings")) m_.settings.push_back(ReadSetting(entry));
    m_.images = ReadNamed(root, "images");
    m_.packages = ReadNamed(root, "packages");
    m_.secrets = ReadNamed(root, "secrets");
    ReadEndpoints(root);
    for (const auto& entry : EntriesOf(root, "needs")) ReadNeed(entry);
    for (const Word& word : WordsOf(root, "provides")) {
      m_.provides_databases |= word.text == "databases";
      m_.provides_vhosts |= word.text == "vhosts";
      m_.provides_buckets |= word.text == "buckets";
    }
    for (const Word& word : WordsOf(root, "owns")) {
      m_.owns_firewall |= word.text == "firewall";
      m_.owns_host |= word.text == "host";
      m_.owns_balancers |= word.text == "balancers";
      m_.owns_dns |= word.text == "dns";
    }
    m_.fronts = IsTrue(root, "fronts");
    const std::string_view survives = TextOf(root, "survives", kSurvives[0]);
    m_.survives = static_cast<Survives>(std::ranges::find(kSurvives, survives) - kSurvives.begin());
    if (const Node* host = root.Find("host")) ReadHost(*host);
    for (const Node& item : ItemsOf(root, "artifacts")) ReadArtifact(item);
    for (const Node& item : ItemsOf(root, "steps")) ReadStep(item);
    CheckSteps();
  }

 private:
  void ReadPlacement(const Node& node) {
    if (const Node* min = node.Find("min"))
      m_.min = static_cast<int>(ParseInt(min->text).value_or(1));
    if (const Node* max = node.Find("max"))
      m_.max = static_cast<int>(ParseInt(max->text).value_or(1));
    m_.odd = IsTrue(node, "odd");
  }

  ShapeRef ReadType(const Node& node, std::string_view type) {
    Shape shape;
    shape.nullable = false;
    shape.kind = SettingKind(type).value_or(shape.kind);
    shape.unit = TextOf(node, "unit");
    for (const Word& choice : WordsOf(node, "choices")) shape.choices.emplace_back(choice.text);
    if (type == "list") shape.element = ReadType(node, TextOf(node, "of", "text"));
    if (type == "map") shape.kind = ShapeKind::kDict, shape.element = Scalar(ShapeKind::kText);
    if (type == "record") {
      shape.kind = ShapeKind::kRecord;
      for (const auto& entry : EntriesOf(node, "fields")) {
        if (!Conforms(entry.value, SettingDeclaration(), diags_)) continue;
        shape.members.push_back(
            {std::string(entry.key), ReadType(entry.value, TextOf(entry.value, "type")),
             std::string(TextOf(entry.value, "help")), IsTrue(entry.value, "required")});
      }
    }
    ReadBounds(node, shape);
    return std::make_shared<Shape>(std::move(shape));
  }

  void ReadBounds(const Node& node, Shape& shape) {
    for (const auto& [key, bound] : {std::pair{"min", &shape.min}, {"max", &shape.max}}) {
      const Node* value = node.Find(key);
      if (value == nullptr || shape.kind == ShapeKind::kList) continue;
      const Shape unbounded{.kind = shape.kind, .unit = shape.unit};
      *bound = NumberOf(value->text, unbounded);
      if (!*bound) diags_.Emit(diag::kWrongValue, value->span, value->text, Describe(unbounded));
    }
  }

  Setting ReadSetting(const Node::Entry& entry) {
    const Node& node = entry.value;
    Setting setting;
    setting.name = {entry.key, entry.key_span};
    setting.help = TextOf(node, "help");
    setting.keys = TextOf(node, "keys");
    setting.required = IsTrue(node, "required");
    setting.fallback = node.Find("default");
    const std::string_view type = TextOf(node, "type");
    if ((type == "duration" || type == "size") && node.Find("unit") == nullptr) {
      diags_.Emit(diag::kMissingKey, node.span,
                  {.help = "unit: the unit in which templates see the number"}, "unit");
    }
    setting.shape = ReadType(node, type);
    if (setting.help.empty()) diags_.Emit(diag::kSettingWithoutHelp, entry.key_span, entry.key);
    if (setting.fallback != nullptr && setting.fallback->kind == NodeKind::kNull)
      setting.fallback = nullptr;
    if (setting.fallback != nullptr) Conforms(*setting.fallback, *setting.shape, diags_);
    return setting;
  }

  std::vector<Named> ReadNamed(const Node& root, std::string_view key) {
    std::vector<Named> names;
    for (const auto& entry : EntriesOf(root, key)) {
      names.push_back({.name = {entry.key, entry.key_span},
                       .help = TextOf(entry.value, "help"),
                       .rotates = TextOf(entry.value, "rotates", "true") == "true",
                       .rotation = TextOf(entry.value, "rotation")});
    }
    return names;
  }

  void ReadEndpoints(const Node& root) {
    for (const auto& entry : EntriesOf(root, "endpoints")) {
      Endpoint endpoint;
      endpoint.name = {entry.key, entry.key_span};
      endpoint.port = ParsePort(TextOf(entry.value, "port")).value_or(0);
      endpoint.protocol = TextOf(entry.value, "protocol", "tcp");
      endpoint.help = TextOf(entry.value, "help");
      for (const Word& scope : WordsOf(entry.value, "scope")) {
        endpoint.clients |= scope.text == "clients";
        endpoint.peers |= scope.text == "peers";
        endpoint.services |= scope.text == "services";
        endpoint.admin |= scope.text == "admin";
        endpoint.remote_admin |= scope.text == "remote_admin";
        endpoint.proxy |= scope.text == "proxy";
      }
      m_.endpoints.push_back(endpoint);
    }
    // A second pass, because a check may name an endpoint that is declared further down.
    size_t i = 0;
    for (const auto& entry : EntriesOf(root, "endpoints")) {
      if (const Node* check = entry.value.Find("check")) ReadProbe(*check, m_.endpoints[i].probe);
      ++i;
    }
  }

  void ReadProbe(const Node& node, Probe& probe) {
    for (ProbeType type : {ProbeType::kTcp, ProbeType::kHttp, ProbeType::kDialogue}) {
      if (Name(type) == TextOf(node, "type")) probe.type = type;
    }
    probe.role = IsTrue(node, "role");
    for (const Node& item : ItemsOf(node, "steps")) ReadExchange(item, probe);
    if (probe.type == ProbeType::kDialogue && probe.exchanges.empty())
      diags_.Emit(diag::kMissingKey, node.span, {.help = "a dialogue has `steps:`"}, "steps");
    probe.path = TextOf(node, "path");
    probe.expect = static_cast<int>(ParseInt(TextOf(node, "expect", "0")).value_or(0));
    const Word other = WordOf(node, "endpoint");
    if (other.empty()) return;
    probe.endpoint = m_.FindEndpoint(other.text);
    if (probe.endpoint < 0)
      diags_.Emit(diag::kUnknownEndpoint, other.span, other.text, m_.name.text);
  }

  void ReadExchange(const Node& node, Probe& probe) {
    Exchange exchange{.send = TextOf(node, "send"),
                      .secret = -1,
                      .expect = TextOf(node, "expect"),
                      .send_hex = TextOf(node, "send_hex"),
                      .expect_hex = TextOf(node, "expect_hex")};
    for (const char* key : {"send_hex", "expect_hex"}) {
      const Word bytes = WordOf(node, key);
      if (bytes.empty() || IsHexBytes(bytes.text)) continue;
      diags_.Emit(diag::kWrongValue, bytes.span, bytes.text, "bytes as pairs of 0-9 and a-f");
    }
    if (const Word secret = WordOf(node, "secret"); !secret.empty()) {
      const auto known = std::ranges::find(m_.secrets, secret.text,
                                           [](const Named& named) { return named.name.text; });
      if (known == m_.secrets.end()) {
        diags_.Emit(diag::kUnknownBinding, secret.span, {.help = "declare it under `secrets:`"},
                    secret.text, m_.name.text);
      } else {
        exchange.secret = static_cast<int>(known - m_.secrets.begin());
      }
    }
    probe.exchanges.push_back(exchange);
  }

  static bool IsHexBytes(std::string_view text) {
    return text.size() % 2 == 0 &&
           text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  }

  void ReadNeed(const Node::Entry& entry) {
    m_.needs.push_back({.name = {entry.key, entry.key_span},
                        .module = WordOf(entry.value, "module"),
                        .endpoint = WordOf(entry.value, "endpoint"),
                        .route = WordOf(entry.value, "route"),
                        .members = IsTrue(entry.value, "members"),
                        .help = TextOf(entry.value, "help")});
  }

  void ReadHost(const Node& node) {
    m_.host.packages = WordsOf(node, "packages");
    m_.host.kernel_modules = WordsOf(node, "kernel_modules");
    m_.host.peer_names = IsTrue(node, "peer_names");
    for (const auto& entry : EntriesOf(node, "sysctl")) {
      m_.host.sysctl.push_back({{entry.key, entry.key_span}, {entry.value.text, entry.value.span}});
    }
  }

  const lang::Language* LanguageOf(const Node& node) {
    if (const Word named = WordOf(node, "language"); !named.empty()) {
      const lang::Language* language = lang::Find(named.text);
      if (language == nullptr) diags_.Emit(diag::kUnknownLanguage, named.span, named.text);
      return language;
    }
    const Word file = WordOf(node, "template");
    std::string_view stem = file.text;
    if (stem.ends_with(".erb")) stem.remove_suffix(4);
    const lang::Language* language = lang::ForFileName(stem);
    if (language == nullptr) diags_.Emit(diag::kUnknownLanguage, file.span, file.text);
    return language;
  }

  void ReadArtifact(const Node& node) {
    Output output;
    output.tmpl = WordOf(node, "template");
    output.language = LanguageOf(node);
    output.path = TextOf(node, "path");
    output.owner = TextOf(node, "owner", "0:0");
    output.when = TextOf(node, "when");
    output.when_span = WordOf(node, "when").span;
    const std::string_view area = TextOf(node, "in", "server");
    output.area = area == "modules"  ? Area::kModules
                  : area == "docs"   ? Area::kDocs
                  : area == "images" ? Area::kImages
                  : area == "lb"     ? Area::kLb
                  : area == "dns"    ? Area::kDns
                                     : Area::kServer;
    if (output.area != Area::kServer && output.path.ends_with(".sh")) output.mode = 0755;
    ReadMode(node, output);
    m_.outputs.push_back(std::move(output));
  }

  void ReadMode(const Node& node, Output& output) {
    const Word mode = WordOf(node, "mode");
    if (mode.empty()) return;
    uint32_t bits = 0;
    bool good = mode.text.size() == 4 && mode.text[0] == '0';
    for (char c : mode.text) {
      good = good && c >= '0' && c <= '7';
      bits = bits * 8 + static_cast<uint32_t>(c - '0');
    }
    if (!good)
      diags_.Emit(diag::kWrongValue, mode.span, mode.text, "an octal mode such as \"0640\"");
    output.mode = bits;
  }

  void ReadStep(const Node& node) {
    Step step;
    step.name = WordOf(node, "name");
    step.on_install = TextOf(node, "on") == "install";
    step.new_connection = TextOf(node, "connection") == "new";
    step.after = WordsOf(node, "after");
    step.help = TextOf(node, "help");
    const std::string_view kind = TextOf(node, "kind", "apply");
    step.kind = static_cast<StepKind>(std::ranges::find(kStepKinds, kind) - kStepKinds.begin());
    CheckGate(node, step);
    const std::string_view strategy = TextOf(node, "strategy", "parallel");
    for (Strategy s : {Strategy::kParallel, Strategy::kRolling, Strategy::kFirst}) {
      if (Name(s) == strategy) step.strategy = s;
    }
    Output output;
    output.tmpl = WordOf(node, "template");
    output.language = LanguageOf(node);
    output.area = step.on_install ? Area::kModules : Area::kServer;
    output.path = std::string(step.name.text) + ".sh";
    output.owner = "0:0";
    output.mode = 0755;
    output.when = TextOf(node, "when");
    output.when_span = WordOf(node, "when").span;
    output.step = static_cast<int>(m_.steps.size());
    m_.steps.push_back(std::move(step));
    m_.outputs.push_back(std::move(output));
  }

  // Each member answers for itself, with one voice.
  void CheckGate(const Node& node, const Step& step) {
    if (step.kind != StepKind::kGate) return;
    const bool second = std::ranges::any_of(
        m_.steps, [](const Step& other) { return other.kind == StepKind::kGate; });
    if (second || step.on_install || step.strategy != Strategy::kParallel) {
      diags_.Emit(diag::kWrongValue, WordOf(node, "kind").span, "gate",
                  "the kind of more than one step, of one `on: install`, or of one that is not "
                  "parallel");
    }
  }

  // `after` names earlier steps only, so that the order in the file is an order that works.
  void CheckSteps() {
    for (size_t i = 0; i < m_.steps.size(); ++i) {
      for (const Word& before : m_.steps[i].after) {
        const auto earlier = std::span(m_.steps).first(i);
        const bool found =
            std::ranges::any_of(earlier, [&](const Step& s) { return s.name.text == before.text; });
        if (!found) diags_.Emit(diag::kUnknownStep, before.span, before.text);
      }
    }
  }

  Manifest& m_;
  Diagnostics& diags_;
};

}  // namespace

std::string_view Name(StepKind kind) { return kStepKinds[static_cast<size_t>(kind)]; }

std::string_view Name(Strategy strategy) {
  static constexpr std::array<std::string_view, 3> kNames{"parallel", "rolling", "first"};
  return kNames[static_cast<size_t>(strategy)];
}

std::string_view Name(ProbeType type) {
  static constexpr std::array<std::string_view, 3> kNames{"tcp", "http", "dialogue"};
  return kNames[static_cast<size_t>(type)];
}

int Manifest::FindEndpoint(std::string_view endpoint) const {
  for (size_t i = 0; i < endpoints.size(); ++i) {
    if (endpoints[i].name.text == endpoint) return static_cast<int>(i);
  }
  return -1;
}

Checked<Manifest> ReadManifest(Document document, Diagnostics& diags) {
  Diagnostics own;
  Manifest manifest;
  manifest.document = std::move(document);
  if (Conforms(manifest.document.root, ManifestShape(), own)) {
    Reader(manifest, own).Read(manifest.document.root);
  }
  auto verdict = own.Gate();
  diags.Append(std::move(own));
  if (!verdict) return std::unexpected(verdict.error());
  return manifest;
}

ShapeRef SettingsShape(const Manifest& manifest) {
  std::vector<Member> members;
  for (const Setting& setting : manifest.settings) {
    members.push_back({std::string(setting.name.text), setting.shape, std::string(setting.help),
                       setting.required});
  }
  return RecordOf(std::move(members));
}

}  // namespace kb::module
