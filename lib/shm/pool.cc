#include "shm/pool.h"

#include "shm/memfd.h"

namespace shmd::shm {

OwnPool::OwnPool(base::UniqueFd fd, Mapping mapping, size_t size_bytes,
                 bool is_shared) noexcept
    : fd_{std::move(fd)},
      mapping_{std::move(mapping)},
      size_bytes_{size_bytes},
      is_shared_{is_shared} {}

OwnPool OwnPool::Shared(size_t size_bytes, size_t mapped_bytes) {
    base::UniqueFd fd = CreateMemfd(size_bytes);
    Mapping mapping =
        Mapping::OfFile(fd.Get(), mapped_bytes, Mapping::Access::kReadWrite);
    SealOneWay(fd.Get());
    return {std::move(fd), std::move(mapping), size_bytes, true};
}

OwnPool OwnPool::Private(size_t size_bytes) {
    return {base::UniqueFd{}, Mapping::OfNothing(size_bytes), size_bytes, false};
}

}  // namespace shmd::shm
