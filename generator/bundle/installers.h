// Installers: programs that fetch packages of an operating system or of a language.
#pragma once

#include <span>
#include <string_view>

#include "bundle/commands.h"

namespace kb::bundle {

// Reports what the program would fetch. False: it is no such program, or does something else.
bool AuditInstaller(std::string_view program, std::span<const ShellWord> words,
                    const Report& report);

}  // namespace kb::bundle
