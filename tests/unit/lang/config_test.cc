#include "unit/lang/fill.h"

// Files that servers read. That the real readers agree is what the oracles show.
namespace kb::lang::test {
namespace {

constexpr ValueClass kAtom = ValueClass::kAtom;
constexpr ValueClass kInt = ValueClass::kInt;
constexpr ValueClass kBool = ValueClass::kBool;
constexpr std::string_view kToken = "@@redis.env:REDIS_PASSWORD@@";

TEST(Redis, WritesArguments) {
  ExpectFilled(
      "redis",
      {
          {"requirepass \"<v>\"\n", "a \"b\"\\\n\x01",
           R"(requirepass "a \"b\"\\\n\x01")"
           "\n"},
          {"requirepass '<v>'\n", "it's \\x", "requirepass 'it\\'s \\x'\n"},
          {"requirepass '<v>'\n", "x\\", "! in '…' a backslash"},
          {"requirepass <v>\n", kToken, "requirepass @@redis.env:REDIS_PASSWORD@@\n", kAtom},
          {"requirepass \"<v>\"\n", kToken, "requirepass \"@@redis.env:REDIS_PASSWORD@@\"\n",
           kAtom},
          {"requirepass <v>\n", "x", "! put the whole value between double quotes"},
          {"maxmemory <v>mb\n", "512", "maxmemory 512mb\n", kInt},
          {"appendonly <v>\n", "true", "appendonly yes\n", kBool},
          {"user kb on >\"<v>\"\n", "a b", "user kb on >\"a b\"\n"},
          {"# \"<v>\n", "a\nb", "# \"a b\n"},
          {"<v> \"x\"\n", "hz", "hz \"x\"\n", kAtom},
          {"<v> x\n", "hz", "! directives are literal"},
          {"<v> x\n", "Include", "! this directive must be written out", kAtom},
          {"h<v> x\n", "z", "! directives are literal", kAtom},
          {"x \"a\"<v>\n", "5", "! a value must not touch", kInt},
          {"x \"<v>\"y\n", "x", "! an argument ends where"},
          {"x \"<v>\n\"\n", "x", "! a quote must be closed"},
          {"x \"\\<v>\"\n", "x", "! the backslash before it"},
          {"include \"<v>\"\n", "/etc/*", "! the name of a file"},
      });
}

TEST(Redis, WritesForSentinelOnlyWhatComesBackWithoutQuotes) {
  for (const std::string_view value : {"", "a b", "it's", "a\"b", "a\n"}) {
    EXPECT_TRUE(Fill("redis", "Sentinel auth-pass m \"<v>\"\n", value, ValueClass::kText)
                    .starts_with("! Sentinel writes"))
        << value;
  }
  ExpectFilled("redis",
               {{"sentinel auth-pass m \"<v>\"\n", "a\\b#$", "sentinel auth-pass m \"a\\\\b#$\"\n"},
                {"sentinelx \"<v>\"\n", "a b", "sentinelx \"a b\"\n"}});
}

TEST(Rabbitmq, WritesValues) {
  ExpectFilled("rabbitmq", {
                               {"cluster_name = <v>\n", "Big \"Q\" 100% it's $x",
                                "cluster_name = Big \"Q\" 100% it's $x\n"},
                               {"default_pass = <v>\n", "@@x.env:KEY@@",
                                "default_pass = @@x.env:KEY@@\n", kAtom},
                               {"nodes.<v> = rabbit@a\n", "1", "nodes.1 = rabbit@a\n", kInt},
                               {"a.<v>.b = 1\n", "x.y", "! a word of a key", kAtom},
                               {"<v> = 1\n", "log.console.level", "log.console.level = 1\n", kAtom},
                               {"<v> = 1\n", "log..level", "! a key has a word before", kAtom},
                               {"<v> = 1\n", "log.a:b", "! a word of a key", kAtom},
                               {"a.<v>.b = 1\n", "x", "! a key is made of atoms"},
                               {"x = <v>\n", "", "! RabbitMQ has no empty values"},
                               {"x = <v>\n", " a", "! blanks"},
                               {"x = <v>\n", "a#b", "! `#` begins a comment"},
                               {"x = <v>\n", "a $(b)", "! RabbitMQ would read `$(`"},
                               {"x = $<v>\n", "(b)", "! RabbitMQ would read `$(`"},
                               {"x = <v>(b)\n", "$", "! RabbitMQ would read `$(`"},
                               {"x = <v>\n", "'a'", "! RabbitMQ's releases differ"},
                               {"x = a<v>\n", "'b'", "x = a'b'\n"},
                               {"x = '<v>'\n", "a", "! RabbitMQ's releases differ"},
                               {"x = <v>\n", "encrypted:x", "! RabbitMQ would take it"},
                               {"x = <v>\n", "é", "! RabbitMQ's releases differ"},
                               {"x = a # <v>\n", "a\nb#", "x = a # a b#\n"},
                               {"x = <v>\n", "false", "x = false\n", kBool},
                           });
}

TEST(Erlang, WritesTerms) {
  ExpectFilled("erlang", {
                             {"[{a, \"<v>\"}].\n", "it's \"é\" \\ 𝄞\n\x01",
                              R"([{a, "it's \"\x{e9}\" \\ \x{01d11e}\n\x{01}"}].)"
                              "\n"},
                             {"[{a, '<v>'}].\n", "it's é", "[{a, 'it\\'s \\x{e9}'}].\n"},
                             {"[<<\"<v>\">>].\n", "é\"", "[<<\"\\x{c3}\\x{a9}\\\"\">>].\n"},
                             {"[<<\"<v>\" /utf8>>].\n", "é", "! a value in a binary"},
                             {"[<<\"a\"/utf8>>, <<\"<v>\">>, 5/a].\n", "é",
                              "[<<\"a\"/utf8>>, <<\"\\x{c3}\\x{a9}\">>, 5/a].\n"},
                             {"[$\", \"<v>\"].\n", "%", "[$\", \"%\"].\n"},
                             {"[$\\\", \"<v>\"].\n", "%", "[$\\\", \"%\"].\n"},
                             {"[$<v>].\n", "5", "! behind `$`", kInt},
                             {"[{a, <v>}].\n", "x", "! outside of quotes", kAtom},
                             {"[{a, <v>}].\n", "-5", "[{a, -5}].\n", kInt},
                             {"[{a, -<v>}].\n", "-5", "! with the minus sign", kInt},
                             {"[{a, <v>}].\n", "true", "[{a, true}].\n", kBool},
                             {"['<v>'].\n", std::string_view("x", 1), "['x'].\n"},
                             {"[\"<v>].\n", "x", "! it may not end here"},
                             {"[\"a\"<v>].\n", "5", "! a value must not touch", kInt},
                             {"% <v>\n[].\n", "coding: latin-1\n", "% coding  latin-1 \n[].\n"},
                             {"% coding<v>\n[].\n", "=x", "% coding x\n[].\n"},
                         });
  EXPECT_TRUE(Fill("erlang", "['<v>'].\n", std::string(256, 'x'), ValueClass::kText)
                  .starts_with("! an atom"));
}

TEST(Mycnf, WritesValues) {
  ExpectFilled(
      "mycnf",
      {
          {"[x]\na = \"<v>\"\n", "a \"b\" it's \\n\n# ;",
           "[x]\na = \"a \\\"b\\\" it's \\\\n\\n# ;\"\n"},
          {"[x]\na = '<v>' # it's\n", "a \"b\" it's", "[x]\na = 'a \"b\" it\\'s' # it's\n"},
          {"[x]\na = <v>\n", "a", "! put the whole value"},
          {"[x]\na = x\"<v>\"\n", "a", "! quotes stand around"},
          {"[x]\na = \"<v>\"x\n", "a", "! quotes stand around"},
          {"[x]\na = \"<v>\n", "a", "! a quote must be closed"},
          {"[x]\na = <v>:<v>\n", "10.0.0.1", "[x]\na = 10.0.0.1:<v>\n", kAtom},
          {"[x]\nskip-name-resolve = <v>\n", "true", "[x]\nskip-name-resolve = ON\n", kBool},
          {"[x]\nwsrep-provider-options = \"a=<v>\"\n", "1;b=2", "! a value of this list"},
          {"[x]\nwsrep_provider_options = \"a=<v>\"\n", "1\\", "! a value of this list"},
          {"[x]\nwsrep_provider_options = \"a=<v>; b=1\"\n", "PT5S",
           "[x]\nwsrep_provider_options = \"a=PT5S; b=1\"\n"},
          {"[x]\nwsrep_provider_options = \"a=<v>\"\n", "true",
           "[x]\nwsrep_provider_options = \"a=true\"\n", kBool},
          {"[x]\na # = \"<v>\"\n", "\n", "[x]\na # = \" \"\n"},
          {"[<v>]\n", "a", "! a name is made of atoms"},
          {"!includedir <v>\n", "/etc/x", "!includedir /etc/x\n", kAtom},
          {"[x]\na = \"<v>\"\n", "\x01", "! a control character"},
      });
  EXPECT_TRUE(Fill("mycnf", "[x]\na = \"<v>\"\n", std::string(3990, 'x'), ValueClass::kText)
                  .starts_with("[x]"));
  EXPECT_TRUE(Fill("mycnf", "[x]\na = \"<v>\"\n", std::string(4000, 'x'), ValueClass::kText)
                  .starts_with("! MariaDB reads"));
}

TEST(Libconfig, WritesWhatProxysqlKeeps) {
  ExpectFilled("libconfig",
               {
                   {"a = \"<v>\";\n", "x \\ # // /* \n\t", "a = \"x \\\\ # // /* \\n\\x09\";\n"},
                   {"a = \"<v>\";\n", "it's", "! ProxySQL puts strings into SQL"},
                   {"a = \"<v>\";\n", "\"", "! ProxySQL puts strings into SQL"},
                   {"a = <v>;\n", "x", "! outside of quotes", kAtom},
                   {"b=1\n  <v>=\"1\"\n", "poll_timeout", "b=1\n  poll_timeout=\"1\"\n", kAtom},
                   {"b=1\n  <v>=\"1\"\n", "a.b", "! the name of a setting", kAtom},
                   {"b=1\n  <v>=\"1\"\n", "1e3", "! the name of a setting", kAtom},
                   {"b=\n  c <v>\n", "x", "! outside of quotes", kAtom},
                   {"a = ( <v>, 2 )\n", "-2147483648", "a = ( -2147483648, 2 )\n", kInt},
                   {"a = <v>\n", "2147483648", "! ProxySQL reads numbers of 32 bits", kInt},
                   {"a = -<v>\n", "-1", "! with the minus sign", kInt},
                   {"a = <v>\n", "true", "a = true\n", kBool},
                   {"admin_credentials=\"<v>:x\"\n", "a:b", "! ProxySQL reads `:` and `;`"},
                   {"admin_credentials = \"a:<v>\"\n", "@@x.env:KEY@@",
                    "admin_credentials = \"a:@@x.env:KEY@@\"\n", kAtom},
                   {"interfaces: \"<v>:6033\"\n", "::1", "! ProxySQL reads `:` and `;`", kAtom},
                   {"interfaces: \"::1:<v>\"\n", "6033", "interfaces: \"::1:6033\"\n", kInt},
                   {"admin_credentials=\"a:b\"\nmonitor_password=\"<v>\"\n", "a:b;c",
                    "admin_credentials=\"a:b\"\nmonitor_password=\"a:b;c\"\n"},
                   {"# it's \" <v>\na = 1\n", "\n", "# it's \"  \na = 1\n"},
                   {"// <v>\n", "\n", "//  \n"},
                   {"/* <v> */\n", "x", "! a value could end"},
                   {"a = \"x\"<v>\n", "5", "! a value must not touch", kInt},
                   {"@include \"<v>\"\n", "x", "! what @include reads"},
                   {"a = \"<v>\n", "x", "! it may not end here"},
               });
}

TEST(Zone, WritesRecords) {
  ExpectFilled("zone", {
                           {"a IN TXT \"<v>\"\n", "it's \"é\" \\ ; (\n",
                            "a IN TXT \"it's \\\"\\195\\169\\\" \\\\ ; (\\010\"\n"},
                           {"a IN TXT <v>\n", "x", "! a text stands in"},
                           {"<v> IN A 10.0.0.1\n", "db-1.x", "db-1.x IN A 10.0.0.1\n", kAtom},
                           {"<v> IN A 10.0.0.1\n", "@", "! `@` is the name", kAtom},
                           {"<v> IN A 10.0.0.1\n", "a..b", "! a label of a name cannot", kAtom},
                           {"a <v> IN A 10.0.0.1\n", "300", "a 300 IN A 10.0.0.1\n", kInt},
                           {"a IN TXT <v>\n", "true", "! a zone file has no booleans", kBool},
                           {"a IN TXT \"<v>\n\"\n", "x", "! a quote must be closed"},
                           {"a IN TXT x\"<v>\"\n", "x", "! quotes stand around"},
                           {"a IN TXT ( \"a\" ; \" (\n\"<v>\" )\n", "x",
                            "a IN TXT ( \"a\" ; \" (\n\"x\" )\n"},
                           {"a IN TXT ( \"<v>\"\n", "x", "! it may not end here"},
                           {"a IN TXT \"<v>\" )\n", "x", "! this parenthesis"},
                           {"$GENERATE 1-2 x$ TXT \"<v>\"\n", "$", "! on this line `$`"},
                           {"a IN TXT \\<v>\n", "5", "! the backslash before it", kInt},
                           {"; <v>\n", "a\nb", "; a b\n"},
                       });
  const std::string whole(255, 'x');
  EXPECT_EQ(Fill("zone", "a TXT \"\" \"<v>\"\n", whole, ValueClass::kText),
            "a TXT \"\" \"" + whole + "\"\n");
  EXPECT_TRUE(Fill("zone", "a TXT \"\\\"\\010<v>\"\n", whole.substr(2), ValueClass::kText)
                  .starts_with("a TXT"));
  EXPECT_TRUE(Fill("zone", "a TXT \"\\\"\\010<v>\"\n", whole.substr(1), ValueClass::kText)
                  .starts_with("! a character-string"));
  EXPECT_TRUE(
      Fill("zone", "<v> A 10.0.0.1\n", std::string(64, 'x'), kAtom).starts_with("! a label"));
}

TEST(Url, EncodesAllButUnreserved) {
  ExpectFilled(
      "url", {
                 {"https://h/a/<v>/b\n", "a b/é~", "https://h/a/a%20b%2F%C3%A9~/b\n"},
                 {"amqp://h/<v>\n", "/", "amqp://h/%2F\n", kAtom},
                 {"https://h/?q=<v>&r=1\n", "a&b=c+d", "https://h/?q=a%26b%3Dc%2Bd&r=1\n"},
                 {"https://h/#<v>\n", "#", "https://h/#%23\n"},
                 {"amqp://u:<v>@h\n", "a:@/", "amqp://u:a%3A%40%2F@h\n"},
                 {"amqp://u:<v>@h\n", "@@x.env:KEY@@", "amqp://u:@@x.env:KEY@@@h\n", kAtom},
                 {"redis://h/?p=<v>\n", "@@x.env:KEY@@", "redis://h/?p=@@x.env:KEY@@\n", kAtom},
                 {"redis://h/?p=<v>\n", "@@x.env:KEY@@", "redis://h/?p=%40%40x.env%3AKEY%40%40\n"},
                 {"redis://h/?p=<v>\n", "@@x:1@@", "redis://h/?p=%40%40x%3A1%40%40\n", kAtom},
                 {"redis://<v>:1\n", "::1", "! here a name or an address", kAtom},
                 {"redis://[<v>]:1\n", "::1", "redis://[::1]:1\n", kAtom},
                 {"redis://[<v>]:1\n", "a/b", "! between brackets", kAtom},
                 {"redis://u@<v>:1\n", "db-1.x", "redis://u@db-1.x:1\n", kAtom},
                 {"redis://u@<v>\n", "db-1.x", "! a host is an atom"},
                 {"redis://u@h:<v>\n", "6379", "redis://u@h:6379\n", kInt},
                 {"redis://u@h:<v>\n", "x", "! a port is made", kAtom},
                 {"redis://h:1,<v>:2/0\n", "b", "redis://h:1,b:2/0\n", kAtom},
                 {"<v>://h\n", "amqps", "amqps://h\n", kAtom},
                 {"<v>://h\n", "a:b", "! a scheme is made", kAtom},
                 {"<v>\n", "x", "! this is no URL", kAtom},
                 {"https://h/<v>\n", "..", "! `.` and `..`"},
                 {"https://<v>/\n", "", "! a user or a host"},
                 {"https://h/%<v>\n", "x", "! a percent sign"},
                 {"https://h/<v> x\n", "x", "! this is no URL"},
                 {"https://h/%2<v>\n", "x", "! a percent sign"},
             });
}

}  // namespace
}  // namespace kb::lang::test
