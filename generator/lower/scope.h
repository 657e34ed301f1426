// Scope: what the templates of a service can see, as a type and as values. docs/MODULES.md is the
// manual of its fields.
#pragma once

#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "tmpl/type.h"

namespace kb::lower {

// Whether an output is one member's, so that `self` is there, or stands once for the service.
enum class Standpoint : uint8_t { kMember, kOnce };

// The type of a module's scope. Both standpoints have the same fields in the same order. The
// library knows the settings of the services that it needs.
tmpl::TypeRef ScopeType(const module::Manifest& manifest, Standpoint standpoint,
                        const module::Library& library);
inline Standpoint StandpointOf(const module::Output& output) {
  return output.area == module::Area::kServer ? Standpoint::kMember : Standpoint::kOnce;
}

// Makes scopes. What all members of a service share is made once; thread-safe after construction.
// Borrows the graph.
class Scopes {
 public:
  explicit Scopes(const graph::Graph& graph);
  ~Scopes();

  // The scope of a service on one of its members, or (server < 0) of the whole service. Lives as
  // long as `arena` and this object.
  tmpl::Value Make(int service, int server, tmpl::Arena& arena) const;

  // Whether an output exists there: what its `when` says of the scope.
  bool Exists(int service, const module::Output& output, const tmpl::Value& scope) const;

 private:
  struct Shared;
  std::unique_ptr<Shared> shared_;
};

// Reports a `when` whose path is unknown in a scope of the type, or says nothing.
bool CheckWhen(const module::Output& output, const tmpl::Type& type, Diagnostics& diags);

}  // namespace kb::lower
