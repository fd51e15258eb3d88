#pragma once

#include <initializer_list>
#include <string>

namespace shmd::conformance {

enum class Verdict {
    kPass,
    kFail,
    kRefused,        // the PCM answers an error, and that is an answer of the contract
    kNotApplicable,  // the PCM has not what the rule is about
};

/** What a row found, for people: `words` may be empty for a pass. */
struct Outcome {
    Verdict verdict = Verdict::kPass;
    std::string words;
};

/** What a row throws to end early; caught where rows are run. */
struct Finding {
    Outcome outcome;
};

/** A row's ends other than returning, which is a pass. */
[[noreturn]] void Fail(const std::string& words);
[[noreturn]] void Refuse(long answer, const std::string& who);
[[noreturn]] void Skip(const std::string& why);

/** A pass that has something to tell, where the contract leaves it open. */
[[noreturn]] void PassWith(const std::string& words);

/** "-EBADFD" for a negative errno, else the number. */
std::string Words(long answer);

/** Fail unless `holds`. */
void Expect(bool holds, const std::string& expected);

/** Fail unless `seen`, which may be a negative errno, is `expected`, or one of them. */
void Answers(const std::string& call, long expected, long seen);
void Answers(const std::string& call, std::initializer_list<long> expected, long seen);

/** Fail unless low <= seen <= high. */
void Between(const std::string& what, long low, long high, long seen);

/** Fail on a negative errno; else return it. */
long Succeeds(const std::string& call, long seen);

}  // namespace shmd::conformance
