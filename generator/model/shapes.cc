#include "model/load.h"

namespace kb::model {
namespace {

ShapeRef Text() { return Scalar(ShapeKind::kText); }
ShapeRef Name() { return Scalar(ShapeKind::kName); }
ShapeRef Ip() { return Scalar(ShapeKind::kIpv4); }

ShapeRef SelectorShape() {
  const ShapeRef texts = OneOrMany(Text());
  return RecordOf({
      {"all", Scalar(ShapeKind::kBool), "every server of the inventory"},
      {"name", texts, "by HOSTNAME"},
      {"pool", texts, "by POOL"},
      {"role", texts, "by ROLE"},
      {"subrole", texts, "by SUBROLE"},
      {"docker_stack", texts, "by DOCKER_STACK"},
      {"core", texts, "by CORE"},
      {"expect", std::make_shared<Shape>(Shape{.kind = ShapeKind::kInt, .min = 1}),
       "how many servers it must find"},
  });
}

ShapeRef NetworkShape() {
  return RecordOf({
      {"private", Scalar(ShapeKind::kCidr), "the private network", true},
      {"domain", Scalar(ShapeKind::kHostName), "the DNS domain", true},
      {"resolvers", ListOf(Ip()), "DNS servers of every host", true},
      {"fallback_resolvers", ListOf(Ip()), "asked when those are silent"},
      {"ntp", ListOf(Scalar(ShapeKind::kHostName)),
       "time servers; the distribution's when not said"},
      {"admin", ListOf(Ip()), "public addresses that may reach admin endpoints"},
  });
}

ShapeRef BalancerShape() {
  const ShapeRef health = RecordOf({
      {"type", Enum({"tcp", "http"}), "how targets are probed", true},
      {"path", Text(), "HTTP: the path; / when not said"},
      {"status", Text(), "HTTP: the status that is healthy; 2?? and 3?? when not said"},
      {"interval", Duration("s"), "between two probes", true},
      {"timeout", Duration("s"), "of one probe", true},
      {"retries", Scalar(ShapeKind::kInt), "failures until a target is out", true},
  });
  const ShapeRef listener = ShortRecordOf(
      "to", {
                {"to", Text(), "a service, or service.endpoint", true},
                {"port", Scalar(ShapeKind::kPort),
                 "where it listens; the endpoint's own port when "
                 "not said"},
                {"protocol", Enum({"tcp", "http", "https"}), "tcp when not said"},
                {"certificate", Name(), "https: the certificate's name at the provider"},
                {"health", health, "a health check of its own"},
            });
  return RecordOf({
      {"provider", Enum({"hetzner"}), "whose product it is"},
      {"called", Name(), "its name at the provider; its own when not said"},
      {"size", Name(), "the provider's type; lb11 when not said"},
      {"location", Name(), "where it stands; nbg1 when not said"},
      {"network", Name(),
       "the private network's name at the provider; the topology's name when not said"},
      {"private_ip", Ip(), "its address in the private network", true},
      {"public_ip", Ip(), "its public address; none: internal only"},
      {"targets", Name(), "the service whose hosts it sends to", true},
      {"health", health, "its health check", true},
      {"listeners", ListOf(listener), "what it listens for", true},
  });
}

ShapeRef ServiceShape() {
  return RecordOf({
      {"module", Name(), "which kind of service", true},
      {"nodes", SelectorShape(), "where it runs", true},
      {"proxy", Name(), "the service through which clients reach it"},
      {"entry", Name(), "the server that is its official address"},
      {"settings", Nullable(Scalar(ShapeKind::kAny)), "settings of the module"},
      {"ports", DictOf(Scalar(ShapeKind::kPort)), "other ports for its endpoints"},
      {"uses", DictOf(Nullable(Name())), "which service serves each need"},
      {"images", DictOf(Name()), "other keys of versions.yaml for its images"},
      {"packages", DictOf(Name()), "other keys of versions.yaml for its packages"},
      {"credentials", DictOf(Name()), "other credentials for its secrets"},
      {"single", Text(), "why one member is enough"},
  });
}

ShapeRef DnsShape() {
  const ShapeRef record = RecordOf({
      {"name", Text(), "below the domain; the domain itself when not said"},
      {"type", Enum({"A", "CNAME", "MX", "TXT", "CAA"}), "its type", true},
      {"value", Text(), "what it says", true},
      {"priority", std::make_shared<Shape>(Shape{.kind = ShapeKind::kInt, .min = 0, .max = 65535}),
       "MX: lower is tried first"},
  });
  return RecordOf({
      {"ttl", Duration("s"), "how long resolvers may remember; 5 min when not said"},
      {"names", DictOf(OneOrMany(Name())),
       "host names, and the load balancers that answer for them"},
      {"records", ListOf(record), "other records"},
  });
}

ShapeRef AppShape() {
  const ShapeRef use = RecordOf({
      {"route", Name(), "direct, or the route that a service offers (pooled)"},
      {"database", Name(), "a database of its own"},
      {"vhost", Text(), "a virtual host of its own"},
      {"bucket", OneOrMany(Name()), "buckets of its own"},
      {"role", Name(), "the role or user that owns them"},
      {"credential", Name(), "the role's password"},
      {"extensions", ListOf(Name()), "extensions that the database must have"},
  });
  return RecordOf({
      {"nodes", SelectorShape(), "where it runs", true},
      {"uses", DictOf(Nullable(use)), "the services that it talks to"},
  });
}

}  // namespace

const Shape& TopologyShape() {
  static const ShapeRef kShape = RecordOf({
      {"kbgen", std::make_shared<Shape>(Shape{.kind = ShapeKind::kInt, .min = 1, .max = 1}),
       "version of the language", true},
      {"name", Name(), "name of the topology", true},
      {"inventory", Text(), "the inventory, beside this file", true},
      {"volumes", Text(), "the data volumes, beside this file"},
      {"versions", Text(), "image and package versions, beside this file", true},
      {"credentials", Text(), "names of the secrets, beside this file", true},
      {"network", NetworkShape(), "addresses that hold everywhere", true},
      {"install",
       RecordOf({{"host", Name(), "the server from which the estate is installed", true},
                 {"root", Scalar(ShapeKind::kPath), "the folder of kbgen on every host", true}}),
       "the install host", true},
      {"os",
       RecordOf({{"default", Enum({"ubuntu-22.04", "ubuntu-24.04", "debian-12"}),
                  "what servers run", true},
                 {"except", DictOf(Enum({"ubuntu-22.04", "ubuntu-24.04", "debian-12"})),
                  "servers that run another"}}),
       "operating systems", true},
      {"unmanaged", ListOf(Name()), "machines that exist and must never be touched"},
      {"load_balancers", DictOf(BalancerShape()), "load balancers of the provider"},
      {"dns", DnsShape(), "what the world's resolvers know of the domain"},
      {"services", DictOf(ServiceShape()), "what runs on the servers", true},
      {"apps", DictOf(AppShape()), "what uses it"},
      {"allow",
       ListOf(RecordOf({{"from", SelectorShape(), "these servers"},
                        {"networks", ListOf(Text()), "these networks or addresses"},
                        {"to", Text(), "service.endpoint", true},
                        {"why", Text(), "the reason", true}})),
       "connections that no module declares"},
      {"waivers",
       ListOf(RecordOf({{"code", Text(), "KB0000", true},
                        {"subject", Name(), "the service, app or server it is about", true},
                        {"reason", Text(), "why it is accepted", true},
                        {"by", Text(), "who accepts it", true},
                        {"until", Text(), "YYYY-MM-DD", true}})),
       "rules that are knowingly not kept"},
  });
  return *kShape;
}

const Shape& VersionsShape() {
  static const ShapeRef kShape = RecordOf({
      {"images",
       DictOf(RecordOf({{"ref", Scalar(ShapeKind::kImage), "the image reference", true},
                        {"build", Scalar(ShapeKind::kBool), "made by us from images/"}})),
       "container images", true},
      {"packages", DictOf(Text()), "package versions"},
  });
  return *kShape;
}

const Shape& CredentialsShape() {
  static const ShapeRef kShape = RecordOf({
      {"credentials",
       DictOf(RecordOf({
           {"file", Scalar(ShapeKind::kName), "file in the credentials folder", true},
           {"key", Scalar(ShapeKind::kIdentifier), "variable in that file", true},
           {"length",
            std::make_shared<Shape>(Shape{.kind = ShapeKind::kInt, .min = 16, .max = 128}),
            "characters; 32 when not said"},
           {"alphabet", Enum({"alnum", "hex"}), "alnum when not said"},
           {"rotates", Scalar(ShapeKind::kBool), "false: must never change"},
           {"help", Text(), "what it opens"},
       })),
       "names of secrets", true},
  });
  return *kShape;
}

}  // namespace kb::model
