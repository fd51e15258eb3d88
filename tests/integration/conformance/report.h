#pragma once

#include "runner.h"

#include <string>
#include <vector>

namespace shmd::conformance {

/** One line for people: "FAIL: ID: WORDS", and on a pass how long it took. */
std::string Line(const Result& result);

/** The last line: `N passed, N failed, N skipped`; what was refused has passed. */
std::string CountLine(const std::vector<Result>& results);

bool HasFailed(const std::vector<Result>& results);

/** Everything as a JSON object, for conformance.py --table. */
std::string Json(const std::vector<Result>& results, const Bench& bench);

}  // namespace shmd::conformance
