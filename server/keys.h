#pragma once

#include "settings.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace shmd {

/** The member of Settings that a key sets; its type is the kind of value it takes. */
using KeyMember =
    std::variant<std::string Settings::*, DeviceList Settings::*, LogLevel Settings::*,
                 bool Settings::*, uint32_t Settings::*, double Settings::*>;

/**
 * One thing that a user can set: a row of the table behind the configuration file, the
 * command line and the help text. The default is the member's own, in settings.h.
 */
struct Key {
    const char* name;  // as in the file; the option has dashes for the underscores
    KeyMember member;
    double least, most;       // inclusive, of a number; not used for the other kinds
    const char* unit;         // of a number, "" for none
    const char* placeholder;  // what --help calls the value
    const char* help;         // one or more sentences
};

/** The table, in the order of the manual. Thread: any. */
std::span<const Key> Keys() noexcept;

/** The key that the configuration file calls `name`, or nullptr. Thread: any. */
const Key* FindKey(std::string_view name) noexcept;

/**
 * The key that a user meant by `name`, written with underscores or dashes, or with at
 * most two wrong characters; or nullptr.  Thread: any.
 */
const Key* FindNearestKey(std::string_view name);

/** "log_level" -> "log-level", without the leading dashes. Thread: any. */
std::string OptionName(const Key& key);

/** What the key takes, for messages: "an integer from 0 to 99". Thread: any. */
std::string Allowed(const Key& key);

/** The key's value as a user would write it, devices as [NAME=]SPEC. Thread: any. */
std::string ShowValue(const Key& key, const Settings& settings);

/**
 * Set the key's member from text; a device is added to the list.
 *
 * @param text  yes|no|true|false|on|off|1|0, a decimal number, a word or a string
 *
 * Thread: any.  Errors: std::invalid_argument that says what is allowed; `settings` is
 * then unchanged.
 */
void SetFromText(const Key& key, std::string_view text, Settings& settings);

/**
 * Add a device; one with the name "default" goes to the front of the list.
 *
 * @param name  1 to 63 of [A-Za-z0-9_-], not yet in the list, not "monitor", which names
 *              what the default device plays
 * @param spec  not empty; the device factory judges the rest
 *
 * Thread: any.  Errors: std::invalid_argument.
 */
void AddDevice(DeviceList& devices, std::string_view name, std::string_view spec);

}  // namespace shmd
