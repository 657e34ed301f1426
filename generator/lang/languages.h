// Languages: the constant object of each language, for the registry and for tests.
#pragma once

#include "lang/language.h"

namespace kb::lang {

// Each is defined in the .cc of its name; a language is known once registry.cc lists it.
const Language& Shell();
const Language& Yaml();
const Language& Systemd();
const Language& Haproxy();
const Language& Ini();
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
const Language& Text();

}  // namespace kb::lang
