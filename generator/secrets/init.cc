#include "secrets/init.h"

#include <fmt/core.h>

#include "diag/kinds.h"
#include "secrets/generate.h"

namespace kb::secrets {
namespace {

struct Wanted {
  const model::Credential* credential;
  Origin origin;
  Secret value;  // empty: kept as it is
};

struct FilePlan {
  const SurveyedFile* file;
  Brick brick;
  std::vector<Wanted> wanted;
};

void ReportDifference(const SurveyedFile& file, const model::Credential& credential,
                      const Store& store, const Sources& sources, Diagnostics& diags) {
  diags.Emit(diag::kSecretDiffers, SpanOf(file, credential, sources),
             {.help = "find out which is in use; when it is the store's, take the line out of the "
                      "file and run `kbgen secrets init` again"},
             credential.key.text, store.PlaceOf(file.brick()));
}

void ReportControl(const SurveyedFile& file, const model::Credential& credential,
                   const Store& store, Diagnostics& diags) {
  diags.Emit(diag::kSecretControl, credential.key.span,
             {.help = "no line of an env file can hold it"},
             fmt::format("{} in {}", credential.key.text, store.PlaceOf(file.brick())));
}

const Secret* InStore(const Brick& brick, const model::Credential& credential) {
  const auto found = brick.values.find(credential.key.text);
  return found == brick.values.end() || found->second.empty() ? nullptr : &found->second;
}

Result<Wanted> Decide(const FilePlan& plan, const model::Credential& credential, Store* store,
                      const Sources& sources, Diagnostics& diags) {
  Wanted wanted{&credential, Origin::kKept, {}};
  const Secret here = plan.file->current.content.ValueOf(credential.key.text);
  const Secret* there = InStore(plan.brick, credential);
  if (there != nullptr && HasControl(there->Reveal())) {
    ReportControl(*plan.file, credential, *store, diags);
  } else if (there != nullptr && here.empty()) {
    wanted = {&credential, Origin::kFetched, there->Twin()};
  } else if (there != nullptr && !(here == *there)) {
    ReportDifference(*plan.file, credential, *store, sources, diags);
  } else if (there == nullptr && here.empty()) {
    KB_TRY(value, Generate(credential.length, credential.alphabet));
    wanted = {&credential, Origin::kCreated, std::move(value)};
  } else if (there == nullptr && store != nullptr) {
    wanted = {&credential, Origin::kStored, here.Twin()};
  }
  return wanted;
}

using Plans = std::vector<FilePlan>;

Result<Plans> MakePlans(const Survey& survey, Store* store, const Sources& sources,
                        Diagnostics& diags) {
  Plans plans;
  for (const SurveyedFile& file : survey.files) {
    FilePlan& plan = plans.emplace_back(FilePlan{.file = &file, .brick = {}, .wanted = {}});
    if (store != nullptr) {
      KB_TRY(brick, store->Read(file.brick()));
      plan.brick = std::move(brick);
    }
    for (const model::Credential* credential : file.credentials) {
      KB_TRY(wanted, Decide(plan, *credential, store, sources, diags));
      plan.wanted.push_back(std::move(wanted));
    }
  }
  return plans;
}

template <class Filter>
std::vector<EnvChange> ChangesOf(const FilePlan& plan, const Filter& filter) {
  std::vector<EnvChange> changes;
  for (const Wanted& wanted : plan.wanted) {
    if (filter(wanted.origin)) changes.push_back({wanted.credential->key.text, &wanted.value});
  }
  return changes;
}

// The store first: what a run that dies has written there, the next one fetches.
Result<void> Carry(const FilePlan& plan, const Folder& folder, Store* store) {
  const auto stored = ChangesOf(plan, [&](Origin origin) {
    return store != nullptr && (origin == Origin::kCreated || origin == Origin::kStored);
  });
  if (!stored.empty()) {
    if (auto written = store->Write(plan.file->brick(), plan.brick, stored); !written) {
      return written;
    }
  }
  const auto changes = ChangesOf(
      plan, [](Origin origin) { return origin == Origin::kCreated || origin == Origin::kFetched; });
  if (changes.empty()) return {};
  return folder.Replace(plan.file->name, plan.file->current.content.With(changes));
}

}  // namespace

std::string_view Name(Origin origin) {
  switch (origin) {
    case Origin::kKept:
      return "kept";
    case Origin::kCreated:
      return "created";
    case Origin::kFetched:
      return "fetched";
    case Origin::kStored:
      return "stored";
  }
  return {};
}

Result<Checked<std::vector<Outcome>>> Init(const Folder& folder, const Survey& survey, Store* store,
                                           const Sources& sources, Diagnostics& diags) {
  using Outcomes = std::vector<Outcome>;
  KB_TRY(plans, MakePlans(survey, store, sources, diags));
  if (auto clean = diags.Gate(); !clean) return Checked<Outcomes>(std::unexpected(clean.error()));
  Outcomes outcomes;
  for (const FilePlan& plan : plans) {
    if (auto done = Carry(plan, folder, store); !done) {
      return std::unexpected(std::move(done).error());
    }
    for (const Wanted& wanted : plan.wanted) outcomes.push_back({wanted.credential, wanted.origin});
  }
  return outcomes;
}

Result<void> Compare(const Survey& survey, Store& store, const Sources& sources,
                     Diagnostics& diags) {
  for (const SurveyedFile& file : survey.files) {
    KB_TRY(brick, store.Read(file.brick()));
    for (const model::Credential* credential : file.credentials) {
      const Secret here = file.current.content.ValueOf(credential->key.text);
      const Secret* there = InStore(brick, *credential);
      if (there == nullptr) {
        diags.Emit(diag::kSecretMissing, credential->key.span,
                   {.help = "`kbgen secrets init` with the same options puts it there"},
                   store.PlaceOf(file.brick()), credential->key.text);
      } else if (!here.empty() && !(here == *there)) {
        ReportDifference(file, *credential, store, sources, diags);
      }
    }
  }
  return {};
}

}  // namespace kb::secrets
