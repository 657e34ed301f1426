// Estate: a folder with a small topology and a module of its own, and kbgen run in it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/files.h"
#include "cli/main.h"
#include "support/process.h"

namespace kb::cli {

class EstateTest : public testing::Test {
 protected:
  struct Ran {
    int status;
    std::string out, err;
  };

  EstateTest() : old_(std::filesystem::current_path()) {
    std::filesystem::current_path(dir_.path());
    Put("modules/90-echo/module.yaml",
        "kbgen: 1\nmodule: echo\nlabel: \"90\"\nsummary: Says something.\nowns: [firewall, host]\n"
        "settings:\n"
        "  word: {type: name, default: hello, help: What it says.}\n"
        "artifacts:\n"
        "  - {template: echo.sh.erb, path: /etc/echo.sh, mode: \"0755\"}\n");
    Put("modules/90-echo/echo.sh.erb",
        "#!/bin/bash\n# A comment.\necho <%= settings.word %> <%= self.name %>\n");
    Put("modules/90-echo/README.md", "# echo\n");
    Put("model/topology.yaml",
        "kbgen: 1\nname: test\ninventory: ../inventory.tsv\nversions: versions.yaml\n"
        "credentials: credentials.yaml\n"
        "network: {private: 10.0.0.0/24, domain: example.com, resolvers: [9.9.9.9]}\n"
        "install: {host: a-01, root: /opt/test}\nos: {default: debian-12}\n"
        "services:\n"
        "  echo:\n"
        "    module: echo\n"
        "    nodes: {all: true, expect: 2}\n"
        "    settings:\n"
        "      word: bonjour\n");
    Put("model/versions.yaml", "images: {}\npackages: {}\n");
    Put("model/credentials.yaml", "credentials: {}\n");
    Put("inventory.tsv",
        "ENV\tIP_PUBLIQUE\tHOSTNAME\tIP_PRIVEE\tFQDN\tUSER_SSH\tPOOL\tROLE\tSUBROLE\tDOCKER_"
        "STACK\tCORE\tNOTES\n"
        "prod\t203.0.113.1\ta-01\t10.0.0.1\ta-01.example.com\troot\tp\tr\ts\tnone\tyes\tone\n"
        "prod\t203.0.113.2\tb-01\t10.0.0.2\tb-01.example.com\troot\tp\tr\ts\tnone\tyes\ttwo\n");
  }
  ~EstateTest() override { std::filesystem::current_path(old_); }

  static void Put(const std::string& path, std::string_view bytes) {
    ASSERT_TRUE(WriteFileAtomically(path, bytes, 0644));
  }
  static std::string Get(const std::string& path) { return ReadFile(path).value_or("(no file)"); }

  static Ran Kbgen(std::vector<std::string> words) {
    words.insert(words.begin(), "kbgen");
    std::vector<const char*> argv;
    for (const std::string& word : words) argv.push_back(word.c_str());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int status = Main(static_cast<int>(argv.size()), argv.data());
    Ran ran = {status, testing::internal::GetCapturedStdout(),
               testing::internal::GetCapturedStderr()};
    return ran;
  }
  // With the module of this estate.
  static Ran KbgenHere(std::vector<std::string> words) {
    words.insert(words.end(), {"--modules", "modules"});
    return Kbgen(std::move(words));
  }

  test::TempDir dir_;

 private:
  std::filesystem::path old_;
};

}  // namespace kb::cli
