// DNS: names that lead somewhere, records that resolvers can use.
#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/strings.h"
#include "check/rules.h"
#include "diag/kinds.h"

namespace kb::check {
namespace {

const model::Balancer* FindBalancer(const model::Model& model, std::string_view name) {
  const auto found = std::ranges::find_if(
      model.balancers, [&](const model::Balancer& balancer) { return balancer.name.text == name; });
  return found == model.balancers.end() ? nullptr : &*found;
}

void CheckName(const model::Model& model, const model::Dns::Name& name, Diagnostics& diags) {
  for (const Word& wanted : name.balancers) {
    const model::Balancer* balancer = FindBalancer(model, wanted.text);
    if (balancer == nullptr) {
      std::vector<std::string_view> names;
      for (const model::Balancer& known : model.balancers) names.push_back(known.name.text);
      const std::string_view near = Nearest(wanted.text, names);
      diags.Emit(diag::kUnknownBalancer, wanted.span,
                 {.help = near.empty() ? "declare it under `load_balancers:`"
                                       : fmt::format("did you mean `{}`?", near)},
                 wanted.text);
    } else if (balancer->public_ip.empty()) {
      diags.Emit(diag::kNameWithoutAddress, wanted.span,
                 {.labels = {{balancer->name.span, "it has a private address only"}},
                  .help = "name a load balancer that has a `public_ip`"},
                 name.name.text, wanted.text);
    }
  }
}

// Where the record points must be of the form that its type asks for (RFC 1035, 3.3; RFC 8659).
bool Fits(const model::Dns::Record& record) {
  const std::string_view value = record.value.text;
  if (record.type.text == "A") return ParseIpv4(value).has_value();
  if (record.type.text == "CNAME" || record.type.text == "MX")
    return IsHostName(value.ends_with('.') ? value.substr(0, value.size() - 1) : value);
  if (record.type.text == "CAA") {
    const auto words = Split(value, ' ');
    const auto flags = ParseInt(words[0]);
    return words.size() >= 3 && flags && *flags >= 0 && *flags <= 255 && IsName(words[1]) &&
           value.find('"') == std::string_view::npos;
  }
  return !value.empty();
}

std::string_view FormOf(std::string_view type) {
  if (type == "A") return "an address such as 203.0.113.7";
  if (type == "CAA") return "flags, tag and value: `0 issue letsencrypt.org`";
  if (type == "TXT") return "a text that is not empty";
  return "a host name, such as mail.example.org";
}

// Clients take any address of a name: what one does not listen for fails half of the time.
void CheckEvenness(const Context& c, const model::Dns::Name& name, Diagnostics& diags) {
  const auto listens = [&](std::string_view balancer) {
    std::set<std::tuple<uint16_t, std::string_view, int, int>> all;
    for (const graph::Balancer& b : c.graph.balancers) {
      for (size_t i = 0; b.model->name.text == balancer && i < b.listeners.size(); ++i) {
        all.emplace(b.listeners[i].known() ? c.graph.ListenPort(b, i) : uint16_t{0},
                    b.model->listeners[i].protocol, b.listeners[i].service,
                    b.listeners[i].endpoint);
      }
    }
    return all;
  };
  for (size_t i = 1; i < name.balancers.size(); ++i) {
    if (listens(name.balancers[0].text) == listens(name.balancers[i].text)) continue;
    diags.Emit(diag::kUnevenBalancers, name.balancers[i].span,
               {.labels = {{name.balancers[0].span, "the other one"}},
                .help = "give both the same listeners"},
               name.name.text, name.balancers[0].text, name.balancers[i].text);
  }
}

// The internal zone has every server's FQDN with its private address.
void CheckAgainstServers(const Context& c, const model::Dns::Name& name, Diagnostics& diags) {
  const std::string fqdn = fmt::format("{}.{}", name.name.text, c.model.domain.text);
  for (const model::Server& server : c.model.servers) {
    const Word& own = server[model::Column::kFqdn];
    if (own.text != fqdn) continue;
    diags.Emit(diag::kNameOfServer, name.name.span,
               {.labels = {{own.span, "the server's FQDN"}}, .help = "choose another name"}, fqdn,
               server.name().text);
  }
}

}  // namespace

void CheckNames(const Context& c, Diagnostics& diags) {
  std::map<std::string_view, int> count;
  for (const model::Dns::Name& name : c.model.dns.names) {
    CheckName(c.model, name, diags);
    CheckEvenness(c, name, diags);
    CheckAgainstServers(c, name, diags);
    ++count[name.name.text];
  }
  for (const model::Dns::Record& record : c.model.dns.records) ++count[record.name.text];
  for (const model::Dns::Record& record : c.model.dns.records) {
    if (!Fits(record))
      diags.Emit(diag::kRecordValue, record.value.span,
                 {.help = std::string(FormOf(record.type.text))}, record.value.text,
                 record.type.text);
    // RFC 1034, 3.6.2: a name that is an alias has no other data; nor can the domain itself be one.
    const bool alias = record.type.text == "CNAME";
    if (alias && (record.name.empty() || count[record.name.text] > 1)) {
      diags.Emit(diag::kNameTwice, record.span,
                 {.help = "give it A records, or take the others away"},
                 record.name.empty() ? c.model.domain.text : record.name.text);
    }
  }
}

}  // namespace kb::check
