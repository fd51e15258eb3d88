#include "tools/shmd-run/options.h"
#include "tools/shmd-run/session.h"

#include <fcntl.h>
#include <unistd.h>
#include <cstdio>
#include <exception>

namespace {

using shmd::run::Options;

/** A closed 0, 1 or 2 would be given to the first file that we open. */
void FillStandardStreams() {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd)
        if (fcntl(fd, F_GETFD) < 0) (void)open("/dev/null", O_RDWR);
}

int Act(const Options& options) {
    switch (options.action) {
        case Options::Action::kHelp:
            std::fputs(shmd::run::HelpText(), stdout);
            return 0;
        case Options::Action::kVersion:
            std::puts("shmd-run " SHMD_VERSION);
            return 0;
        case Options::Action::kRun:
            break;
    }
    return shmd::run::RunSession(options);
}

}  // namespace

int main(int argc, char** argv) {
    FillStandardStreams();
    try {
        return Act(shmd::run::ParseOptions(argc, argv));
    } catch (const shmd::run::UsageError& error) {
        std::fprintf(stderr, "shmd-run: %s\nTry 'shmd-run --help'.\n", error.what());
    } catch (const std::exception& error) {
        std::fprintf(stderr, "shmd-run: %s\n", error.what());
    }
    return shmd::run::kStatusFailed;
}
