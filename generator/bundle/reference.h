// Reference: what a piece of text may point at: a host, a URL, an image of a registry.
#pragma once

#include <string>
#include <string_view>

#include "bundle/audit.h"

namespace kb::bundle {

// Whether a host is on the outside. Loopback, the private network, names below the domain, a name
// of one label and a variable that is filled elsewhere are not.
bool IsOutside(std::string_view host, const Inside& inside);

// The host of "https://user:password@host:80/path", without brackets; of "host:80/path" as well.
std::string_view HostOf(std::string_view url);

// "registry/name:tag", "name:tag", "name@sha256:…". A bare name or a path needs a `definite` place,
// such as the argument of a pull.
bool IsImage(std::string_view text, bool definite);

// A host name with a label that only public names end in, of at least `labels` labels.
bool IsPublicName(std::string_view text, size_t labels);

bool IsIpv4(std::string_view text);

}  // namespace kb::bundle
