#include "bundle/reference.h"

#include <gtest/gtest.h>

namespace kb::bundle {
namespace {

TEST(Reference, KnowsWhatIsOutside) {
  const Inside inside{"10.20.0.0/16", "estate.example"};
  struct Case {
    std::string_view host;
    bool outside;
  };
  for (const Case& c :
       {Case{"10.20.3.4", false}, Case{"10.21.0.1", true}, Case{"127.0.0.1", false},
        Case{"192.168.1.1", true}, Case{"203.0.113.7", true}, Case{"localhost", false},
        Case{"estate.example", false}, Case{"a.b.estate.example", false},
        Case{"notestate.example", true}, Case{"a.example.org.", true}, Case{"db-01", false},
        Case{"$host", false}, Case{"${a}.b.c", false}, Case{"%s", false}, Case{"", false},
        Case{"::1", false}, Case{"2001:db8::1", true}, Case{"fd00::1", false}}) {
    EXPECT_EQ(IsOutside(c.host, inside), c.outside) << c.host;
  }
  EXPECT_FALSE(IsOutside("192.168.1.1", {}));
  EXPECT_FALSE(IsOutside("172.31.0.1", {}));
  EXPECT_TRUE(IsOutside("172.32.0.1", {}));
}

TEST(Reference, FindsTheHostOfAUrl) {
  struct Case {
    std::string_view url, host;
  };
  for (const Case& c :
       {Case{"https://a.b/c", "a.b"}, Case{"http://u:p@a.b:80/c?d@e", "a.b"},
        Case{"http://@@f:K@@:@@f:L@@@10.0.0.9:9000", "10.0.0.9"}, Case{"http://[::1]:80/", "::1"},
        Case{"a.b:80/c", "a.b"}, Case{"x://", ""}}) {
    EXPECT_EQ(HostOf(c.url), c.host) << c.url;
  }
}

TEST(Reference, TellsAnImageFromOtherPairs) {
  struct Case {
    std::string_view text;
    bool image, definite;
  };
  for (const Case& c :
       {Case{"redis:7.2.5-alpine", true, true}, Case{"a/b:1", true, true},
        Case{"reg.example.com:5000/a/b:1", true, true}, Case{"a@sha256:00", true, true},
        Case{"redis", false, true}, Case{"a/b", false, true}, Case{"Redis:1", false, false},
        Case{"999:1000", false, true}, Case{"10.0.0.1:80", false, true},
        Case{"/a:/b", false, false}, Case{"a:b:c", false, false}, Case{"$x:1", false, false},
        Case{"", false, false}}) {
    EXPECT_EQ(IsImage(c.text, false), c.image) << c.text;
    EXPECT_EQ(IsImage(c.text, true), c.definite) << c.text;
  }
}

}  // namespace
}  // namespace kb::bundle
