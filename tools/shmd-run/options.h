#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace shmd::run {

/** What the command line asks for. */
struct Options {
    enum class Action { kRun, kHelp, kVersion };

    Action action = Action::kRun;
    /** Passed to the server as they are, in the order given: `--device=SPEC`,
     * `--key=VALUE`. */
    std::vector<std::string> server_arguments;
    /** Words put in front of the server's program; empty: none. */
    std::vector<std::string> server_prefix;
    /** Where the server's standard error goes; nothing: where ours goes. */
    std::optional<std::string> log_file;
    /** `default` leads to the private server too. */
    bool as_default = false;
    /** The server tells everything that it does. */
    bool verbose = false;
    /** What the server leaked makes the exit status 125. */
    bool strict = false;
    /** COMMAND and its arguments; not empty when `action` is kRun. */
    std::vector<std::string> command;
};

/** A command line that cannot be obeyed; what() says why, in words for its author. */
class UsageError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/**
 * Read `argv` up to the first word that is no option.
 *
 * Thread: main, once (getopt keeps its state in globals).  Errors: throws UsageError.
 */
Options ParseOptions(int argc, char** argv);

/** The text of `--help`. */
const char* HelpText() noexcept;

}  // namespace shmd::run
