#include "run/session.h"

#include <gtest/gtest.h>

#include <fmt/core.h>

#include "base/digest.h"

namespace kb::run {
namespace {

// A session with a program in the agent's place, on this machine.
Session Begin(std::string_view agent) {
  const Ways ways = {.ssh_config = {}, .own_addresses = {"127.0.0.1"}, .root = true};
  auto session = Session::Begin("127.0.0.1", "/nowhere", agent, ways);
  EXPECT_TRUE(session.has_value());
  return std::move(*session);
}

// Everything that is said until the session ends or `until` requests are done.
std::vector<AgentLine> Listen(Session& session, size_t until) {
  std::vector<AgentLine> lines;
  size_t done = 0;
  std::vector<pollfd> watched;
  for (int rounds = 0; rounds < 2000 && done < until && session.state() != Session::State::kEnded;
       ++rounds) {
    watched.clear();
    session.Watch(watched);
    poll(watched.data(), watched.size(), 5000);
    session.Serve(watched);
    for (AgentLine& line : session.TakeAnswers()) {
      done += line.word == AgentLine::Word::kDone;
      lines.push_back(std::move(line));
    }
  }
  return lines;
}

std::string Dump(const std::vector<AgentLine>& lines) {
  std::string text;
  for (const AgentLine& line : lines) {
    text += fmt::format("{} {} [{}] {}\n", line.request, static_cast<int>(line.word), line.text,
                        line.status);
  }
  return text;
}

TEST(Session, FindsTheFirstAnswerBehindABannerWithoutANewline) {
  Session session = Begin(
      "echo 'Welcome!'; printf 'motd: '\n"
      "read -r tag words; echo \"$tag info $words\"; echo 'k0000 out noise'\n"
      "echo \"$tag done 0\"; read -r tag words; echo \"noise $tag out x\"; echo \"$tag done 7\"\n");
  session.Ask("hello");
  session.Ask("again");
  EXPECT_EQ(Dump(Listen(session, 2)), "1 1 [hello] 0\n1 5 [0] 0\n2 5 [7] 7\n");
}

TEST(Session, SendsPayloadsWholeWhateverTheirSize) {
  Session session = Begin(
      "read -r tag word size; head -c \"$size\" | sha256sum | { read -r sum _; echo \"$tag out "
      "$sum\"; }\n"
      "echo \"$tag done 0\"\n");
  const std::string large(3'000'000, 'x');
  session.Ask("take", {.views = {large, std::string_view(large).substr(0, 5)}, .secret = "end"});
  const auto lines = Listen(session, 1);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].text, Hex(Digest(large + "xxxxxend")));
}

TEST(Session, EndsWithAReasonWhenTheAgentDoes) {
  Session session = Begin("echo 'out of memory' >&2; exit 9\n");
  session.Ask("hello");
  EXPECT_EQ(Dump(Listen(session, 1)), "");
  EXPECT_EQ(session.state(), Session::State::kEnded);
  EXPECT_EQ(session.ending().reason, "no agent answered there: out of memory");
}

TEST(Session, SurvivesOutputWithoutALineEnd) {
  Session session = Begin("head -c 1000000 /dev/zero; echo; read -r tag _; echo \"$tag done 0\"\n");
  session.Ask("hello");
  EXPECT_EQ(Dump(Listen(session, 1)), "1 5 [0] 0\n");
}

}  // namespace
}  // namespace kb::run
