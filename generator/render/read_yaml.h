// ReadYaml: whether a rendered text is YAML that has one meaning.
#pragma once

#include <string>
#include <string_view>

namespace kb::render {

// "line 7: the key `port` stands twice", or empty. The reader is libyaml, which is the parser of
// Patroni and, ported to Go, of Kubernetes: neither the one that proved the template nor the one
// that reads topologies. Several documents are fine; anchors, aliases, tags, merge keys, keys that
// are no scalars and repeated keys are not, because their readers do not agree on them.
std::string BadYaml(std::string_view text);

}  // namespace kb::render
