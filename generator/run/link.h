// Link: the conversation with one server. What the schedule wants becomes requests to its agent;
// what the agent answers becomes reports.
#pragma once

#include <poll.h>

#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "run/errand.h"
#include "run/session.h"

namespace kb::run {

// What came of it: something for the schedule, or a line for those who watch.
using Heard = std::variant<Report, Event>;

class Link {
 public:
  // `errand` and `tasks` must outlive it.
  Link(const Errand& errand, const std::vector<Task>& tasks, int server)
      : errand_(&errand), tasks_(&tasks), server_(server) {}

  // One for each action of the schedule.
  void Connect();
  void Look();
  void Preflight();
  void Ship();
  void Run(int task);
  void Ask(const run::Ask& ask);
  void Close();

  // What a service has put on the server, against what it would be now: a line of output each.
  // `rows`: "MODE OWNER PATH" of each file.
  void Drift(int service, std::string rows);
  // Something was asked and not answered yet.
  bool busy() const { return !requests_.empty(); }

  void Watch(std::vector<pollfd>& watched);
  void Serve(std::span<const pollfd> watched);
  std::vector<Heard> TakeHeard() { return std::exchange(heard_, {}); }

  // Nothing is left that the other end would have to be told.
  bool idle() const { return !session_ && !leaving_; }
  // For leaving at once. What runs on the server runs on.
  void Kill();
  bool has_heard() const { return !heard_.empty(); }
  // Steps that were begun over this link and have not ended.
  std::vector<int> running() const;

 private:
  enum class Purpose : uint8_t {
    kNothing,
    kLock,
    kCredentials,
    kHello,
    kPreflight,
    kSwitch,
    kShip,
    kRun,
    kAsk,
    kDrift
  };
  struct Request {
    Purpose purpose = Purpose::kNothing;
    int id = -1;       // of the task, question or service
    std::string last;  // its last line
    std::string bad;   // what was said to be bad, joined
  };

  const Server& row() const;
  void Begin();
  uint32_t Send(Purpose purpose, int id, std::string_view line);
  void SendPayload(Purpose purpose, int id, std::string_view line, Payload payload);
  void SendFiles();
  void SendCredentials();
  void Hear(const AgentLine& answer);
  void HearInfo(std::string_view text);
  bool Forget(const Receipt& receipt);
  void HearEnd(const Request& request, const AgentLine& answer);
  void ShowLine(const Request& request, std::string text);
  void HearKey();
  void Refuse(std::string reason);
  void Lose();

  const Errand* errand_;
  const std::vector<Task>* tasks_;
  int server_;
  std::optional<Session> session_;
  std::optional<Session> leaving_;  // the one before, until the server has let go of it
  bool begin_after_ = false;
  bool greeted_ = false;  // over this connection
  bool met_ = false;      // over any
  std::map<uint32_t, Request> requests_;
  Hello hello_;
  std::map<std::string, std::string> forgotten_;  // "folder step" -> when its receipt was made
  std::optional<Archive> archive_;
  std::vector<Heard> heard_;
};

}  // namespace kb::run
