#include "secrets/vault.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/strings.h"
#include "secrets/http.h"

namespace kb::secrets {
namespace {

using Json = nlohmann::json;

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Result<Secret> TokenFromFile(const std::string& path) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0) {
    return Fail(
        fmt::format("no token for Vault: set VAULT_TOKEN, or log in so that `{}` is there", path));
  }
  if ((status.st_mode & 0077) != 0) {
    return Fail(
        fmt::format("`{}` may be read by others than its owner: chmod 0600 {}", path, path));
  }
  KB_TRY(text, ReadFile(path));
  return Secret(Trim(text));
}

// The host of "http://[::1]:8200/x".
std::string_view HostOf(std::string_view address) {
  address.remove_prefix(address.find("://") + 3);
  if (address.starts_with('[')) return address.substr(0, address.find(']') + 1);
  return address.substr(0, address.find_first_of(":/"));
}

bool IsLoopback(std::string_view host) {
  return host == "localhost" || host == "127.0.0.1" || host == "[::1]";
}

bool IsPath(std::string_view path) {
  const auto parts = Split(path, '/');
  return parts.size() > 1 && std::ranges::all_of(parts, [](std::string_view part) {
           return !part.empty() && part != "." && part != ".." &&
                  std::ranges::all_of(part, [](char c) {
                    return IsAlnum(c) || std::string_view("-_.~").find(c) != std::string_view::npos;
                  });
         });
}

// A member of an object, or null.
const Json* Member(const Json& json, std::string_view name) {
  if (!json.is_object()) return nullptr;
  const auto found = json.find(name);
  return found == json.end() || found->is_null() ? nullptr : &*found;
}

// What Vault says of a failure. Only its own words: an answer may hold values.
std::string ReasonOf(const Response& response) {
  const Json json = Json::parse(response.body.Reveal(), nullptr, false);
  std::string reason;
  if (const Json* errors = Member(json, "errors"); errors != nullptr && errors->is_array()) {
    for (const Json& error : *errors) {
      if (error.is_string()) reason += (reason.empty() ? "" : "; ") + error.get<std::string>();
    }
  }
  return reason;
}

std::string AdviceFor(int status, std::string_view reason) {
  if (status == 403) return "the token may not do this, or has expired";
  if (status == 503) return "Vault is sealed, or starts";
  if (status >= 300 && status < 400)
    return "it points elsewhere: set VAULT_ADDR to the active node";
  if (status == 400 && reason.find("check-and-set") != std::string_view::npos) {
    return "somebody else wrote there meanwhile: run this again";
  }
  if (status == 404) return "is a KV store of version 2 mounted there?";
  return {};
}

std::unexpected<Error> Refusal(std::string_view doing, const std::string& place,
                               const Response& response) {
  const std::string reason = ReasonOf(response);
  const std::string advice = AdviceFor(response.status, reason);
  return Fail(fmt::format("cannot {} `{}` of Vault: HTTP {}{}{}{}{}", doing, place, response.status,
                          reason.empty() ? "" : ", ", reason, advice.empty() ? "" : ": ", advice));
}

int64_t VersionIn(const Json& data) {
  const Json* metadata = Member(data, "metadata");
  const Json* version = metadata == nullptr ? nullptr : Member(*metadata, "version");
  return version != nullptr && version->is_number_integer() ? version->get<int64_t>() : 0;
}

Result<Brick> BrickIn(const std::string& place, const Response& response) {
  const Json json = Json::parse(response.body.Reveal(), nullptr, false);
  const Json* outer = Member(json, "data");
  const Json* values = outer == nullptr ? nullptr : Member(*outer, "data");
  if (values == nullptr || !values->is_object() || VersionIn(*outer) < 1) {
    return Fail(fmt::format("`{}` of Vault answers like no KV store of version 2", place));
  }
  Brick brick;
  brick.version = VersionIn(*outer);
  brick.whole = Secret(values->dump());
  for (const auto& [key, value] : values->items()) {
    if (value.is_string()) brick.values.emplace(key, Secret(value.get_ref<const std::string&>()));
  }
  return brick;
}

class Vault : public Store {
 public:
  explicit Vault(VaultAccess access) : access_(std::move(access)) {}

  std::string PlaceOf(std::string_view brick) const override;
  Result<Brick> Read(std::string_view brick) override;
  Result<void> Write(std::string_view brick, const Brick& read,
                     std::span<const EnvChange> changes) override;

 private:
  Request RequestFor(std::string_view brick) const;

  VaultAccess access_;
};

std::string Vault::PlaceOf(std::string_view brick) const {
  return fmt::format("{}/{}", access_.path, brick);
}

Request Vault::RequestFor(std::string_view brick) const {
  const size_t slash = access_.path.find('/');
  Request request{
      .url = fmt::format("{}/v1/{}/data/{}/{}", access_.address, access_.path.substr(0, slash),
                         access_.path.substr(slash + 1), brick),
      .headers = {},
      .body = {},
      .ca_file = access_.ca_file,
      .ca_folder = access_.ca_folder};
  Secret token("X-Vault-Token: ");
  token.Append(access_.token.Reveal());
  request.headers.push_back(std::move(token));
  request.headers.emplace_back("X-Vault-Request: true");
  if (!access_.name_space.empty()) {
    request.headers.emplace_back(fmt::format("X-Vault-Namespace: {}", access_.name_space));
  }
  return request;
}

Result<Brick> Vault::Read(std::string_view brick) {
  KB_TRY(response, Ask(RequestFor(brick)));
  const std::string place = PlaceOf(brick);
  if (response.status == 200) return BrickIn(place, response);
  if (response.status != 404) return Refusal("read", place, response);
  const Json json = Json::parse(response.body.Reveal(), nullptr, false);
  const Json* data = Member(json, "data");
  // Whoever deleted it meant something; a new version on top would hide what.
  if (data != nullptr && VersionIn(*data) > 0) {
    return Fail(
        fmt::format("`{}` of Vault was deleted (version {}): bring it back with `vault kv "
                    "undelete`, or remove all of it with `vault kv metadata delete`",
                    place, VersionIn(*data)));
  }
  // A mount that is not there says so; a path that is not there has nothing to say.
  if (!ReasonOf(response).empty()) return Refusal("read", place, response);
  return Brick{};
}

Result<void> Vault::Write(std::string_view brick, const Brick& read,
                          std::span<const EnvChange> changes) {
  Json values =
      read.whole.empty() ? Json::object() : Json::parse(read.whole.Reveal(), nullptr, false);
  KB_CHECK(values.is_object());
  for (const EnvChange& change : changes) {
    const std::string key(change.key);
    if (change.value == nullptr) {
      values.erase(key);
    } else if (FindInvalidUtf8(change.value->Reveal()) != std::string_view::npos) {
      return Fail(
          fmt::format("{} is not UTF-8, and JSON has nothing else: Vault cannot hold it", key));
    } else {
      values[key] = change.value->Reveal();
    }
  }
  const Json body = {{"options", {{"cas", read.version}}}, {"data", std::move(values)}};
  Request request = RequestFor(brick);
  request.body = Secret(body.dump());
  KB_TRY(response, Ask(request));
  if (response.status != 200 && response.status != 204) {
    return Refusal("write", PlaceOf(brick), response);
  }
  return {};
}

}  // namespace

Result<VaultAccess> AccessFromEnvironment(std::string path) {
  VaultAccess access{.address = Variable("VAULT_ADDR"),
                     .token = Secret(Variable("VAULT_TOKEN")),
                     .name_space = Variable("VAULT_NAMESPACE"),
                     .ca_file = Variable("VAULT_CACERT"),
                     .ca_folder = Variable("VAULT_CAPATH"),
                     .path = std::move(path)};
  if (access.address.empty()) {
    return Fail("where is Vault? set VAULT_ADDR, such as https://vault.example.net:8200");
  }
  if (access.token.empty()) {
    KB_TRY(token, TokenFromFile(Variable("HOME") + "/.vault-token"));
    access.token = std::move(token);
  }
  return access;
}

Result<std::unique_ptr<Store>> OpenVault(VaultAccess access) {
  while (access.address.ends_with('/')) access.address.pop_back();
  const bool plain = access.address.starts_with("http://");
  // No name and password before a host: `http://localhost:x@elsewhere` is elsewhere.
  const bool known = std::ranges::all_of(access.address, [](char c) {
    return IsAlnum(c) || std::string_view("-._:/[]").find(c) != std::string_view::npos;
  });
  if (!known || (!plain && !access.address.starts_with("https://"))) {
    return Fail(fmt::format("`{}` is no address of Vault: https://HOST:PORT", access.address));
  }
  if (plain && !IsLoopback(HostOf(access.address))) {
    return Fail(fmt::format("`{}` would send the token in clear: use https", access.address));
  }
  if (!IsPath(access.path)) {
    return Fail(fmt::format("`{}` is no path of Vault: MOUNT/FOLDER", access.path));
  }
  if (HasControl(access.token.Reveal())) return Fail("the token of Vault has a control character");
  return std::make_unique<Vault>(std::move(access));
}

}  // namespace kb::secrets
