// Secrets: names and places only, never a value.
#include <algorithm>
#include <array>
#include <map>

#include "base/strings.h"
#include "check/rules.h"
#include "diag/kinds.h"

namespace kb::check {
namespace {

constexpr std::array<std::string_view, 8> kPrefixes{"AKIA",  "ghp_",   "github_pat_", "hvs.",
                                                    "xoxb-", "glpat-", "sk_live_",    "-----BEGIN"};
constexpr std::array<std::string_view, 6> kWords{"password", "passwd",  "secret",
                                                 "token",    "api_key", "apikey"};

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = IsUpper(c) ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

// "password=hunter2", "token: abc": a word that announces a secret and something after it.
bool Announces(const std::string& lower) {
  for (std::string_view word : kWords) {
    for (size_t at = lower.find(word); at != std::string::npos; at = lower.find(word, at + 1)) {
      const std::string_view rest = Trim(std::string_view(lower).substr(at + word.size()));
      const bool assigned = rest.starts_with('=') || rest.starts_with(':');
      if (!assigned) continue;
      const std::string_view value = Trim(rest.substr(1));
      if (!value.empty() && value.find_first_of("$<{@") != 0) return true;
    }
  }
  return false;
}

// "scheme://user:secret@host".
bool HasUserInfo(std::string_view text) {
  const size_t scheme = text.find("://");
  if (scheme == std::string_view::npos) return false;
  const std::string_view authority =
      text.substr(scheme + 3, text.find('/', scheme + 3) - scheme - 3);
  const size_t at = authority.rfind('@');
  return at != std::string_view::npos &&
         authority.substr(0, at).find(':') != std::string_view::npos;
}

bool LooksLikeSecret(std::string_view text) {
  for (std::string_view prefix : kPrefixes) {
    const size_t at = text.find(prefix);
    if (at != std::string_view::npos && text.size() - at > prefix.size() + 4) return true;
  }
  return HasUserInfo(text) || Announces(Lower(text));
}

// A key that is called a secret and holds a literal.
bool NamedSecret(std::string_view key, const Node& value) {
  const std::string lower = Lower(key);
  if (value.kind != NodeKind::kScalar || value.text.size() < 6) return false;
  return std::ranges::any_of(kWords, [&](std::string_view word) { return lower.ends_with(word); });
}

void Report(Span span, Diagnostics& diags) {
  diags.Emit(
      diag::kLiteralSecret, span,
      {.help = "declare a credential; if this was a real one, change it now", .hidden = true});
}

void Look(const Node& node, Diagnostics& diags) {
  if (node.kind == NodeKind::kScalar && LooksLikeSecret(node.text)) Report(node.span, diags);
  for (const Node& item : node.items) Look(item, diags);
  for (const Node::Entry& entry : node.entries) {
    if (NamedSecret(entry.key, entry.value)) {
      Report(entry.value.span, diags);
    } else {
      Look(entry.value, diags);
    }
  }
}

}  // namespace

void CheckCredentials(const Context& c, Diagnostics& diags) {
  std::map<std::pair<std::string_view, std::string_view>, const model::Credential*> places;
  for (const model::Credential& credential : c.model.credentials) {
    const auto [first, fresh] =
        places.emplace(std::pair{credential.file.text, credential.key.text}, &credential);
    if (!fresh) {
      diags.Emit(diag::kSharedCredential, credential.key.span,
                 {.labels = {{first->second->key.span, "used here"}}}, credential.name.text,
                 first->second->name.text);
    }
    if (!credential.file.empty() && !credential.file.text.ends_with(".env")) {
      diags.Emit(diag::kCredentialFile, credential.file.span,
                 {.help = "what handles secrets knows them by that ending"}, credential.file.text);
    }
  }
}

void CheckLiteralSecrets(const Context& c, Diagnostics& diags) {
  for (const graph::Service& service : c.graph.services) {
    if (service.model->settings != nullptr) Look(*service.model->settings, diags);
  }
  for (const model::Server& server : c.model.servers) {
    const Word& notes = server[model::Column::kNotes];
    if (LooksLikeSecret(notes.text)) Report(notes.span, diags);
  }
  for (const model::Credential& credential : c.model.credentials) {
    if (LooksLikeSecret(credential.help.text)) Report(credential.help.span, diags);
  }
}

}  // namespace kb::check
