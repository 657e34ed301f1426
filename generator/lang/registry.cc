#include <array>

#include "lang/language.h"
#include "lang/languages.h"

namespace kb::lang {
namespace {

// What a file name says about its language. The first row that fits wins, so a longer ending
// stands above a shorter one. A pattern that begins with '*' is an ending, any other a whole name.
struct FilePattern {
  std::string_view pattern;
  const Language& (*language)();
};

constexpr FilePattern kFilePatterns[] = {
    {"*.sh", Shell},
    {"*.bash", Shell},
    {"*.json", Json},
    {"*.yaml", Yaml},
    {"*.yml", Yaml},
    {"*.service", Systemd},
    {"*.timer", Systemd},
    {"*.socket", Systemd},
    {"*.mount", Systemd},
    {"*.path", Systemd},
    {"*.target", Systemd},
    {"*.slice", Systemd},
    {"*.cfg", Haproxy},
    {"pgbouncer.ini", Pgbouncer},
    {"journald.conf", SystemdConf},
    {"resolved.conf", SystemdConf},
    {"timesyncd.conf", SystemdConf},
    {"jail.conf", Fail2ban},
    {"jail.local", Fail2ban},
    {"*.ini", Ini},
    {"*.mysql.sql", Mysql},
    {"*.sqlite.sql", Sqlite},
    {"*.sql", Sql},
    {"Dockerfile", Dockerfile},
    {"*.md", Markdown},
    {"sshd_config", Sshd},
    {"sysctl.conf", Sysctl},
    {"*.sysctl", Sysctl},
    {"*.nft", Nft},
    {"nftables.conf", Nft},
    {"*.env", DockerEnv},
    {"userlist.txt", Userlist},
    {"redis.conf", Redis},
    {"sentinel.conf", Redis},
    {"*.redis.conf", Redis},
    {"rabbitmq.conf", Rabbitmq},
    {"advanced.config", Erlang},
    {"*.erl-term", Erlang},
    {"proxysql.cnf", Libconfig},
    {"*.cnf", Mycnf},
    {"*.zone", Zone},
    {"*.url", Url},
    {"*.conf", Conf},
    {"*.txt", Text},
};

bool Fits(std::string_view pattern, std::string_view file_name) {
  if (!pattern.starts_with('*')) return pattern == file_name;
  return file_name.ends_with(pattern.substr(1));
}

}  // namespace

std::span<const Language* const> All() {
  static const std::array all = {
      &Shell(),      &Json(),        &Yaml(),      &Systemd(), &Haproxy(),  &Ini(),
      &Fail2ban(),   &SystemdConf(), &Pgbouncer(), &Libpq(),   &Userlist(), &Sql(),
      &Dockerfile(), &Markdown(),    &Sshd(),      &Sysctl(),  &Env(),      &DockerEnv(),
      &Nft(),        &Conf(),        &Text(),      &Redis(),   &Rabbitmq(), &Erlang(),
      &Mycnf(),      &Libconfig(),   &Mysql(),     &Sqlite(),  &Zone(),     &Url(),
  };
  return all;
}

const Language* Find(std::string_view name) {
  for (const Language* language : All()) {
    if (language->name == name) return language;
  }
  return nullptr;
}

const Language* ForFileName(std::string_view file_name) {
  const size_t slash = file_name.rfind('/');
  if (slash != std::string_view::npos) file_name.remove_prefix(slash + 1);
  for (const FilePattern& row : kFilePatterns) {
    if (Fits(row.pattern, file_name)) return &row.language();
  }
  return nullptr;
}

}  // namespace kb::lang
