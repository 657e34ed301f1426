// Languages: the constant object of each language, for the registry and for tests.
#pragma once

#include "lang/language.h"

namespace kb::lang {

// Each is defined in the .cc of its name or family; a language is known once registry.cc lists it.
const Language& Shell();
const Language& Yaml();
const Language& Systemd();
const Language& Haproxy();
const Language& Ini();
const Language& Fail2ban();
const Language& SystemdConf();
const Language& Pgbouncer();
const Language& Libpq();
const Language& Userlist();
const Language& Sql();
const Language& Dockerfile();
const Language& Json();
const Language& Markdown();
const Language& Sshd();
const Language& Sysctl();
const Language& Env();
const Language& DockerEnv();
const Language& Nft();
const Language& Conf();
const Language& Text();
const Language& Redis();
const Language& Rabbitmq();
const Language& Erlang();
const Language& Mycnf();
const Language& Libconfig();
const Language& Mysql();
const Language& Sqlite();
const Language& Zone();
const Language& Url();

}  // namespace kb::lang
