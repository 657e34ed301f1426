// World: a small scope that template tests compile against, and the ways to run them.
#pragma once

#include <fmt/format.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tmpl/template.h"

namespace kb::tmpl::test {

inline TypeRef MemberType() {
  static const TypeRef type = RecordOf({{"name", AtomType(), {}},
                                        {"note", TextType(), {}},
                                        {"port", IntType(), {}},
                                        {"zone", Optional(AtomType()), {}},
                                        {"tags", ListOf(TextType()), {}}});
  return type;
}

inline TypeRef ProxyType() {
  static const TypeRef type =
      RecordOf({{"host", AtomType(), {}}, {"weight", Optional(IntType()), {}}});
  return type;
}

inline TypeRef PasswordType() {
  static const TypeRef type = SecretOf({{"file", AtomType(), {}}, {"key", AtomType(), {}}});
  return type;
}

inline TypeRef ScopeType() {
  static const TypeRef type = RecordOf({{"name", AtomType(), {}},
                                        {"note", TextType(), {}},
                                        {"port", IntType(), {}},
                                        {"tls", BoolType(), {}},
                                        {"dcs", EnumType({"raft", "etcd", "consul"}), {}},
                                        {"vip", Optional(AtomType()), {}},
                                        {"comment", Optional(TextType()), {}},
                                        {"members", ListOf(MemberType()), {}},
                                        {"proxy", Optional(ProxyType()), {}},
                                        {"password", PasswordType(), {}},
                                        {"hosts", Optional(ListOf(AtomType())), {}}});
  return type;
}

// What is optional is there only in a full scope.
enum class Filling : uint8_t { kSparse, kFull };

inline Value Member(Arena& arena, std::string_view name, int64_t port, Filling filling) {
  const Value tags[] = {Value::Text("x y"), Value::Text("z")};
  RecordBuilder member(*MemberType(), arena);
  member.Set("name", Value::Atom(name))
      .Set("note", Value::Text("it's"))
      .Set("port", Value::Int(port));
  member.Set("tags", Value::List(arena.CopyValues(tags)));
  if (filling == Filling::kFull) member.Set("zone", Value::Atom("eu"));
  return member.Finish();
}

inline Value Scope(Arena& arena, Filling filling, std::string_view note, Span note_origin) {
  const Value members[] = {Member(arena, "a", 1, filling), Member(arena, "b", 2, filling)};
  RecordBuilder scope(*ScopeType(), arena);
  scope.Set("name", Value::Atom("redis")).Set("note", Value::Text(note, note_origin));
  scope.Set("port", Value::Int(6379)).Set("tls", Value::Bool(filling == Filling::kFull));
  scope.Set("dcs", Value::Atom("raft")).Set("members", Value::List(arena.CopyValues(members)));
  RecordBuilder password(*PasswordType(), arena);
  password.Set("file", Value::Atom("/etc/kb/redis.env")).Set("key", Value::Atom("REDIS_PASSWORD"));
  scope.Set("password", password.Finish());
  if (filling == Filling::kSparse) return scope.Finish();
  const Value hosts[] = {Value::Atom("h1"), Value::Atom("h2"), Value::Atom("h3")};
  RecordBuilder proxy(*ProxyType(), arena);
  proxy.Set("host", Value::Atom("lb")).Set("weight", Value::Int(5));
  scope.Set("vip", Value::Atom("10.0.0.10")).Set("comment", Value::Text("say \"hi\""));
  scope.Set("proxy", proxy.Finish()).Set("hosts", Value::List(arena.CopyValues(hosts)));
  return scope.Finish();
}

// A template that was compiled against ScopeType, or what was said about it.
class Compiled {
 public:
  explicit Compiled(std::string_view text, std::string_view language = "shell",
                    const std::map<std::string, std::string, std::less<>>& partials = {})
      : template_(Compile(text, language, partials)) {}

  bool ok() const { return template_.has_value(); }
  const Template& tmpl() const { return *template_; }
  std::string report() const { return Report(diags_); }
  const Sources& sources() const { return sources_; }

  // What it renders; or the report, of the compilation or of what could not be written.
  std::string Render(Filling filling = Filling::kFull, std::string_view note = "a note",
                     std::vector<Segment>* trace = nullptr) {
    if (!ok()) return report();
    Arena arena;
    const Span origin = sources_.Add("model.yaml", std::string(note));
    const Value scope = Scope(arena, filling, note, origin);
    std::string out;
    Diagnostics diags;
    const auto done = Execute(*template_, scope, out, trace, diags);
    return done ? out : Report(diags);
  }

  // A line a diagnostic: "KB4004 t:1:5 message | help > t:2:1 label".
  std::string Report(const Diagnostics& diags) const {
    std::string text;
    for (const Diagnostic& diag : diags.Sorted()) {
      text += fmt::format("KB{} {} {}", diag.code, Where(diag.span), diag.message);
      if (!diag.help.empty()) text += " | " + diag.help;
      for (const Label& label : diag.labels)
        text += " > " + Where(label.span) + " " + label.message;
      text += '\n';
    }
    return text;
  }

  std::string Where(Span span) const {
    if (!span.known()) return "nowhere";
    const Place place = sources_.Locate(span.begin);
    return fmt::format("{}:{}:{}", place.path, place.line, place.column);
  }

 private:
  Checked<Template> Compile(std::string_view text, std::string_view language,
                            const std::map<std::string, std::string, std::less<>>& partials) {
    std::map<std::string, Span, std::less<>> spans;
    for (const auto& [name, bytes] : partials) spans[name] = sources_.Add(name, bytes);
    const FindPartial find = [spans](std::string_view name) {
      const auto found = spans.find(name);
      return found == spans.end() ? Span{} : found->second;
    };
    const Span source = sources_.Add("t", std::string(text));
    return tmpl::Compile(source, "t", *lang::Find(language), *ScopeType(), find, sources_, diags_);
  }

  Sources sources_;
  Diagnostics diags_;
  Checked<Template> template_;
};

}  // namespace kb::tmpl::test
