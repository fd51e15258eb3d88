#include "outcome.h"

#include <algorithm>
#include <cstring>
#include <set>

namespace shmd::conformance {

namespace {

[[noreturn]] void End(Verdict verdict, const std::string& words) {
    throw Finding{{verdict, words}};
}

}  // namespace

void Fail(const std::string& words) {
    End(Verdict::kFail, words);
}

void Refuse(long answer, const std::string& who) {
    End(Verdict::kRefused, Words(answer) + ": " + who);
}

void Skip(const std::string& why) {
    End(Verdict::kNotApplicable, why);
}

void PassWith(const std::string& words) {
    End(Verdict::kPass, words);
}

std::string Words(long answer) {
    if (answer >= 0) return std::to_string(answer);
    const char* name = ::strerrorname_np(static_cast<int>(-answer));
    return name == nullptr ? std::to_string(answer) : "-" + std::string{name};
}

void Expect(bool holds, const std::string& expected) {
    if (!holds) Fail("expected: " + expected);
}

void Answers(const std::string& call, long expected, long seen) {
    Answers(call, {expected}, seen);
}

void Answers(const std::string& call, std::initializer_list<long> expected, long seen) {
    if (std::find(expected.begin(), expected.end(), seen) != expected.end()) return;
    std::string wanted;
    for (const long one : std::set<long>{expected})
        wanted += (wanted.empty() ? "" : " or ") + Words(one);
    Fail(call + ": expected " + wanted + ", saw " + Words(seen));
}

void Between(const std::string& what, long low, long high, long seen) {
    if (seen < low || seen > high)
        Fail(what + ": expected " + Words(low) + " to " + Words(high) + ", saw " +
             Words(seen));
}

long Succeeds(const std::string& call, long seen) {
    if (seen < 0) Fail(call + ": " + Words(seen));
    return seen;
}

}  // namespace shmd::conformance
