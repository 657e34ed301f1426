#include "secrets/vault.h"

#include <gtest/gtest.h>

namespace kb::secrets {
namespace {

std::string Open(std::string address, std::string path, std::string_view token = "t") {
  const auto store = OpenVault({.address = std::move(address),
                                .token = Secret(token),
                                .name_space = {},
                                .ca_file = {},
                                .ca_folder = {},
                                .path = std::move(path)});
  return store ? (*store)->PlaceOf("redis") : store.error().message;
}

TEST(Vault, SendsNoTokenInClearOverANetwork) {
  for (const char* address :
       {"https://vault.example.net:8200", "https://10.0.0.1", "http://127.0.0.1:8200",
        "http://[::1]:8200", "http://localhost:8200/", "http://localhost"}) {
    EXPECT_EQ(Open(address, "secret/shop/global"), "secret/shop/global/redis") << address;
  }
  for (const char* address :
       {"http://vault.example.net:8200", "http://10.0.0.1", "http://127.0.0.1.example.net",
        "http://localhost.example.net:8200", "http://127.0.0.1@example.net",
        "http://localhost:x@example.net", "http://localhost\\@example.net", "ftp://127.0.0.1",
        "vault.example.net:8200", ""}) {
    EXPECT_NE(Open(address, "secret/shop/global"), "secret/shop/global/redis") << address;
  }
}

TEST(Vault, TakesOnlyPathsThatStayWhereTheyAre) {
  EXPECT_EQ(Open("https://v", "kv/a/b-c_d.e"), "kv/a/b-c_d.e/redis");
  for (const char* path : {"", "kv", "kv/", "/kv/a", "kv//a", "kv/../sys", "kv/.", "kv/a b",
                           "kv/a?x=1", "kv/a#b", "kv/a%2fb"}) {
    EXPECT_NE(Open("https://v", path).find("no path"), std::string::npos) << path;
  }
}

TEST(Vault, TakesNoTokenThatWouldBeMoreThanOneHeader) {
  EXPECT_NE(Open("https://v", "kv/a", "t\nX-Other: 1").find("control"), std::string::npos);
}

}  // namespace
}  // namespace kb::secrets
