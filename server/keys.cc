#include "keys.h"

#include "wire/limits.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace shmd {
namespace {

template <class... Fs>
struct Overloaded : Fs... {
    using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

constexpr std::array kKeys{
    Key{"socket", &Settings::socket, 0, 0, "", "PATH",
        "Listen on this socket. If not given: $SHMD_SOCKET, else "
        "$XDG_RUNTIME_DIR/shmd/socket, and if that variable is not set "
        "/run/shmd/socket."},
    Key{"device", &Settings::devices, 0, 0, "", "[NAME=]SPEC",
        "Play through this device; give the option once for each device. The first, or "
        "the one called default, is the default device. The devices of the configuration "
        "file are then ignored."},
    Key{"fallback", &Settings::fallback, 0, 0, "", "SPEC",
        "The virtual device that plays while a card is away, busy or broken."},
    Key{"idle_timeout_ms", &Settings::idle_timeout_ms, 0, 3'600'000, "ms", "N",
        "Close a card that no stream has used for this long."},
    Key{"record", &Settings::record, 0, 0, "", "WHO",
        "The users who may record what a device captures: no, yes, or a list of "
        "same_user, users and @groups. If not given: same_user; on the system's server "
        "also @audio."},
    Key{"monitor", &Settings::monitor, 0, 0, "", "WHO",
        "The users who may record what others play on a device; the same values."},
    Key{"direct", &Settings::direct, 0, 0, "", "WHO",
        "The users who may write into a card's own ring; the same values. If not given: "
        "same_user."},
    Key{"direct_trusted", &Settings::direct_trusted, 0, 0, "", "WHO",
        "Those of them who get direct access even on kernels before 6.10, which cannot "
        "limit the descriptor to mmap and poll. If not given: no."},
    Key{"log_level", &Settings::log_level, 0, 0, "", "LEVEL",
        "Log events of this severity and above."},
    Key{"stats_file", &Settings::stats_file, 0, 0, "", "FILE",
        "Write statistics here, as JSON, when the server stops."},
    Key{"memfd", &Settings::memfd, 0, 0, "", "yes|no",
        "Share sealed memory with clients; if no, samples go over the socket."},
    Key{"realtime_priority", &Settings::realtime_priority, 0, 99, "", "N",
        "SCHED_FIFO priority of the audio threads; 0 is ordinary scheduling."},
    Key{"cycle_max_us", &Settings::cycle_max_us, 500, 200'000, "microseconds", "N",
        "The longest that the audio thread sleeps between two cycles."},
    Key{"max_clients", &Settings::max_clients, 1, 65'536, "", "N",
        "Most connections at once, of all users together."},
    Key{"max_clients_per_user", &Settings::max_clients_per_user, 1, 65'536, "", "N",
        "Most connections at once of one user."},
    Key{"max_memory_mib", &Settings::max_memory_mib, 0, 1'048'576, "MiB", "N",
        "Most memory that all connections may make the server use; 0 is half of what the "
        "machine or its control group has."},
    Key{"max_memory_per_user_mib", &Settings::max_memory_per_user_mib, 0, 1'048'576,
        "MiB", "N",
        "Most memory that the connections of one user may make the server use; 0 is half "
        "of the limit for all users."},
    Key{"gain", &Settings::gain, 0, wire::kMaxGainMilli / 1000.0, "", "X",
        "Linear gain that a new stream starts with."},
};

constexpr std::array<std::string_view, 4> kLevelNames{"error", "warn", "info", "debug"};

/** In plain digits: alone, to_chars would write 200000.0 as 2e+05. */
std::string ToText(double value) {
    char digits[32];
    const auto format = std::chars_format::fixed;
    return {digits, std::to_chars(digits, digits + sizeof digits, value, format).ptr};
}

/** How many characters to change, insert or remove to make one of the other. */
size_t Distance(std::string_view one, std::string_view other) {
    std::vector<size_t> row(other.size() + 1);
    std::iota(row.begin(), row.end(), size_t{0});
    for (const char character : one) {
        size_t diagonal = row[0]++;
        for (size_t i = 0; i < other.size(); ++i) {
            const size_t replaced = diagonal + (character == other[i] ? 0 : 1);
            diagonal = row[i + 1];
            row[i + 1] = std::min({replaced, row[i] + 1, diagonal + 1});
        }
    }
    return row.back();
}

[[noreturn]] void Refuse(const Key& key, std::string_view text) {
    throw std::invalid_argument{"'" + std::string{text} + "' is not " + Allowed(key)};
}

template <typename Number>
Number RequireNumber(const Key& key, std::string_view text) {
    Number value{};
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), value);
    const auto real = static_cast<double>(value);
    const bool in_range = real >= key.least && real <= key.most;  // false for NaN
    if (error != std::errc{} || end != text.data() + text.size() || !in_range)
        Refuse(key, text);
    return value;
}

bool RequireBool(const Key& key, std::string_view text) {
    for (std::string_view yes : {"yes", "true", "on", "1"})
        if (text == yes) return true;
    for (std::string_view no : {"no", "false", "off", "0"})
        if (text == no) return false;
    Refuse(key, text);
}

LogLevel RequireLevel(const Key& key, std::string_view text) {
    const auto found = std::ranges::find(kLevelNames, text);
    if (found == kLevelNames.end()) Refuse(key, text);
    return static_cast<LogLevel>(found - kLevelNames.begin());
}

bool IsNameCharacter(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '-';
}

/** "[NAME=]SPEC": "virtual,wav=x" and "hw:CARD=x" have an '=', but no name before it. */
void AddDeviceFromText(DeviceList& devices, std::string_view text) {
    const size_t mark = text.find_first_of("=,:");
    if (mark == std::string_view::npos || text[mark] != '=')
        AddDevice(devices, "default", text);
    else
        AddDevice(devices, text.substr(0, mark), text.substr(mark + 1));
}

void CheckDevice(const DeviceList& devices, std::string_view name,
                 std::string_view spec) {
    const std::string quoted = "device name '" + std::string{name} + "' ";
    if (name.empty() || name.size() >= wire::kMaxNameBytes ||
        !std::ranges::all_of(name, IsNameCharacter))
        throw std::invalid_argument{quoted + "is not 1 to " +
                                    std::to_string(wire::kMaxNameBytes - 1) +
                                    " letters, digits, '_' and '-'"};
    if (name == "monitor")
        throw std::invalid_argument{quoted + "means what the default device plays"};
    if (spec.empty())
        throw std::invalid_argument{"device '" + std::string{name} + "' has no SPEC"};
    if (std::ranges::find(devices, name, &DeviceList::value_type::first) != devices.end())
        throw std::invalid_argument{quoted + "is given twice: use NAME=SPEC"};
}

std::string Range(const Key& key) {
    const std::string unit = *key.unit == '\0' ? "" : std::string{" "} + key.unit;
    return " from " + ToText(key.least) + " to " + ToText(key.most) + unit;
}

std::string ShowDevices(const DeviceList& devices) {
    std::string all;
    for (const auto& [name, spec] : devices)
        all += (all.empty() ? "" : " ") + (name == "default" ? "" : name + "=") + spec;
    return all;
}

}  // namespace

std::span<const Key> Keys() noexcept {
    return kKeys;
}

const Key* FindKey(std::string_view name) noexcept {
    const auto found = std::ranges::find(kKeys, name, &Key::name);
    return found == kKeys.end() ? nullptr : found;
}

const Key* FindNearestKey(std::string_view name) {
    constexpr size_t kMostWrong = 2;
    std::string meant{name};
    std::ranges::replace(meant, '-', '_');
    const auto wrong = [&meant](const Key& key) { return Distance(meant, key.name); };
    const auto nearest = std::ranges::min_element(kKeys, {}, wrong);
    // Two of a word of three letters say nothing.
    return wrong(*nearest) > std::min(kMostWrong, meant.size() / 2) ? nullptr : nearest;
}

std::string OptionName(const Key& key) {
    std::string name{key.name};
    std::ranges::replace(name, '_', '-');
    return name;
}

std::string Allowed(const Key& key) {
    return std::visit(
        Overloaded{
            [](std::string Settings::*) -> std::string { return "a string"; },
            [](DeviceList Settings::*) -> std::string { return "[NAME=]SPEC"; },
            [](LogLevel Settings::*) -> std::string {
                return "error, warn, info or debug";
            },
            [](bool Settings::*) -> std::string { return "yes or no"; },
            [&](uint32_t Settings::*) { return "an integer" + Range(key); },
            [&](double Settings::*) { return "a number" + Range(key); },
        },
        key.member);
}

std::string ShowValue(const Key& key, const Settings& settings) {
    return std::visit(
        Overloaded{
            [&](std::string Settings::*member) { return settings.*member; },
            [&](DeviceList Settings::*member) { return ShowDevices(settings.*member); },
            [&](LogLevel Settings::*member) {
                return std::string{kLevelNames[static_cast<size_t>(settings.*member)]};
            },
            [&](bool Settings::*member) -> std::string {
                return settings.*member ? "yes" : "no";
            },
            [&](auto Settings::*member) { return ToText(settings.*member); },
        },
        key.member);
}

void SetFromText(const Key& key, std::string_view text, Settings& settings) {
    std::visit(
        Overloaded{
            [&](std::string Settings::*member) { settings.*member = text; },
            [&](DeviceList Settings::*member) {
                AddDeviceFromText(settings.*member, text);
            },
            [&](LogLevel Settings::*member) {
                settings.*member = RequireLevel(key, text);
            },
            [&](bool Settings::*member) { settings.*member = RequireBool(key, text); },
            [&]<typename Number>(Number Settings::*member) {
                settings.*member = RequireNumber<Number>(key, text);
            },
        },
        key.member);
}

void AddDevice(DeviceList& devices, std::string_view name, std::string_view spec) {
    CheckDevice(devices, name, spec);
    const auto where = name == "default" ? devices.begin() : devices.end();
    devices.emplace(where, name, spec);
}

}  // namespace shmd
