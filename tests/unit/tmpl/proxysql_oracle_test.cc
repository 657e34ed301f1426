#include "unit/tmpl/oracle.h"

// What ProxySQL reads: its file with libconfig, its admin interface's SQL with SQLite. What it does
// to a value between the two is done here as its source does it.
namespace kb::tmpl::test {
namespace {

constexpr std::string_view kLibrary = R"(
import ctypes, ctypes.util
library = ctypes.CDLL(ctypes.util.find_library('config') or 'libconfig.so.9')
)";

// The setting `v`, between two others; then once through '%s' and once through "%s" of a statement.
Reader Settings() {
  return PythonReader(std::string(kLibrary) + R"(
import sqlite3
library.config_lookup.restype = ctypes.c_void_p
library.config_setting_get_string.restype = ctypes.c_char_p
library.config_setting_get_string.argtypes = [ctypes.c_void_p]
database = sqlite3.connect(':memory:')
def setting(file, name):
    found = library.config_lookup(file, name)
    return library.config_setting_get_string(found).decode() if found else None
def read(text):
    file = ctypes.create_string_buffer(4096)
    library.config_init(file)
    try:
        assert library.config_read_string(file, text.encode()) == 1
        assert setting(file, b'a') == 'begin' and setting(file, b'z') == 'end'
        value = setting(file, b'v')
    finally:
        library.config_destroy(file)
    for statement in ("SELECT '%s'", 'SELECT "%s"'):
        row, = database.execute(statement % value).fetchall()
        assert row == (value,)
    return value
)");
}

Reader Rows(const std::string& prepare) {
  return PythonReader(R"(
import re, sqlite3
database = sqlite3.connect(':memory:')
def sent(text):
)" + prepare + R"(
def read(text):
    row, = database.execute(sent(text)).fetchall()
    value, end = row
    assert end == 'end'
    return value
)");
}

TEST(LibconfigOracle, GivesEachStringBackThroughProxysql) {
  if (kb::test::Run({"python3", "-c", std::string(kLibrary)}).status != 0) {
    GTEST_SKIP() << "libconfig9 is not installed";
  }
  const Place places[] = {
      {"a = \"begin\"; v = \"<%= v %>\"; z = \"end\";\n", "", "", "\\ é # // /* \n ; : $", "\\"},
      {"# it's \" <%= v %>\na = /* \" */ \"begin\" // \" <%= v %>\nv : \"x\\\\<%= v "
       "%>\"\nz=\"end\"\n",
       "x\\", "", "\\ é # // /* \n", ""},
      {"a = \"begin\"; v = \"<%= v %>\"; z = \"end\";\n", "", "", "x", "it's"},
  };
  for (const Place& place : places) {
    ExpectReadBack("libconfig", place, kb::test::HostileValues(), Settings());
  }
}

TEST(SqliteOracle, GivesEachTextBack) {
  const Reader sqlite = Rows("    return text");
  const Place places[] = {
      {"SELECT '<%= v %>', 'end';\n", "", "", "it's \"é\" \n = ; --", "'"},
      {"-- it's <%= v %>\nSELECT /* ' */ 'x'''||'<%= v %>y', 'end' -- \"\n", "x'", "y",
       "it's \"é\" \n", "' --"},
  };
  for (const Place& place : places) {
    ExpectReadBack("sqlite", place, kb::test::HostileValues(), sqlite);
  }
  ExpectReadBack(
      "sqlite", {"SELECT a.\"x<%= v %>\", 'end' FROM (SELECT 1) a;\n", "x", "", "it's \"é\"", "\""},
      kb::test::HostileValues(), Rows(R"(
    name = text[len('SELECT a.'):text.rindex(", 'end'")]
    made = database.execute('SELECT 1 AS ' + name).description[0][0]
    return "SELECT '%s', 'end'" % made.replace("'", "''"))"));
}

// ProxySQL joins blanks, splits at each `=`, and puts the second piece into an UPDATE.
TEST(SqliteOracle, GivesEachVariableBackThroughProxysqlsSet) {
  const Reader set = Rows(R"(
    joined = re.sub(r'[ \t\n\v\f\r]+', ' ', text.strip(';\n'))
    pieces = [p for p in joined[len('SET '):].split('=') if p]
    assert pieces[0].strip() == 'mysql-v'
    return "SELECT %s, 'end'" % pieces[1])");
  const Place places[] = {
      {"SET mysql-v='<%= v %>';\n", "", "", "it's \"é\" : ; --", "a=b"},
      {"SET mysql-v = 'x <%= v %>';\n", "x ", "", "it's \"é\"", "  b"},
  };
  for (const Place& place : places) {
    ExpectReadBack("sqlite", place, kb::test::HostileValues(), set);
  }
}

}  // namespace
}  // namespace kb::tmpl::test
