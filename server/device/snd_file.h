#pragma once

#include <memory>

#include <sndfile.h>

namespace shmd::device {

struct CloseSndFile {
    void operator()(SNDFILE* file) const noexcept { ::sf_close(file); }
};

/** Owns an open libsndfile handle. */
using SndFile = std::unique_ptr<SNDFILE, CloseSndFile>;

}  // namespace shmd::device
