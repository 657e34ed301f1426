// Session: one connection to the agent of one server, and what is asked and answered over it.
#pragma once

#include <poll.h>

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "run/process.h"
#include "run/transport.h"

namespace kb::run {

// One line that the agent said about a request. `done` is its last.
struct AgentLine {
  enum class Word : uint8_t { kOut, kInfo, kOk, kBad, kNote, kDone };

  uint32_t request = 0;
  Word word = Word::kOut;
  std::string text;  // what follows the word
  int status = 0;    // of kDone
};

// What follows a request's line. Views must outlive the session.
struct Payload {
  std::vector<std::string_view> views;
  std::string secret;  // after the views; wiped when it is sent
};

// Requests run beside each other; each is known by a number that is never used twice in a session.
// Nothing here waits: Watch says what a loop should wait for, Serve does what can be done.
class Session {
 public:
  enum class State : uint8_t { kConnecting, kOpen, kEnded };

  // Starts to connect. Requests can be made at once: they travel behind the agent's text, so that
  // the first answer costs one round trip.
  static Result<Session> Begin(std::string_view address, std::string_view root,
                               std::string_view agent, const Ways& ways);

  // `line` without its tag: "run r1 04-redis 04_redis_02_install". Its payload's size, when there
  // is a payload, is the last word and added here.
  uint32_t Ask(std::string_view line);
  uint32_t Ask(std::string_view line, Payload payload);
  // Ends the connection once everything that was asked is sent. What runs at the other end runs on.
  void Close();

  void Watch(std::vector<pollfd>& watched);
  void Serve(std::span<const pollfd> watched);
  // The answers since the last call, in their order.
  std::vector<AgentLine> TakeAnswers();

  State state() const { return state_; }
  bool Closed() const { return closing_; }
  // Requests that have no `done` yet.
  bool Busy() const { return !open_requests_.empty(); }
  const Ending& ending() const { return ending_; }  // once it has ended
  const std::string& enrolled_key() const { return enrolled_key_; }
  // Kills the client. For a server that does not answer, and for leaving at once.
  void Kill(std::string_view why);

 private:
  explicit Session(Process process, std::string_view address);

  void Send();
  void Receive();
  void ReadLine(std::string_view line);
  void End(Ending ending);

  Process process_;
  std::string address_;
  State state_ = State::kConnecting;
  bool closing_ = false;
  std::string nonce_;  // begins every tag, so that no banner looks like an answer
  uint32_t requests_ = 0;
  std::map<uint32_t, bool> open_requests_;

  struct Chunk {
    std::string own;
    std::string_view view;  // of somebody else, when `own` is empty
    bool secret = false;
    std::string_view text() const { return own.empty() ? view : std::string_view(own); }
  };
  std::deque<Chunk> outgoing_;
  size_t sent_ = 0;  // of the first chunk

  std::string incoming_;
  std::string errors_;
  std::vector<AgentLine> answers_;
  Ending ending_;
  std::string enrolled_key_;
  size_t first_watch_ = 0;  // where this session's descriptors stand among those watched
  size_t watches_ = 0;
};

}  // namespace kb::run
