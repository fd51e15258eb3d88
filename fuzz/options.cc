// The server's command line.

#include "options.h"

#include "fuzz/checks.h"
#include "fuzz/input.h"
#include "fuzz/target.h"
#include "usage_error.h"

#include <algorithm>
#include <string>
#include <vector>

namespace shmd::fuzz {

namespace {

/** One argument a line. */
std::vector<std::string> Arguments(std::string_view text) {
    std::vector<std::string> arguments{"shmd", "--config", "/dev/null"};
    while (!text.empty()) {
        const size_t end = std::min(text.find('\n'), text.size());
        arguments.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return arguments;
}

int Run(Input input) {
    std::vector<std::string> arguments = Arguments(input.TakeText());
    // Another file of this machine may block; each shorter form of --config is one too.
    for (size_t i = 3; i < arguments.size(); ++i)
        if (arguments[i].starts_with("--c") || arguments[i].starts_with("-c")) return -1;
    std::vector<char*> pointers;
    for (std::string& argument : arguments)
        pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    try {
        const Invocation invocation =
            ParseCommandLine(static_cast<int>(arguments.size()), pointers.data());
        Require(!invocation.settings.devices.empty(), "there is a device");
    } catch (const UsageError& error) {
        Require(*error.what() != '\0', "a refusal says what is wrong");
    }
    return 0;
}

}  // namespace

}  // namespace shmd::fuzz

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    return shmd::fuzz::Run({data, size});
}
