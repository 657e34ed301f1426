#include "cli/version.h"

namespace kb::cli {

const std::string_view kVersion = KBGEN_VERSION;

}  // namespace kb::cli
