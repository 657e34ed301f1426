#include "run/transport.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

#include <fmt/core.h>

#include "base/strings.h"
#include "write/posix.h"

namespace kb::run {
namespace {

std::string_view HostOf(std::string_view address) {
  return address.substr(address.rfind('@') + 1);  // npos + 1: all of it
}

std::string_view UserOf(std::string_view address) {
  const size_t at = address.rfind('@');
  return at == std::string_view::npos ? std::string_view{} : address.substr(0, at);
}

// One word for the shell at the other end, whichever shell that is.
std::string Quote(std::string_view word) {
  std::string quoted = "'";
  for (char c : word) {
    if (c == '\'')
      quoted += "'\\''";
    else
      quoted += c;
  }
  return quoted += '\'';
}

struct Reason {
  std::string_view said;  // what ssh prints, or a part of it
  std::string_view text;  // {0}: the server's address, {1}: what ssh said
  bool final = false;
};
// The first that fits; a changed key is said together with others, so it comes first.
constexpr Reason kReasons[] = {
    {"REMOTE HOST IDENTIFICATION HAS CHANGED",
     "its host key is not the one that was recorded, so this may be another machine. If the server "
     "was made anew, take the old key away (ssh-keygen -R {0}) and run again with --enrol",
     true},
    {"Host key verification failed",
     "its host key is not known here. Compare its fingerprint with what the server says of itself, "
     "then run again with --enrol",
     true},
    {"Permission denied (",
     "it does not let this user in ({1}): is the key loaded, and in the server's "
     "authorized_keys?",
     true},
    {"Too many authentication failures",
     "it does not let this user in: too many keys were tried; name one (IdentitiesOnly, "
     "IdentityFile) in the client's configuration",
     true},
    {"Connection refused", "nothing listens for ssh there: connection refused"},
    {"No route to host", "there is no route to it"},
    {"Network is unreachable", "the network is unreachable from here"},
    {"Could not resolve hostname", "its name cannot be resolved", true},
    {"Connection timed out", "it does not answer: connection timed out"},
    {"Operation timed out", "it does not answer: connection timed out"},
    {"timed out during banner exchange",
     "something accepts connections there but is no sshd, or "
     "the server is too busy to answer"},
    {"not responding", "it stopped answering"},
    {"a password is required",
     "sudo wants a password there: this user must be able to become root without one", true},
    {"is not in the sudoers file", "this user may not become root there", true},
    {"bash: not found", "it has no bash: {1}", true},
    {"Bad configuration option", "ssh cannot read its configuration: {1}", true},
};

// What ssh says about itself while it enrols, and what sshd shows to everybody, is no reason.
bool IsNoise(std::string_view line) {
  return line.empty() || line.starts_with("debug1: ") || line.starts_with("OpenSSH_") ||
         line.starts_with("Authenticated to ") || line.starts_with("Transferred: ") ||
         line.starts_with("Bytes per second: ") || line.starts_with("Warning: Permanently added");
}

std::string LastLine(std::string_view errors) {
  std::string_view last;
  for (std::string_view line : Split(errors, '\n')) {
    line = Trim(line);
    if (!IsNoise(line)) last = line;
  }
  return std::string(last);
}

std::string_view LineWith(std::string_view errors, std::string_view said) {
  for (std::string_view line : Split(errors, '\n')) {
    if (!line.starts_with("debug1: ") && line.find(said) != std::string_view::npos) {
      return Trim(line);
    }
  }
  return {};
}

}  // namespace

Result<Ways> FindWays() {
  Ways ways;
  if (const char* config = std::getenv("KBGEN_SSH_CONFIG")) ways.ssh_config = config;
  ways.root = geteuid() == 0;
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) return write::SystemError("list", "network addresses");
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> all(first, &freeifaddrs);
  for (const ifaddrs* own = first; own; own = own->ifa_next) {
    if (!own->ifa_addr) continue;
    std::array<char, INET6_ADDRSTRLEN> text = {};
    const void* address = nullptr;
    const int family = own->ifa_addr->sa_family;
    if (family == AF_INET) {
      address = &reinterpret_cast<const sockaddr_in*>(own->ifa_addr)->sin_addr;
    } else if (family == AF_INET6) {
      address = &reinterpret_cast<const sockaddr_in6*>(own->ifa_addr)->sin6_addr;
    }
    if (address && inet_ntop(family, address, text.data(), text.size())) {
      ways.own_addresses.emplace_back(text.data());
    }
  }
  return ways;
}

bool IsHere(std::string_view address, const Ways& ways) {
  return std::ranges::find(ways.own_addresses, HostOf(address)) != ways.own_addresses.end();
}

std::vector<std::string> AgentCommand(std::string_view address, std::string_view root,
                                      size_t agent_size, const Ways& ways) {
  const std::string take = fmt::format("eval \"$(head -c {})\"", agent_size);
  std::vector<std::string> agent = {"bash", "-c", take, "kbgen-agent", std::string(root)};
  const bool here = IsHere(address, ways);
  const std::string_view user = UserOf(address);
  if (here ? !ways.root : !user.empty() && user != "root") {
    agent.insert(agent.begin(), {"sudo", "-n", "--"});
  }
  if (here) return agent;
  std::string command = "exec";
  for (const std::string& word : agent) command.append(" ").append(Quote(word));
  const bool enrol = ways.host_keys == Ways::HostKeys::kEnrol;
  std::vector<std::string> argv = {"ssh", "-T"};
  for (const char* option : {
           "BatchMode=yes",
           enrol ? "StrictHostKeyChecking=accept-new" : "StrictHostKeyChecking=yes",
           "ConnectTimeout=10",
           "ServerAliveInterval=15",
           "ServerAliveCountMax=4",
           // A step that changes the network is confirmed over a new connection; one that is
           // shared would confirm itself.
           "ControlMaster=no",
           "ControlPath=none",
           // What is shipped is small, and hosts are many: the processors are the narrow place.
           "Compression=no",
           "ClearAllForwardings=yes",
           // The fingerprint of a key that is recorded is said at this level only.
           enrol ? "LogLevel=DEBUG1" : "LogLevel=ERROR",
       }) {
    argv.insert(argv.end(), {"-o", option});
  }
  if (!ways.ssh_config.empty()) argv.insert(argv.end(), {"-F", ways.ssh_config});
  argv.insert(argv.end(), {"--", std::string(address), std::move(command)});
  return argv;
}

Ending ExplainEnd(std::string_view address, int status, std::string_view errors, Begun begun) {
  for (const Reason& reason : kReasons) {
    const std::string_view line = LineWith(errors, reason.said);
    if (line.empty()) continue;
    return {fmt::format(fmt::runtime(reason.text), HostOf(address), line), reason.final};
  }
  const std::string_view when =
      begun == Begun::kYes ? "the connection was lost" : "no agent answered there";
  const std::string last = LastLine(errors);
  if (!last.empty()) return {fmt::format("{}: {}", when, last)};
  return {fmt::format("{} (status {})", when, status)};
}

std::string EnrolledKey(std::string_view errors) {
  if (errors.find("Warning: Permanently added") == std::string_view::npos) return {};
  constexpr std::string_view kSaid = "debug1: Server host key: ";
  // With a jump host there are several; that of the server itself is said last.
  const size_t at = errors.rfind(kSaid);
  if (at == std::string_view::npos) return {};
  errors.remove_prefix(at + kSaid.size());
  return std::string(Trim(errors.substr(0, errors.find('\n'))));
}

}  // namespace kb::run
