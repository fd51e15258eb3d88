#pragma once

#include <cstdint>

namespace shmd::render {

/** What the audio thread tells the loop (base::EventRecord::code). Subject: stream id. */
enum class Event : uint32_t {
    kUnderrun = 1,  // a: frames missing, b: the stream's frame where they were
    kOverrun = 2,   // a: frames that had no room, b: the stream's frame
    kFault = 3,     // the client broke the protocol in its words; a: Fault, b: the word
    kLate = 4,      // subject: 0; a: frames by which the device was late
    kClosed = 5,    // subject: 0; streams wait for the device to be opened
    kFailed = 6,    // subject: 0; the device is gone, and streams wait for another
    kOverload = 7,  // it was stopped, to spare the thread's time; a: us of a processor
                    // that it takes for a second of sound, b: the stream's frame
};

enum class Fault : uint64_t {
    kCommand = 1,     // a command word that is none
    kStartFrame = 2,  // start_frames beyond wire::kMaxFrameCount
    kWritten = 3,     // written_frames claims more than the ring holds
};

/** One word for the log. Thread: any. */
constexpr const char* Describe(Fault fault) noexcept {
    switch (fault) {
        case Fault::kCommand:
            return "command";
        case Fault::kStartFrame:
            return "start_frames";
        case Fault::kWritten:
            return "written_frames";
    }
    return "unknown";
}

}  // namespace shmd::render
