// Main: the whole of a run, from the words of the command line to the exit status.
#pragma once

namespace kb::cli {

int Main(int argc, const char* const* argv);

}  // namespace kb::cli
