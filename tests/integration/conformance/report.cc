#include "report.h"

#include <algorithm>
#include <cstdio>

namespace shmd::conformance {

namespace {

std::string Quoted(const std::string& text) {
    std::string quoted = "\"";
    for (const char one : text) {
        char escape[8];
        if (one == '"' || one == '\\')
            quoted += std::string{"\\"} + one;
        else if (static_cast<unsigned char>(one) < 0x20) {
            std::snprintf(escape, sizeof(escape), "\\u%04x", static_cast<unsigned>(one));
            quoted += escape;
        } else
            quoted += one;
    }
    return quoted + "\"";
}

const char* Name(Verdict verdict) {
    switch (verdict) {
        case Verdict::kPass:
            return "pass";
        case Verdict::kFail:
            return "fail";
        case Verdict::kRefused:
            return "refused";
        default:
            return "not applicable";
    }
}

long Count(const std::vector<Result>& results, Verdict verdict) {
    return std::count_if(results.begin(), results.end(), [&](const Result& result) {
        return result.outcome.verdict == verdict;
    });
}

}  // namespace

std::string Line(const Result& result) {
    char time[32];
    std::snprintf(time, sizeof(time), " (%.2f s)", result.seconds);
    const std::string& id = result.which.id;
    const std::string& words = result.outcome.words;
    switch (result.outcome.verdict) {
        case Verdict::kPass:
            return "pass: " + id + (words.empty() ? "" : ": " + words) + time;
        case Verdict::kRefused:
            return "pass: " + id + ": refused: " + words + time;
        case Verdict::kFail:
            return "FAIL: " + id + ": " + words +
                   "\n    the rule: " + result.which.row->rule + time;
        default:
            return "SKIP: " + id + ": " + words;
    }
}

std::string CountLine(const std::vector<Result>& results) {
    return std::to_string(Count(results, Verdict::kPass) +
                          Count(results, Verdict::kRefused)) +
           " passed, " + std::to_string(Count(results, Verdict::kFail)) + " failed, " +
           std::to_string(Count(results, Verdict::kNotApplicable)) + " skipped";
}

bool HasFailed(const std::vector<Result>& results) {
    return Count(results, Verdict::kFail) != 0;
}

std::string Json(const std::vector<Result>& results, const Bench& bench) {
    std::string text = "{\n  \"pcm\": " + Quoted(bench.playback_pcm) +
                       ",\n  \"capture_pcm\": " + Quoted(bench.capture_pcm) +
                       ",\n  \"alsa_lib\": " + Quoted(snd_asoundlib_version()) +
                       ",\n  \"rows\": [";
    for (const Result& result : results)
        text += std::string{&result == results.data() ? "\n" : ",\n"} +
                "    {\"id\": " + Quoted(result.which.id) +
                ", \"rule\": " + Quoted(result.which.row->rule) +
                ", \"verdict\": " + Quoted(Name(result.outcome.verdict)) +
                ", \"words\": " + Quoted(result.outcome.words) + "}";
    return text + "\n  ]\n}\n";
}

}  // namespace shmd::conformance
