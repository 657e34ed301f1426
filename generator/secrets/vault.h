// Vault: values in a KV store of version 2 of HashiCorp Vault or OpenBao, by their HTTP interface.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "secrets/secret.h"
#include "secrets/store.h"

namespace kb::secrets {

struct VaultAccess {
  std::string address;  // "https://vault.example.net:8200"
  Secret token;
  std::string name_space;  // of Vault Enterprise and OpenBao; empty: none
  std::string ca_file, ca_folder;
  std::string path;  // "secret/shop/global": the mount, then the folder of the bricks
};

// As Vault's own program finds them: VAULT_ADDR, VAULT_TOKEN or ~/.vault-token, VAULT_NAMESPACE,
// VAULT_CACERT, VAULT_CAPATH.
Result<VaultAccess> AccessFromEnvironment(std::string path);

// Refuses what would send the token in clear over a network.
Result<std::unique_ptr<Store>> OpenVault(VaultAccess access);

}  // namespace kb::secrets
