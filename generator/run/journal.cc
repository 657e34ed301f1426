#include "run/journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "base/files.h"
#include "base/strings.h"
#include "run/state.h"
#include "write/posix.h"

namespace kb::run {
namespace {

using nlohmann::ordered_json;

const std::string kFirstPrev(2 * sizeof(Sha256), '0');

// The members that are texts, in the order of the line; status and took stand behind `result`.
struct Member {
  const char* key;
  std::string Record::* text;
};
constexpr std::array<Member, 10> kBefore{{{"time", &Record::time},
                                          {"run", &Record::run},
                                          {"who", &Record::who},
                                          {"event", &Record::event},
                                          {"host", &Record::host},
                                          {"service", &Record::service},
                                          {"step", &Record::step},
                                          {"tree", &Record::tree},
                                          {"input", &Record::input},
                                          {"result", &Record::result}}};

// A file that was just made is lost in a power cut unless its folder is synced as well.
Result<void> SyncFolder(const std::string& path) {
  const std::string folder = DirectoryOf(path);
  const write::Fd fd(
      open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.ok() || fsync(fd.get()) != 0) return write::SystemError("sync", folder);
  return {};
}

}  // namespace

std::string LineOf(const Record& record) {
  ordered_json line;
  line["seq"] = record.seq;
  for (const Member& member : kBefore) {
    if (const std::string& text = record.*member.text; !text.empty()) line[member.key] = text;
  }
  if (record.status) line["status"] = *record.status;
  if (record.took) line["took"] = *record.took;
  line["prev"] = record.prev;
  return line.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

Result<Record> ParseRecord(std::string_view line) {
  const auto json = ordered_json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Fail("is not a record");
  Record record;
  size_t read = 0;
  const auto wrong = [](std::string_view key) { return Fail(fmt::format("`{}` is wrong", key)); };
  for (const Member& member : kBefore) {
    const auto found = json.find(member.key);
    if (found == json.end()) continue;
    if (!found->is_string()) return wrong(member.key);
    record.*member.text = found->get<std::string>();
    ++read;
  }
  const auto seq = json.find("seq");
  const auto prev = json.find("prev");
  if (seq == json.end() || !seq->is_number_unsigned()) return wrong("seq");
  if (prev == json.end() || !prev->is_string()) return wrong("prev");
  record.seq = seq->get<uint64_t>();
  record.prev = prev->get<std::string>();
  read += 2;
  if (const auto status = json.find("status"); status != json.end()) {
    if (!status->is_number_integer()) return wrong("status");
    record.status = status->get<int>();
    ++read;
  }
  if (const auto took = json.find("took"); took != json.end()) {
    if (!took->is_number_unsigned()) return wrong("took");
    record.took = took->get<uint64_t>();
    ++read;
  }
  if (read != json.size()) return Fail("has a member that records do not have");
  return record;
}

std::optional<std::string> History::interrupted() const {
  std::optional<std::string> run;
  for (const Record& record : records) {
    if (record.event == "run-begin") run = record.run;
    if (record.event == "run-end" && run == record.run) run.reset();
  }
  return run;
}

Result<History> ParseJournal(std::string_view text) {
  History history{.last = kFirstPrev};
  while (true) {
    const size_t end = text.find('\n', history.whole);
    if (end == std::string_view::npos) break;
    const std::string_view line = text.substr(history.whole, end - history.whole);
    const size_t number = history.records.size() + 1;
    auto record = ParseRecord(line);
    if (!record) {
      return std::unexpected(std::move(record).error().Within(fmt::format("line {}", number)));
    }
    if (record->seq != number) {
      return Fail(
          fmt::format("line {}: has the number {}: lines are missing", number, record->seq));
    }
    if (record->prev != history.last) {
      return Fail(
          fmt::format("line {}: `prev` is not the digest of line {}: one of them was changed",
                      number, number - 1));
    }
    history.records.push_back(std::move(*record));
    history.last = Hex(Digest(line));
    history.whole = end + 1;
  }
  history.torn = text.size() - history.whole;
  return history;
}

Journal::Journal(int fd, History history)
    : fd_(fd), history_(std::move(history)), seq_(history_.records.size()), last_(history_.last) {}

Journal::Journal(Journal&& other) noexcept { *this = std::move(other); }

Journal& Journal::operator=(Journal&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(history_, other.history_);
  std::swap(seq_, other.seq_);
  std::swap(last_, other.last_);
  std::swap(was_torn_, other.was_torn_);
  std::swap(broken_, other.broken_);
  return *this;
}

Journal::~Journal() {
  if (fd_ >= 0) close(fd_);
}

Result<Journal> Journal::Open(const std::string& path, const Record& now) {
  if (auto folder = MakeStateFolder(DirectoryOf(path)); !folder) {
    return std::unexpected(std::move(folder).error());
  }
  write::Fd fd(open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd.ok()) return write::SystemError("open", path);
  struct stat status;
  if (fstat(fd.get(), &status) != 0) return write::SystemError("read", path);
  if (!S_ISREG(status.st_mode)) {
    return Fail(fmt::format("the journal `{}` is not a regular file", path));
  }
  KB_TRY(text, ReadFile(path));
  auto history = ParseJournal(text);
  if (!history) {
    Error error = std::move(history).error().Within(fmt::format("the journal `{}`", path));
    error.message += ". Nothing was changed: put the file aside once you know why";
    return std::unexpected(std::move(error));
  }
  if (text.empty()) {
    if (auto synced = SyncFolder(path); !synced) return std::unexpected(std::move(synced).error());
  }
  const size_t torn = history->torn;
  if (torn > 0 && ftruncate(fd.get(), static_cast<off_t>(history->whole)) != 0) {
    return write::SystemError("cut", path);
  }
  Journal journal(fd.Release(), std::move(*history));
  journal.was_torn_ = torn > 0;
  if (torn > 0) {
    Record record = now;
    record.event = "torn";
    if (auto written = journal.Append(std::move(record)); !written) {
      return std::unexpected(std::move(written).error());
    }
  }
  return journal;
}

Result<void> Journal::Append(Record record) {
  if (broken_) return Fail("the journal could not be written before");
  record.seq = seq_ + 1;
  record.prev = last_;
  std::string line = LineOf(record);
  std::string digest = Hex(Digest(line));
  // One write, so that other readers see whole lines.
  if (!write::WriteAll(fd_, line + '\n') || fdatasync(fd_) != 0) {
    broken_ = true;
    return write::SystemError("write", kJournalName);
  }
  seq_ = record.seq;
  last_ = std::move(digest);
  return {};
}

}  // namespace kb::run
