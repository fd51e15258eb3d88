#pragma once

#include "settings.h"

#include <string>

namespace shmd {

/** What a command line asks for. */
struct Invocation {
    enum class Action { kRun, kShowHelp, kShowVersion };

    Action action = Action::kRun;
    Settings settings;
    /** The file that was read; empty: none. */
    std::string config_path;
};

/**
 * Defaults, then the configuration file, then the options. Reads nothing else, keeps
 * nothing and changes no argument, so that a reload (SIGHUP) is a second call.
 *
 * --help and --version end the parsing: the file is then not read.
 *
 * Thread: one at a time (getopt_long).  Errors: UsageError.
 */
Invocation ParseCommandLine(int argc, char** argv);

/**
 * The file that is read when --config names none: for a user other than root
 * $XDG_CONFIG_HOME/shmd.conf (~/.config/shmd.conf), else SYSCONFDIR/shmd.conf.
 * @return empty if there is none.  Thread: any.
 */
std::string FindConfigFile(bool is_root);

/** The text of --help. Thread: any. */
std::string HelpText();

}  // namespace shmd
