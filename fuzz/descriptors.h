#pragma once

#include "base/unique_fd.h"
#include "fuzz/input.h"

#include <cstdint>

namespace shmd::fuzz {

/**
 * A descriptor that a peer may send, of the kind that the script says: a memfd, sealed or
 * not, of `size_bytes`, of another size or empty; a pipe, a socket, a file, a directory,
 * an eventfd.  Errors: std::system_error.
 */
base::UniqueFd TakeDescriptor(Input& input, uint64_t size_bytes);

}  // namespace shmd::fuzz
