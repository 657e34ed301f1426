// A small plan as text: two services of three members behind the hosts' own one.
#pragma once

#include <string>

#include <fmt/core.h>

namespace kb::run {

inline std::string StepText(const std::string& folder, const std::string& name,
                            const std::string& strategy, const std::string& hosts,
                            const std::string& more = R"("after": [], "on": "members",
      "connection": "any")") {
  return fmt::format(R"({{"name": "{1}", "kind": "apply", "strategy": "{2}",
      "script": "{0}/{1}.sh", "hosts": [{3}], {4}, "help": "does it"}})",
                     folder, name, strategy, hosts, more);
}

inline std::string SamplePlan() {
  const std::string all = R"("a", "b", "c")";
  std::string servers;
  for (const char* name : {"a", "b", "c", "boss"}) {
    servers += fmt::format(
        R"({}{{"name": "{}", "address": "root@10.0.0.1", "ip": "10.0.0.1", "os": "debian-12",
      "mounts": ["/data"], "ports": [{{"port": 6379, "protocol": "tcp", "service": "db"}}],
      "peers": [{{"ip": "10.0.0.2", "port": 6379, "service": "db"}}]}})",
        servers.empty() ? "" : ", ", name);
  }
  const std::string os = StepText("02-os", "packages", "parallel", all);
  const std::string sshd = StepText("02-os", "sshd", "parallel", all,
                                    R"("after": ["packages"], "on": "members",
      "connection": "new")");
  const std::string db = StepText("04-db", "start", "rolling", all);
  const std::string accounts = StepText("04-db", "accounts", "first", R"("boss")",
                                        R"("after": ["start"], "on": "install",
      "connection": "any")");
  return fmt::format(
      R"({{"kbgen": 1, "topology": "t", "root": "/opt/t", "credentials": "/opt/t/credentials",
  "install": "boss", "servers": [{}],
  "services": [
    {{"name": "os", "module": "os", "label": "02", "folder": "02-os", "needs": [], "members": [{}],
     "survives": 0, "gate": "", "images": [], "credentials": [], "steps": [{}, {}]}},
    {{"name": "db", "module": "db", "label": "04", "folder": "04-db", "needs": ["os"], "members": [{}],
     "survives": 1, "gate": "04-db/gate.sh", "images": ["db"],
     "credentials": [{{"name": "db-admin", "file": "db.env", "key": "DB_PASSWORD"}}],
     "steps": [{}, {}]}}]}})",
      servers, all, os, sshd, all, db, accounts);
}

}  // namespace kb::run
