#include "bundle/signature.h"

#include <sys/mman.h>
#include <unistd.h>

#include <fmt/core.h>

#include "base/files.h"
#include "base/strings.h"
#include "bundle/process.h"
#include "write/posix.h"

namespace kb::bundle {
namespace {

using write::Fd;

constexpr std::string_view kBegin = "-----BEGIN SSH SIGNATURE-----\n";

// The last line of what ssh-keygen said: those before it repeat the question.
std::string LastLine(std::string_view text) {
  const size_t at = text.rfind('\n');
  return std::string(Trim(at == std::string_view::npos ? text : text.substr(at + 1)));
}

Result<std::string> SignWith(const std::string& key, Command command) {
  command.words = {"ssh-keygen", "-q", "-Y", "sign", "-n", std::string(kNamespace), "-f", key};
  KB_TRY(ran, Run(command));
  if (ran.status == 0 && ran.out.starts_with(kBegin)) return ran.out;
  return Fail(fmt::format("cannot sign with `{}`: {}", key, LastLine(ran.err)));
}

Result<std::string> VerifyWith(const std::string& signers, std::string_view signature,
                               Command command) {
  if (!PathExists(signers)) return Fail(fmt::format("cannot read `{}`: no such file", signers));
  const Fd file(memfd_create("signature", MFD_CLOEXEC));
  if (!file.ok() || !write::WriteAll(file.get(), signature)) {
    return write::SystemError("keep", "the signature");
  }
  const std::string path = fmt::format("/proc/{}/fd/{}", getpid(), file.get());
  KB_TRY(found, Run({.words = {"ssh-keygen", "-Y", "find-principals", "-s", path, "-f", signers}}));
  const std::string who(found.out.substr(0, found.out.find('\n')));
  if (found.status != 0 || who.empty()) {
    const bool strange = signature.starts_with(kBegin);
    return Fail(strange ? fmt::format("it was signed by a key that is not in `{}`", signers)
                        : fmt::format("this is no signature: {}", LastLine(found.err)));
  }
  command.words = {
      "ssh-keygen",           "-Y", "verify", "-s", path, "-f", signers, "-I", who, "-n",
      std::string(kNamespace)};
  KB_TRY(ran, Run(command));
  if (ran.status == 0) return who;
  // The reason is on stderr, the verdict on stdout.
  const std::string reason = ran.err.empty() ? LastLine(Trim(ran.out)) : ran.err;
  if (reason.find("namespace") != std::string::npos) {
    return Fail("the signature was made for something else (another namespace)");
  }
  if (reason.find("incorrect signature") != std::string::npos) {
    return Fail("the signature is not of these bytes");
  }
  return Fail(fmt::format("the signature of {} does not count: {}", who, LastLine(reason)));
}

}  // namespace

Result<void> CheckKey(const std::string& key) {
  KB_TRY(ran, Run({.words = {"ssh-keygen", "-l", "-f", key}}));
  if (ran.status != 0) {
    return Fail(fmt::format("cannot read the key `{}`: {}", key, LastLine(ran.err)));
  }
  const std::string_view line = Trim(ran.out);
  const std::string_view type = line.substr(line.rfind('(') + 1);
  if (type == "ED25519)" || type == "RSA)") return {};
  const std::string reason = type.find("-SK") != std::string_view::npos
                                 ? "a security key counts its signatures"
                             : type.starts_with("ECDSA") || type.starts_with("DSA")
                                 ? "it draws a random number for each signature"
                                 : "kbgen does not know it";
  return Fail(
      fmt::format("the key `{}` is of the type {}: {}, and the same input must give the same "
                  "signature; take an Ed25519 or RSA key",
                  key, type.substr(0, type.size() - 1), reason));
}

Result<std::string> Sign(const std::string& key, std::string_view bytes) {
  return SignWith(key, {.words = {}, .input = bytes});
}

Result<std::string> Sign(const std::string& key, int fd) {
  if (lseek(fd, 0, SEEK_SET) != 0) return write::SystemError("read", "what is signed");
  return SignWith(key, {.words = {}, .input_file = fd});
}

Result<std::string> Verify(const std::string& signers, std::string_view signature,
                           std::string_view bytes) {
  return VerifyWith(signers, signature, {.words = {}, .input = bytes});
}

Result<std::string> Verify(const std::string& signers, std::string_view signature, int fd) {
  if (lseek(fd, 0, SEEK_SET) != 0) return write::SystemError("read", "the bundle");
  return VerifyWith(signers, signature, {.words = {}, .input_file = fd});
}

}  // namespace kb::bundle
