#include "secrets/generate.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <array>

namespace kb::secrets {

std::string_view CharactersOf(std::string_view alphabet) {
  if (alphabet == "hex") return "0123456789abcdef";
  return "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
}

std::string_view NameOf(std::string_view alphabet) {
  return alphabet == "hex" ? "the digits 0-9 and a-f" : "letters and digits";
}

int CharacterOf(uint8_t byte, std::string_view characters) {
  const size_t usable = 256 - 256 % characters.size();
  return byte < usable ? characters[byte % characters.size()] : -1;
}

Result<Secret> Generate(int64_t length, std::string_view alphabet) {
  const std::string_view characters = CharactersOf(alphabet);
  Secret value;
  value.Reserve(static_cast<size_t>(length));
  std::array<uint8_t, 64> random;
  while (value.size() < static_cast<size_t>(length)) {
    if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) {
      return Fail("the system gives no random bytes");
    }
    for (size_t i = 0; i < random.size() && value.size() < static_cast<size_t>(length); ++i) {
      const int character = CharacterOf(random[i], characters);
      if (character >= 0) value.Append(static_cast<char>(character));
    }
    OPENSSL_cleanse(random.data(), random.size());
  }
  return value;
}

}  // namespace kb::secrets
