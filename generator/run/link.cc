#include "run/link.h"

#include <ctime>

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "base/strings.h"

namespace kb::run {
namespace {

// What a server must have free besides the files: two generations more, logs, receipts.
constexpr size_t kSpareKib = 64 * 1024;

std::string_view TakeWord(std::string_view& text) {
  const size_t space = text.find(' ');
  const std::string_view word = text.substr(0, space);
  text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
  return word;
}

// One word of a request, whatever is in it.
std::string Encode(std::string_view text) {
  std::string encoded;
  for (char c : text) {
    if (IsAlnum(c) || std::string_view("-._/:=,@+").find(c) != std::string_view::npos) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

// Whoever leaves a server out knows that it may be down: edges that lead there are not tried.
bool IsLeftOut(const Errand& errand, std::string_view ip) {
  if (errand.limit.empty()) return false;
  const auto& servers = errand.plan().servers;
  const auto found = std::ranges::find(servers, ip, &Server::ip);
  const auto index = static_cast<int>(found - servers.begin());
  return found != servers.end() && std::ranges::find(errand.limit, index) == errand.limit.end();
}

std::string RowsOf(const Errand& errand, const Server& server, size_t size) {
  std::string rows = fmt::format("host\t{}\nos\t{}\n", server.name, server.os);
  for (const std::string& mount : server.mounts) rows += fmt::format("mount\t{}\n", mount);
  for (const Port& port : server.ports) {
    rows += fmt::format("port\t{}\t{}\t{}\n", port.port, port.protocol, port.service);
  }
  for (const Peer& peer : server.peers) {
    if (IsLeftOut(errand, peer.ip)) continue;
    rows += fmt::format("peer\t{}\t{}\t{}\n", peer.ip, peer.port, peer.service);
  }
  return rows + fmt::format("space\t{}\nclock\t{}\n", size / 1024 + kSpareKib, std::time(nullptr));
}

}  // namespace

const Server& Link::row() const { return errand_->plan().servers[static_cast<size_t>(server_)]; }

// ---------------------------------------------------------------- what is wanted

void Link::Connect() {
  if (session_) {
    // The server's lock is given back before it is taken again.
    Close();
    begin_after_ = true;
  } else if (leaving_) {
    begin_after_ = true;
  } else {
    Begin();
  }
}

// Everything up to hello travels at once, behind the agent's text.
void Link::Begin() {
  begin_after_ = false;
  greeted_ = false;
  requests_.clear();
  auto session = Session::Begin(row().address, errand_->plan().root, errand_->agent, errand_->ways);
  if (!session) return Refuse(std::move(session).error().message);
  session_ = std::move(*session);
  if (errand_->hands == Errand::Hands::kOn) {
    Send(Purpose::kLock, -1, fmt::format("lock {}", errand_->identity.run));
    SendCredentials();
  }
  if (session_) Look();
}

void Link::Look() {
  hello_ = {.server = server_, .generation = {}, .receipts = {}, .running = {}};
  Send(Purpose::kHello, -1, "hello");
}

// Values for all but the install host, where they are at home; who reads them for all.
void Link::SendCredentials() {
  const Plan& plan = errand_->plan();
  std::vector<CredentialName> names;
  std::string readers;
  for (int index : row().services) {
    const Service& service = plan.services[static_cast<size_t>(index)];
    for (const Credential& credential : service.credentials) {
      names.push_back({credential.file, credential.key});
      readers += fmt::format("@ {} {} {}\n", service.folder, credential.file, credential.key);
    }
  }
  if (server_ == plan.install) names.clear();
  auto lines = ReadCredentials(plan.credentials, std::move(names));
  if (!lines) {
    session_->Kill("its credentials could not be read");
    session_.reset();
    return Refuse(std::move(lines).error().message);
  }
  lines->Append(readers);
  SendPayload(Purpose::kCredentials, -1, "credentials", {.views = {}, .secret = lines->Release()});
}

void Link::Preflight() {
  size_t size = 0;
  for (const Shipped& file : ShippedTo(*errand_->tree, server_)) {
    const auto bytes = errand_->store->BytesOf(file.file);
    size += bytes ? bytes->size() : 0;
  }
  // Not a secret, but the session must own it.
  SendPayload(Purpose::kPreflight, -1, "preflight",
              {.views = {}, .secret = RowsOf(*errand_, row(), size)});
}

void Link::Ship() {
  const std::string& generation = errand_->expected->generations[static_cast<size_t>(server_)];
  if (errand_->ship == Errand::Ship::kSwitchFirst) {
    Send(Purpose::kSwitch, -1, fmt::format("switch {}", GenerationName(generation)));
  } else {
    SendFiles();
  }
}

void Link::SendFiles() {
  auto archive = PackFiles(ShippedTo(*errand_->tree, server_), *errand_->store);
  if (!archive) {
    heard_.push_back(Report(Delivered{server_, false, std::move(archive).error().message}));
    return;
  }
  archive_ = std::move(*archive);
  const std::string& generation = errand_->expected->generations[static_cast<size_t>(server_)];
  SendPayload(Purpose::kShip, -1, fmt::format("ship {}", GenerationName(generation)),
              {.views = archive_->pieces, .secret = {}});
}

void Link::Run(int task) {
  const Task& wanted = (*tasks_)[static_cast<size_t>(task)];
  const Step& step = errand_->plan().steps[static_cast<size_t>(wanted.step)];
  const Service& service = errand_->plan().services[static_cast<size_t>(step.service)];
  const bool applies = step.kind == StepKind::kApply;
  const RunIdentity& identity = errand_->identity;
  std::string line = fmt::format("{} {} {}", identity.run, service.folder, step.name);
  if (step.on_install) {
    const std::string receipt = applies ? fmt::format("{} {}", wanted.input, identity.tree) : "- -";
    const std::string script = fmt::format("{}/modules/{}", errand_->tree->root, step.script);
    line = fmt::format("here {} {} {}", line, receipt, Encode(script));
  } else if (applies) {
    line = fmt::format("run {} {} {}", line, wanted.input, identity.tree);
  } else {
    line = "exec " + line;
  }
  for (const std::string& argument : errand_->arguments) line += " " + Encode(argument);
  Send(Purpose::kRun, task, line);
}

void Link::Ask(const run::Ask& ask) {
  const Plan& plan = errand_->plan();
  const Service& service = plan.services[static_cast<size_t>(ask.service)];
  std::string line = fmt::format("exec {} {} gate", errand_->identity.run, service.folder);
  if (ask.leads) line += " --leads";
  if (ask.subject >= 0) line += " " + plan.servers[static_cast<size_t>(ask.subject)].name;
  Send(Purpose::kAsk, ask.id, line);
}

void Link::Drift(int service, std::string rows) {
  const std::string& folder = errand_->plan().services[static_cast<size_t>(service)].folder;
  SendPayload(Purpose::kDrift, service, fmt::format("drift {}", folder),
              {.views = {}, .secret = std::move(rows)});
}

void Link::Close() {
  if (!session_) return;
  session_->Ask("bye");
  session_->Close();
  leaving_ = std::move(session_);
  session_.reset();
  requests_.clear();
}

void Link::Kill() {
  if (session_) session_->Kill("this run has left");
  if (leaving_) leaving_->Kill("this run has left");
  session_.reset();
  leaving_.reset();
}

std::vector<int> Link::running() const {
  std::vector<int> tasks;
  for (const auto& [number, request] : requests_) {
    if (request.purpose == Purpose::kRun) tasks.push_back(request.id);
  }
  return tasks;
}

uint32_t Link::Send(Purpose purpose, int id, std::string_view line) {
  if (!session_) return 0;
  const uint32_t number = session_->Ask(line);
  requests_[number] = {.purpose = purpose, .id = id, .last = {}, .bad = {}};
  return number;
}

void Link::SendPayload(Purpose purpose, int id, std::string_view line, Payload payload) {
  if (!session_) return;
  const uint32_t number = session_->Ask(line, std::move(payload));
  requests_[number] = {.purpose = purpose, .id = id, .last = {}, .bad = {}};
}

// ---------------------------------------------------------------- what is heard

void Link::Watch(std::vector<pollfd>& watched) {
  if (session_) session_->Watch(watched);
  if (leaving_) leaving_->Watch(watched);
}

void Link::Serve(std::span<const pollfd> watched) {
  if (leaving_) {
    leaving_->Serve(watched);
    if (leaving_->state() == Session::State::kEnded) {
      leaving_.reset();
      if (begin_after_) return Begin();
    }
  }
  if (!session_) return;
  session_->Serve(watched);
  for (const AgentLine& answer : session_->TakeAnswers()) {
    Hear(answer);
    if (!session_) return;
  }
  if (session_->state() == Session::State::kEnded) Lose();
}

void Link::Hear(const AgentLine& answer) {
  const auto found = requests_.find(answer.request);
  if (found == requests_.end()) return;
  Request& request = found->second;
  switch (answer.word) {
    case AgentLine::Word::kInfo:
      return HearInfo(answer.text);
    case AgentLine::Word::kBad:
      request.bad += (request.bad.empty() ? "" : "; ") + answer.text;
      return ShowLine(request, "not ok: " + answer.text);
    case AgentLine::Word::kOk:
      return ShowLine(request, "ok: " + answer.text);
    case AgentLine::Word::kNote:
      return ShowLine(request, "note: " + answer.text);
    case AgentLine::Word::kOut:
      request.last = answer.text;
      return ShowLine(request, answer.text);
    case AgentLine::Word::kDone: {
      const Request ended = std::move(request);
      requests_.erase(found);
      return HearEnd(ended, answer);
    }
  }
}

void Link::HearInfo(std::string_view text) {
  const std::string_view word = TakeWord(text);
  if (word == "generation") {
    hello_.generation = text == "-" ? "" : text;
  } else if (word == "receipt") {
    // One that cannot be read does not count, and is written anew.
    auto receipt = ParseReceipt(text);
    if (receipt && !Forget(*receipt)) hello_.receipts.push_back(std::move(*receipt));
  } else if (word == "running") {
    const std::string_view folder = TakeWord(text);
    const std::string_view step = TakeWord(text);
    hello_.running.push_back({std::string(folder), std::string(step), std::string(text)});
  }
}

// Of a step that is to be run again, the receipt that it had when it was first asked; that of the
// new run counts.
bool Link::Forget(const Receipt& receipt) {
  if (!errand_->again) return false;
  const Plan& plan = errand_->plan();
  const int step = plan.FindStep(receipt.folder, receipt.step);
  const bool meant = std::ranges::any_of(
      *tasks_, [&](const Task& task) { return task.step == step && task.server == server_; });
  if (!meant) return false;
  const std::string name = fmt::format("{} {}", receipt.folder, receipt.step);
  if (!met_) forgotten_[name] = receipt.ended;
  const auto found = forgotten_.find(name);
  return found != forgotten_.end() && found->second == receipt.ended;
}

// A key that was recorded is shown, so that it can be compared with what the server says of itself.
void Link::HearKey() {
  if (session_->enrolled_key().empty() || met_) return;
  heard_.push_back(
      Event{.kind = EventKind::kEnrolled,
            .server = server_,
            .text = fmt::format("recorded its host key {}", session_->enrolled_key())});
}

void Link::HearEnd(const Request& request, const AgentLine& answer) {
  const bool ok = answer.status == 0;
  switch (request.purpose) {
    case Purpose::kLock:
      if (!ok) return Refuse("another run works there: " + request.last);
      return;
    case Purpose::kCredentials:
      if (!ok) Refuse("its credentials could not be written: " + request.last);
      return;
    case Purpose::kHello:
      if (!ok) return Refuse("its agent could not look around: " + request.last);
      HearKey();
      greeted_ = met_ = true;
      heard_.push_back(Report(std::exchange(hello_, {})));
      return;
    case Purpose::kPreflight:
      heard_.push_back(
          Report(Checked{server_, ok, request.bad.empty() ? request.last : request.bad}));
      return;
    case Purpose::kSwitch:
      if (!ok) return SendFiles();
      heard_.push_back(Report(Delivered{server_, true, "switched"}));
      return;
    case Purpose::kShip:
      archive_.reset();
      heard_.push_back(Report(Delivered{server_, ok, request.last}));
      return;
    case Purpose::kRun:
      heard_.push_back(Report(Ended{request.id, answer.status, request.last}));
      return;
    case Purpose::kAsk:
      heard_.push_back(Report(Answered{request.id, answer.status, request.last}));
      return;
    case Purpose::kDrift:
    case Purpose::kNothing:
      return;
  }
}

void Link::ShowLine(const Request& request, std::string text) {
  Event event = {.kind = EventKind::kOutput, .server = server_, .text = std::move(text)};
  switch (request.purpose) {
    case Purpose::kRun: {
      const Task& task = (*tasks_)[static_cast<size_t>(request.id)];
      event.task = request.id;
      event.step = task.step;
      event.service = errand_->plan().steps[static_cast<size_t>(task.step)].service;
      break;
    }
    case Purpose::kPreflight:
      break;
    case Purpose::kDrift:
      event.service = request.id;
      break;
    default:
      // What a gate says comes back with its answer.
      return;
  }
  heard_.push_back(std::move(event));
}

void Link::Refuse(std::string reason) {
  Close();
  heard_.push_back(Report(Refused{server_, std::move(reason)}));
}

void Link::Lose() {
  const Ending ending = session_->ending();
  session_.reset();
  requests_.clear();
  if (ending.final && !greeted_) {
    heard_.push_back(Report(Refused{server_, ending.reason}));
  } else {
    heard_.push_back(Report(Lost{server_, ending.reason}));
  }
}

}  // namespace kb::run
