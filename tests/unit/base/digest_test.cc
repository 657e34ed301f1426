#include "base/digest.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace kb {
namespace {

// The vectors of FIPS 180-2, appendix B.
TEST(Digest, IsSha256) {
  EXPECT_EQ(Hex(Digest("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Hex(Digest("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Hex(Digest(std::string(1'000'000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Digest, IsTheSameOnEveryThread) {
  const std::string text(2000, 'k');
  const Sha256 expected = Digest(text);
  std::vector<int> wrong(4);
  {
    std::vector<std::jthread> threads;
    for (int& count : wrong) {
      threads.emplace_back([&] {
        for (int i = 0; i < 1000; ++i) count += Digest(text) != expected;
      });
    }
  }
  EXPECT_EQ(wrong, std::vector<int>(4));
}

}  // namespace
}  // namespace kb
