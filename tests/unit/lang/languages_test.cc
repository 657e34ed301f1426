#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "lang/language.h"

namespace kb::lang {
namespace {

// What means something to at least one language, so that random texts of it go everywhere.
constexpr std::array<std::string_view, 76> kPieces = {"'",
                                                      "\"",
                                                      "`",
                                                      "\\",
                                                      "$",
                                                      "${",
                                                      "}",
                                                      "$(",
                                                      ")",
                                                      "(",
                                                      "\n",
                                                      "\t",
                                                      " ",
                                                      "#",
                                                      " #",
                                                      ";",
                                                      ":",
                                                      ": ",
                                                      "%",
                                                      "*",
                                                      "[",
                                                      "]",
                                                      "{",
                                                      "|",
                                                      "> ",
                                                      "<",
                                                      "-",
                                                      "- ",
                                                      "--",
                                                      "=",
                                                      "/*",
                                                      "*/",
                                                      ",",
                                                      "a",
                                                      "0",
                                                      "key: ",
                                                      "|\n",
                                                      "  ",
                                                      "ENV a=",
                                                      "RUN [",
                                                      "CMD ",
                                                      "\nExecStart=/x ",
                                                      "Environment=",
                                                      "[databases]\n",
                                                      "x = host=",
                                                      "SELECT ",
                                                      "E'",
                                                      "$$",
                                                      "```",
                                                      "](",
                                                      "<!--",
                                                      "-->",
                                                      "http-request ",
                                                      "log-format ",
                                                      "\\\n",
                                                      "if",
                                                      "<<EOF\n",
                                                      "EOF\n",
                                                      "é",
                                                      "? ",
                                                      "---\n",
                                                      "&x ",
                                                      "\\u12",
                                                      "@",
                                                      "sentinel auth-pass m \"",
                                                      "x = '",
                                                      "<<\"",
                                                      ">>",
                                                      "wsrep_provider_options=\"",
                                                      "admin_credentials=\"",
                                                      "SET admin-admin_credentials='",
                                                      "a IN TXT \"",
                                                      "$GENERATE ",
                                                      "amqp://",
                                                      "x'",
                                                      "%2"};

class Dice {
 public:
  explicit Dice(uint32_t seed) : state_(seed * 2654435761u + 1) {}
  uint32_t Below(uint32_t bound) {
    state_ ^= state_ << 13, state_ ^= state_ >> 17, state_ ^= state_ << 5;
    return state_ % bound;
  }

 private:
  uint32_t state_;
};

std::string RandomText(Dice& dice) {
  std::string text;
  for (uint32_t left = 1 + dice.Below(12); left > 0; --left) {
    text += kPieces[dice.Below(kPieces.size())];
  }
  return text;
}

// A template cuts its literal text wherever a statement stands.
TEST(Languages, ReadTheSameHoweverTheTextIsCut) {
  for (const Language* language : All()) {
    for (uint32_t seed = 0; seed < 400; ++seed) {
      Dice dice(seed);
      const std::string text = RandomText(dice);
      const Context whole = language->advance({}, text);
      for (size_t cut = 0; cut <= text.size(); ++cut) {
        const Context begun = language->advance({}, text.substr(0, cut));
        const Context joined = language->advance(begun, text.substr(cut));
        // Some languages refuse to be cut in certain places, and say so.
        if (!language->broken(joined).empty()) continue;
        ASSERT_EQ(joined, whole) << language->name << " cut at " << cut << ": "
                                 << testing::PrintToString(text);
      }
    }
  }
}

// Wherever a text leads, a hole there is admitted or refused with a reason, and described.
TEST(Languages, AnswerForEveryPlace) {
  constexpr ValueClass kClasses[] = {ValueClass::kAtom, ValueClass::kInt, ValueClass::kBool,
                                     ValueClass::kText};
  for (const Language* language : All()) {
    for (uint32_t seed = 0; seed < 5000; ++seed) {
      Dice dice(seed);
      std::string text = RandomText(dice);
      Context at = language->advance({}, text);
      for (int holes = 0; holes < 2; ++holes) {
        for (const ValueClass value : kClasses) {
          const Fit fit = language->admit(at, value);
          ASSERT_NE(fit.escape == nullptr, fit.refusal.empty()) << language->name << ": " << text;
          if (fit.escape == nullptr) continue;
          std::string out = text;
          fit.escape(value == ValueClass::kBool ? "true" : "5", at, out);
        }
        ASSERT_FALSE(language->describe(at).empty()) << language->name << ": " << text;
        at = language->advance(language->after_hole(at), RandomText(dice));
      }
    }
  }
}

TEST(Languages, RefuseANulInEveryText) {
  constexpr std::string_view kNul("a\0b", 3);
  for (const Language* language : All()) {
    for (uint32_t seed = 0; seed < 2000; ++seed) {
      Dice dice(seed);
      const std::string text = RandomText(dice);
      const Context at = language->advance({}, text);
      const Fit fit = language->admit(at, ValueClass::kText);
      if (fit.escape == nullptr) continue;
      std::string out = text;
      // A comment may put a blank in its place; no NUL ever comes out.
      if (!fit.escape(kNul, at, out).empty()) continue;
      ASSERT_EQ(out.find('\0'), std::string::npos) << language->name << ": " << text;
    }
  }
}

TEST(Languages, AreSuggestedByTheNameOfAFile) {
  struct Case {
    std::string_view file, language;
  };
  for (const Case& c : {Case{"x.yaml", "yaml"},
                        Case{"a/b/values.yml", "yaml"},
                        Case{"kb-redis.service", "systemd"},
                        Case{"backup.timer", "systemd"},
                        Case{"data.mount", "systemd"},
                        Case{"haproxy.cfg", "haproxy"},
                        Case{"pgbouncer.ini", "pgbouncer"},
                        Case{"other.ini", "ini"},
                        Case{"userlist.txt", "userlist"},
                        Case{"notes.txt", "text"},
                        Case{"init.sql", "sql"},
                        Case{"images/x/Dockerfile", "dockerfile"},
                        Case{"x.json", "json"},
                        Case{"README.md", "markdown"},
                        Case{"kb.nft", "nft"},
                        Case{"redis.env", "dockerenv"},
                        Case{"sshd_config", "sshd"},
                        Case{"x.sh", "shell"},
                        Case{"redis.conf", "redis"},
                        Case{"sentinel.conf", "redis"},
                        Case{"kb.redis.conf", "redis"},
                        Case{"other.conf", "conf"},
                        Case{"rabbitmq.conf", "rabbitmq"},
                        Case{"advanced.config", "erlang"},
                        Case{"x.erl-term", "erlang"},
                        Case{"my.cnf", "mycnf"},
                        Case{"60-galera.cnf", "mycnf"},
                        Case{"proxysql.cnf", "libconfig"},
                        Case{"users.mysql.sql", "mysql"},
                        Case{"admin.sqlite.sql", "sqlite"},
                        Case{"kb.internal.zone", "zone"},
                        Case{"kb.url", "url"}}) {
    const Language* language = ForFileName(c.file);
    ASSERT_NE(language, nullptr) << c.file;
    EXPECT_EQ(language->name, c.language) << c.file;
  }
  EXPECT_EQ(ForFileName("x.unknown"), nullptr);
}

TEST(Languages, AreFoundByTheirNames) {
  for (const Language* language : All()) EXPECT_EQ(Find(language->name), language);
  EXPECT_EQ(Find("cobol"), nullptr);
}

}  // namespace
}  // namespace kb::lang
