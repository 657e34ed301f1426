// Schedule::Impl: the state behind schedule.h. Its methods stand in schedule.cc (the loop),
// schedule_servers.cc, schedule_tasks.cc, schedule_gates.cc and schedule_after.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "run/gate.h"
#include "run/schedule.h"

namespace kb::run {

// A set of questions that are asked at once. The ids of its Asks are [first, first + size).
struct Poll {
  int first = -1;  // -1: none was ever asked
  Time deadline = 0;
  std::vector<Answer> answers;
  bool pending() const;
};

struct ServerRow {
  enum class Link : uint8_t {
    kNone,        // not needed so far
    kQueued,      // wanted; tried when retry_at has come
    kConnecting,  // Connect was given
    kUp,
    kGone,  // given up
  };
  Link link = Link::kNone;
  bool selected = false;  // has tasks of this run
  bool asked = false;     // is met as well, for receipts of what tasks elsewhere need
  bool met = false;       // has said hello, and nothing of an earlier connection runs there
  bool work = false;      // something is to be done: it is checked, and shipped to
  bool looking = false;   // Look was given

  enum class Stage : uint8_t { kNone, kGoing, kDone };
  Stage check = Stage::kNone;
  Stage ship = Stage::kNone;

  std::string generation;
  std::vector<Running> running;
  std::vector<bool> receipts;      // by step: ended well some time, with whatever input
  std::vector<std::string> ended;  // by step: when, ISO UTC; empty: never
  int task = -1;                   // that is running there, or keeps it free
  int64_t connect_seq = 0;         // when the present connection was asked for
  Time trying_since = 0;
  Time retry_at = 0;
  Time look_at = 0;
  int tries = 0;
};

struct TaskRow {
  TaskState state = TaskState::kWaiting;
  bool unsure = false;  // its connection was lost while it ran
  bool leads = false;   // by the last --leads question
  bool absent = false;
  Time begun = 0;
  Time closed_until = 0;
  Time waiting_since = -1;  // when its gate was asked first, or the last time that it could be
  int rounds = 0;           // that were closed
  int samples = 0;          // that were open in this round
  Time next_sample = 0;
  std::vector<int> holds;  // services; the own one and those with a gate on the server
  std::vector<int> lost;   // of these, those that ran here: they lose a member for a while
  bool after = false;      // ended well, but not all is well yet
  std::vector<int> wells;  // services that the after question is about
  Time after_since = 0;
  Time next_after = 0;
  std::string said;  // why its gate was closed, as it was told last
  Poll poll;
};

struct Outside {
  int step = -1;
  int server = -1;
  bool whole = false;  // needed by all tasks; else by the one on the same server
};

struct StepRow {
  std::vector<int> tasks;
  std::vector<int> after;  // steps with tasks that must be done
  std::vector<int> needs;  // the same, of other services: these must be well again, too
  // Steps that it waits for, with servers where they are not part of this run: there they need a
  // receipt, whatever its input.
  std::vector<Outside> outside;
  int open = 0;  // tasks that are not done
  bool failed = false;
  bool blocked = false;
  int64_t done_seq = 0;  // when its last task ended
  enum class Leads : uint8_t { kUnknown, kAsking, kKnown };
  Leads leads = Leads::kUnknown;
  std::vector<int> leads_asked;  // tasks, in the order of the poll's answers
  Poll poll;
};

struct ServiceRow {
  int held_by = -1;            // a rolling task
  bool broken = false;         // it was not well again in time
  bool dirty = false;          // a task touched it and it was not asked since
  std::vector<bool> built_on;  // by service: that it needs, directly or not
};

class Schedule::Impl {
 public:
  Impl(const Plan& plan, const Expected& expected, std::vector<Task> tasks, Selection selection);

  Decisions Take(Time now, const Report& report);
  std::optional<Time> wake() const { return wake_; }
  Finish finish() const { return finish_; }
  std::string_view reason() const { return reason_; }
  const std::vector<int>& finish_first() const { return finish_first_; }
  const std::vector<Task>& tasks() const { return tasks_; }
  TaskState state(int task) const { return rows_[task].state; }

 private:
  using Link = ServerRow::Link;
  using Stage = ServerRow::Stage;

  // schedule.cc
  void Begin();
  void LinkSteps();
  void LinkServices();
  void LinkOutside(int step, int other);
  bool HasTask(int step, int server) const;
  void Advance();
  void FinishIfOver();
  void End(Finish finish);
  void Fail(std::string reason);  // something failed: what depends on it will not begin
  void Emit(EventKind kind, int server = -1, std::string text = {},
            Outcome result = Outcome::kNone);
  void EmitTask(EventKind kind, int task, std::string text = {}, Outcome result = Outcome::kNone);
  void Do(Action action) { out_.actions.push_back(action); }
  // Whether the time has come; if not, wake() will be no later.
  bool Due(Time time);
  const Limits& limits() const { return selection_.limits; }
  const Faults& faults() const { return selection_.faults; }
  bool apply() const { return selection_.kind == StepKind::kApply; }
  const Step& StepOf(int task) const { return plan_.steps[tasks_[task].step]; }
  const std::string& NameOf(int server) const { return plan_.servers[server].name; }

  // schedule_servers.cc
  void On(const Tick&) {}
  void On(const Hello& hello);
  void On(const Lost& lost);
  void On(const Refused& refused);
  void On(const Checked& checked);
  void On(const Delivered& delivered);
  void On(const Stop& stop);
  void Want(int server);
  void ConnectAll();
  void GiveUp(int server, std::string reason);
  void NoteReceipts(const Hello& hello);
  void Meet(int server);
  void MeetAll();
  void ReopenInstallSteps();
  void Check(int server);
  void ShipAll();
  bool MayUseLine() const;  // --jobs
  bool Quiet(const ServerRow& server) const;
  bool Ready(int server) const;

  // schedule_tasks.cc
  void On(const Ended& ended);
  void BlockAll();
  bool IsBlocked(int step) const;
  void StartAll();
  void StartParallel(int step, std::vector<bool>& reserved);
  void StartRolling(int step, const std::vector<bool>& reserved);
  bool Fresh(int step, int server);  // the connection is new enough; if not, it is asked for
  void Start(int task);
  void Finished(int task, int status, bool lost, std::string text);
  void ResolveUnsure(int task, const Hello& hello);
  bool StepsDone(int step) const;
  std::string MissingOutside(int task) const;
  void BlockMissing();

  // schedule_gates.cc
  void On(const Answered& answered);
  void AskNext();  // samples, after questions, closing ones
  void WitnessAll();
  bool CanAsk(int task) const;
  void StartPoll(Poll& poll, const std::vector<int>& services, int subject);
  void AskLeads(int step);
  bool LeadsKnown(int step);
  int Choose(int step, const std::vector<bool>& reserved);
  void StartRound(int task);
  void Judge(int task);
  void JudgeAfter(int task);
  void CloseRound(int task, std::string why);
  void Release(int task);
  bool CanHold(const std::vector<int>& services) const;
  std::vector<int> HoldsOf(int task) const;
  bool Installed(int service) const;
  bool InstalledOn(int service, int server) const;
  std::vector<int> FindUnfinished(int task, const std::vector<Answer>& answers, bool late) const;
  void TimeOut(Poll& poll);
  bool AnswerPoll(Poll& poll, const Answered& answered);
  void LoseServer(Poll& poll, int server, std::string_view reason);
  bool AnyGone(const Poll& poll) const;

  // schedule_after.cc
  bool CloseRun();  // the last questions; true when there is nothing more to ask

  const Plan& plan_;
  std::vector<std::string> generations_;
  std::vector<Task> tasks_;
  Selection selection_;

  std::vector<TaskRow> rows_;
  std::vector<ServerRow> servers_;
  std::vector<StepRow> steps_;
  std::vector<ServiceRow> services_;
  std::vector<int> order_;      // steps with tasks
  std::vector<int> needed_;     // servers that are wanted, in the order in which they were
  std::vector<int> in_flight_;  // tasks that are asking, running or in their after question

  Time now_ = 0;
  int64_t seq_ = 0;
  int next_ask_ = 0;
  std::optional<Time> wake_;
  bool changed_ = false;
  bool begun_ = false;  // Begin() was done
  bool met_ = false;    // every selected server is met and checked, or given up
  bool stopping_ = false;
  bool failed_ = false;
  Poll closing_;
  std::vector<int> closing_services_;
  Time closing_since_ = -1;
  Time next_closing_ = 0;
  Finish finish_ = Finish::kRunning;
  std::string reason_;
  std::vector<int> finish_first_;
  Decisions out_;
};

}  // namespace kb::run
