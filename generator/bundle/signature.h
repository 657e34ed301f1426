// Signature: detached signatures by ssh-keygen -Y, in a namespace of their own, so that what was
// signed for something else never passes for a bundle.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace kb::bundle {

inline constexpr std::string_view kNamespace = "kbgen-bundle";

// Whether the key signs the same bytes in the same way every time: Ed25519 and RSA do. ECDSA draws
// a random number for each signature, a security key counts them: the Error says so.
Result<void> CheckKey(const std::string& key);

// `key`: a private key, or a public one whose private one an agent holds.
Result<std::string> Sign(const std::string& key, std::string_view bytes);
Result<std::string> Sign(const std::string& key, int fd);

// Who signed, as the file of allowed signers calls them. An Error says what is wrong with it.
Result<std::string> Verify(const std::string& signers, std::string_view signature,
                           std::string_view bytes);
Result<std::string> Verify(const std::string& signers, std::string_view signature, int fd);

}  // namespace kb::bundle
