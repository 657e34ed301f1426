#include <unistd.h>

#include "unit/tmpl/oracle.h"

// Reads with PgBouncer, asked on its console, and with libpq's own parser of connection strings.
namespace kb::tmpl::test {
namespace {

std::string NoPgbouncer() {
  for (const char* program : {"pgbouncer", "psql", "setpriv"}) {
    if (!kb::test::HasProgram(program)) return std::string(program) + " is not installed";
  }
  return geteuid() == 0 ? "" : "becoming another user needs root";
}

// `ask(dir, command)` gives the rows of a command of the console, as dictionaries.
constexpr std::string_view kBouncer = R"(
import contextlib, os, subprocess, tempfile, time
SETTINGS = ('[pgbouncer]\nlisten_addr =\nunix_socket_dir = %s\nadmin_users = kb\nauth_type = trust\n'
            'auth_file = %s/users\n')
def put(d, name, text):
    with open(d + '/' + name, 'w', newline='') as f:
        f.write(text)
    os.chmod(d + '/' + name, 0o644)
def ask(d, *commands):
    argv = ['psql', '-X', '-q', '-A', '-0', '-F', '\x1f', '-P', 'footer=off', '-h', d, '-p', '6432',
            '-U', 'kb', 'pgbouncer']
    for command in commands:
        argv += ['-c', command]
    out = subprocess.run(argv, capture_output=True).stdout.decode()
    rows = [r.split('\x1f') for r in out.split('\0') if '\x1f' in r]
    return [dict(zip(rows[0], r)) for r in rows[1:]] if rows else []
@contextlib.contextmanager
def bouncer(ini, users='"kb" ""\n'):
    with tempfile.TemporaryDirectory() as d:
        os.chmod(d, 0o777)
        put(d, 'ini', ini + SETTINGS % (d, d))
        put(d, 'users', users)
        process = subprocess.Popen(['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups',
            'pgbouncer', '-q', d + '/ini'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for attempt in range(100):
                if process.poll() is not None or os.path.exists(d + '/.s.PGSQL.6432'):
                    break
                time.sleep(0.05)
            yield d
        finally:
            process.kill()
            process.wait()
)";

// The name of each database; a document is a line with the number N of its port.
Reader Names() {
  return PythonBatch(std::string(kBouncer) + R"(
def read_all(texts):
    texts = [t.replace('[databases]\n', '') for t in texts]
    lines = ''.join(t.replace('port=N', 'port=%d' % (i + 1)) for i, t in enumerate(texts))
    with bouncer('[databases]\n' + lines) as d:
        found = {r['port']: r['name'] for r in ask(d, 'SHOW DATABASES')}
        return [found.get(str(i + 1)) for i in range(len(texts))]
)");
}

// The parameter `dbname` of the database `v` of each document.
Reader Parameters() {
  return PythonBatch(std::string(kBouncer) + R"(
def read_all(texts):
    texts = [t.replace('[databases]\n', '') for t in texts]
    lines = ''.join(t.replace('v =', 'v%d =' % i) for i, t in enumerate(texts))
    with bouncer('[databases]\n' + lines) as d:
        found = {r['name']: r['database'] for r in ask(d, 'SHOW DATABASES') if r['port'] == '7'}
        return [found.get('v%d' % i) for i in range(len(texts))]
)");
}

// The setting `server_check_query`, which may be any text.
Reader Settings() {
  return PythonBatch(std::string(kBouncer) + R"(
def read_all(texts):
    answers = []
    with bouncer('') as d:
        for text in texts:
            put(d, 'ini', SETTINGS % (d, d) + text)
            rows = ask(d, 'RELOAD', 'SHOW CONFIG')
            found = {r['key']: r['value'] for r in rows}
            same = found.get('max_db_connections') == '77'
            answers.append(found.get('server_check_query') if same else None)
    return answers
)");
}

Reader Users() {
  return PythonBatch(std::string(kBouncer) + R"(
def read_all(texts):
    with bouncer('', '"kb" ""\n' + ''.join(texts)) as d:
        found = {r['name'] for r in ask(d, 'SHOW USERS')}
    names = [t.split('\n')[0][1:-len('" "md5x"')].replace('""', '"') for t in texts]
    return [n if n in found else None for n in names]
)");
}

// The hand-written values only: each needs the console twice.
std::vector<std::string> FewValues() {
  std::vector<std::string> values = kb::test::HostileLines();
  values.resize(120);
  return values;
}

TEST(PgbouncerOracle, GivesEachNameAndParameterBack) {
  if (const std::string why = NoPgbouncer(); !why.empty()) GTEST_SKIP() << why;
  ExpectReadBack("pgbouncer",
                 {"[databases]\nx<%= v %> = host=127.0.0.1 port=N\n", "x", "", "a_b.c-d", "a:b"},
                 HostileAtoms(), Names(), AtomType());
  const Place places[] = {
      {"[databases]\nv = host=127.0.0.1 dbname=<%= v %> port=7\n", "", "", "it's \"so\"", "a b"},
      {"[databases]\n; <%= v %>\nv = port=7 dbname='x<%= v %>'\n", "x", "", "it's \"so\"", "'"},
  };
  for (const Place& place : places) {
    ExpectReadBack("pgbouncer", place, kb::test::HostileValues(), Parameters());
  }
}

TEST(PgbouncerOracle, GivesEachSettingBack) {
  if (const std::string why = NoPgbouncer(); !why.empty()) GTEST_SKIP() << why;
  ExpectReadBack("pgbouncer",
                 {"server_check_query = <%= v %>\n; <%= v %>\nmax_db_connections = 77\n", "", "",
                  "it's \"so\" ; # %x", ""},
                 FewValues(), Settings());
  ExpectReadBack("pgbouncer",
                 {"server_check_query = x<%= v %>\nmax_db_connections = 77\n", "x", "",
                  "it's \"so\" ; # %x", "\nx"},
                 FewValues(), Settings());
}

TEST(PgbouncerOracle, GivesEachUserBack) {
  if (const std::string why = NoPgbouncer(); !why.empty()) GTEST_SKIP() << why;
  const Place place = {"\"x<%= v %>\" \"md5x\"\n", "x", "", "it's \"so\"", "\" \""};
  ExpectReadBack("userlist", place, kb::test::HostileValues(), Users());
}

TEST(PgbouncerOracle, GivesEachValueOfAConnectionStringBack) {
  const Reader libpq = PythonReader(R"(
import ctypes
class Option(ctypes.Structure):
    _fields_ = [(n, ctypes.c_char_p) for n in ('keyword', 'envvar', 'compiled', 'val', 'label',
                'dispchar')] + [('dispsize', ctypes.c_int)]
parse = ctypes.CDLL('libpq.so.5').PQconninfoParse
parse.restype = ctypes.POINTER(Option)
def read(text):
    options, found, i = parse(text.encode(), None), {}, 0
    while options[i].keyword:
        if options[i].val is not None:
            found[options[i].keyword.decode()] = options[i].val.decode()
        i += 1
    assert set(found) == {'host', 'user', 'options'} and found['user'] == 'y'
    return found['options']
)");
  if (kb::test::Run({"python3", "-c", "import ctypes; ctypes.CDLL('libpq.so.5')"}).status != 0) {
    GTEST_SKIP() << "libpq5 is not installed";
  }
  const Place places[] = {
      {"host=x options=<%= v %> user=y\n", "", "", "it's \\", "a b"},
      {"host=x options='x <%= v %>' user=y\n", "x ", "", "it's \\", "'"},
  };
  for (const Place& place : places) {
    ExpectReadBack("libpq", place, kb::test::HostileValues(), libpq);
  }
}

TEST(PgbouncerOracle, RefusesHolesThatCouldChangeTheStructure) {
  for (const std::string_view text :
       {"[<%= v %>]\n", "<%= v %> = x\n", "[databases]\nx = <%= v %>\n",
        "[databases]\nx = <%= v %>=1\n", "[databases]\nx = host=a<%= v %>\n",
        "[databases]\nx = host='<%= v %>\n", "[databases]\n\"<%= v %>\" = host=x\n"}) {
    EXPECT_FALSE(Hole("pgbouncer", text).ok()) << text;
  }
  for (const std::string_view text : {"<%= v %>=x", "host=a<%= v %>", "host='<%= v %>"}) {
    EXPECT_FALSE(Hole("libpq", text).ok()) << text;
  }
  for (const std::string_view text : {"<%= v %> \"x\"\n", "\"x\" <%= v %>\n", "\"<%= v %>\n"}) {
    EXPECT_FALSE(Hole("userlist", text).ok()) << text;
  }
}

}  // namespace
}  // namespace kb::tmpl::test
