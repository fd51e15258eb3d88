// shmd.conf: any text is read, or refused with one line that names the file.

#include "server/config.h"

#include "fuzz/checks.h"
#include "fuzz/input.h"
#include "fuzz/memory_file.h"
#include "fuzz/target.h"
#include "key_line.h"
#include "keys.h"
#include "usage_error.h"

#include <algorithm>

namespace shmd::fuzz {

namespace {

void CheckLine(std::string_view text) {
    const auto lines = 1 + std::ranges::count(text, '\n');
    const Key& key = Keys()[text.size() % Keys().size()];
    Require(FindKeyLine(text, key.name) <= static_cast<size_t>(lines),
            "the line of a key is one of the file's");
}

void CheckDevices(const Settings& settings) {
    Require(!settings.devices.empty(), "there is a device");
    for (const auto& [name, spec] : settings.devices)
        Require(!name.empty() && name != "monitor" && !spec.empty(),
                "each device has a name and a spec");
}

void CheckLoad(std::string_view text) {
    const MemoryFile file{std::as_bytes(std::span{text})};
    Settings settings;
    const Settings before = settings;
    try {
        LoadConfig(file.Path(), settings);
        CheckDevices(settings);
    } catch (const UsageError& error) {
        Require(settings == before, "a file that is refused changes nothing");
        Require(std::string_view{error.what()}.starts_with(file.Path()),
                "a refusal begins with the file's name");
    }
}

int Run(Input input) {
    const std::string_view text = input.TakeText();
    // "<NAME>" includes a file of this machine: another test's matter, and it may block.
    if (text.find('<') != std::string_view::npos) return -1;
    CheckLine(text);
    CheckLoad(text);
    return 0;
}

}  // namespace

}  // namespace shmd::fuzz

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    return shmd::fuzz::Run({data, size});
}
