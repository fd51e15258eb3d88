#include "row.h"

namespace shmd::conformance {

namespace {

constexpr auto kPlayback = SND_PCM_STREAM_PLAYBACK;
constexpr auto kCapture = SND_PCM_STREAM_CAPTURE;

std::vector<Case> CasesOf(const Row& row) {
    const std::string id = row.id;
    switch (row.where) {
        case Where::kEach:
            return {{id + ".playback", &row, kPlayback},
                    {id + ".capture", &row, kCapture}};
        case Where::kCapture:
            return {{id, &row, kCapture}};
        default:
            return {{id, &row, kPlayback}};
    }
}

}  // namespace

std::vector<Case> AllCases(const std::string& part) {
    std::vector<Case> cases;
    for (const auto& rows :
         {AccessRows(), ParamsRows(), SwParamsRows(), StateRows(), PauseRows(),
          PrepareRows(), ModeRows(), PollRows(), ThresholdRows(), DrainRows(),
          DrainEndRows(), PositionRows(), RewindRows(), TimeRows(), MmapRows(),
          InfoRows(), ProcessRows(), NativeRows(), SizesRows()})
        for (const Row& row : rows)
            for (Case& one : CasesOf(row))
                if (one.id.find(part) != std::string::npos)
                    cases.push_back(std::move(one));
    return cases;
}

}  // namespace shmd::conformance
