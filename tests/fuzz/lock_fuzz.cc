// Whatever the bytes: a mistake has a place, and a lock that is accepted is read as the same from
// what it would be written as.
#include "freeze/lock.h"
#include "fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace kb;
  Sources sources;
  Diagnostics diags;
  const auto read = [&](std::string text) {
    return freeze::Read(sources.Add("freeze.lock", std::move(text)), sources, diags);
  };
  const freeze::Lock lock = read(AsText(bytes, size));
  for (const Diagnostic& d : diags.all()) KB_CHECK(d.span.known());
  PrintEverything(diags, sources);
  if (diags.has_errors()) return 0;

  const std::string text = freeze::Print(lock);
  KB_CHECK(freeze::Print(read(text)) == text && !diags.has_errors());
  return 0;
}
