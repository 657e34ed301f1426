#include "cli/app.h"

#include <map>

#include <fmt/core.h>

#include "cli/version.h"

namespace kb::cli {
namespace {

using Run = Status (*)(const Options&);

// One of a few words. The words themselves are the name of the value in the help.
template <class T>
void AddChoice(CLI::App& command, const std::string& name, T& target,
               const std::vector<std::pair<std::string, T>>& choices, const std::string& help) {
  std::string words;
  for (const auto& choice : choices) words += (words.empty() ? "" : "|") + choice.first;
  const auto set = [&target, choices, words, name](const std::string& word) {
    for (const auto& choice : choices) {
      if (choice.first != word) continue;
      target = choice.second;
      return;
    }
    throw CLI::ValidationError(name, fmt::format("`{}` is not one of {}", word, words));
  };
  command.add_option_function<std::string>(name, set, help)->type_name(words);
}

std::vector<std::pair<std::string, std::string>> Words(const std::vector<std::string>& words) {
  std::vector<std::pair<std::string, std::string>> pairs;
  pairs.reserve(words.size());
  for (const std::string& word : words) pairs.emplace_back(word, word);
  return pairs;
}

class Builder {
 public:
  explicit Builder(App& app) : app_(app), o_(app.options) {}

  void All() {
    CLI::App& p = app_.parser;
    p.name("kbgen");
    p.description("Compiles one topology model into reviewable infrastructure artifacts.");
    p.set_version_flag("--version", std::string("kbgen ") + std::string(kVersion));
    p.require_subcommand(1);
    p.get_formatter()->column_width(32);
    p.footer(
        "Results go to stdout, progress and diagnostics to stderr. Exit status: 0 done, 1 "
        "findings,\n"
        "2 usage, 3 the environment failed. `kbgen COMMAND --help` shows examples.");
    AddWork();
    AddBundle();
    AddRuns();
    AddSecrets();
    AddQuestions();
    AddTools();
  }

 private:
  CLI::App& Command(const std::string& name, const std::string& help, const std::string& examples,
                    Run run) {
    CLI::App& command = *app_.parser.add_subcommand(name, help);
    command.footer("Examples:\n" + examples);
    command.callback([this_app = &app_, run] { this_app->chosen = run; });
    AddChoice<Color>(command, "--color", o_.color,
                     {{"auto", Color::kAuto}, {"always", Color::kAlways}, {"never", Color::kNever}},
                     "When to use colour; auto: on a terminal, unless NO_COLOR is set");
    command.add_flag("-q,--quiet", o_.quiet, "Print nothing but warnings and errors");
    command.add_flag("-v,--verbose", o_.verbose, "Say on stderr what is being done");
    return command;
  }

  CLI::App& WithModel(CLI::App& command) {
    command.add_option("-m,--model", o_.model, "The topology to read")
        ->type_name("FILE")
        ->capture_default_str();
    return WithModules(command);
  }
  CLI::App& WithModules(CLI::App& command) {
    command.add_option("--modules", o_.modules, "A folder of further modules; may be given again")
        ->type_name("DIR")
        ->take_all()
        ->allow_extra_args(false);
    return command;
  }
  CLI::App& WithOut(CLI::App& command) {
    command.add_option("-o,--out", o_.out, "The output tree")
        ->type_name("DIR")
        ->capture_default_str();
    return command;
  }
  CLI::App& WithFormat(CLI::App& command) {
    AddChoice<DiagFormat>(command, "--format", o_.format,
                          {{"text", DiagFormat::kText},
                           {"json", DiagFormat::kJson},
                           {"sarif", DiagFormat::kSarif},
                           {"github", DiagFormat::kGithub}},
                          "How diagnostics are written; all but text on stdout");
    return command;
  }
  CLI::App& WithJson(CLI::App& command) {
    AddChoice<DiagFormat>(command, "--format", o_.format,
                          {{"text", DiagFormat::kText}, {"json", DiagFormat::kJson}},
                          "How the result is written");
    return command;
  }
  CLI::App& WithJobs(CLI::App& command) {
    command.add_option("-j,--jobs", o_.jobs, "Threads; by default as many as are worth it")
        ->type_name("N");
    return command;
  }

  void AddWork() {
    WithJobs(
        WithFormat(WithOut(WithModel(Command("check", "Check the model without writing anything",
                                             "  kbgen check\n"
                                             "  kbgen check -m lab/topology.yaml --format github\n",
                                             Check)))));
    CLI::App& render = WithJobs(WithFormat(WithOut(WithModel(
        Command("render", "Make the output tree what the model says",
                "  kbgen render                      # model/topology.yaml into out\n"
                "  kbgen render --check              # in CI: is what is committed up to date?\n"
                "  kbgen render -m lab.yaml -o /tmp/lab --modules ../our-modules\n",
                Render)))));
    render.add_flag("--check", o_.check,
                    "Write nothing; print the differences and exit 1 if there are any");
    CLI::App& diff = WithJson(Command("diff", "Compare two output trees",
                                      "  kbgen diff out /tmp/other\n"
                                      "  kbgen diff old new | git apply --directory=old\n",
                                      Diff));
    diff.add_option("BEFORE", o_.before, "The old tree")->type_name("DIR")->required();
    diff.add_option("AFTER", o_.after, "The new tree")->type_name("DIR")->required();
    AddDecision(WithJobs(WithFormat(WithModel(
        Command("freeze", "Declare services finished: no render may change them any more",
                "  kbgen freeze postgres cache --by 'M. Okafor' --why 'accepted in the lab' "
                "--on 2026-03-01\n",
                Freeze)))));
    AddDecision(WithFormat(WithModel(Command(
        "thaw", "Let renders change frozen services again",
        "  kbgen thaw postgres --by 'R. Chen' --why 'longer leases' --on 2026-04-02\n", Thaw))));
    CLI::App& init = Command("init", "Write a small working topology to start from",
                             "  kbgen init estate && cd estate && kbgen render\n", Init);
    init.add_option("FOLDER", o_.folder, "Where; files that exist are never overwritten")
        ->type_name("DIR");
  }

  void AddBundle() {
    CLI::App& bundle = WithFormat(WithOut(WithModel(Command(
        "bundle", "Make one signed file of the output tree, or verify one",
        "  kbgen bundle --to estate.tar.zst --sign ~/.ssh/release_ed25519\n"
        "  kbgen bundle --to estate.tar.zst --images --packages debs --air-gapped\n"
        "  kbgen bundle verify estate.tar.zst --signers allowed_signers --newer-than last\n",
        Bundle))));
    AddChoice<std::string>(bundle, "ACTION", o_.action, Words({"make", "verify"}),
                           "What to do; make when not said");
    bundle.add_option("BUNDLE", o_.file, "The bundle to verify")->type_name("FILE");
    bundle.add_option("--to", o_.file, "The file to make")->type_name("FILE");
    bundle.add_option("--sign", o_.key, "Sign with this Ed25519 or RSA key of ssh-keygen")
        ->type_name("FILE");
    bundle
        .add_option("--serial", o_.serial,
                    "A number that grows with every bundle; else the time of the commit")
        ->type_name("N");
    bundle.add_flag("--images", o_.images, "Carry the images, as the Docker engine has them");
    bundle.add_option("--packages", o_.packages, "Carry these .deb files")->type_name("DIR");
    bundle.add_flag("--air-gapped", o_.air_gapped,
                    "Refuse if anything would still be fetched; every such line is shown");
    bundle.add_option("--signers", o_.signers, "verify: who may sign, as ssh-keygen(1) has it")
        ->type_name("FILE");
    bundle
        .add_option("--newer-than", o_.newer_than,
                    "verify: remember the newest bundle here, and refuse older ones")
        ->type_name("FILE");
    bundle.add_option("--topology", o_.topology, "verify: refuse bundles of another")
        ->type_name("NAME");
  }

  void AddDecision(CLI::App& command) {
    command.add_option("SERVICE", o_.services, "Services of the topology")
        ->type_name("NAME")
        ->required();
    command.add_option("--by", o_.by, "Who decides it")->type_name("WHO")->required();
    command.add_option("--why", o_.why, "The reason, for whoever meets it later")
        ->type_name("TEXT")
        ->required();
    command.add_option("--on", o_.on, "The day of the decision")
        ->type_name("YYYY-MM-DD")
        ->required();
  }

  // What every command that reaches servers understands.
  CLI::App& WithServers(CLI::App& command) {
    WithJson(WithOut(command));
    RunOptions& run = o_.run;
    command.add_option("--limit", run.limit, "These servers only")
        ->type_name("SERVER,...")
        ->take_all()
        ->allow_extra_args(false);
    command.add_option("--module", run.services, "These services only")
        ->type_name("SERVICE,...")
        ->take_all()
        ->allow_extra_args(false);
    command.add_option("-j,--jobs", o_.jobs, "Servers that connect or receive files at once")
        ->type_name("N");
    command
        .add_option(
            "--bundle", run.bundle,
            "Act on this bundle instead of a tree: it is verified and unpacked beside itself")
        ->type_name("FILE");
    command
        .add_option("--signers", o_.signers, "With --bundle: who may sign, as ssh-keygen(1) has it")
        ->type_name("FILE");
    command
        .add_option("--state", run.state,
                    "Where journal, lock, logs and reports lie; below the install root if not said")
        ->type_name("DIR");
    command.add_flag("--enrol", run.enrol,
                     "Record the host keys of servers that are not known yet; a key that has "
                     "changed is refused all the same");
    command.add_flag("--from-here", run.from_here, "Run although this is not the install host");
    return command;
  }
  CLI::App& WithActs(CLI::App& command) {
    WithServers(command);
    command.add_flag("--dry-run", o_.run.dry_run, "Decide the same, and change nothing");
    command.add_flag("--keep-going", o_.run.keep_going,
                     "After a failure go on with what does not depend on it");
    command
        .add_option("--gate-timeout", o_.run.gate_timeout_s,
                    "How long to wait for members that do not agree to a stop; 600 s if not said")
        ->type_name("SECONDS");
    return command;
  }

  void AddRuns() {
    WithServers(Command("plan", "Show what an apply would run, where and why",
                        "  kbgen plan\n"
                        "  kbgen plan --module postgres -v   # with what the preflight finds\n",
                        ShowPlan));
    WithActs(
        Command("apply", "Bring the servers to what the output tree says",
                "  kbgen apply                       # all of it; what is done is not done again\n"
                "  kbgen apply --enrol               # the first time: record host keys\n"
                "  kbgen apply --module redis --limit redis-01\n",
                Apply));
    WithServers(Command("status", "Show what each server has and what the last run did",
                        "  kbgen status\n", ShowStatus));
    WithActs(Command("validate", "Run the validation suites and write their reports",
                     "  kbgen validate\n"
                     "  kbgen validate --module postgres,redis --format json\n",
                     Validate));
    CLI::App& drill = WithActs(Command("drill", "Take parts of a service down and see it survive",
                                       "  kbgen drill postgres --yes\n", Drill));
    drill.add_option("SERVICE", o_.run.service, "Of the plan")->type_name("NAME")->required();
    drill.add_flag("--yes", o_.run.yes, "It is meant");
    WithServers(Command("drift", "Compare files on servers with what they would be now",
                        "  kbgen drift\n"
                        "  kbgen drift --module postgres --format json\n",
                        Drift));
    CLI::App& rollback = WithActs(Command("rollback", "Apply the tree that was applied before",
                                          "  kbgen rollback\n"
                                          "  kbgen rollback --to 3f9c21aa --dry-run\n",
                                          Rollback));
    rollback.add_option("--to", o_.run.to, "The id of a tree, or the beginning of it")
        ->type_name("TREE");
    CLI::App& run = WithActs(Command("run", "Run one step of a service by its name",
                                     "  kbgen run redis                   # which steps it has\n"
                                     "  kbgen run redis backup\n"
                                     "  kbgen run mariadb reinit -- maria-02\n",
                                     RunStep));
    run.add_option("SERVICE", o_.run.service, "Of the plan")->type_name("NAME")->required();
    run.add_option("STEP", o_.run.step, "Of the service; none: show all")->type_name("NAME");
    run.add_option("ARGUMENT", o_.run.arguments, "Handed to the step as it is")->type_name("TEXT");
  }

  void AddSecrets() {
    CLI::App& secrets = WithJson(WithModel(Command(
        "secrets", "Make, check and exchange the values that the credentials name",
        "  kbgen secrets init                       # on the install host: what is missing\n"
        "  kbgen secrets check\n"
        "  kbgen secrets rotate redis_password --dry-run\n"
        "  kbgen secrets rotate redis_password      # then, when it is applied: --finish\n"
        "  kbgen secrets init --provider vault      # values live in Vault\n",
        Secrets)));
    AddChoice<std::string>(secrets, "ACTION", o_.action, Words({"init", "check", "rotate"}),
                           "What to do; no value is ever printed");
    secrets.get_option("ACTION")->required();
    secrets.add_option("NAME", o_.names, "rotate: credentials, as the topology calls them")
        ->type_name("NAME");
    secrets
        .add_option("--credentials", o_.credentials,
                    "The folder of the env files; by default the one below the install root")
        ->type_name("DIR");
    AddChoice<std::string>(secrets, "--provider", o_.provider, Words({"files", "vault"}),
                           "Where values are kept; vault: and copied into the env files");
    secrets
        .add_option("--vault-path", o_.vault_path,
                    "MOUNT/FOLDER of a KV store, version 2; by default secret/<topology>/global")
        ->type_name("PATH");
    secrets.add_flag("--dry-run", o_.dry_run, "rotate: show who reads it, and change nothing");
    secrets.add_flag("--finish", o_.finish, "rotate: forget the former value");
    secrets.add_flag("--undo", o_.undo, "rotate: bring the former value back");
  }

  void AddQuestions() {
    CLI::App& why = WithJson(WithOut(
        WithModel(Command("why", "Show which template and which line of the model a line came from",
                          "  kbgen why out/servers/db-01/03-postgres/etc/patroni/patroni.yml:14\n"
                          "  kbgen why servers/db-01/03-postgres/etc/patroni/patroni.yml:14\n",
                          Why))));
    why.add_option("PLACE", o_.place, "A line of an artifact")->type_name("FILE:LINE")->required();
    CLI::App& explain = Command("explain", "Explain a diagnostic, or list all",
                                "  kbgen explain KB3501\n"
                                "  kbgen explain | less\n",
                                Explain);
    explain.add_option("KIND", o_.code, "Its code")->type_name("CODE");
    CLI::App& schema =
        WithModules(Command("schema", "Print a JSON Schema of the language, for editors",
                            "  kbgen schema > topology.schema.json\n"
                            "  kbgen schema module\n",
                            Schema));
    AddChoice<std::string>(schema, "LANGUAGE", o_.schema,
                           Words({"topology", "versions", "credentials", "module"}),
                           "Of which files; topology when not said");
    CLI::App& dump =
        WithFormat(WithModel(Command("dump", "Print what a stage made, as JSON",
                                     "  kbgen dump --stage graph | jq .listeners\n"
                                     "  kbgen dump --stage plan | jq -r '.artifacts[].path'\n",
                                     Dump)));
    AddChoice<std::string>(dump, "--stage", o_.stage, Words({"model", "graph", "plan"}),
                           "Of which stage");
    dump.get_option("--stage")->required();
  }

  void AddTools() {
    WithFormat(WithModules(Command("selfcheck", "Prove every module and render every example",
                                   "  kbgen selfcheck\n"
                                   "  kbgen selfcheck --modules ../our-modules\n",
                                   Selfcheck)));
    CLI::App& completion =
        Command("completion", "Print a completion script for a shell",
                "  source <(kbgen completion bash)\n"
                "  kbgen completion fish > ~/.config/fish/completions/kbgen.fish\n",
                PrintCompletion);
    AddChoice<std::string>(completion, "SHELL", o_.shell, Words({"bash", "zsh", "fish"}),
                           "Of which shell");
    completion.get_option("SHELL")->required();
    Command("man", "Print the manual page", "  kbgen man | man -l -\n", PrintManual);
  }

  static Status PrintCompletion(const Options& options) {
    std::fputs(CompletionScript(BuildApp()->parser, options.shell).c_str(), stdout);
    return Status::kDone;
  }
  static Status PrintManual(const Options&) {
    std::fputs(ManualPage(BuildApp()->parser).c_str(), stdout);
    return Status::kDone;
  }

  App& app_;
  Options& o_;
};

OptionText DescribeOption(const CLI::Option& option) {
  OptionText text;
  for (const std::string& name : option.get_snames()) text.words.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) text.words.push_back("--" + name);
  for (const std::string& word : text.words) text.names += (text.names.empty() ? "" : ", ") + word;
  if (text.words.empty()) text.names = option.get_name();
  if (option.get_items_expected_max() > 0) text.value = option.get_type_name();
  text.help = option.get_description();
  return text;
}

}  // namespace

std::unique_ptr<App> BuildApp() {
  auto app = std::make_unique<App>();
  Builder(*app).All();
  return app;
}

std::vector<CommandText> DescribeCommands(const CLI::App& app) {
  std::vector<CommandText> commands;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    CommandText text = {command->get_name(), command->get_description(), command->get_footer(), {}};
    const auto add = [&](bool arguments) {
      for (const CLI::Option* option : command->get_options()) {
        if (option->get_positional() == arguments) text.options.push_back(DescribeOption(*option));
      }
    };
    add(true), add(false);
    commands.push_back(std::move(text));
  }
  return commands;
}

}  // namespace kb::cli
