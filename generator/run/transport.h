// Transport: how the runner reaches a server, and why it did not.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kb::run {

// What is the same for all servers of a run.
struct Ways {
  enum class HostKeys : uint8_t { kKnown, kEnrol };

  HostKeys host_keys = HostKeys::kKnown;
  std::string ssh_config;                  // instead of ~/.ssh/config; empty: that one
  std::vector<std::string> own_addresses;  // servers that need no ssh
  bool root = false;                       // this process is root
};

// This machine's addresses, KBGEN_SSH_CONFIG and user. `host_keys` is the caller's.
Result<Ways> FindWays();

// An address is [user@]ip.
bool IsHere(std::string_view address, const Ways& ways);

// The command that runs the agent on a server as root: a shell that takes the first `agent_size`
// bytes of its stdin for its program, with the install root as argument. The system's own ssh with
// its configuration; what is set here is what the runner relies on.
std::vector<std::string> AgentCommand(std::string_view address, std::string_view root,
                                      size_t agent_size, const Ways& ways);

// Why a connection ended, in words that say what to do.
struct Ending {
  std::string reason;
  bool final = false;  // another attempt would end in the same way: a wrong key, no login, no bash
};

// From ssh's status and its stderr. `begun`: the agent had answered before.
enum class Begun : uint8_t { kNo, kYes };
Ending ExplainEnd(std::string_view address, int status, std::string_view errors, Begun begun);

// The key that ssh has just recorded, "ssh-ed25519 SHA256:...", from its stderr; empty: none.
std::string EnrolledKey(std::string_view errors);

}  // namespace kb::run
