#include "run/transport.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace kb::run {
namespace {

TEST(Transport, SaysWhyAConnectionEnded) {
  struct Case {
    std::string_view errors, reason;
    bool final;
  };
  for (const Case& c : {
           Case{"@@@\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n"
                "Host key verification failed.\n",
                "its host key is not the one that was recorded", true},
           {"No ED25519 host key is known for 10.0.0.9 and you have requested strict checking.\n"
            "Host key verification failed.\n",
            "its host key is not known here", true},
           {"ssh: connect to host 10.0.0.9 port 22: Connection refused\n",
            "nothing listens for ssh there", false},
           {"ssh: connect to host 10.0.0.9 port 22: Connection timed out\n", "it does not answer",
            false},
           {"root@10.0.0.9: Permission denied (publickey).\n", "it does not let this user in",
            true},
           {"sudo: a password is required\n", "sudo wants a password", true},
           {"Welcome to this server\nsomething new\n", "no agent answered there: something new",
            false},
           {"", "no agent answered there (status 255)", false},
           {"debug1: Connection refused by nobody\n", "no agent answered there (status 255)",
            false},
       }) {
    const Ending ending = ExplainEnd("root@10.0.0.9", 255, c.errors, Begun::kNo);
    EXPECT_TRUE(ending.reason.starts_with(c.reason)) << ending.reason;
    EXPECT_EQ(ending.final, c.final) << ending.reason;
  }
  EXPECT_EQ(ExplainEnd("10.0.0.9", 137, "", Begun::kYes).reason,
            "the connection was lost (status 137)");
}

TEST(Transport, NamesTheKeyThatWasRecorded) {
  const std::string_view said =
      "debug1: Server host key: ssh-ed25519 SHA256:jump\n"
      "debug1: Server host key: ssh-ed25519 SHA256:abc\n"
      "Warning: Permanently added '10.0.0.9' (ED25519) to the list of known hosts.\n";
  EXPECT_EQ(EnrolledKey(said), "ssh-ed25519 SHA256:abc");
  EXPECT_EQ(EnrolledKey("debug1: Server host key: ssh-ed25519 SHA256:abc\n"), "");
}

TEST(Transport, ChecksHostKeysAlwaysAndBecomesRootWhereItIsNot) {
  Ways ways = {.ssh_config = "/tmp/config", .own_addresses = {"10.0.0.1"}, .root = true};
  const auto holds = [](const std::vector<std::string>& argv, std::string_view word) {
    return std::ranges::find(argv, word) != argv.end();
  };
  const auto remote = AgentCommand("admin@10.0.0.9", "/opt/it's", 12, ways);
  EXPECT_EQ(remote.front(), "ssh");
  EXPECT_TRUE(holds(remote, "StrictHostKeyChecking=yes"));
  EXPECT_TRUE(holds(remote, "/tmp/config"));
  EXPECT_EQ(remote.back(),
            "exec 'sudo' '-n' '--' 'bash' '-c' 'eval \"$(head -c 12)\"' 'kbgen-agent' "
            "'/opt/it'\\''s'");
  ways.host_keys = Ways::HostKeys::kEnrol;
  EXPECT_TRUE(
      holds(AgentCommand("root@10.0.0.9", "/r", 1, ways), "StrictHostKeyChecking=accept-new"));
  EXPECT_EQ(AgentCommand("root@10.0.0.1", "/r", 1, ways).front(), "bash");
  ways.root = false;
  EXPECT_EQ(AgentCommand("root@10.0.0.1", "/r", 1, ways).front(), "sudo");
}

}  // namespace
}  // namespace kb::run
