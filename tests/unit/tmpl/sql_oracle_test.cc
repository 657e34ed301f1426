#include <unistd.h>

#include <memory>

#include "unit/tmpl/oracle.h"

// Reads with PostgreSQL: a cluster of its own on a Unix socket, asked by psql.
namespace kb::tmpl::test {
namespace {

class Cluster {
 public:
  static std::string Missing() {
    if (!kb::test::HasProgram("runuser") ||
        kb::test::Run({"bash", "-c", "ls /usr/lib/postgresql/*/bin/initdb"}).status != 0) {
      return "postgresql is not installed";
    }
    return geteuid() == 0 ? "" : "becoming the user postgres needs root";
  }

  Cluster() {
    const kb::test::Ran ran = AsPostgres(
        "initdb -D data --no-sync -A trust -E UTF8 && pg_ctl -D data -w -l log -o "
        "\"-c listen_addresses='' -c fsync=off -k $PWD\" start >/dev/null");
    EXPECT_EQ(ran.status, 0) << ran.err;
  }
  ~Cluster() { AsPostgres("pg_ctl -D data -m immediate stop"); }

  // The records that psql prints, behind every document the record `kb-next`.
  std::vector<std::string> Ask(const std::vector<std::string>& documents,
                               std::string_view options) {
    std::string script;
    for (const std::string& document : documents) {
      script += document + "SELECT 'kb-next' AS \"kb-next\";\n";
    }
    return kb::test::SplitNul(
        AsPostgres("psql -X -q -A -0 -h $PWD -P footer=off " + std::string(options) + " postgres",
                   script)
            .out);
  }

 private:
  kb::test::Ran AsPostgres(const std::string& command, std::string_view input = {}) {
    kb::test::Run({"chown", "postgres", dir_.path()});
    return kb::test::Run(
        {"runuser", "-u", "postgres", "--", "env", "-i", "-C", dir_.path(), "LC_ALL=C.UTF-8",
         "bash", "-c", "export PATH=$(echo /usr/lib/postgresql/*/bin):$PATH; " + command},
        input);
  }

  kb::test::TempDir dir_;
};

class SqlOracle : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (Cluster::Missing().empty()) cluster_ = std::make_unique<Cluster>();
  }
  static void TearDownTestSuite() { cluster_.reset(); }

  // The only value that each document selects.
  static Reading Literals(const std::vector<std::string>& documents) {
    Reading reading;
    std::vector<std::string> records;
    for (std::string& record : cluster_->Ask(documents, "-t")) {
      records.push_back(std::move(record));
      if (records.back() != "kb-next") continue;
      const bool one = records.size() == 2;
      reading.push_back(one ? std::optional(records[0]) : std::nullopt);
      records.clear();
    }
    reading.resize(documents.size());
    return reading;
  }

  // The name of the only column that each document selects.
  static Reading Identifiers(const std::vector<std::string>& documents) {
    Reading reading;
    std::vector<std::string> records;
    for (std::string& record : cluster_->Ask(documents, "")) {
      records.push_back(std::move(record));
      const size_t size = records.size();
      if (size < 2 || records[size - 1] != "kb-next" || records[size - 2] != "kb-next") continue;
      const bool one = size == 4 && records[1] == "1";
      reading.push_back(one ? std::optional(records[0]) : std::nullopt);
      records.clear();
    }
    reading.resize(documents.size());
    return reading;
  }

  static std::unique_ptr<Cluster> cluster_;
};

std::unique_ptr<Cluster> SqlOracle::cluster_;

TEST_F(SqlOracle, GivesEachHostileTextBack) {
  if (const std::string why = Cluster::Missing(); !why.empty()) GTEST_SKIP() << why;
  const Place places[] = {
      {"SELECT '<%= v %>';\n", "", "", "it's \"so\" \\ \n;", "';--"},
      {"SELECT /* ' */ $x$'$x$ || E'\\'\\\\' || '''<%= v %>' || 'y'; -- '\n", "''\\'", "y",
       "it's \\", "\\'; SELECT 1; --"},
      {"-- <%= v %>\nSELECT '<%= v %>';\n", "", "", "a\nb", ""},
  };
  for (const Place& place : places) {
    ExpectReadBack("sql", place, kb::test::HostileValues(), Literals);
  }
}

TEST_F(SqlOracle, GivesEachIdentifierBack) {
  if (const std::string why = Cluster::Missing(); !why.empty()) GTEST_SKIP() << why;
  const Place places[] = {
      {"SELECT 1 AS \"<%= v %>\";\n", "", "", "it's \"so\"", "x\" --"},
      {"SELECT 1 AS \"\"\"<%= v %>\";\n", "\"", "", "it's \"so\"", "\\\""},
  };
  for (const Place& place : places) {
    ExpectReadBack("sql", place, kb::test::HostileValues(), Identifiers);
  }
  // 63 bytes are a name, 64 are another one.
  const Hole hole("sql", places[0].text);
  EXPECT_TRUE(hole.Fill(std::string(63, 'x')).has_value());
  EXPECT_FALSE(hole.Fill(std::string(64, 'x')).has_value());
  EXPECT_TRUE(hole.Fill(std::string(63, '"')).has_value());
  EXPECT_FALSE(hole.Fill("").has_value());
}

TEST_F(SqlOracle, RefusesHolesThatCouldChangeTheStructure) {
  for (const std::string_view text :
       {"SELECT <%= v %>;\n", "SELECT x<%= v %>;\n", "SELECT E'<%= v %>';\n",
        "SELECT $$<%= v %>$$;\n", "DO $b$ x $$ <%= v %> $b$;\n", "/* <%= v %> */\n",
        "/* /* */ <%= v %> */\n", "SELECT 'x'<%= v %>;\n", "\\connect <%= v %>\n",
        "SELECT '<%= v %>;\n"}) {
    EXPECT_FALSE(Hole("sql", text).ok()) << text;
  }
  EXPECT_FALSE(Hole("sql", "SELECT 1 -<%= v %>;\n", IntType()).ok());
  EXPECT_FALSE(Hole("sql", "SELECT <%= v %>;\n", AtomType()).ok());
  EXPECT_EQ(Hole("sql", "SELECT $a$ $b$ $a$, <%= v %>;\n", IntType()).Render(Value::Int(-5)),
            "SELECT $a$ $b$ $a$, -5;\n");
}

}  // namespace
}  // namespace kb::tmpl::test
