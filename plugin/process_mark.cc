#include "plugin/process_mark.h"

#include "base/error.h"

#include <sys/mman.h>

namespace shmd::plugin {

namespace {
constexpr size_t kBytes = 1;  // the kernel gives a page
}

ProcessMark::ProcessMark() {
    void* page = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) base::ThrowErrno("mmap");
    page_ = static_cast<unsigned char*>(page);
    ::madvise(page, kBytes, MADV_WIPEONFORK);
    Set();
}

ProcessMark::~ProcessMark() {
    ::munmap(const_cast<unsigned char*>(page_), kBytes);
}

}  // namespace shmd::plugin
