#include "unit/lang/fill.h"

namespace kb::lang::test {
namespace {

constexpr ValueClass kAtom = ValueClass::kAtom;
constexpr ValueClass kInt = ValueClass::kInt;
constexpr ValueClass kBool = ValueClass::kBool;

TEST(Mysql, WritesLiteralsAndNames) {
  ExpectFilled(
      "mysql",
      {
          {"SELECT '<v>';\n", "it's \\ \"\n\r", "SELECT 'it''s \\\\ \"\\n\\r';\n"},
          {"SELECT \"<v>\";\n", "it's \"", "SELECT \"it's \"\"\";\n"},
          {"SELECT 'a''\\'<v>';\n", "'", "SELECT 'a''\\'''';\n"},
          {"USE `<v>`;\n", "a`b'\\", "USE `a``b'\\`;\n"},
          {"USE `<v>`;\n", "", "! a name cannot be empty"},
          {"USE `<v>`;\n", "a ", "! a name cannot end"},
          {"SELECT '<v>';\n", "é", "! what is not ASCII"},
          {"SET NAMES utf8mb4;\nSELECT '<v>';\n", "é", "SET NAMES utf8mb4;\nSELECT 'é';\n"},
          {"-- SET NAMES utf8mb4;\nSELECT '<v>';\n", "é", "! what is not ASCII"},
          {"SELECT <v>;\n", "5", "SELECT 5;\n", kInt},
          {"SELECT 1 -<v>;\n", "-5", "! with the minus sign", kInt},
          {"SELECT 1 --<v>;\n", "5", "SELECT 1 --5;\n", kInt},
          {"SELECT <v>;\n", "true", "SELECT true;\n", kBool},
          {"SELECT <v>;\n", "x", "! outside of quotes", kAtom},
          {"SELECT x'<v>';\n", "00", "! a literal of bits", kAtom},
          {"SELECT _utf8mb4'<v>';\n", "00", "SELECT _utf8mb4'00';\n", kAtom},
          {"SELECT 'x'<v>;\n", "1", "! a value right behind", kInt},
          {"-- it's <v>\n", "a\nb", "-- it's a b\n"},
          {"--\n# \" <v>\n", "a\nb", "--\n# \" a b\n"},
          {"--x '<v>'\n", "a\nb", "--x 'a\\nb'\n"},
          {"/* ' <v> */\n", "x", "! a value could end"},
          {"SELECT 1 /* ' */, '<v>'\n", "x", "SELECT 1 /* ' */, 'x'\n"},
          {"SELECT '\\<v>';\n", "n", "! the backslash before it"},
          {"SELECT '<v>;\n", "x", "! it may not end here"},
      });
  EXPECT_TRUE(Fill("mysql", "USE `<v>`;\n", std::string(64, '`'), kAtom).starts_with("USE"));
  EXPECT_TRUE(
      Fill("mysql", "USE `<v>`;\n", std::string(65, 'x'), kAtom).starts_with("! MySQL has no"));
}

TEST(Sqlite, WritesLiteralsAndNames) {
  ExpectFilled("sqlite", {
                             {"SELECT '<v>';\n", "it's \" = \n  x", "SELECT 'it''s \" = \n  x';\n"},
                             {"SELECT \"<v>\";\n", "it's \"", "SELECT \"it's \"\"\";\n"},
                             {"SELECT '<v>';\n", "a\\b", "! the client would take"},
                             {"SELECT '<v>';\n", "\r", "! a control character"},
                             {"SELECT <v>;\n", "-5", "SELECT -5;\n", kInt},
                             {"SELECT 1 -<v>;\n", "-5", "! with the minus sign", kInt},
                             {"SELECT <v>;\n", "true", "SELECT 1;\n", kBool},
                             {"SELECT '<v>';\n", "true", "SELECT 'true';\n", kBool},
                             {"SELECT <v>;\n", "x", "! outside of quotes", kAtom},
                             {"SELECT `<v>`;\n", "x", "! a name stands in", kAtom},
                             {"SELECT [it's], '<v>';\n", "x", "SELECT [it's], 'x';\n"},
                             {"SELECT 'x'<v>;\n", "1", "! a value right behind", kInt},
                             {"-- it's <v>\n", "a\nb", "-- it's a b\n"},
                             {"--it's <v>\n", "a\nb", "--it's a b\n"},
                             {"/* <v> */\n", "x", "! a value could end"},
                             {"# <v>\n", "x", "! `#` begins a comment"},
                             {"SELECT '<v>;\n", "x", "! it may not end here"},
                         });
}

TEST(Sqlite, KnowsHowProxysqlTakesSetApart) {
  ExpectFilled(
      "sqlite",
      {
          {"SET mysql-x='<v>';\n", "it's a:b;c", "SET mysql-x='it''s a:b;c';\n"},
          {"SET mysql-x='<v>';\n", "a=b", "! ProxySQL cuts a SET"},
          {"SET mysql-x='<v>';\n", "a  b", "! ProxySQL joins the blanks"},
          {"/* x */ set mysql-x='<v>';\n", "a\nb", "! ProxySQL joins the blanks"},
          {"SELECT 1; -- x\nSET x='<v>';\n", "a=b", "! ProxySQL cuts a SET"},
          {"SET x='1'; SELECT '<v>';\n", "a=b", "SET x='1'; SELECT 'a=b';\n"},
          {"UPDATE t SET x='<v>';\n", "a=b", "UPDATE t SET x='a=b';\n"},
          {"SET admin-admin_credentials = '<v>:x';\n", "a:b", "! ProxySQL reads `:` and `;`"},
          {"SET admin-admin_credentials='a:<v>';\n", "@@x.env:KEY@@",
           "SET admin-admin_credentials='a:@@x.env:KEY@@';\n", kAtom},
          {"SET mysql-interfaces='0.0.0.0:<v>';\n", "6033",
           "SET mysql-interfaces='0.0.0.0:6033';\n", kInt},
      });
}

}  // namespace
}  // namespace kb::lang::test
