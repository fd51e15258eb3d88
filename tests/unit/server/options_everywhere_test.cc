// Every key of the table stands in the configuration file, in both manual pages and in
// both completions, and nothing else does.

// GCC 12's own <regex> looks uninitialized to it under AddressSanitizer (GCC PR 105562).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include "keys.h"
#include "options.h"
#include "server/config.h"
#include "tests/unit/server/temp_dir.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iterator>
#include <regex>
#include <set>

namespace shmd {
namespace {

using Names = std::set<std::string>;

/** The top of the source tree: from the test harness, else from where this file is. */
std::string SourceDirectory() {
    if (const char* const directory = std::getenv("srcdir")) return directory;
    const std::string here = __FILE__;
    const size_t below = here.rfind("tests/unit/server/");
    return below == 0 ? "." : here.substr(0, below);
}

std::string ReadSource(const std::string& name) {
    std::ifstream file{SourceDirectory() + "/" + name};
    EXPECT_TRUE(file) << name << " is missing in " << SourceDirectory();
    return {std::istreambuf_iterator<char>{file}, {}};
}

Names KeyNames() {
    Names names;
    for (const Key& key : Keys())
        names.insert(key.name);
    return names;
}

Names OptionNames() {
    Names names{"config", "help", "version"};
    for (const Key& key : Keys())
        names.insert(OptionName(key));
    return names;
}

/** A text that lists keys or options: where, and how to recognise one. */
struct Document {
    const char* file;
    const char* pattern;  // with the name as its first group
    Names expected;
};

std::vector<Document> Documents() {
    return {
        // A key that is commented out has no blank behind the '#'; prose has.
        {"conf/shmd.conf", R"((?:^|\n)#?(\w+))", KeyNames()},
        {"man/shmd.conf.5", R"(\n\.It Ic (\S+))", KeyNames()},
        {"man/shmd.8", R"(\n\.It Fl -([\w-]+))", OptionNames()},
        {"conf/completions/shmd.bash", R"(--([a-z][\w-]*)=?)", OptionNames()},
        {"conf/completions/_shmd", R"(--([a-z][\w-]*)=?)", OptionNames()},
    };
}

Names FindNames(const std::string& text, const char* pattern) {
    const std::regex regex{pattern};
    Names names;
    for (std::sregex_iterator match{text.begin(), text.end(), regex}, end; match != end;
         ++match)
        names.insert((*match)[1]);
    return names;
}

/** "-gain" for what the text lacks, "+gian" for what it has too much; empty: none. */
std::string Difference(const Document& document, const std::string& text) {
    const Names found = FindNames(text, document.pattern);
    std::string difference;
    for (const std::string& name : document.expected)
        if (!found.contains(name)) difference += "-" + name;
    for (const std::string& name : found)
        if (!document.expected.contains(name)) difference += "+" + name;
    return difference;
}

/** `text` with "zzz" for `name`, wherever the document's pattern finds it. */
std::string Rename(const Document& document, const std::string& text,
                   const std::string& name) {
    const std::regex regex{document.pattern};
    std::string renamed;
    auto done = text.begin();
    for (std::sregex_iterator match{text.begin(), text.end(), regex}, end; match != end;
         ++match) {
        if ((*match)[1] != name) continue;
        renamed += std::string{done, (*match)[1].first} + "zzz";
        done = (*match)[1].second;
    }
    return renamed + std::string{done, text.end()};
}

TEST(EveryOption, StandsInAllDocumentsAndNothingElseDoes) {
    for (const Document& document : Documents())
        EXPECT_EQ(Difference(document, ReadSource(document.file)), "") << document.file;
}

TEST(EveryOption, IsMissedInEachDocument) {
    for (const Document& document : Documents()) {
        const std::string text = ReadSource(document.file);
        for (const std::string& name : document.expected)
            EXPECT_EQ(Difference(document, Rename(document, text, name)),
                      "-" + name + "+zzz")
                << document.file;
    }
}

TEST(EveryOption, StandsInTheHelpText) {
    EXPECT_EQ(FindNames(HelpText(), R"(\n  --([\w-]+))"), OptionNames());
}

/** What the manual says of one key: from its .It to the next one's. */
std::string ManualEntry(const std::string& manual, const std::string& key) {
    const size_t begin = manual.find("\n.It Ic " + key + " ");
    if (begin == std::string::npos) return "";
    size_t end = begin;
    do {
        end = manual.find("\n.It ", end + 1);
    } while (end != std::string::npos &&
             manual.compare(end, 9 + key.size(), "\n.It Ic " + key + " ") == 0);
    return manual.substr(begin, end - begin) + "\n";
}

TEST(TheManual, TellsEachDefaultAndEachRange) {
    const std::string manual = ReadSource("man/shmd.conf.5");
    for (const Key& key : Keys()) {
        const std::string entry = ManualEntry(manual, key.name);
        const std::string value = ShowValue(key, {});
        EXPECT_NE(entry.find("\nDefault: " + (value.empty() ? "empty" : value) + ".\n"),
                  std::string::npos)
            << entry;
        if (!std::holds_alternative<uint32_t Settings::*>(key.member)) continue;
        const std::regex range{std::to_string(static_cast<int>(key.least)) +
                               "\\s+to\\s+" + std::to_string(static_cast<int>(key.most))};
        EXPECT_TRUE(std::regex_search(entry, range)) << entry;
    }
}

TEST(TheConfigurationFile, HoldsTheDefaults) {
    const std::string text = ReadSource("conf/shmd.conf");
    const std::string active = std::regex_replace(text, std::regex{R"(\n#(\w))"}, "\n$1");
    ASSERT_NE(active, text);
    Settings settings;
    settings.devices.clear();
    settings.gain = 3;
    settings.max_clients = 3;
    const testing::TempDir dir;
    LoadConfig(dir.Write("active.conf", active), settings);
    EXPECT_EQ(settings, Settings{});
    Settings untouched;
    LoadConfig(dir.Write("shipped.conf", text), untouched);
    EXPECT_EQ(untouched, Settings{});
}

}  // namespace
}  // namespace shmd
