#include <unistd.h>

#include <memory>

#include "unit/tmpl/oracle.h"

// Reads with MariaDB: option files by its own reader, SQL by a server on a Unix socket that is
// asked through its client, as an operator asks it.
namespace kb::tmpl::test {
namespace {

// An option between two others, all documents in one file; my_print_defaults prints a line for each
// option, and a value may hold lines.
Reader Options() {
  return PythonBatch(R"(
import subprocess, tempfile
def read_all(texts):
    with tempfile.NamedTemporaryFile('w', suffix='.cnf', newline='') as f:
        f.write('[s]\n' + ''.join(t + 'kb-next = 1\n' for t in texts))
        f.flush()
        done = subprocess.run(['my_print_defaults', '--defaults-file=' + f.name, 's'],
                              capture_output=True)
    answers = done.stdout.decode('utf-8', 'replace').split('\n--kb-next=1\n')[:-1]
    if done.returncode != 0 or len(answers) != len(texts):
        return [None] * len(texts)
    return [a[len('--v='):] if a.startswith('--v=') else None for a in answers]
)");
}

// The hand-written values only: each makes a table.
std::vector<std::string> FewValues() {
  std::vector<std::string> values = kb::test::HostileValues();
  values.resize(120);
  return values;
}

class Server {
 public:
  static std::string Missing() {
    for (const char* program : {"mariadbd", "mariadb"}) {
      if (!kb::test::HasProgram(program)) return std::string(program) + " is not installed";
    }
    return {};
  }

  // Without tables of its own it needs no installation, and starts at once.
  Server() {
    const kb::test::Ran ran = kb::test::Run({"bash", "-c", R"(
      cd "$1" && mkdir data && chmod 0700 data
      mariadbd --no-defaults --user=$(id -un) --datadir="$PWD/data" --socket="$PWD/s" \
        --pid-file="$PWD/pid" --skip-networking --skip-grant-tables --skip-innodb \
        --default-storage-engine=MEMORY --sync-frm=0 </dev/null >log 2>&1 &
      for attempt in $(seq 1000); do [ -S s ] && exit; kill -0 $! || break; sleep 0.02; done
      cat log; exit 1)",
                                             "start", dir_.path()});
    EXPECT_EQ(ran.status, 0) << ran.out;
    EXPECT_EQ(Client("CREATE DATABASE kb").status, 0);
  }
  ~Server() { kb::test::Run({"bash", "-c", "kill -KILL $(cat $0)", dir_.path() + "/pid"}); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // The only value that each document selects, in hexadecimal digits.
  Reading Select(const std::vector<std::string>& documents) const {
    std::string script;
    for (const std::string& document : documents) script += document + "SELECT 'kb-next';\n";
    const std::string out = Client(script).out;
    Reading reading;
    std::vector<std::string> rows;
    for (size_t begin = 0; begin < out.size() && reading.size() < documents.size();) {
      const size_t end = out.find('\n', begin);
      rows.push_back(out.substr(begin, end - begin));
      begin = end == std::string::npos ? out.size() : end + 1;
      if (rows.back() != "kb-next") continue;
      reading.push_back(rows.size() == 2 ? Undo(rows[0]) : std::nullopt);
      rows.clear();
    }
    reading.resize(documents.size());
    return reading;
  }

 private:
  kb::test::Ran Client(std::string_view script) const {
    return kb::test::Run({"env", "LC_ALL=C", "mariadb", "--no-defaults", "--socket",
                          dir_.path() + "/s", "--batch", "--skip-column-names", "--force"},
                         script);
  }

  static std::optional<std::string> Undo(const std::string& digits) {
    std::string bytes;
    for (size_t i = 0; i + 1 < digits.size(); i += 2) {
      size_t read = 0;
      bytes += static_cast<char>(std::stoi(digits.substr(i, 2), &read, 16));
      if (read != 2) return std::nullopt;
    }
    return bytes;
  }

  kb::test::TempDir dir_;
};

class MariadbOracle : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (Server::Missing().empty()) server_ = std::make_unique<Server>();
  }
  static void TearDownTestSuite() { server_.reset(); }

  static Reading Ask(const std::vector<std::string>& documents) {
    return server_->Select(documents);
  }

  static std::unique_ptr<Server> server_;
};

std::unique_ptr<Server> MariadbOracle::server_;

TEST(MycnfOracle, GivesEachValueBack) {
  if (!kb::test::HasProgram("my_print_defaults")) GTEST_SKIP() << "mariadb-client-core is missing";
  const Place places[] = {
      {"v = \"<%= v %>\"\n", "", "", "it's \"so\" \\n \n # ;", "\\n"},
      {"# <%= v %>\nv=\"x <%= v %>\" # it's\n", "x ", "", "it's \"so\" \\s \n # ;", ""},
      {"v = '<%= v %>'\n", "", "", "it's \"so\" \\n \n # ;", "\\n"},
  };
  for (const Place& place : places) {
    ExpectReadBack("mycnf", place, kb::test::HostileValues(), Options());
  }
  ExpectReadBack("mycnf", {"v = <%= v %> # it's\n", "", "", "x", ""}, HostileAtoms(), Options(),
                 AtomType());
}

TEST_F(MariadbOracle, GivesEachTextBack) {
  if (const std::string why = Server::Missing(); !why.empty()) GTEST_SKIP() << why;
  const Place places[] = {
      {"SET NAMES utf8mb4;\nSELECT HEX('<%= v %>');\n", "", "", "it's \"é\" \\ \r\n;", "\\"},
      {"SET NAMES utf8mb4;\nSELECT HEX(\"<%= v %>\");\n", "", "", "it's \"é\" \\ \r\n;", "\r\n"},
      {"-- it's <%= v %>\n# \"<%= v %>\nSELECT HEX(CONCAT('x''\\'', '<%= v %>y'));\n", "x''", "y",
       "it's \"so\" \\", "';"},
      // The client speaks latin1 when nothing tells it otherwise.
      {"SELECT HEX(CONVERT('<%= v %>' USING utf8mb4));\n", "", "", "it's", "é"},
  };
  for (const Place& place : places) {
    ExpectReadBack("mysql", place, kb::test::HostileValues(), Ask);
  }
}

TEST_F(MariadbOracle, GivesEachNameBack) {
  if (const std::string why = Server::Missing(); !why.empty()) GTEST_SKIP() << why;
  const Place place = {
      "SET NAMES utf8mb4;\nCREATE OR REPLACE TABLE kb.t (`x<%= v %>` INT);\n"
      "SELECT HEX(column_name) FROM information_schema.columns WHERE table_schema = 'kb';\n",
      "x", "", "it's \"é\" ` \\", "a`b"};
  ExpectReadBack("mysql", place, FewValues(), Ask);
  const Hole hole("mysql", place.text);
  EXPECT_TRUE(hole.Fill(std::string(63, '`')).has_value());
  EXPECT_FALSE(hole.Fill(std::string(64, 'x')).has_value());
}

// What goes to ProxySQL goes through this client: it must not see an end of the statement in a
// text.
TEST_F(MariadbOracle, SendsEachTextOfSqliteWhole) {
  if (const std::string why = Server::Missing(); !why.empty()) GTEST_SKIP() << why;
  const Place places[] = {
      {"SET NAMES utf8mb4;\nSELECT HEX('<%= v %>');\n", "", "", "it's \"é\" \n;", "\\"},
      {"SET NAMES utf8mb4;\nSELECT HEX(\"<%= v %>\"); -- it's <%= v %>\n", "", "", "it's \"é\" \t;",
       ""},
  };
  for (const Place& place : places) {
    ExpectReadBack("sqlite", place, kb::test::HostileValues(), Ask);
  }
}

}  // namespace
}  // namespace kb::tmpl::test
