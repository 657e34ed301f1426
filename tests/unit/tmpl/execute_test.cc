#include <gtest/gtest.h>

#include "support/hostile_values.h"
#include "unit/tmpl/world.h"

namespace kb::tmpl::test {
namespace {

struct Case {
  std::string_view text;
  std::string_view full;    // rendered with everything there
  std::string_view sparse;  // and with nothing optional
};

TEST(Execute, RendersEachStatement) {
  const Case cases[] = {
      {"echo <%= name %> <%= port %> <%= tls %>\n", "echo redis 6379 true\n",
       "echo redis 6379 false\n"},
      {"echo <%= note %>\n", "echo 'a note'\n", "echo 'a note'\n"},
      {"<% for m in members %>\necho <%= m.name %>\n<% end %>\n", "echo a\necho b\n",
       "echo a\necho b\n"},
      {"x=\"<% for m in members sep \", \" %><%= m.name %><% end %>\"\n", "x=\"a, b\"\n",
       "x=\"a, b\"\n"},
      {"<% for m in members sep \"\\n# --\\n\" %>x <%= m.port %><% end %>\n", "x 1\n# --\nx 2\n",
       "x 1\n# --\nx 2\n"},
      {"x=\"<% for h in hosts sep \"%>\" %><%= h %><% end %>\"\n", "x=\"h1%>h2%>h3\"\n",
       "x=\"\"\n"},
      {"<% for m in members %><% for t in m.tags %>x <%= m.name %> <%= t %>\n<% end %><% end %>",
       "x a 'x y'\nx a z\nx b 'x y'\nx b z\n", "x a 'x y'\nx a z\nx b 'x y'\nx b z\n"},
      {"<% for h in hosts %>x <%= loop.index %> <%= loop.first %> <%= loop.last %>\n<% end %>",
       "x 1 true false\nx 2 false false\nx 3 false true\n", ""},
      {"<% for m in members %><% if not loop.last %>x <%= m.name %>\n<% end %><% end %>", "x a\n",
       "x a\n"},
      {"<% if tls %>\na\n<% else %>\nb\n<% end %>\n", "a\n", "b\n"},
      {"<% if not tls %>\na\n<% else %>\nb\n<% end %>\n", "b\n", "a\n"},
      {"<% if vip %>x <%= vip %>\n<% elif tls %>y\n<% else %>z\n<% end %>", "x 10.0.0.10\n", "z\n"},
      {"<% if not vip %>x\n<% elif tls %>y <%= vip %>\n<% end %>", "y 10.0.0.10\n", "x\n"},
      {"<% if dcs is raft %>r\n<% end %><% if dcs is not raft %>n\n<% end %>", "r\n", "r\n"},
      {"<% if dcs is etcd %>e\n<% elif dcs is raft %>r\n<% end %>", "r\n", "r\n"},
      {"<% if hosts %>h\n<% end %>", "h\n", ""},
      {"<% if proxy.weight %>w <%= proxy.weight %>\n<% end %>", "w 5\n", ""},
      {"<% if comment %># <%= comment %>\n<% end %>", "# say \"hi\"\n", ""},
      {". <%= password.file %>\n", ". /etc/kb/redis.env\n", ". /etc/kb/redis.env\n"},
  };
  for (const Case& c : cases) {
    Compiled compiled(c.text);
    EXPECT_EQ(compiled.Render(Filling::kFull), c.full) << c.text;
    EXPECT_EQ(compiled.Render(Filling::kSparse), c.sparse) << c.text;
  }
}

TEST(Execute, TakesTheLineOfAStatementThatIsAloneOnItAndNoOther) {
  const Case cases[] = {
      {"a\n  <% if tls %>  \n  b\n  <% end %>\nc\n", "a\n  b\nc\n", "a\nc\n"},
      {"a\n<%# a note\n over two lines %>\nb\n", "a\nb\n", "a\nb\n"},
      {"a <%# a note %>\n", "a \n", "a \n"},
      {"a<% if tls %> b<% end %>\nc\n", "a b\nc\n", "a\nc\n"},
      {"<% if tls %><% end %>\na\n", "\na\n", "\na\n"},
      {"a\n<% if tls %>\nb\n<% end %>", "a\nb\n", "a\n"},
      {"echo '<%% if x %>'\n", "echo '<% if x %>'\n", "echo '<% if x %>'\n"},
      {"x <%= name %>\ny\n", "x redis\ny\n", "x redis\ny\n"},
  };
  for (const Case& c : cases) {
    Compiled compiled(c.text);
    EXPECT_EQ(compiled.Render(Filling::kFull), c.full) << c.text;
    EXPECT_EQ(compiled.Render(Filling::kSparse), c.sparse) << c.text;
  }
}

TEST(Execute, RendersAPartialInTheScopeOfItsIncluder) {
  Compiled compiled(
      "#!/bin/bash\n<% include lib/set %>\n<% for m in members %>\n<% include one %>\n<% end %>\n",
      "shell", {{"lib/set", "set -e\n"}, {"one", "x <%= m.name %>\n"}});
  EXPECT_EQ(compiled.Render(), "#!/bin/bash\nset -e\nx a\nx b\n");
}

TEST(Execute, ReportsAValueThatCannotBeWrittenAtTheModelAndNamesTheHole) {
  EXPECT_EQ(
      Compiled("echo <%= note %>\n").Render(Filling::kFull, "-rf"),
      "KB5001 model.yaml:1:1 the value cannot be written: it begins with `-` and would be read "
      "as an option > t:1:6 it is printed here, as an argument\n");
  EXPECT_EQ(Compiled("echo -- <%= note %>\n").Render(Filling::kFull, "-rf"), "echo -- '-rf'\n");
  EXPECT_EQ(
      Compiled("echo \"<%= note %>\"\n").Render(Filling::kFull, kb::test::kWithNul).substr(0, 6),
      "KB5001");
}

TEST(Execute, TracesEveryByteToItsTemplateAndItsModel) {
  Compiled compiled("echo <%= note %> <%= name %>\n");
  std::vector<Segment> trace;
  const std::string out = compiled.Render(Filling::kFull, "a note", &trace);
  std::string seen;
  for (const Segment& segment : trace) {
    seen += fmt::format("{} {} {}\n", segment.out_begin, compiled.Where(segment.tmpl),
                        compiled.Where(segment.model));
  }
  EXPECT_EQ(seen,
            "0 t:1:1 nowhere\n5 t:1:6 model.yaml:1:1\n13 t:1:17 nowhere\n14 t:1:18 nowhere\n"
            "19 t:1:29 nowhere\n");
}

TEST(Execute, AppendsToWhatIsThere) {
  Compiled compiled("x\n");
  Arena arena;
  std::string out = "before\n";
  Diagnostics diags;
  EXPECT_TRUE(Execute(compiled.tmpl(), Scope(arena, Filling::kFull, "", {}), out, nullptr, diags));
  EXPECT_EQ(out, "before\nx\n");
}

TEST(ExecuteDeathTest, StopsWhenAScopeBreaksThePromiseOfItsType) {
  Compiled compiled("echo <%= name %>\n");
  Arena arena;
  RecordBuilder scope(*ScopeType(), arena);
  EXPECT_DEATH(scope.Set("nobody", Value::Int(1)), "internal error");
  EXPECT_DEATH(scope.Finish(), "internal error");
  std::vector<Value> fields(ScopeType()->fields.size(), Value::Text("$(id)"));
  std::string out;
  Diagnostics diags;
  EXPECT_DEATH((void)Execute(compiled.tmpl(), Value::Record(fields), out, nullptr, diags),
               "internal error");
}

}  // namespace
}  // namespace kb::tmpl::test
