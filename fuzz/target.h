#pragma once

#include <cstddef>
#include <cstdint>

/** What libFuzzer calls with each input. @return 0: worth to be kept; -1: not */
extern "C" __attribute__((visibility("default"))) int LLVMFuzzerTestOneInput(
    const uint8_t* data, size_t size);
