#include "unit/tmpl/oracle.h"

// Reads Erlang terms with file:consult, and rabbitmq.conf with cuttlefish and RabbitMQ's own
// schema.
namespace kb::tmpl::test {
namespace {

// A document is a file of a folder; `program` defines Read, a fun of its name that gives a binary.
std::string Erl(const std::string& program) {
  return R"(
import glob, os, subprocess, tempfile
PROGRAM = r'''
)" + program +
         R"(
{ok, [Count]} = file:consult("count"),
Try = fun(I) -> try <<$=, (Read(integer_to_list(I)))/binary>> catch _:_ -> <<"!">> end end,
ok = file:write_file("out", [[Try(I), 0] || I <- lists:seq(0, Count - 1)]),
halt().
'''
def read_all(texts):
    with tempfile.TemporaryDirectory() as d:
        for i, text in enumerate(texts):
            open('%s/%d' % (d, i), 'w', newline='').write(text)
        open(d + '/count', 'w').write('%d.' % len(texts))
        argv = ['erl', '-noshell', '-noinput', '+B', '+fnu']
        for folder in glob.glob('/usr/lib/rabbitmq/lib/rabbitmq_server-*/plugins/cuttlefish-*/ebin'):
            argv += ['-pa', folder]
        subprocess.run(argv + ['-eval', PROGRAM], cwd=d, stdout=subprocess.DEVNULL, check=True)
        def answer(read):
            try:
                return read[1:].decode() if read[:1] == b'=' else None
            except UnicodeDecodeError:
                return None
        return [answer(r) for r in open(d + '/out', 'rb').read().split(b'\0')[:-1]]
)";
}

Reader Terms(const std::string& bytes) {
  return PythonBatch(
      Erl("Read = fun(F) -> {ok, [[{before, $\"}, {v, V}, {z, 'end'}]]} = "
          "file:consult(F), " +
          bytes + " end,"));
}

// What RabbitMQ's schema makes of `default_user`, beside a setting that must stay.
Reader Users() {
  return PythonBatch(Erl(R"(
application:load(cuttlefish),
logger:set_primary_config(level, none),
[Path] = filelib:wildcard("/usr/lib/rabbitmq/lib/rabbitmq_server-*/plugins/rabbit-*/priv/schema/rabbit.schema"),
{Translations, Mappings, Validators} = cuttlefish_schema:files([Path]),
Names = [["default_user"], ["channel_max"]],
Schema = {[T || T <- Translations, cuttlefish_translation:mapping(T) =:= "rabbit.default_user"],
          [M || M <- Mappings, lists:member(cuttlefish_mapping:variable(M), Names)], Validators},
Read = fun(F) ->
  [{rabbit, Settings}] = cuttlefish_generator:map(Schema, cuttlefish_conf:file(F)),
  7 = proplists:get_value(channel_max, Settings),
  proplists:get_value(default_user, Settings)
end,
)"));
}

// Cuttlefish takes minutes for a line of 128 KiB.
std::vector<std::string> ShortValues() {
  std::vector<std::string> kept = kb::test::HostileValues();
  std::erase_if(kept, [](const std::string& value) { return value.size() > 8 * 1024; });
  return kept;
}

bool HasErl() { return kb::test::HasProgram("erl"); }

bool HasCuttlefish() {
  const std::string find = "ls /usr/lib/rabbitmq/lib/rabbitmq_server-*/plugins/cuttlefish-*/ebin";
  return kb::test::Run({"bash", "-c", find}).status == 0;
}

TEST(ErlangOracle, GivesEachTermBack) {
  if (!HasErl()) GTEST_SKIP() << "erlang is not installed";
  const Place strings[] = {
      {"[{before, $\"}, {v, \"<%= v %>\"}, {z, 'end'}].\n", "", "", "it's \"é\" \\ \n %", "\"}, %"},
      {"%% <%= v %>\n[{before, $\\\"}, {v, \"x \\\"<%= v %>\"}, % it's\n {z, 'end'}].\n", "x \"",
       "", "it's \"é\" \\ \n %", ""},
  };
  for (const Place& place : strings) {
    ExpectReadBack("erlang", place, kb::test::HostileValues(),
                   Terms("unicode:characters_to_binary(V)"));
  }
  ExpectReadBack(
      "erlang",
      {"[{before, $\"}, {v, 'x<%= v %>'}, {z, 'end'}].\n", "x", "", "it's \"é\" \\ \n", "'}, %"},
      kb::test::HostileValues(), Terms("atom_to_binary(V)"));
  ExpectReadBack("erlang",
                 {"[{before, $\"}, {v, <<\"é\"/utf8, \"<%= v %>\">>}, {z, 'end'}].\n", "é", "",
                  "it's \"é\" \\ \n", "é"},
                 kb::test::HostileValues(), Terms("V"));
}

TEST(RabbitmqOracle, GivesEachValueBack) {
  if (!HasErl() || !HasCuttlefish()) GTEST_SKIP() << "rabbitmq-server is not installed";
  const Place places[] = {
      {"default_user = <%= v %>\nchannel_max = 7\n", "", "", "it's \"so\" 100% $x ; \\", "a#b"},
      {"# <%= v %>\ndefault_user = x$<%= v %>y # <%= v %>\nchannel_max = 7\n", "x$", "y",
       "it's \"so\" 100% $x", ""},
  };
  for (const Place& place : places) {
    ExpectReadBack("rabbitmq", place, ShortValues(), Users());
  }
  ExpectReadBack("rabbitmq", {"default_user = <%= v %>\nchannel_max = 7\n", "", "", "x", ""},
                 HostileAtoms(), Users(), AtomType());
}

}  // namespace
}  // namespace kb::tmpl::test
