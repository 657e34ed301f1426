#include <gtest/gtest.h>

#include <algorithm>

#include "unit/tmpl/world.h"

namespace kb::tmpl::test {
namespace {

struct Case {
  std::string_view text;
  std::string_view report;  // how its only line begins; empty: it is proved
};

void Check(std::string_view language, std::initializer_list<Case> cases) {
  for (const Case& c : cases) {
    const std::string report = Compiled(c.text, language).report();
    if (c.report.empty()) {
      EXPECT_EQ(report, "") << c.text;
      continue;
    }
    EXPECT_TRUE(report.starts_with(c.report)) << c.text << '\n' << report;
    EXPECT_EQ(std::ranges::count(report, '\n'), 1) << report;
  }
}

TEST(Proof, RefusesAHoleWhereNoValueMayStandAndSaysWhere) {
  Check("shell",
        {{"<%= note %> x\n",
          "KB4101 t:1:1 `note` cannot stand in the place of a command | a value must not choose"},
         {"echo $(cat <%= name %>)\n",
          "KB4101 t:1:12 `name` cannot stand inside `$( )` | bash reads"},
         {"echo $<%= name %>\n",
          "KB4101 t:1:7 `name` cannot stand behind a `$` | the character before"},
         {"if <%= name %>; then x; fi\n", "KB4101 t:1:4"},
         {"x; <%= port %>\n", "KB4101 t:1:4"}});
  Check("json", {{"{<%= name %>: 1}", "KB4101 t:1:2 `name` cannot stand where a key is due"}});
  Check("text", {{"<%= note %>", "KB4101 t:1:1 `note` cannot stand in plain text"},
                 {"<%= name %> <%= port %> <%= tls %>", ""}});
}

TEST(Proof, RefusesBranchesThatEndInDifferentPlacesWhereThatMatters) {
  Check("shell",
        {{"echo <% if tls %>\"<% end %><%= note %>\n",
          "KB4102 t:1:6 the branches of this `if` end in different places > t:1:28 the text before "
          "this ends "},
         {"<% if tls %>echo <% else %>exit <% end %><%= name %>\n", ""},
         {"<% if tls %>echo <% end %><%= name %>\n", "KB4102 t:1:1"},
         {"<% if tls %>echo a<% end %>\n", ""},
         {"echo<% if tls %> -x<% end %><% if vip %> <%= vip %><% end %> <%= note %>\n", ""},
         {"echo '<% if tls %>a' b<% end %>\n", "KB4102 t:1:7"},
         {"echo <% if tls %>-- <% end %><%= note %>\n", "KB4102 t:1:6"},
         {"echo <% if tls %>-- <% end %><%= name %>\n", ""}});
  Check("json", {{"{\"a\": 1<% if tls %>, \"b\": <%= port %><% end %>}", ""},
                 {"{\"a\": <% if tls %>1<% else %>\"<% end %>}", "KB4102 t:1:7"},
                 {"[<% if tls %>1<% elif vip %>2<% else %>3<% end %>]", ""}});
}

TEST(Proof, RefusesALoopThatDoesNotEndWhereItBegan) {
  Check("shell", {{"echo <% for m in members %>'<%= m.note %><% end %>\n", "KB4103 t:1:6"},
                  {"echo <% for m in members %>'<%= m.note %>' <% end %>\n", ""},
                  {"x=<% for m in members sep \",\" %><%= m.name %>:<%= m.port %><% end %>\n", ""},
                  {"x=\"<% for m in members sep \", \" %><%= m.note %><% end %>\"\n", ""},
                  {"echo <% for m in members sep \" \" %><%= m.note %><% end %>\n", ""},
                  {"echo <% for m in members sep \";\" %><%= m.note %><% end %>\n", "KB4103"},
                  {"echo <% for m in members sep \",\" %><%= m.note %><% end %>\n", "KB4103"},
                  {"echo <% for m in members sep \",\" %><%= m.name %><% end %>\n", ""},
                  {"<% for m in members %>echo \"$(<% end %>\n", "KB4106"}});
  Check("json",
        {{"[<% for m in members sep \", \" %>\"<%= m.note %>\"<% end %>]", ""},
         {"{<% for m in members sep \",\\n\" %>\"<%= m.name %>\": <%= m.port %><% end %>}", ""},
         {"[<% for m in members %><%= m.port %><% end %>]", "KB4103 t:1:2"},
         {"[<% for m in members sep \" \" %><%= m.port %><% end %>]", "KB4103 t:1:2"},
         {"[<% for m in members sep \", \" %>[<%= m.port %><% end %>]", "KB4103"}});
}

TEST(Proof, RefusesAFileThatEndsInTheWrongPlace) {
  Check("shell", {{"echo 'a\n", "KB4104 t:1:8 the file ends inside single quotes"},
                  {"echo $(a\n", "KB4104 t:1:9 the file ends inside `$( )`"},
                  {"<% if tls %>echo 'a<% else %>echo 'b<% end %>\n", "KB4104"}});
  Check("json", {{"{\"a\": 1\n", "KB4104"}, {"", "KB4104"}});
}

TEST(Proof, RefusesAPartialThatEndsNeitherAtRestNorWhereItBegan) {
  const std::map<std::string, std::string, std::less<>> partials = {
      {"open", "echo 'a"}, {"whole", "echo <%= name %>\n"}, {"word", "<%= name %>"}};
  EXPECT_EQ(Compiled("<% include open %>'\n", "shell", partials).report(),
            "KB4105 t:1:1 the partial `open` ends inside single quotes\n");
  EXPECT_EQ(Compiled("<% include whole %>\n", "shell", partials).report(), "");
  EXPECT_EQ(Compiled("echo \"<% include word %>\"\n", "shell", partials).report(), "");
  EXPECT_EQ(Compiled("<% include word %>\n", "shell", partials).report(),
            "KB4101 word:1:1 `name` cannot stand in the place of a command"
            " | a value must not choose what runs\n");
}

TEST(Proof, SaysWhereItIsLost) {
  Check("shell", {{"cat <<EOF\n<% if tls %>x<% end %>\nEOF\n",
                   "KB4106 t:1:10 what follows cannot be proved: a here-document is not closed"},
                  {"cat <<EOF\n<%= note %>\nEOF\n", "KB4106 t:1:10"},
                  {"cat <<EOF\nx\nEOF\necho <%= note %>\n", ""},
                  {"echo <%= port %>>file\n", "KB4106"}});
  Check("json", {{"[<%= port %>0]", "KB4106"}});
}

}  // namespace
}  // namespace kb::tmpl::test
