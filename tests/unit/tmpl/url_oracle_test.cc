#include "unit/tmpl/oracle.h"

// Reads with Python's urllib, and every part of the URL must be there.
namespace kb::tmpl::test {
namespace {

Reader Part(const std::string& part) {
  return PythonReader(R"(
from urllib.parse import urlsplit, unquote, parse_qsl
def read(text):
    assert text.count('\n') == 1 and text.endswith('\n')
    url = urlsplit(text[:-1])
    assert url.scheme == 'amqps' and url.hostname == 'h' and url.port == 1
    assert len(url.path.split('/')) == 3 and len(parse_qsl(url.query, True, True)) == 1
    assert url.fragment != '' and url.password is not None
    return )" + part + "\n");
}

TEST(UrlOracle, GivesEachPartBack) {
  struct Case {
    Place place;
    std::string part;
  };
  const Case cases[] = {
      {{"amqps://<%= v %>:p@h:1/a/b?c=d#e\n", "", "", "a b@/:é", "/"}, "unquote(url.username)"},
      {{"amqps://u:x<%= v %>@h:1/a/b?c=d#e\n", "x", "", "a b@/:é", "/"}, "unquote(url.password)"},
      {{"amqps://u:p@h:1/a/<%= v %>?c=d#e\n", "", "", "/", "/"}, "unquote(url.path.split('/')[2])"},
      {{"amqps://u:p@h:1/x<%= v %>y/b?c=d#e\n", "x", "y", "..", "?"},
       "unquote(url.path.split('/')[1])"},
      {{"amqps://u:p@h:1/a/b?c=<%= v %>#e\n", "", "", "a&b=c+d#", "+"},
       "parse_qsl(url.query, True, True)[0][1]"},
      {{"amqps://u:p@h:1/a/b?<%= v %>=d#e\n", "", "", "a&b=c+d#", "+"},
       "parse_qsl(url.query, True, True)[0][0]"},
      {{"amqps://u:p@h:1/a/b?c=d#e<%= v %>\n", "e", "", "#", "%41"}, "unquote(url.fragment)"},
  };
  for (const Case& c : cases) {
    ExpectReadBack("url", c.place, kb::test::HostileValues(), Part(c.part));
  }
}

TEST(UrlOracle, GivesEachAtomBackAsOneSegment) {
  const Place place = {"amqps://u:p@h:1/a/<%= v %>?c=d#e\n", "", "", "/", "/"};
  ExpectReadBack("url", place, HostileAtoms(), Part("unquote(url.path.split('/')[2])"), AtomType());
}

}  // namespace
}  // namespace kb::tmpl::test
