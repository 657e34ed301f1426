// Generate: new values, by the policy of a credential.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "secrets/secret.h"

namespace kb::secrets {

// Every character that a value may have: "alnum" or "hex", as credentials.yaml says it.
std::string_view CharactersOf(std::string_view alphabet);
// For a message: "letters and digits".
std::string_view NameOf(std::string_view alphabet);

// What a random byte stands for, or -1: it must be thrown away. Every character has as many bytes
// as any other, which `byte % count` alone would not give.
int CharacterOf(uint8_t byte, std::string_view characters);

// `length` characters, each as likely as any other.
Result<Secret> Generate(int64_t length, std::string_view alphabet);

}  // namespace kb::secrets
