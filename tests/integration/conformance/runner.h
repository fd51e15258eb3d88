#pragma once

#include "outcome.h"
#include "row.h"

#include <functional>
#include <string>
#include <vector>

namespace shmd::conformance {

struct Result {
    Case which;
    Outcome outcome;
    double seconds = 0;
};

/**
 * Run each case in a child process, `at_once` of them at a time, and kill what takes
 * longer than `deadline_s`, which is a failure. One that is `alone` has no other beside.
 *
 * @param done  called with each result as it comes
 *
 * Errors: none; what goes wrong in a child is that case's failure.
 */
std::vector<Result> RunAll(const std::vector<Case>& cases, const Bench& bench,
                           unsigned at_once, double deadline_s,
                           const std::function<void(const Result&)>& done);

}  // namespace shmd::conformance
