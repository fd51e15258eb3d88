#include "tools/shmd-run/exit_state.h"

#include <cstring>

namespace shmd::run {

std::string ExitState::Describe() const {
    if (!by_signal) return "exit status " + std::to_string(value);
    return "killed by signal " + std::to_string(value) + " (" + strsignal(value) + ")";
}

}  // namespace shmd::run
