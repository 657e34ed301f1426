#include "support/process.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace kb::test {
namespace {

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return std::move(bytes).str();
}

// Daemons such as haproxy live where an ordinary user's PATH does not look.
std::string SearchPath() {
  const char* path = std::getenv("PATH");
  return std::string(path == nullptr ? "/usr/bin:/bin" : path) + ":/usr/sbin:/sbin";
}

[[noreturn]] void Become(const std::vector<std::string>& argv, const std::string& dir) {
  const auto redirect = [&](const char* name, int flags, int onto) {
    const int fd = open((dir + name).c_str(), flags, 0600);
    if (fd < 0 || dup2(fd, onto) < 0) _exit(127);
  };
  redirect("/stdin", O_RDONLY, STDIN_FILENO);
  redirect("/stdout", O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
  redirect("/stderr", O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
  setenv("PATH", SearchPath().c_str(), 1);
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  execvp(words[0], words.data());
  _exit(127);
}

}  // namespace

// Through files and not pipes: no deadlock when both sides write much, and no threads.
Ran Run(const std::vector<std::string>& argv, std::string_view input) {
  const TempDir dir;
  dir.Write("stdin", input);
  const pid_t child = fork();
  if (child == 0) Become(argv, dir.path());
  int state = 0;
  if (child < 0 || waitpid(child, &state, 0) < 0) return {};
  const int status = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
  return {status, ReadAll(dir.path() + "/stdout"), ReadAll(dir.path() + "/stderr")};
}

bool HasProgram(std::string_view name) {
  std::istringstream folders(SearchPath());
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (access((folder + "/" + std::string(name)).c_str(), X_OK) == 0) return true;
  }
  return false;
}

std::vector<std::string> SplitNul(std::string_view text) {
  std::vector<std::string> parts;
  for (size_t end; (end = text.find('\0')) != std::string_view::npos; text.remove_prefix(end + 1)) {
    parts.emplace_back(text.substr(0, end));
  }
  return parts;
}

TempDir::TempDir() {
  std::string name = (std::filesystem::temp_directory_path() / "kbgen-test-XXXXXX").string();
  if (mkdtemp(name.data()) != nullptr) path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

std::string TempDir::Write(std::string_view name, std::string_view bytes) const {
  const std::string path = path_ + "/" + std::string(name);
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

}  // namespace kb::test
