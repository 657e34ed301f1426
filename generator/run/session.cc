#include "run/session.h"

#include <signal.h>
#include <string.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/core.h>

#include "base/strings.h"

namespace kb::run {
namespace {

// Twice what the agent may say in a line.
constexpr size_t kLineMax = 8000;
// Of stderr the end counts: ssh says its reason last.
constexpr size_t kErrorsMax = 16384;

constexpr std::pair<std::string_view, AgentLine::Word> kWords[] = {
    {"out", AgentLine::Word::kOut},   {"info", AgentLine::Word::kInfo},
    {"ok", AgentLine::Word::kOk},     {"bad", AgentLine::Word::kBad},
    {"note", AgentLine::Word::kNote}, {"done", AgentLine::Word::kDone},
};

std::string Nonce() {
  std::array<uint8_t, 5> bytes = {};
  // Its only use is to be unlike anything else, so that failing to be random does not matter.
  if (getrandom(bytes.data(), bytes.size(), 0) < 0) bytes = {1, 2, 3, 4, 5};
  std::string text = "k";
  for (uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

// Takes the first word and the space behind it.
std::string_view TakeWord(std::string_view& text) {
  const size_t space = text.find(' ');
  const std::string_view word = text.substr(0, space);
  text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
  return word;
}

void Wipe(std::string& text) {
  explicit_bzero(text.data(), text.size());
  text.clear();
}

}  // namespace

Session::Session(Process process, std::string_view address)
    : process_(std::move(process)), address_(address), nonce_(Nonce()) {}

Result<Session> Session::Begin(std::string_view address, std::string_view root,
                               std::string_view agent, const Ways& ways) {
  auto process = Process::Begin({.argv = AgentCommand(address, root, agent.size(), ways)});
  if (!process) return std::unexpected(std::move(process).error());
  Session session(std::move(*process), address);
  session.outgoing_.push_back({.own = {}, .view = agent});
  return session;
}

uint32_t Session::Ask(std::string_view line) {
  const uint32_t request = ++requests_;
  open_requests_.emplace(request, true);
  outgoing_.push_back({.own = fmt::format("{}.{} {}\n", nonce_, request, line), .view = {}});
  return request;
}

uint32_t Session::Ask(std::string_view line, Payload payload) {
  size_t size = payload.secret.size();
  for (std::string_view view : payload.views) size += view.size();
  const uint32_t request = Ask(fmt::format("{} {}", line, size));
  for (std::string_view view : payload.views) {
    if (!view.empty()) outgoing_.push_back({.own = {}, .view = view});
  }
  if (!payload.secret.empty()) {
    outgoing_.push_back({.own = std::move(payload.secret), .view = {}, .secret = true});
  }
  return request;
}

void Session::Close() { closing_ = true; }

void Session::Watch(std::vector<pollfd>& watched) {
  first_watch_ = watched.size();
  watches_ = 0;
  if (state_ == State::kEnded) return;
  const auto add = [&](int fd, short events) {
    if (fd >= 0) watched.push_back({.fd = fd, .events = events, .revents = 0}), ++watches_;
  };
  if (closing_ && outgoing_.empty()) process_.CloseIn();
  // Not when there is nothing to say: a pipe whose reader is gone would wake the loop for ever.
  if (!outgoing_.empty()) add(process_.in(), POLLOUT);
  add(process_.out(), POLLIN);
  add(process_.err(), POLLIN);
  add(process_.ended(), POLLIN);
}

void Session::Serve(std::span<const pollfd> watched) {
  if (state_ == State::kEnded) return;
  const auto own = watched.subspan(first_watch_, watches_);
  if (std::ranges::none_of(own, [](const pollfd& fd) { return fd.revents != 0; })) return;
  Send();
  Receive();
  const std::optional<int> status = process_.Status();
  if (!status) return;
  // It has ended, so all that it said is in the pipes.
  Receive();
  enrolled_key_ = EnrolledKey(errors_);
  const Begun begun = state_ == State::kOpen ? Begun::kYes : Begun::kNo;
  End(closing_ && *status == 0 ? Ending{"it was closed"}
                               : ExplainEnd(address_, *status, errors_, begun));
}

void Session::Send() {
  while (!outgoing_.empty() && process_.in() >= 0) {
    Chunk& chunk = outgoing_.front();
    const auto written = process_.Write(chunk.text().substr(sent_));
    // Whoever closed it says why on stderr, and ends.
    if (!written) return process_.CloseIn();
    if (*written == 0) return;
    sent_ += *written;
    if (sent_ < chunk.text().size()) continue;
    if (chunk.secret) Wipe(chunk.own);
    outgoing_.pop_front();
    sent_ = 0;
  }
}

void Session::Receive() {
  while (process_.ReadErr(errors_) == Flow::kMore) {
    if (errors_.size() > kErrorsMax) errors_.erase(0, errors_.size() - kErrorsMax / 2);
  }
  for (;;) {
    const Flow flow = process_.ReadOut(incoming_);
    size_t begin = 0;
    for (size_t end; (end = incoming_.find('\n', begin)) != std::string::npos; begin = end + 1) {
      ReadLine(std::string_view(incoming_).substr(begin, end - begin));
    }
    incoming_.erase(0, begin);
    // No agent speaks so; whatever does must not fill the memory.
    if (incoming_.size() > kLineMax) incoming_.erase(0, incoming_.size() - kLineMax / 2);
    if (flow != Flow::kMore) return;
  }
}

// A login's banner or a noisy start-up file may stand before the first answer, even on its line.
void Session::ReadLine(std::string_view line) {
  const size_t tag = line.find(nonce_);
  if (tag == std::string_view::npos || (tag != 0 && state_ == State::kOpen)) return;
  line.remove_prefix(tag + nonce_.size());
  if (!line.starts_with('.')) return;
  line.remove_prefix(1);
  const auto request = ParseUnsigned(TakeWord(line));
  if (!request) return;
  const auto open = open_requests_.find(static_cast<uint32_t>(*request));
  if (open == open_requests_.end()) return;
  const std::string_view said = TakeWord(line);
  const auto* const word =
      std::ranges::find(kWords, said, &std::pair<std::string_view, AgentLine::Word>::first);
  if (word == std::end(kWords)) return;
  state_ = State::kOpen;
  if (enrolled_key_.empty()) enrolled_key_ = EnrolledKey(errors_);
  AgentLine answer = {.request = open->first, .word = word->second, .text = std::string(line)};
  if (word->second == AgentLine::Word::kDone) {
    answer.status = static_cast<int>(ParseUnsigned(line).value_or(255));
    open_requests_.erase(open);
  }
  answers_.push_back(std::move(answer));
}

std::vector<AgentLine> Session::TakeAnswers() { return std::exchange(answers_, {}); }

void Session::Kill(std::string_view why) {
  if (state_ == State::kEnded) return;
  process_.Signal(SIGTERM);
  End({std::string(why)});
}

void Session::End(Ending ending) {
  state_ = State::kEnded;
  ending_ = std::move(ending);
  for (Chunk& chunk : outgoing_) {
    if (chunk.secret) Wipe(chunk.own);
  }
  outgoing_.clear();
}

}  // namespace kb::run
