#include <gtest/gtest.h>

#include <algorithm>

#include "unit/tmpl/world.h"

namespace kb::tmpl::test {
namespace {

struct Case {
  std::string_view text;
  std::string_view report;  // how its only line begins
};

class Refuses : public testing::TestWithParam<Case> {};

void PrintTo(const Case& c, std::ostream* out) { *out << c.text; }

TEST_P(Refuses, WithTheCodeThePlaceAndTheHelp) {
  const std::string report = Compiled(GetParam().text).report();
  EXPECT_TRUE(report.starts_with(GetParam().report)) << report;
  EXPECT_EQ(std::ranges::count(report, '\n'), 1) << report;
}

INSTANTIATE_TEST_SUITE_P(
    Templates, Refuses,
    testing::Values(
        Case{"x <%= name ", "KB4001 t:1:3 this `<%` is never closed by `%>`"},
        Case{"<% fro m in members %>",
             "KB4002 t:1:1 `fro` is not a statement | did you mean `for`?"},
        Case{"<% name %>", "KB4002 t:1:1 `name` is not a statement | a hole is written"},
        Case{"<%= %>", "KB4003 t:1:1 this does not read as `<%= PATH %>`"},
        Case{"echo <%= name | upper %>", "KB4003 t:1:6"},
        Case{"<% for m of members %><% end %>",
             "KB4003 t:1:1 this does not read as `for NAME in PATH"},
        Case{"<% for m in members sep , %><% end %>", "KB4003 t:1:1"},
        Case{"<% for m in members sep \"\\x\" %><% end %>", "KB4003 t:1:1"},
        Case{"<% if %><% end %>", "KB4003 t:1:1"},
        Case{"<% if not dcs is raft %><% end %>", "KB4003 t:1:1"},
        Case{"<% if tls and vip %><% end %>", "KB4003 t:1:1"},
        Case{"<% if tls %><% else x %><% end %>", "KB4003 t:1:13 this does not read as `else`"},
        Case{"<% include %>", "KB4003 t:1:1"},
        Case{"echo <%= nmae %>",
             "KB4004 t:1:10 nothing is called `nmae` here | did you mean `name`?"},
        Case{"<% for m in memebrs %><%= m.x.y %><% end %>",
             "KB4004 t:1:13 nothing is called `memebrs`"},
        Case{"<% for m in members %><% end %> echo <%= m.name %>",
             "KB4004 t:1:42 nothing is called `m`"},
        Case{"echo <%= password.flie %>",
             "KB4005 t:1:19 `password` has no field `flie` | did you mean `file`?"},
        Case{"echo <%= password.qqqq %>",
             "KB4005 t:1:19 `password` has no field `qqqq` | there is `file`, `key`"},
        Case{"<% for m in members %> echo <%= m.nam %>\n<% end %>",
             "KB4005 t:1:35 `members` has no field `nam`"},
        Case{"<% for m in members %> echo <%= loop.idx %>\n<% end %>",
             "KB4005 t:1:38 `loop` has no field `idx`"},
        Case{"echo <%= name.x %>", "KB4006 t:1:15 `name` is an atom, so it has no fields"},
        Case{"echo <%= members.name %>", "KB4006 t:1:18 `members` is a list, so it has no fields"},
        Case{"<% for m in name %><% end %>", "KB4007 t:1:13 `name` is an atom, not a list"},
        Case{"<% for m in password %><% end %>",
             "KB4007 t:1:13 `password` is a secret, not a list"},
        Case{"<% if name %><% end %>", "KB4008 t:1:7 `name` is an atom that is always there"},
        Case{"<% if not port %><% end %>", "KB4008 t:1:11 `port` is a number that is always there"},
        Case{"<% if name is raft %><% end %>", "KB4009 t:1:7 `name` is an atom; `is` compares"},
        Case{"<% if dcs is zookeeper %><% end %>",
             "KB4010 t:1:14 `dcs` is never `zookeeper` | it is one of `raft`, `etcd`, `consul`"},
        Case{"echo <%= members %>",
             "KB4011 t:1:10 `members` is a list, which cannot be printed | write a `for` over it"},
        Case{"<% if proxy %> echo <%= proxy %>\n<% end %>",
             "KB4011 t:1:25 `proxy` is a record, which cannot be printed | name one of its fields"},
        Case{"echo <%= password %>",
             "KB4012 t:1:10 `password` is a secret, which is never printed | its place can be: "
             "`password.file`, `password.key`"},
        Case{"echo <%= vip %>",
             "KB4013 t:1:10 `vip` may be absent here | print it inside `<% if vip %>`"},
        Case{"echo <%= proxy.host %>", "KB4013 t:1:10 `proxy.host` may be absent"},
        Case{"<% if proxy %> echo <%= proxy.weight %>\n<% end %>",
             "KB4013 t:1:25 `proxy.weight` may be absent"},
        Case{"<% if vip %><% else %> echo <%= vip %>\n<% end %>", "KB4013 t:1:33"},
        Case{"<% if not vip %> echo <%= vip %>\n<% end %>", "KB4013 t:1:27"},
        Case{"<% if vip %><% end %> echo <%= vip %>", "KB4013 t:1:32"},
        Case{"<% if tls %><% elif vip %><% else %> echo <%= vip %>\n<% end %>", "KB4013 t:1:47"},
        Case{"<% for m in members %> echo <%= m.zone %>\n<% end %>",
             "KB4013 t:1:33 `m.zone` may be absent"},
        Case{"<% if tls %>x\n", "KB4014 t:1:1 this `if` has no `end`"},
        Case{"<% for m in members %>x\n", "KB4014 t:1:1 this `for` has no `end`"},
        Case{"x\n<% end %>", "KB4015 t:2:1 this `end` belongs to no `if` or `for`"},
        Case{"<% else %>", "KB4015 t:1:1 this `else` belongs to no `if`"},
        Case{"<% for m in members %><% else %><% end %>",
             "KB4015 t:1:23 this `else` belongs to no `if`"},
        Case{"<% if tls %><% else %><% elif vip %><% end %>",
             "KB4015 t:1:23 this `elif` belongs to no `if`"},
        Case{"<% include prelude %>", "KB4016 t:1:12 there is no partial `prelude`"},
        Case{"<% for name in members %><% end %>", "KB4019 t:1:8 the name `name` is taken"},
        Case{"<% for loop in members %><% end %>", "KB4019 t:1:8 the name `loop` is taken"}));

TEST(Compile, ReportsEveryMistakeOfATemplateInOneRun) {
  EXPECT_EQ(Compiled("echo <%= nmae %>\necho <%= vip %>\n<%= name %>\n").report(),
            "KB4004 t:1:10 nothing is called `nmae` here | did you mean `name`?\n"
            "KB4013 t:2:10 `vip` may be absent here | print it inside `<% if vip %>`\n"
            "KB4101 t:3:1 `name` cannot stand in the place of a command"
            " | a value must not choose what runs\n");
}

TEST(Compile, RefusesAPartialThatIncludesItself) {
  EXPECT_EQ(
      Compiled("<% include a %>", "shell", {{"a", "<% include b %>"}, {"b", "<% include a %>"}})
          .report(),
      "KB4017 b:1:12 the partial `a` includes itself\n");
}

TEST(Compile, RefusesLoopsThatNestTooDeep) {
  std::string text;
  std::string ends;
  for (int i = 0; i < 17; ++i) {
    text += "<% for m" + std::to_string(i) + " in members %>";
    ends += "<% end %>";
  }
  EXPECT_TRUE(Compiled(text + ends).report().starts_with("KB4018"));
}

TEST(Compile, DoesNotLetAPartialCloseWhatItsIncluderOpened) {
  EXPECT_EQ(
      Compiled("<% if tls %>x\n<% include a %><% end %>", "shell", {{"a", "<% end %>"}}).report(),
      "KB4015 a:1:1 this `end` belongs to no `if` or `for`\n");
}

TEST(Compile, KnowsWhatAnIfHasFoundToBeThere) {
  for (const std::string_view text :
       {"<% if vip %> echo <%= vip %>\n<% end %>",
        "<% if not vip %><% else %> echo <%= vip %>\n<% end %>",
        "<% if not vip %>x\n<% elif tls %> echo <%= vip %>\n<% else %> echo <%= vip %>\n<% end %>",
        "<% if proxy.weight %> echo <%= proxy.host %> <%= proxy.weight %>\n<% end %>",
        "<% if proxy %><% if proxy.weight %> echo <%= proxy.weight %>\n<% end %><% end %>",
        "<% if vip %><% for m in members %> echo <%= vip %>\n<% end %><% end %>",
        "<% for m in members %><% if m.zone %> echo <%= m.zone %>\n<% end %><% end %>"}) {
    EXPECT_EQ(Compiled(text).report(), "") << text;
  }
}

TEST(Compile, ListsWhatATemplateReads) {
  const Compiled compiled(
      "<% for m in members %> echo <%= m.name %> <%= loop.index %> <%= port %>\n<% end %>"
      "<% if proxy.weight %> echo <%= port %>\n<% end %>");
  EXPECT_EQ(compiled.tmpl().reads,
            (std::vector<std::string>{"members", "members.name", "port", "proxy.weight"}));
}

TEST(Compile, CountsOnlyTheTextThatIsAlwaysWritten) {
  EXPECT_EQ(Compiled("echo a\n<% if tls %>echo b\n<% end %>").tmpl().literal_bytes, 7u);
}

}  // namespace
}  // namespace kb::tmpl::test
