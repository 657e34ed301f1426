// Http: one request by the program curl. Everything about it travels over curl's stdin, nothing in
// its arguments or environment.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "secrets/secret.h"

namespace kb::secrets {

struct Request {
  std::string url;
  std::vector<Secret> headers;  // "X-Vault-Token: …"
  Secret body;                  // empty: GET, else POST
  std::string ca_file;          // empty: those of the system
  std::string ca_folder;
};

struct Response {
  int status = 0;
  Secret body;
};

// Certificates are always checked, redirections never followed. An Error has curl's reason.
Result<Response> Ask(const Request& request);

// A value of curl's configuration, quoted.
void AppendQuoted(Secret& out, std::string_view text);

}  // namespace kb::secrets
